/* SPDX-License-Identifier: MIT */
/*
 * sync.h - tasks of one loop that wait for each other: events.
 *
 * They are values in memory of yours: zeroed (= {0}), a static one too, they are ready to use, and there is nothing to release.  None
 * allocates.  A value belongs to the loop that used it first, until that loop is closed; then the next one may have it.  In another
 * loop or thread, and in a child of fork(), a function does nothing and says BIDE_ESTATE; for NULL it says -EINVAL.  The memory must
 * stay where it is, and live, as long as a task waits: nobody can see that it has gone.
 *
 * Who waits goes on in the order of arrival.  One that is cancelled or out of time leaves nothing behind: what it was woken for goes
 * to the next.  A wait that need not wait does not let others run, and a cancellation waits for one that does.
 *
 * Each function that waits has one whose name ends in _awaitable, for bide_select, bide_gather and their kin.
 */
#ifndef BIDE_SYNC_H
#define BIDE_SYNC_H

#include <stdbool.h>

#include <bide/awaitable.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- event ---- */

/* A flag that tasks wait for (Python: Event).  Zeroed: not set. */
typedef struct bide_event {
    uint64_t private_[4];
} bide_event;

/*
 * Wait until an event is set.
 *
 * Suspends:  until then; not at all if it is set; a cancellation point
 * Returns:   0; also if it was cleared again before the caller's turn came
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ENOLOOP outside a task; BIDE_ESTATE; -EINVAL
 * Owns:      e is borrowed until then
 * Example:   BIDE_TRY(bide_event_wait(&ready));
 */
BIDE_API BIDE_MUST_USE int bide_event_wait(bide_event *e);
/* The same, to be awaited: bide_select(NULL, bide_event_awaitable(&stop), bide_sleep_awaitable(100)).  e is borrowed until then. */
BIDE_API bide_awaitable bide_event_awaitable(bide_event *e);

/*
 * Set it, which wakes all that wait; or clear it, so that the next ones wait.
 *
 * Returns:   0
 * Errors:    BIDE_ESTATE; -EINVAL
 * Example:   bide_event_set(&ready);
 */
BIDE_API int bide_event_set(bide_event *e);
BIDE_API int bide_event_clear(bide_event *e);
/* Is it set?  false where it may not be used. */
BIDE_API bool bide_event_is_set(const bide_event *e);

#ifdef __cplusplus
}
#endif
#endif
