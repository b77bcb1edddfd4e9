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

#include "io/io.h"

struct deadline {
    const bide_loop *loop;
    int64_t when_ns;                          /* all must be over, by the loop's clock; INT64_MAX: never */
    int64_t total_ms, connect_ms, silence_ms; /* the limits as they were set; BIDE_FOREVER: none */
    enum bide_error_phase phase;
};

/* The limits are set: it begins now. */
static inline void bide__deadline_begin(struct deadline *d, const bide_loop *loop)
{
    int64_t total_ms = d->total_ms > 0 ? d->total_ms : 0, now_ms = loop->now_ns / 1000000;

    d->loop = loop;
    d->when_ns = total_ms > INT64_MAX / 1000000 - now_ms ? INT64_MAX : loop->now_ns + total_ms * 1000000;
}

/* How long the next wait may be: `most`, or what is left of all; 0: nothing is.  BIDE_FOREVER. */
static inline int64_t bide__deadline_remaining_ms(const struct deadline *d, int64_t most)
{
    if (d->when_ns == INT64_MAX)
        return most;
    int64_t left = (d->when_ns - d->loop->now_ns + 999999) / 1000000;
    return left <= 0 ? 0 : most < left ? most : left;
}

/* After a wait that was too long: was it the limit of all, and not that of the phase? */
static inline bool bide__deadline_is_total(const struct deadline *d)
{
    return d->phase == BIDE_PHASE_QUEUE || bide__deadline_remaining_ms(d, BIDE_FOREVER) == 0;
}

static inline int64_t bide__deadline_limit_ms(const struct deadline *d)
{
    return bide__deadline_is_total(d) ? d->total_ms : d->phase == BIDE_PHASE_CONNECT ? d->connect_ms : d->silence_ms;
}

/* The limits of a wait for bytes.  queued: as in struct flow. */
static inline struct flow bide__deadline_flow(const struct deadline *d, size_t queued)
{
    return (struct flow){.silence_ms = d->silence_ms, .deadline_ns = d->when_ns, .queued = queued};
}

#endif
