/* SPDX-License-Identifier: MIT */
/*
 * socks.h - the client's half of SOCKS 4a (as written by Ying-Da Lee) and SOCKS 5 (RFC 1928, 1929), as bytes: no I/O.
 *
 *     bide__socks_begin(&s, proxy, host, port)
 *     for (;;) {
 *         send s.out[0..s.out_len), then s.out_len = 0
 *         r = bide__socks_take(&s, in, len, &used)       1: the tunnel is open, in[used..) belongs to it (R73); an error;
 *     }                                                  0: send what is in s.out, if anything, and read more
 *
 * Not a byte is taken beyond the proxy's answer.
 */
#ifndef BIDE_HTTP_SOCKS_H
#define BIDE_HTTP_SOCKS_H

#include "http/proxy/proxy.h"

#define SOCKS_OUT_MAX 520 /* the longest message: version, user and password */
#define SOCKS_IN_MAX  262 /* an answer with a name of 255 bytes */

enum socks_state { SOCKS_METHOD, SOCKS_LOGIN, SOCKS_REPLY, SOCKS_REPLY_4, SOCKS_OPEN };

struct socks {
    const struct proxy *proxy; /* borrowed */
    uint8_t state;             /* enum socks_state */
    bool cannot_reach;         /* the proxy's answer: it may reach another address */
    uint16_t in_len, out_len, target_len;
    unsigned char in[SOCKS_IN_MAX];
    unsigned char out[SOCKS_OUT_MAX];
    unsigned char target[SOCKS_IN_MAX]; /* the request's address and port, as they are sent */
};

/*
 * The first message.  host: a name, or an address without brackets; of socks5, which does not resolve, an address.
 *
 * 0; -EINVAL: a name of more than 255 bytes, a name for socks5, an IPv6 address for socks4a.  Nothing is ever resolved elsewhere than
 * asked for (CVE-2023-38545).
 */
int bide__socks_begin(struct socks *s, const struct proxy *proxy, const char *host, uint16_t port);

/* 1, 0, or: -EACCES (user, password, rules), -ECONNREFUSED, -ENETUNREACH, -EHOSTUNREACH, -EPROTO, with a text. */
int bide__socks_take(struct socks *s, const char *in, size_t len, size_t *used);

#endif
