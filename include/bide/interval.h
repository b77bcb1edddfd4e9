/* SPDX-License-Identifier: MIT */
/*
 * interval.h - periodic ticks, and waiting for a time of the wall clock.
 *
 * An interval is a value in memory of yours, as those of sync.h are: it belongs to the loop that used it first, nothing is
 * allocated, there is nothing to release, and it must live as long as a task waits.
 */
#ifndef BIDE_INTERVAL_H
#define BIDE_INTERVAL_H

#include <bide/awaitable.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What happens when a tick comes and nobody waits for it, because the work of the last one took too long. */
enum bide_missed {
    BIDE_MISSED_BURST, /* all that were missed come at once, until the times are those of the beginning again */
    BIDE_MISSED_DELAY, /* the next one comes a whole period after the late one */
    BIDE_MISSED_SKIP   /* those that were missed do not come; the next one comes at its time */
};

/*
 * The first tick comes at once, and its time is the beginning of the others.
 *
 *     bide_interval every_second = BIDE_INTERVAL(1000, BIDE_MISSED_SKIP);
 */
typedef struct bide_interval {
    int64_t every_ms;        /* above 0; may be changed, from the tick after the next on */
    enum bide_missed missed;
    int begun_;
    uint64_t private_[5];
} bide_interval;

#define BIDE_INTERVAL(every_ms_, missed_) {.every_ms = (every_ms_), .missed = (missed_)}

/*
 * Wait for the next tick.  Each is for one of those who wait; a task that is cancelled takes none.
 *
 * Suspends:  until it comes; not at all if it is due; a cancellation point
 * Returns:   how many whole periods it came late; 0: at its time
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; -EINVAL, also for a period that is not above 0; BIDE_ESTATE; BIDE_ENOLOOP outside a
 *            task
 * Owns:      i is borrowed until then
 * Example:   while (bide_interval_tick(&every_second) >= 0) poll_once();
 */
BIDE_API BIDE_MUST_USE int bide_interval_tick(bide_interval *i);
/* The same, to be awaited or chosen among.  i is borrowed until then. */
BIDE_API bide_awaitable bide_interval_awaitable(bide_interval *i);

/*
 * Restart it: the next tick comes one period from now.
 *
 * Returns:   0
 * Errors:    -EINVAL; BIDE_ESTATE
 */
BIDE_API int bide_interval_reset(bide_interval *i);

/*
 * Wait until the wall clock (CLOCK_REALTIME) shows a time, also if it is set meanwhile, or the machine is suspended.  (All other times
 * of this library are of a monotonic clock, which nobody sets.)
 *
 * Suspends:  until then; a cancellation point, also if the time is over
 * Returns:   0
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; -EMFILE; BIDE_ENOMEM; BIDE_ENOLOOP outside a task
 * unix_ms:   milliseconds since 1970-01-01 00:00 UTC
 * Example:   BIDE_TRY(bide_sleep_until_wall((int64_t)midnight * 1000));
 */
BIDE_API BIDE_MUST_USE int bide_sleep_until_wall(int64_t unix_ms);

#ifdef __cplusplus
}
#endif
#endif
