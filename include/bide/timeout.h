/* SPDX-License-Identifier: MIT */
/*
 * timeout.h - a block whose waits have an end: bide_timeout, bide_timeout_at.  (One that another task may end: scope.h.)
 *
 * Blocks nest, and belong to the task that entered them; leave one in any way but longjmp.  Arming cannot fail.  Outside of a task
 * nothing can wait, so there a block is just run.
 */
#ifndef BIDE_TIMEOUT_H
#define BIDE_TIMEOUT_H

#include <stdbool.h>

#include <bide/coroutine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Lives in the frame of the block it bounds; for bide_timeout, bide_timeout_at and bide_scope alone. */
typedef struct bide_timeout_scope {
    void *private_[10];
    int entered;
} bide_timeout_scope;

/*
 * Bound every await in a block.
 *
 * When the time is over, the present and every later wait inside returns BIDE_ETIMEDOUT, also in the blocks inside this one,
 * but for a shielded one (scope.h).  BIDE_FOREVER: no bound.  0 or less: at once.
 *
 * Example:   bide_timeout(250) { code = bide_await(answer); }
 */
#define bide_timeout(ms) BIDE__TIMEOUT(bide_timeout_enter, (ms))

/*
 * The same up to a time of the loop's clock (bide_loop_time_ms), so that several blocks share one deadline.  BIDE_FOREVER: no
 * bound.  A time that has passed: at once.
 *
 * Example:   bide_timeout_at(deadline) { code = bide_await(answer); }
 */
#define bide_timeout_at(when_ms) BIDE__TIMEOUT(bide_timeout_enter_at, (when_ms))

#define BIDE__TIMEOUT(enter, time)                                                          \
    for (bide_timeout_scope BIDE__CAT(bide__scope_, __LINE__)                               \
             __attribute__((cleanup(bide_timeout_leave))),                                  \
         *BIDE__CAT(bide__once_, __LINE__) = enter(&BIDE__CAT(bide__scope_, __LINE__), time); \
         BIDE__CAT(bide__once_, __LINE__); BIDE__CAT(bide__once_, __LINE__) = NULL)

/*
 * The functions under them, for bindings: enter and leave a block, in the same task and in reverse order.
 *
 * Owns:      *s is borrowed until it is left; the result is s
 */
BIDE_API bide_timeout_scope *bide_timeout_enter(bide_timeout_scope *s, int64_t ms);
BIDE_API bide_timeout_scope *bide_timeout_enter_at(bide_timeout_scope *s, int64_t when_ms);
BIDE_API void bide_timeout_leave(bide_timeout_scope *s);

/*
 * Give the innermost block of this task, bide_scope or bide_timeout, another time: so many milliseconds from now; BIDE_FOREVER:
 * no bound; 0 or less: at once.
 *
 * Returns:   0
 * Errors:    BIDE_ESTATE outside of a block, and when its time is over; BIDE_ENOLOOP outside a task
 * Example:   while ((n = bide_read(s, buf, sizeof buf)) > 0) BIDE_TRY(bide_timeout_reschedule(5000));
 */
BIDE_API BIDE_MUST_USE int bide_timeout_reschedule(int64_t ms);

/*
 * Has the time of a block run out: of the one that this task has entered or left last?
 *
 * So the answer is the same at the end of a block and behind it.  Where blocks nest it tells which of them it was.  (A function
 * that is called in between and has blocks of its own changes what came last; those inside this library do not count.)
 *
 * Returns:   false too outside of a task
 * Example:   bide_timeout(250) { code = bide_await(answer); }
 *            if (bide_timeout_expired()) code = ask_somebody_else();
 */
BIDE_API bool bide_timeout_expired(void);

#ifdef __cplusplus
}
#endif
#endif
