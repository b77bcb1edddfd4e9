/* SPDX-License-Identifier: MIT */
/* decode.c - the chain that a body comes through: counted, decoded, and stopped when it is too much. */
#include "http/exchange/decode.h"

int bide__chain_decode(struct body_chain *c, struct decoders *pool, const struct codings *list, struct decode_limits limits)
{
    c->pool = pool;
    c->here.data = c->here.data ? c->here.data : "";
    c->decoder = bide__decoder_open(pool, list, limits);
    return c->decoder ? 0 : BIDE_ENOMEM;
}

static void end_decoder(struct body_chain *c)
{
    if (!c->decoder)
        return;
    c->has_garbage = bide__decode_has_garbage(c->decoder);
    bide__decoder_close(c->pool, c->decoder);
    c->decoder = NULL;
}

void bide__chain_drop(struct body_chain *c, size_t most)
{
    if (c->exchange)
        c->exchange->ops->drop(c->exchange, most);
    c->exchange = NULL;
    c->here.len = 0;
    end_decoder(c);
}

/* An exchange that has failed, or come to its end, is gone. */
static ssize_t count_wire(struct body_chain *c, ssize_t n)
{
    if (n <= 0) {
        c->exchange = NULL;
        return n;
    }
    c->wire += (uint64_t)n;
    if (likely(c->wire <= c->most))
        return n;
    return bide_fail(BIDE_ETOOBIG, "the body is larger than allowed (%llu bytes)", (unsigned long long)c->most);
}

/* ---- through the decoder ---- */

/* 0: there is more, or it is over. */
static int refill(struct body_chain *c)
{
    ssize_t n = count_wire(c, c->exchange->ops->next(c->exchange, &c->here.data));

    c->here.len = n > 0 ? (size_t)n : 0;
    return n < 0 ? (int)n : 0;
}

/* The decoder is asked before the wire: it may hold bytes for which there was no room. */
static ssize_t decode_some(struct body_chain *c, char *out, size_t cap)
{
    for (;;) {
        size_t used;
        ssize_t n = bide__decode(c->decoder, c->here.data, c->here.len, &used, out, cap, !c->exchange);
        c->here.data += used;
        c->here.len -= used;
        if (n != 0)
            return n;
        if (!c->exchange)
            return bide__decode_end(c->decoder);
        int code = refill(c);
        if (code < 0)
            return code;
    }
}

/* ---- who reads ---- */

/* What has failed above the exchange ends it. */
static ssize_t end_if_over(struct body_chain *c, ssize_t n)
{
    if (n < 0)
        bide__chain_drop(c, 0);
    if (n == 0)
        end_decoder(c);
    return n;
}

static ssize_t next_decoded(struct body_chain *c, const char **data)
{
    char *window = bide__decoder_window(c->decoder);

    *data = window;
    return end_if_over(c, window ? decode_some(c, window, DECODE_WINDOW) : BIDE_ENOMEM);
}

ssize_t bide__chain_next(struct body_chain *c, const char **data)
{
    if (c->decoder)
        return next_decoded(c, data);
    return c->exchange ? end_if_over(c, count_wire(c, c->exchange->ops->next(c->exchange, data))) : 0;
}

ssize_t bide__chain_read(struct body_chain *c, void *out, size_t cap)
{
    if (c->decoder)
        return end_if_over(c, decode_some(c, out, cap));
    return c->exchange ? end_if_over(c, count_wire(c, c->exchange->ops->read(c->exchange, out, cap))) : 0;
}

ssize_t bide__chain_splice(struct body_chain *c, int pipe, size_t cap)
{
    if (c->decoder || !c->exchange || !c->exchange->ops->splice)
        return -EOPNOTSUPP;
    ssize_t n = c->exchange->ops->splice(c->exchange, pipe, cap);
    return n == -EAGAIN || n == -EOPNOTSUPP ? n : end_if_over(c, count_wire(c, n));
}
