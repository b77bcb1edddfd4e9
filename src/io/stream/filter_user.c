/* SPDX-License-Identifier: MIT */
/*
 * filter_user.c - a filter of the user's: its functions as the operations of a layer.
 *
 *     the layers above, or bide_read and its kin
 *         | try_recv, try_send
 *     user_filter                     .read, .write: bytes made into others
 *         | bide_below_read, bide_below_write
 *     the layers below                -EAGAIN comes from there alone, and goes up unchanged
 *
 * As every layer it never waits: the lowest does so for all of them, and then the same call is made again.  An -EAGAIN that
 * the layer below has not said would be waited for in vain, so it is an error.
 */
#include "io/stream/stream.h"

struct user_filter {
    struct filter filter;
    bide_stream_filter user;
    bool has_below_no_more; /* it said -EAGAIN in the present call */
    bool is_shut;           /* .shutdown has done its part */
    int write_failed;       /* no more goes through after that */
};

static struct user_filter *user_of(const struct filter *f)
{
    return container_of(f, struct user_filter, filter);
}

/* ---- for the user's functions: the layer below ---- */

static struct user_filter *whose_below(bide_stream_below *below)
{
    return (struct user_filter *)(void *)below;
}

static bide_stream_below *below_of(struct user_filter *u)
{
    return (bide_stream_below *)(void *)u;
}

/* The socket leaves it to others to put on record what it said. */
static ssize_t below_said(struct user_filter *u, ssize_t n, bool was_writing)
{
    const struct filter *below = u->filter.below;

    u->filter.was_cut = below->was_cut;
    if (n == -EAGAIN) {
        u->filter.wants_write = was_writing;
        u->has_below_no_more = true;
    } else if (n < 0 && !below->below) {
        bide__stream_fail(u->filter.stream, (int)n, was_writing ? "writing to" : "reading from");
    }
    return n;
}

ssize_t bide_below_read(bide_stream_below *below, void *out, size_t cap)
{
    if (bide__is_null(below, __func__, "below"))
        return -EINVAL;
    struct user_filter *u = whose_below(below);

    return below_said(u, u->filter.below->ops->try_recv(u->filter.below, out, cap), false);
}

ssize_t bide_below_write(bide_stream_below *below, const void *data, size_t len)
{
    if (bide__is_null(below, __func__, "below"))
        return -EINVAL;
    struct user_filter *u = whose_below(below);
    struct iovec iov = {(void *)(uintptr_t)data, len};

    return len == 0 ? 0 : below_said(u, u->filter.below->ops->try_send(u->filter.below, &iov, 1), true);
}

/* ---- the operations ---- */

/* What the user's function has returned, if it may: at most `most`. */
static ssize_t checked(struct user_filter *u, ssize_t n, size_t most, const char *function)
{
    const char *peer = u->filter.stream->peer;

    if (n == -EAGAIN && !u->has_below_no_more)
        return bide_fail(BIDE_ESTATE, ".%s of the filter of %s: -EAGAIN, but the layer below did not say so", function, peer);
    if (n > 0 && (size_t)n > most)
        return bide_fail(BIDE_ESTATE, ".%s of the filter of %s: %zd bytes of %zu", function, peer, n, most);
    if (n < 0 && n != -EAGAIN && bide_error_code() != n)
        bide_fail((int)n, ".%s of the filter of %s: %s", function, peer, bide_strerror((int)n));
    return n;
}

static ssize_t user_recv(struct filter *f, void *out, size_t cap)
{
    struct user_filter *u = user_of(f);
    if (!u->user.read)
        return bide_below_read(below_of(u), out, cap);

    u->has_below_no_more = false;
    return checked(u, u->user.read(below_of(u), out, cap, u->user.arg), cap, "read");
}

