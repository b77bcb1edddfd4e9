/* SPDX-License-Identifier: MIT */
/* socks_hop.c - one hop of SOCKS: the bytes of proxy/socks.c, sent and received. */
#include "http/proxy/socks.h"
#include "http/tunnel/tunnel.h"

#define PIECE 600 /* more than all answers of a proxy together */

static int send_out(struct socks *k, bide_stream *s)
{
    struct iovec iov = {k->out, k->out_len};

    k->out_len = 0;
    return iov.iov_len > 0 ? bide__stream_send_all(s, &iov, 1, NULL) : 0;
}

static int talk(struct socks *k, bide_stream *s)
{
    char in[PIECE];
    size_t used = 0;
    int code = 0;

    while (code == 0) {
        BIDE_TRY(send_out(k, s));
        ssize_t n = bide__stream_recv(s, in, sizeof in, NULL);
        if (n <= 0)
            return n < 0 ? (int)n : bide_fail(BIDE_EPROXY, "it closed the connection in the middle of SOCKS");
        code = bide__socks_take(k, in, (size_t)n, &used);
        if (code == 1 && used < (size_t)n)
            return bide__stream_push_ahead(s, in + used, (size_t)n - used);
        if (code == 0 && used < (size_t)n)
            return bide_fail(-EPROTO, "the SOCKS proxy answers before it was asked");
    }
    return code < 0 ? code : 0;
}

/* Apart from the request's frame, which waits for as long as the request does. */
static int run(struct hop *hop, bide_stream *s, const char *host, int port, bool *cannot_reach)
{
    struct socks *k = bide__malloc(sizeof *k);
    *cannot_reach = false;
    if (!k)
        return bide__fail_nomem("a proxy");
    int code = bide__socks_begin(k, &hop->proxy, host, (uint16_t)port);

    if (code == 0)
        code = talk(k, s);
    *cannot_reach = k->cannot_reach;
    explicit_bzero(k, sizeof *k);
    bide__free(k);
    return code;
}

/* An address could not be reached, which is on record: HOP_NEXT if there is another one, else that stays the error. */
static int look_for_next(const struct connect_options *o, size_t which, int code)
{
    char address[INET6_ADDRSTRLEN];
    struct error_mark mark;

    bide__error_mark(&mark);
    int found = bide__lookup(o, which, address, sizeof address);
    if (found == BIDE_ECANCELED || found == BIDE_ETIMEDOUT || found == BIDE_ENOMEM)
        return found;
    bide__error_restore(&mark);
    return found == 0 ? HOP_NEXT : code;
}

int bide__socks_hop(struct hop *hop, bide_stream *s, const struct connect_options *o, size_t which)
{
    char address[INET6_ADDRSTRLEN];
    bool cannot_reach;

    if (hop->proxy.kind != PROXY_SOCKS5)
        return run(hop, s, o->host, o->port, &cannot_reach);
    BIDE_TRY(bide__lookup(o, which, address, sizeof address));
    int code = run(hop, s, address, o->port, &cannot_reach);
    return code < 0 && cannot_reach ? look_for_next(o, which + 1, code) : code;
}
