/* SPDX-License-Identifier: MIT */
/* addr.h - the address of one end of a connection, as text and back. */
#ifndef BIDE_IO_ADDR_H
#define BIDE_IO_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

struct addr {
    socklen_t len; /* 0: none */
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_storage storage;
    };
};

/* A literal address ("127.0.0.1", "::1", "[::1]"): true if it is one. */
bool bide__addr_parse(struct addr *a, const char *host, int port);
/* "127.0.0.1:80", "[::1]:80", "unix:"; without the port: "127.0.0.1", "::1", "unix:". */
void bide__addr_format(const struct addr *a, char *out, size_t cap);      /* cap: INET6_ADDRSTRLEN + 16 or more */
void bide__addr_format_host(const struct addr *a, char *out, size_t cap); /* cap: INET6_ADDRSTRLEN or more */
void bide__addr_set_port(struct addr *a, int port);
/* localhost and all below it are this machine (RFC 6761 6.3); a dot at the end changes nothing. */
bool bide__addr_is_localhost(const char *name);
/* "unix:/path" as a Unix socket address; -ENAMETOOLONG.  1 if it was one, 0 if not. */
int bide__addr_unix(struct sockaddr_storage *out, socklen_t *len, const char *host);

/* ---- address.c: the public form ---- */

struct bide_address;
void bide__address_of(struct bide_address *out, const struct addr *a); /* no IP address: all zeros */
bool bide__address_take(struct addr *out, const struct bide_address *a); /* false: it is none */

#endif
