/* SPDX-License-Identifier: MIT */
/*
 * deadline.c - a body that comes, but too slowly: a rate that it must keep in each window of time (curl's --speed-limit).
 *
 * The windows follow one another from the first wait for the body on.  Time in which the reader does other things counts, too:
 * what has come meanwhile lies in the kernel, and is counted when it is taken.
 */
#include "http/connect/deadline.h"

void bide__rate_limit(struct deadline *d, struct flow *flow)
{
    struct min_rate *r = &d->rate;
    int64_t now_ns = d->loop->now_ns, left_ms;

    if (r->since_ns == 0)
        r->since_ns = now_ns;
    left_ms = r->window_ms - (now_ns - r->since_ns) / 1000000;
    left_ms = left_ms > 1 ? left_ms : 1;
    flow->silence_ms = left_ms < flow->silence_ms ? left_ms : flow->silence_ms;
}

ssize_t bide__rate_note(struct deadline *d, ssize_t n, const struct flow *flow)
{
    struct min_rate *r = &d->rate;
    bool was_cut_short = n < 0 && flow->silence_ms < d->silence_ms;

    if (n < 0 && (n != BIDE_ETIMEDOUT || flow->end != FLOW_SILENT))
        return n;
    r->come += n > 0 ? (uint64_t)n : 0;
    if (d->loop->now_ns - r->since_ns < r->window_ms * 1000000)
        return was_cut_short ? 0 : n;
    r->is_below = r->come < r->bytes;
    if (r->is_below)
        return BIDE_ETIMEDOUT;
    r->come = 0;
    r->since_ns = d->loop->now_ns;
    return was_cut_short ? 0 : n;
}
