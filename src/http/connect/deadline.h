/* SPDX-License-Identifier: MIT */
/*
 * deadline.h - how long a request may wait, as a value: when all must be over, the limits of single waits, and the phase
 * that it is in.
 *
 * The client makes it at the beginning of a request and hands it down.  Those who wait for a place, for a connection or
 * for bytes enter their phase and take their limits from it, and know nothing of requests and responses.  After
 * BIDE_ETIMEDOUT it says which limit was over.
 */
#ifndef BIDE_HTTP_DEADLINE_H
#define BIDE_HTTP_DEADLINE_H

#include "http/trace/trace.h"

/* As they were set; BIDE_FOREVER: none.  0 is "as": queue_ms total_ms, tls_ms connect_ms, first_byte_ms and write_ms read_ms. */
struct limits {
    int64_t total_ms, queue_ms, connect_ms, tls_ms, write_ms, first_byte_ms, read_ms;
};

/* How much of the body has to come in each window of time. */
struct min_rate {
    uint64_t bytes;    /* within window_ms; 0: any rate will do */
    int64_t window_ms;
    uint64_t come;     /* since since_ns, when the window began */
    int64_t since_ns;  /* 0: none has begun */
    bool is_below;     /* it was too slow, and has ended for that */
};

struct deadline {
    const bide_loop *loop;
    int64_t begun_ns, when_ns; /* all must be over, by the loop's clock; INT64_MAX: never */
    int64_t silence_ms;        /* of the wait for bytes that was the last */
    struct limits limits;
    struct min_rate rate;
    enum bide_error_phase phase;
    struct tracer *tracer;     /* who gets the phases; NULL: nobody */
};

/* The limits are set: it begins now. */
static inline void bide__deadline_begin(struct deadline *d, const bide_loop *loop)
{
    d->loop = loop;
    d->begun_ns = loop->now_ns;
    d->when_ns = bide__ns_after(loop->now_ns, d->limits.total_ms > 0 ? d->limits.total_ms : 0);
}

/* How long the next wait may be: `most`, or what is left of all; 0: nothing is.  BIDE_FOREVER. */
static inline int64_t bide__deadline_remaining_ms(const struct deadline *d, int64_t most)
{
    int64_t left_ms = bide__ms_until(d->when_ns, d->loop->now_ns);

    return most < left_ms ? most : left_ms;
}

/* After a wait that was too long: was it the limit of all, and not that of the phase? */
static inline bool bide__deadline_is_total(const struct deadline *d)
{
    return bide__deadline_remaining_ms(d, BIDE_FOREVER) == 0;
}

/* Which one was over, if it was not that of all. */
static inline int64_t bide__deadline_limit_ms(const struct deadline *d)
{
    switch (d->phase) {
    case BIDE_PHASE_QUEUE:
        return d->limits.queue_ms;
    case BIDE_PHASE_CONNECT:
        return d->limits.connect_ms;
    case BIDE_PHASE_TLS: /* within that */
        return d->limits.tls_ms ? d->limits.tls_ms : d->limits.connect_ms;
    default:
        return d->silence_ms;
    }
}

/* The limits of a wait for bytes.  ms: of the limits, 0 for that of reading.  queued: as in struct flow. */
static inline struct flow bide__deadline_flow(struct deadline *d, int64_t ms, size_t queued)
{
    d->silence_ms = ms ? ms : d->limits.read_ms;
    return (struct flow){.silence_ms = d->silence_ms, .deadline_ns = d->when_ns, .queued = queued};
}

/* ---- deadline.c ---- */

/* Of a wait for the body: no longer than the window of its rate. */
void bide__rate_limit(struct deadline *d, struct flow *flow);
/* n bytes have come, or an error: n, or BIDE_ETIMEDOUT (not on record) at the end of a window in which too few came; 0 when
   the wait ended at the end of one in which enough did: go on waiting. */
ssize_t bide__rate_note(struct deadline *d, ssize_t n, const struct flow *flow);

#endif
