/* SPDX-License-Identifier: MIT */
/*
 * backoff.h - how long to wait before what failed is tried again.
 *
 * The limit doubles with each attempt, up to a ceiling, and the wait is anywhere between 0 and the limit ("full jitter"):
 * many that failed together do not come back together.  What the other end asks for goes first: bide_retry_after_ms in
 * date.h.  These may be called anywhere, in any thread, and keep nothing.
 */
#ifndef BIDE_BACKOFF_H
#define BIDE_BACKOFF_H

#include <stdint.h>

#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A time to wait before the n-th new attempt, counted from 1; different each time, also in processes that were forked.
 *
 * Threads:   any; no loop is needed
 * Returns:   milliseconds, 0 to bide_backoff_limit_ms(attempt, base_ms, most_ms)
 * Example:   BIDE_TRY(bide_sleep_ms(bide_backoff_ms(attempt, 1000, 60000)))
 */
BIDE_API BIDE_MUST_USE int64_t bide_backoff_ms(int attempt, int64_t base_ms, int64_t most_ms);

/*
 * The longest of them, for what wants a spread of its own.
 *
 * Threads:   any; no loop is needed
 * Returns:   base_ms * 2^(attempt - 1), but no more than most_ms, and no less than 0; any attempt below 1 is the first
 * Example:   bide_backoff_limit_ms(3, 1000, 60000)     4000
 */
BIDE_API BIDE_MUST_USE int64_t bide_backoff_limit_ms(int attempt, int64_t base_ms, int64_t most_ms);

/*
 * A random time, all alike likely: what is added to a fixed one, so that not all come at once.
 *
 * Threads:   any; no loop is needed
 * Returns:   milliseconds, 0 to most_ms; 0 if that is negative
 * Example:   bide_sleep_ms(rest_ms + bide_jitter_ms(rest_ms / 10))
 */
BIDE_API BIDE_MUST_USE int64_t bide_jitter_ms(int64_t most_ms);

#ifdef __cplusplus
}
#endif
#endif
