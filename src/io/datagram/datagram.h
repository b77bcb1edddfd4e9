/* SPDX-License-Identifier: MIT */
/*
 * datagram.h - an endpoint of UDP, for the files of this room.
 *
 * In reading order: open.c, transfer.c (one datagram), batch.c (many), multicast.c.
 */
#ifndef BIDE_IO_DATAGRAM_H
#define BIDE_IO_DATAGRAM_H

#include <bide/datagram.h>

#include "io/stream/addr.h"
#include "io/poll/poll.h"

/*
 *     bide_datagram --> fd.readers: tasks that receive, fd.writers: tasks that send
 *       users            each has a share (object.refs); when no other is left the socket is closed, and they get BIDE_ECLOSED
 */
struct bide_datagram {
    struct object object;
    struct fd fd;
    unsigned users;   /* shares of tasks in the middle of a call */
    bool has_peer;
    bool has_errors;  /* the kernel keeps ICMP's errors for us, with their addresses */
    int family;
    struct addr local;
    char where[INET6_ADDRSTRLEN + 16];
};

/* A call that may wait begins; the endpoint stays until it ends.  0, or an error on record. */
int bide__datagram_begin(bide_datagram *d, const char *function);
void bide__datagram_end(bide_datagram *d);
/* May it be used at all?  0, BIDE_ECLOSED or BIDE_ESTATE, on record. */
int bide__datagram_check_open(const bide_datagram *d, const char *doing);
/* A call gave this code: on record, with the address that an error of ICMP is about, or `to`. */
int bide__datagram_fail(const bide_datagram *d, int code, const char *doing, const struct addr *to);

#endif
