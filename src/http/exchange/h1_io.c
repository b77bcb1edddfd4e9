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

    if (p->received == 0)
        p->first_byte_ns = x->conn->host->connector->loop->now_ns;
    p->received += n;
}

/* Into `out`, or if that is NULL into the pipe. */
static inline __attribute__((always_inline)) ssize_t receive(struct h1_exchange *x, enum bide_error_phase phase, void *out,
                                                             int pipe, size_t cap)
{
    struct progress *p = x->exchange.progress;
    struct deadline *d = x->exchange.deadline;
    bide_stream *s = x->conn->stream;
    struct flow flow = bide__deadline_flow(d, p->received == 0 ? d->limits.first_byte_ms : 0, p->queued);

    d->phase = phase;
    ssize_t n;
    bool is_rated = phase == BIDE_PHASE_BODY && d->rate.bytes > 0, again = false;
    do {
        if (unlikely(is_rated))
            bide__rate_limit(d, &flow);
        n = bide__stream_may_recv(s) ? 0 : bide__stream_wait(s, FLOW_IN, &flow);
        if (n == 0)
            n = out ? bide__stream_recv(s, out, cap, &flow) : bide__stream_splice(s, pipe, cap, &flow);
        p->queued = flow.queued;
        if (unlikely(is_rated && n != 0)) {
            n = bide__rate_note(d, n, &flow);
            again = n == 0;
            flow = bide__deadline_flow(d, 0, p->queued);
        }
    } while (unlikely(again));
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