static ssize_t send_piece(struct user_filter *u, const char *data, size_t len)
{
    if (u->write_failed)
        return bide_fail(u->write_failed, "the filter of %s has failed before", u->filter.stream->peer);
    if (!u->user.write)
        return bide_below_write(below_of(u), data, len);

    u->has_below_no_more = false;
    ssize_t n = checked(u, u->user.write(below_of(u), data, len, u->user.arg), len, "write");
    if (n == 0)
        n = bide_fail(BIDE_ESTATE, ".write of the filter of %s took nothing", u->filter.stream->peer);
    if (n < 0 && n != -EAGAIN)
        u->write_failed = (int)n;
    return n;
}

static ssize_t user_send(struct filter *f, const struct iovec *iov, int n)
{
    ssize_t sent = 0;

    for (int i = 0; i < n; i++) {
        if (iov[i].iov_len == 0)
            continue;
        ssize_t now = send_piece(user_of(f), iov[i].iov_base, iov[i].iov_len);
        if (now < 0)
            return sent > 0 ? sent : now;
        sent += now;
        if ((size_t)now < iov[i].iov_len)
            break;
    }
    return sent;
}

static bool user_may_recv(const struct filter *f)
{
    const struct user_filter *u = user_of(f);

    return f->wants_write || f->below->ops->may_recv(f->below) || (u->user.has_more && u->user.has_more(u->user.arg));
}

static int user_handshake(struct filter *f, struct flow *flow)
{
    return f->below->ops->handshake ? f->below->ops->handshake(f->below, flow) : 0;
}

static int user_shutdown(struct filter *f)
{
    struct user_filter *u = user_of(f);

    u->has_below_no_more = false;
    if (u->user.shutdown && !u->is_shut) {
        ssize_t code = checked(u, u->user.shutdown(below_of(u), u->user.arg), 0, "shutdown");
        if (code < 0)
            return (int)code;
    }
    u->is_shut = true;
    return (int)below_said(u, f->below->ops->shutdown(f->below), true);
}

static void user_close(struct filter *f)
{
    struct user_filter *u = user_of(f);

    if (u->user.destroy)
        u->user.destroy(u->user.arg);
    bide__free(u);
}

static const struct filter_ops user_ops = {.try_recv = user_recv,
                                           .try_send = user_send,
                                           .may_recv = user_may_recv,
                                           .handshake = user_handshake,
                                           .shutdown = user_shutdown,
                                           .close = user_close};

/* ---- on top of a stream ---- */

/* What is in the stream's buffers has been through the layers there are, or goes through the new one: neither is meant. */
static int check_quiet(const bide_stream *s)
{
    int code = bide__loop_check(s->loop, "bide_stream_push");
    if (code < 0)
        return code;
    if (s->reading || s->writing)
        return bide_fail(BIDE_ESTATE, "bide_stream_push: a task reads or writes %s", bide__stream_peer_text(s));
    if (bide__buf_len(&s->in) > 0 || bide__buf_len(&s->out) > 0)
        return bide_fail(BIDE_ESTATE, "bide_stream_push: %zu bytes from %s were read ahead, and %zu to it are not drained",
                         bide__buf_len(&s->in), s->peer, bide__buf_len(&s->out));
    return 0;
}

static int push(bide_stream *s, const bide_stream_filter *user)
{
    if (bide__is_null(s, "bide_stream_push", "the stream"))
        return -EINVAL;
    int code = bide__check_named(user->guard_, "bide_stream_push");
    if (code == 0)
        code = check_quiet(s);
    if (code < 0)
        return code;
    struct user_filter *u = bide__calloc(1, sizeof *u);
    if (!u)
        return bide__fail_nomem("a filter");

    u->filter.ops = &user_ops;
    u->user = *user;
    bide__stream_push_filter(s, &u->filter);
    return 0;
}

int bide_stream_push_with(bide_stream *s, const bide_stream_filter *filter)
{
    bide_stream_filter user;
    int code = bide__options_take(&user, sizeof user, filter, "bide_stream_push");
    if (code < 0)
        return code;
    code = push(s, &user);
    if (code < 0 && user.destroy) {
        struct error_mark mark;
        bide__error_mark(&mark);
        user.destroy(user.arg);
        bide__error_restore(&mark);
    }
    return code;
}
