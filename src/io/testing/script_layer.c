/* SPDX-License-Identifier: MIT */
/*
 * script_layer.c - the script as the lowest layer of a stream, in place of a socket.
 */
#include <string.h>

#include "io/testing/script.h"

static struct script *script_of(const struct filter *f)
{
    return container_of(f, struct script, filter);
}

static bool is_readable(const struct script *s)
{
    return bide__buf_len(&s->to_program) > 0 || s->ended || s->error;
}

static bool is_writable(const struct script *s)
{
    return bide__script_is_over(s) || bide__buf_len(&s->pending) < s->peer->window;
}

void bide__script_wake(struct script *s)
{
    s->ends.readable = is_readable(s);
    s->ends.writable = is_writable(s);
    s->ends.hangup = s->ended || s->error;
    if (s->ends.readable)
        bide__wake_all(s->ends.loop, &s->ends.readers);
    if (s->ends.writable)
        bide__wake_all(s->ends.loop, &s->ends.writers);
}

static ssize_t script_recv(struct filter *f, void *out, size_t cap)
{
    struct script *s = script_of(f);
    size_t n = bide__buf_len(&s->to_program);
    if (s->ends.fd < 0)
        return BIDE_ECLOSED;
    if (n == 0)
        return s->error ? s->error : s->ended ? 0 : -EAGAIN;
    if (n > cap)
        n = cap;
    if (n > s->peer->piece)
        n = s->peer->piece;

    memcpy(out, bide__buf_head(&s->to_program), n);
    bide__buf_consume(&s->to_program, n);
    s->ends.readable = is_readable(s);
    return (ssize_t)n;
}

static ssize_t script_send(struct filter *f, const struct iovec *iov, int n)
{
    struct script *s = script_of(f);
    size_t sent = 0;
    if (s->ends.fd < 0)
        return BIDE_ECLOSED;
    if (s->error)
        return s->error;

    for (int i = 0; i < n; i++) {
        size_t taken = 0, more;
        do {
            more = bide__script_take(s, (const char *)iov[i].iov_base + taken, iov[i].iov_len - taken);
            taken += more;
            bide__script_go_on(s); /* which may make room */
        } while (more > 0 && taken < iov[i].iov_len);
        sent += taken;
        if (taken < iov[i].iov_len)
            break;
    }
    if (sent == 0 && !is_writable(s))
        return -EAGAIN;
    return sent > 0 ? (ssize_t)sent : BIDE_ENOMEM;
}

static bool script_may_recv(const struct filter *f)
{
    return script_of(f)->ends.readable;
}

static int script_shutdown(struct filter *f)
{
    struct script *s = script_of(f);
    if (s->ends.fd < 0)
        return BIDE_ECLOSED;

    s->is_shut = true;
    bide__script_go_on(s);
    return 0;
}

static void script_abort(struct filter *f)
{
    struct script *s = script_of(f);
    if (s->ends.fd < 0)
        return;

    bide__timer_disarm(s->ends.loop, &s->timer);
    s->ends.fd = -1;
    s->is_shut = true;
    bide__script_go_on(s);
    bide__wake_all(s->ends.loop, &s->ends.readers);
    bide__wake_all(s->ends.loop, &s->ends.writers);
}

static void script_close(struct filter *f)
{
    struct script *s = script_of(f);

    script_abort(f);
    bide__object_unref(s->ends.loop);
    bide__object_unref(s->peer); /* the last: it may take the script with it */
}

static int script_wait(struct filter *f, unsigned sides, struct flow *flow)
{
    struct fd *ends = &script_of(f)->ends;

    if (flow)
        return bide__fd_wait_flow(ends, sides, flow);
    return sides == FLOW_OUT ? bide__fd_wait_writable(ends) : bide__fd_wait_readable(ends);
}

/* The turn's budget is for what the kernel moves. */
static int script_yield(struct filter *f)
{
    (void)f;
    return 0;
}

static void script_watch(struct filter *f, struct clause *c)
{
    bide__list_append(&script_of(f)->ends.readers, &c->node);
}

static bool script_is_alive(const struct filter *f, bool probe)
{
    const struct script *s = script_of(f);
    (void)probe;

    return s->ends.fd >= 0 && !s->ended && !s->error && bide__buf_len(&s->to_program) == 0;
}

static size_t script_queued(const struct filter *f)
{
    return bide__buf_len(&script_of(f)->pending);
}

const struct filter_ops bide__script_ops = {.try_recv = script_recv,
                                            .try_send = script_send,
                                            .may_recv = script_may_recv,
                                            .shutdown = script_shutdown,
                                            .close = script_close,
                                            .wait = script_wait,
                                            .yield = script_yield,
                                            .watch = script_watch,
                                            .is_alive = script_is_alive,
                                            .queued = script_queued,
                                            .abort = script_abort};
