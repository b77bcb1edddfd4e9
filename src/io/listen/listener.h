/* SPDX-License-Identifier: MIT */
/*
 * listener.h - a listener, for the files of this room and for servers.
 *
 * In reading order: listen.c, serve.c.
 */
#ifndef BIDE_IO_LISTENER_H
#define BIDE_IO_LISTENER_H

#include <sys/stat.h>

#include "io/net/connect.h"

/* Who counts connections gives each a place, right before it is accepted, and has it back if there was none to accept. */
struct accept_gate {
    bool (*enter)(void *arg); /* false: there is no place; NULL: there always is */
    void (*leave)(void *arg);
    void *arg;
};

struct bide_listener {
    struct object object;
    struct fd fd;
    bide_tls *tls;
    bool (*spare)(void *arg); /* NULL: nothing can be freed */
    void *spare_arg;
    struct accept_gate gate;
    unsigned in_a_row;  /* connections accepted since it last waited */
    unsigned accepting; /* shares that belong to tasks which accept */
    int port;
    char where[INET6_ADDRSTRLEN + 16];
    char *unix_path; /* to be removed at the end, if it is ours still */
    dev_t unix_dev;
    ino_t unix_ino;
};

/* bide_accept, with the code: 0 and a stream (NULL: the gate had no place), or an error on record. */
int bide__accept_next(bide_listener *l, bide_stream **s);
/* When there is no descriptor for the next connection: spare(arg) is to free one, in the next turn at the latest. */
void bide__listener_on_shortage(bide_listener *l, bool (*spare)(void *arg), void *arg);
void bide__listener_set_gate(bide_listener *l, struct accept_gate gate);

#endif
