/* SPDX-License-Identifier: MIT */
/*
 * stream.c - a body as a stream, for bide_read, bide_read_exactly and bide_read_until.
 *
 *     bide_read_until --> stream's buffer --> body_filter --> chain of the response
 *
 * It is the lowest layer of a stream of its own.  Trying gives what is left of the last piece; waiting fetches the next one, with
 * the limits of the request.
 */
#include <bide/save.h>

#include "http/client/client.h"

struct body_filter {
    struct filter filter;
    bide_response *r; /* a share */
    const char *piece;
    size_t len;
    bool is_over;
};

static struct body_filter *body_of(const struct filter *f)
{
    return container_of(f, struct body_filter, filter);
}

static ssize_t body_recv(struct filter *f, void *out, size_t cap)
{
    struct body_filter *b = body_of(f);
    size_t n = b->len < cap ? b->len : cap;
    if (n == 0)
        return b->is_over ? 0 : -EAGAIN;

    memcpy(out, b->piece, n);
    b->piece += n;
    b->len -= n;
    return (ssize_t)n;
}

static ssize_t body_send(struct filter *f, const struct iovec *iov, int n)
{
    (void)f, (void)iov, (void)n;
    return -EPIPE; /* a body that came goes one way */
}

static bool body_may_recv(const struct filter *f)
{
    return body_of(f)->len > 0 || body_of(f)->is_over;
}

/* More of the body. */
static int body_wait(struct filter *f, unsigned sides, struct flow *flow)
{
    struct body_filter *b = body_of(f);
    (void)sides, (void)flow;
    if (b->len > 0 || b->is_over)
        return 0;

    ssize_t n = bide_read_chunk(b->r, &b->piece);
    b->len = n > 0 ? (size_t)n : 0;
    b->is_over = n == 0;
    return n < 0 ? (int)n : 0;
}

static int body_yield(struct filter *f)
{
    (void)f;
    return 0; /* the connection below does */
}

static int body_shutdown(struct filter *f)
{
    (void)f;
    return 0;
}

static void body_close(struct filter *f)
{
    struct body_filter *b = body_of(f);

    bide_release(b->r);
    bide__free(b);
}

/* Who reads has a share of the stream, and goes on to the end of his call. */
static void body_abort(struct filter *f)
{
    (void)f;
}

static bool body_is_alive(const struct filter *f, bool probe)
{
    (void)probe;
    return !body_of(f)->is_over;
}

static size_t body_queued(const struct filter *f)
{
    (void)f;
    return 0;
}

static const struct filter_ops body_ops = {.try_recv = body_recv,
                                           .try_send = body_send,
                                           .may_recv = body_may_recv,
                                           .shutdown = body_shutdown,
                                           .close = body_close,
                                           .wait = body_wait,
                                           .yield = body_yield,
                                           .is_alive = body_is_alive,
                                           .queued = body_queued,
                                           .abort = body_abort};

static bide_stream *stream_of(bide_response *r)
{
    struct body_filter *b = bide__calloc(1, sizeof *b);
    bide_stream *s = b ? bide__stream_over(&b->filter, bide_response_peer(r), 0) : NULL;
    if (!s) {
        bide__free(b);
        bide__response_fail(r, bide__fail_nomem("a body as a stream"));
        return NULL;
    }
    b->filter.ops = &body_ops;
    b->r = bide_retain(r);
    return s;
}

bide_stream *bide_body_stream(bide_response *r)
{
    if (bide__response_missing(r, __func__) || bide__body_begin_reading(r, __func__) < 0)
        return NULL;
    if (r->streaming) {
        bide_fail(BIDE_ESTATE, "the body was read by bide_read_chunk already");
        bide__response_fail(r, BIDE_ESTATE);
        return NULL;
    }
    return stream_of(r);
}
