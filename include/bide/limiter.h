/* SPDX-License-Identifier: MIT */
/*
 * limiter.h - a rate limit: requests, messages or bytes per second.
 *
 * A token bucket: tokens come at a rate, and as many as a burst are kept.  It is a value in memory of yours, as those of sync.h are: it
 * belongs to the loop that used it first, nothing is allocated, there is nothing to release, and it must live as long as a task waits.
 */
#ifndef BIDE_LIMITER_H
#define BIDE_LIMITER_H

#include <stdbool.h>

#include <bide/awaitable.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * per_second and burst may be changed while no task waits.
 *
 *     static bide_limiter limiter = BIDE_LIMITER(50, 10);      50 a second; after a pause up to 10 at once
 */
typedef struct bide_limiter {
    double per_second; /* above 0 */
    double burst;      /* at least 1; 0: 1, or what comes in 20 ms if that is more, as timers are no more exact than 1 ms */
    uint64_t private_[8];
} bide_limiter;

#define BIDE_LIMITER(per_second_, burst_) {.per_second = (per_second_), .burst = (burst_)}

/*
 * Wait for n tokens, and take them.  In order of arrival: a task that wants few does not overtake one that wants many.  A task that is
 * cancelled takes none, and those behind it wait the shorter for it.  n may be more than the burst: then it takes until they have come.
 *
 * Suspends:  until then; not at all if they are there; a cancellation point
 * Returns:   0
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; -EINVAL, also for a rate that is not above 0; BIDE_ESTATE; BIDE_ENOLOOP outside a task
 * Owns:      l is borrowed until then
 * Example:   BIDE_TRY(bide_limiter_acquire(&limiter, 1));
 */
BIDE_API BIDE_MUST_USE int bide_limiter_acquire(bide_limiter *l, size_t n);
/* The same, to be awaited or chosen among.  l is borrowed until then. */
BIDE_API bide_awaitable bide_limiter_awaitable(bide_limiter *l, size_t n);

/*
 * Take n tokens if they are there now.
 *
 * Threads:   as those of sync.h; no task is needed
 * Returns:   true: taken; false: they are not there, or other tasks wait, or it may not be used here (then an error is on record)
 * Example:   if (!bide_limiter_try(&limiter, 1)) return bide_respond_text(x, 429, "later");
 */
BIDE_API BIDE_MUST_USE bool bide_limiter_try(bide_limiter *l, size_t n);

/*
 * Take n tokens for something that is done already, without waiting, also if they are not there: later callers wait the longer for it.
 * bide_limiter_give_back returns n tokens that were taken and not used.
 *
 * Returns:   0
 * Errors:    -EINVAL; BIDE_ESTATE
 * Example:   bide_limiter_charge(&bytes, (size_t)n);
 */
BIDE_API int bide_limiter_charge(bide_limiter *l, size_t n);
BIDE_API int bide_limiter_give_back(bide_limiter *l, size_t n);

/*
 * How long a caller would wait now for n tokens, behind all that wait already.
 *
 * Returns:   milliseconds, rounded up; 0: now
 * Errors:    -EINVAL; BIDE_ESTATE
 */
BIDE_API int64_t bide_limiter_delay_ms(bide_limiter *l, size_t n);

#ifdef __cplusplus
}
#endif
#endif
