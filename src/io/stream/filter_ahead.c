/* SPDX-License-Identifier: MIT */
/*
 * filter_ahead.c - a layer with bytes that were received too early: they come first, then those of the layer below.
 *
 * Who speaks with a proxy before TLS begins on the same stream may have received bytes that belong to what comes next.
 */
#include "io/stream/stream.h"

struct ahead_filter {
    struct filter filter;
    struct buf bytes;
};

static struct ahead_filter *ahead_of(const struct filter *f)
{
    return container_of(f, struct ahead_filter, filter);
}

/* What the layer below said, as this one's. */
static ssize_t below_said(struct filter *f, ssize_t n, bool was_writing)
{
    f->was_cut = f->below->was_cut;
    if (n == -EAGAIN)
        f->wants_write = f->below->below ? f->below->wants_write : was_writing;
    return n;
}

static ssize_t ahead_recv(struct filter *f, void *out, size_t cap)
{
    struct buf *bytes = &ahead_of(f)->bytes;
    size_t len = bide__buf_len(bytes), n = len < cap ? len : cap;
    if (len == 0)
        return below_said(f, f->below->ops->try_recv(f->below, out, cap), false);

    memcpy(out, bide__buf_head(bytes), n);
    bide__buf_consume(bytes, n);
    if (n == len)
        bide__buf_free(bytes);
    return (ssize_t)n;
}

static ssize_t ahead_send(struct filter *f, const struct iovec *iov, int n)
{
    return below_said(f, f->below->ops->try_send(f->below, iov, n), true);
}

static bool ahead_may_recv(const struct filter *f)
{
    return bide__buf_len(&ahead_of(f)->bytes) > 0 || f->below->ops->may_recv(f->below);
}

static int ahead_shutdown(struct filter *f)
{
    return f->below->ops->shutdown(f->below);
}

static void ahead_close(struct filter *f)
{
    bide__buf_free(&ahead_of(f)->bytes);
    bide__free(ahead_of(f));
}

static const struct filter_ops ahead_ops = {.try_recv = ahead_recv,
                                            .try_send = ahead_send,
                                            .may_recv = ahead_may_recv,
                                            .shutdown = ahead_shutdown,
                                            .close = ahead_close};

int bide__stream_push_ahead(bide_stream *s, const void *bytes, size_t len)
{
    struct ahead_filter *a = bide__calloc(1, sizeof *a);
    if (!a)
        return bide__fail_nomem("a connection");

    a->filter.ops = &ahead_ops;
    bide__buf_init(&a->bytes, SIZE_MAX);
    char *tail = bide__buf_reserve(&a->bytes, len);
    if (!tail) {
        bide__free(a);
        return BIDE_ENOMEM;
    }
    memcpy(tail, bytes, len);
    bide__buf_commit(&a->bytes, len);
    bide__stream_push_filter(s, &a->filter);
    return 0;
}
