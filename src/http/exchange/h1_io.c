/* SPDX-License-Identifier: MIT */
/*
 * h1_io.c - what every part of an exchange does with its connection: receive, and let go of it.
 *
 * Everything that waits has the limits of the request: silence (which the body of a request that is still on its way
 * through the kernel breaks, too) and the end of it all.
 */
#include "http/exchange/h1.h"

/* ---- its end ---- */

int bide__h1_fail(struct h1_exchange *x, int code)
{
    bide__connector_close(x->conn);
    return code;
}

unchecked_frame void bide__h1_finish(struct h1_exchange *x)
{
    if (x->may_reuse && !x->chunked.odd)
        bide__connector_give(x->conn, x->keep_ms);
    else
        bide__connector_close(x->conn);
}

/* ---- receiving ---- */

void bide__h1_received(struct h1_exchange *x, size_t n)
{
    struct progress *p = x->exchange.progress;

    if (p->received == 0) {
        p->first_byte_ns = x->conn->host->connector->loop->now_ns;
        if (unlikely(x->exchange.watch))
            bide__h1_emit_first_byte(x);
    }
    p->received += n;
}

/* Once: into `out`, or if that is NULL into the pipe. */
static inline __attribute__((always_inline)) ssize_t receive_once(bide_stream *s, void *out, int pipe, size_t cap, struct flow *flow)
{
    return out ? bide__stream_recv(s, out, cap, flow) : bide__stream_splice(s, pipe, cap, flow);
}

/* When it is the turn of this answer. */
static ssize_t receive_in_turn(struct h1_exchange *x, void *out, int pipe, size_t cap, struct flow *flow)
{
    struct paces *p = x->exchange.paces;
    size_t most = cap;
    ssize_t n = bide__pace_take(p, PACE_IN, x->exchange.deadline, &most);
    if (n < 0)
        return n;

    n = receive_once(x->conn->stream, out, pipe, most, flow);
    bide__pace_end(p, PACE_IN, n > 0 ? (size_t)n : 0);
    return n;
}

/* With a rate that the body has to keep, or must not exceed. */
static __attribute__((noinline)) ssize_t receive_at_rate(struct h1_exchange *x, void *out, int pipe, size_t cap, struct flow *flow)
{
    struct deadline *d = x->exchange.deadline;
    bide_stream *s = x->conn->stream;
    bool is_rated = d->phase == BIDE_PHASE_BODY && d->rate.bytes > 0;
    ssize_t n;

    for (;;) {
        if (is_rated)
            bide__rate_limit(d, flow);
        n = bide__stream_may_recv(s) ? 0 : bide__stream_wait(s, FLOW_IN, flow);
        if (n == 0 && x->exchange.paces)
            n = receive_in_turn(x, out, pipe, cap, flow);
        else if (n == 0)
            n = receive_once(s, out, pipe, cap, flow);
        if (!is_rated || n == 0)
            return n;
        n = bide__rate_note(d, n, flow);
        if (n != 0)
            return n;
        *flow = bide__deadline_flow(d, 0, flow->queued);
    }
}

static inline __attribute__((always_inline)) ssize_t receive(struct h1_exchange *x, enum bide_error_phase phase, void *out,
                                                             int pipe, size_t cap)
{
    struct progress *p = x->exchange.progress;
    struct deadline *d = x->exchange.deadline;
    bide_stream *s = x->conn->stream;
    struct flow flow = bide__deadline_flow(d, p->received == 0 ? d->limits.first_byte_ms : 0, p->queued);
    ssize_t n;

    d->phase = phase;
    if (unlikely(x->exchange.paces || (phase == BIDE_PHASE_BODY && d->rate.bytes > 0))) {
        n = receive_at_rate(x, out, pipe, cap, &flow);
    } else {
        n = bide__stream_may_recv(s) ? 0 : bide__stream_wait(s, FLOW_IN, &flow);
        if (n == 0)
            n = receive_once(s, out, pipe, cap, &flow);
    }
    p->queued = flow.queued;
    if (n > 0)
        bide__h1_received(x, (size_t)n);
    if (n == BIDE_EEOF && bide__stream_was_cut(s)) /* what that means is for the caller to say */
        n = 0;
    return n;
}

unchecked_frame ssize_t bide__h1_receive(struct h1_exchange *x, enum bide_error_phase phase, void *out, size_t cap)
{
    return receive(x, phase, out, -1, cap);
}

ssize_t bide__h1_receive_to_pipe(struct h1_exchange *x, int pipe, size_t cap)
{
    return receive(x, BIDE_PHASE_BODY, NULL, pipe, cap);
}
