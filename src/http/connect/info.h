/* SPDX-License-Identifier: MIT */
/* info.h - who is at the other end of a connection, for those who ask when it is gone. */
#ifndef BIDE_HTTP_INFO_H
#define BIDE_HTTP_INFO_H

#include <bide/response.h>

#include "io/io.h"

/* Who is at the other end; shared by the connection and the responses that came over it, which may be there longer. */
struct conn_info {
    unsigned shares;
    int peer_port;
    uint64_t id;               /* of the connector's connections, from 1 */
    const bide_stream *stream; /* NULL: it is closed */
    char peer[INET6_ADDRSTRLEN];
    char alpn[16];
    struct tls_info tls;
};

/* One share; NULL: out of memory, on record. */
struct conn_info *bide__conn_info_new(const bide_stream *stream, uint64_t id);
/* One that nobody shares, in place of the share *info, for another thread; NULL stays NULL.  0 or BIDE_ENOMEM on record. */
int bide__conn_info_make_own(struct conn_info **info);
/* Our address, "" if it is closed, or not asked for in its loop; returns the port. */
int bide__conn_info_local(const struct conn_info *info, char out[INET6_ADDRSTRLEN]);
/* As the user has it, but for our own address. */
bide_connection bide__conn_info_show(const struct conn_info *info);
void bide__conn_info_drop(struct conn_info *info); /* a share; may be NULL */

#endif
