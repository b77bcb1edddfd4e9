/* SPDX-License-Identifier: MIT */
/* decode.c - the chain that a body comes through: counted, decoded, counted again, and stopped when it is too much. */
#include "http/exchange/decode.h"

void bide__chain_add(struct body_chain *c, struct decoder *d)
{
    d->below = c->top;
    d->in_len = 0;
    d->is_at_end = d->is_over = false;
    d->written = 0;
    c->top = d;
}

static void free_decoders(struct body_chain *c)
{
    for (struct decoder *d = c->top, *below; d; d = below) {
        below = d->below;
        d->ops->free(d);
    }
    c->top = NULL;
}

void bide__chain_drop(struct body_chain *c, size_t most)
{
    if (c->exchange)
        c->exchange->ops->drop(c->exchange, most);
    c->exchange = NULL;
    c->here.len = 0;
    free_decoders(c);
}

/* ---- the ceilings ---- */

static int check_most(const struct body_chain *c, uint64_t bytes)
{
    if (likely(bytes <= c->most))
        return 0;
    return bide_fail(BIDE_ETOOBIG, "the body is larger than allowed (%llu bytes)", (unsigned long long)c->most);
}

/* Of every decoder, not of the last alone: what one blows up the next may swallow. */
static int check_ratio(const struct body_chain *c, const struct decoder *d)
{
    if (d->written <= RATIO_GRACE || d->written / RATIO_MAX <= c->wire)
        return 0;
    return bide_fail(BIDE_ETOOBIG, "the body grows to more than %d times its %llu bytes when it is decoded", RATIO_MAX,
                     (unsigned long long)c->wire);
}

/* ---- the wire ---- */

/* An exchange that has failed, or come to its end, is gone. */
static ssize_t count_wire(struct body_chain *c, ssize_t n)
{
    if (n <= 0) {
        c->exchange = NULL;
        return n;
    }
    c->wire += (uint64_t)n;
    int code = check_most(c, c->wire);
    return code < 0 ? code : n;
}

static ssize_t from_wire(struct body_chain *c, const char **data)
{
    if (c->here.len > 0) {
        size_t n = c->here.len;
        *data = c->here.data;
        c->here.len = 0;
        return count_wire(c, (ssize_t)n);
    }
    return c->exchange ? count_wire(c, c->exchange->ops->next(c->exchange, data)) : 0;
}

/* ---- the decoders ---- */

static ssize_t pull(struct body_chain *c, struct decoder *d, const char **data);

static int refill(struct body_chain *c, struct decoder *d)
{
    ssize_t n = pull(c, d->below, &d->in);

    d->in_len = n > 0 ? (size_t)n : 0;
    d->is_at_end = n == 0;
    return n < 0 ? (int)n : 0;
}

/* There are few decoders in a row (D10: three), so it may call itself. */
static ssize_t pull(struct body_chain *c, struct decoder *d, const char **data)
{
    if (!d)
        return from_wire(c, data);
    while (!d->is_over) {
        int code = d->in_len == 0 && !d->is_at_end ? refill(c, d) : 0;
        if (code < 0)
            return code;
        size_t taken = d->in_len;
        ssize_t n = d->ops->decode(d, d->in, &taken, d->is_at_end);
        d->in += taken;
        d->in_len -= taken;
        d->written += n > 0 ? (uint64_t)n : 0;
        code = n > 0 ? check_ratio(c, d) : (int)n;
        if (code < 0)
            return code;
        *data = d->window;
        if (n > 0)
            return n;
        if (taken == 0 && d->in_len > 0)
            return bide_fail(BIDE_EHTTP, "malformed body: the decoder does not go on");
        d->is_over = d->is_at_end && d->in_len == 0;
    }
    return 0;
}

/* ---- who reads ---- */

/* What has failed above the exchange ends it. */
static ssize_t end_if_failed(struct body_chain *c, ssize_t n)
{
    if (n < 0)
        bide__chain_drop(c, 0);
    return n;
}

ssize_t bide__chain_next(struct body_chain *c, const char **data)
{
    ssize_t n = pull(c, c->top, data);
    if (n <= 0)
        return end_if_failed(c, n);

    c->decoded += (uint64_t)n;
    int code = check_most(c, c->decoded);
    return end_if_failed(c, code < 0 ? code : n);
}

ssize_t bide__chain_read(struct body_chain *c, void *out, size_t cap)
{
    if (!c->exchange)
        return 0;
    ssize_t n = count_wire(c, c->exchange->ops->read(c->exchange, out, cap));
    c->decoded += n > 0 ? (uint64_t)n : 0;
    return end_if_failed(c, n);
}
