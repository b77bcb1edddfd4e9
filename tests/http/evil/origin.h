/* SPDX-License-Identifier: MIT */
/*
 * origin.h - servers and a proxy in a process of their own: what the test does to memory and descriptors does not reach them.
 *
 * Four ports: plain, TLS, TLS that wants a certificate of the client, and plain that wants to know who asks for a tunnel.  A thread for each connection, blocking, on plain
 * POSIX; it knows nothing of this library.  The path says what is answered, each answer in several pieces:
 *
 *     /plain  /gzip?lines  /gzip?json  /redirect  /cookie  /digest  /busy  /upload  /big  /cut
 *
 * CONNECT and SOCKS 5 to any name and address lead to this machine.
 */
#ifndef TESTS_HTTP_EVIL_ORIGIN_H
#define TESTS_HTTP_EVIL_ORIGIN_H

#include <sys/types.h>

#define ORIGIN_BIG 300000 /* bytes of /big and /cut */

enum origin_port { ORIGIN_PLAIN, ORIGIN_TLS, ORIGIN_MUTUAL, ORIGIN_ASKING, ORIGIN_PORTS };

struct origin_server {
    int listener[ORIGIN_PORTS], port[ORIGIN_PORTS];
    pid_t pid;
};

/* Makes its certificates, "ca" and "good", in the folder of the test; before anything is made to fail. */
void origin_start(struct origin_server *o);
void origin_stop(const struct origin_server *o);

#endif
