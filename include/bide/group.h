/* SPDX-License-Identifier: MIT */
/*
 * group.h - tasks that end together (Python: TaskGroup).
 *
 * A group belongs to the task that made it.  Its tasks end before it does: bide_task_group_wait waits for all of them, and releasing
 * it before that cancels and waits, so they may use the variables of the function that has it, and no error is lost.
 */
#ifndef BIDE_GROUP_H
#define BIDE_GROUP_H

#include <bide/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* At most this many errors of a group are kept; the others are counted. */
#define BIDE_GROUP_ERRORS_MAX 64

/*
 * Make a group without tasks.
 *
 * Returns:   the group, or NULL
 * Errors:    BIDE_ENOMEM; BIDE_ENOLOOP outside a task
 * Owns:      the result is owned; releasing it cancels what is left and waits for it
 * Example:   bide_auto bide_task_group *g = bide_task_group_new();
 */
BIDE_API BIDE_MUST_USE bide_task_group *bide_task_group_new(void);

/* What bide_task_group_start takes; zero means the default. */
typedef struct bide_task_group_args {
    size_t size; /* of this struct; set by the macro */
    bide_awaitable awaitable;
    struct bide_use_named_options *guard_;
    const char *name;  /* as in bide_create_task; these are for what is no task yet */
    size_t stack_size; /* likewise */
    bool eager;        /* likewise */
    bide_task **task;  /* where the task is put, a share to be released; NULL for a future that is none.  Default: nowhere */
} bide_task_group_args;

/*
 * Start a coroutine, or whatever can be awaited, as a task of a group; a task or future becomes one of the group's, and is cancelled
 * with them.  The tasks of a group may start others in it, also while the group is waited for.
 *
 * Returns:   0
 * Errors:    as bide_create_task; BIDE_ESTATE if the group has ended, or is ending because one has failed or it was cancelled, and
 *            for a task or future of another loop; BIDE_EDEADLOCK for the group's own task; -EINVAL for NULL; then nothing has run
 * Owns:      a task or future is shared until it has ended
 * Example:   BIDE_TRY(bide_task_group_start(g, bide_coro(worker, queue, i), .name = "worker"));
 */
#define bide_task_group_start(g, ...) \
    BIDE__CALL(BIDE__CAT(BIDE__GROUP_START_, BIDE__GROUP_ONE_OR_MORE(__VA_ARGS__))((g), __VA_ARGS__))
#define BIDE__GROUP_ONE_OR_MORE(...) \
    BIDE__GROUP_10TH(__VA_ARGS__, MORE, MORE, MORE, MORE, MORE, MORE, MORE, MORE, ONE, 0)
#define BIDE__GROUP_10TH(_1, _2, _3, _4, _5, _6, _7, _8, _9, n, ...) n
#define BIDE__GROUP_START_ONE(g, x) \
    bide_task_group_start_with(g, BIDE__ARGS(bide_task_group_args, .awaitable = BIDE_AW(x)))
#define BIDE__GROUP_START_MORE(g, x, ...) \
    bide_task_group_start_with(g, BIDE__ARGS(bide_task_group_args, .awaitable = BIDE_AW(x), __VA_ARGS__))
BIDE_API BIDE_MUST_USE int bide_task_group_start_with(bide_task_group *g, const bide_task_group_args *args);

/*
 * Wait for all tasks of a group, also for those that are started meanwhile.  Then it has ended.
 *
 * The first task that fails cancels the others; one that was cancelled alone is no failure.  If the group's own task does something
 * else just then, its present wait (or the next one) is BIDE_ECANCELED, once, and says why; this function takes that cancellation
 * back, and returns the error of the task.  (bide_release takes it back, too.)
 *
 * Suspends:  until all have ended, if any is left; a cancellation point: all are cancelled, and waited for
 * Returns:   0
 * Errors:    the first error of a task; without one BIDE_ECANCELED, or BIDE_ETIMEDOUT inside an expired bide_timeout.  (After an
 *            error of a task a cancellation from outside is delivered by the next wait.)  BIDE_ESTATE in another task, and when it has
 *            ended already; -EINVAL for NULL
 * Example:   BIDE_TRY(bide_task_group_wait(g));
 */
BIDE_API BIDE_MUST_USE int bide_task_group_wait(bide_task_group *g);

/*
 * Cancel the tasks of a group, and take no new ones.  That is no error of the group: bide_task_group_wait gives 0 when they have
 * ended, unless one fails.
 *
 * Returns:   true if the request was made; false if the group was ending already
 * Example:   if (found) bide_task_group_cancel(g);
 */
BIDE_API bool bide_task_group_cancel(bide_task_group *g);

/* How many of its tasks have not ended?  How many have failed? */
BIDE_API size_t bide_task_group_len(const bide_task_group *g);
BIDE_API size_t bide_task_group_error_count(const bide_task_group *g);

/*
 * The i-th error of a group, from 0 on, in order of occurrence; the first BIDE_GROUP_ERRORS_MAX are kept.
 *
 * Returns:   the error's code, and puts it on record with its text and trace
 * Errors:    -ERANGE if there is none
 * Example:   for (size_t i = 0; i < bide_task_group_error_count(g); i++) { bide_task_group_error(g, i); bide_error_print(stderr); }
 */
BIDE_API int bide_task_group_error(bide_task_group *g, size_t i);

#ifdef __cplusplus
}
#endif
#endif
