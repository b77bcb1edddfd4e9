/* SPDX-License-Identifier: MIT */
/*
 * task.h - await, tasks; with future.h, several.h, thread.h (calls in threads) and timeout.h, which it includes.
 *
 * The order in which things happen is asyncio's.  A function whose contract says "Suspends" may let other tasks run;
 * one without that line never does.  "A cancellation point" returns BIDE_ECANCELED when the task was cancelled.
 *
 * For every function here that is given a task or future: -EINVAL (NULL, false) if that is NULL, and BIDE_ESTATE if it belongs
 * to a loop that runs in another thread, or to the process before a fork (loop.h).
 */
#ifndef BIDE_TASK_H
#define BIDE_TASK_H

#include <stdbool.h>

#include <bide/coroutine.h>
#include <bide/error.h>
#include <bide/future.h>
#include <bide/several.h>
#include <bide/thread.h>
#include <bide/timeout.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- await ---- */

/*
 * Wait for anything that can be awaited and take its result.
 *
 * A coroutine runs in place, on the caller's stack, without a switch.  A task or future that is done answers at once.
 * If the caller is cancelled while it waits for a task or future, the cancellation goes to that one first and the
 * caller goes on when it has ended (bide_shield prevents that).
 *
 * Suspends:  until it is done; a cancellation point
 * Returns:   its result, 0 or more
 * Errors:    its error; BIDE_ECANCELED; BIDE_ETIMEDOUT inside an expired bide_timeout; BIDE_ENOLOOP outside a task;
 *            BIDE_EDEADLOCK if it is the caller itself, or waits for it: by an await, or by one of the functions below
 *            that wait for several, but for a bide_wait with a time-out.  (Of a circle of more than 32 tasks one gives
 *            up when any is cancelled or out of time; it gets BIDE_ECANCELED.)
 * Owns:      tasks, futures, generators and objects are borrowed for the call
 * Example:   int n = bide_await(bide_coro(count, path));
 */
#define bide_await(x) bide_await_with(BIDE_AW(x))
BIDE_API BIDE_MUST_USE int bide_await_with(bide_awaitable a);

/*
 * Let others run for a while; 0 or less: exactly one turn of the loop.
 *
 * Suspends:  for at least that many milliseconds; a cancellation point
 * Returns:   0
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ENOLOOP outside a task
 * Example:   BIDE_TRY(bide_sleep_ms(250));
 */
BIDE_API BIDE_MUST_USE int bide_sleep_ms(int64_t ms);

/* ---- tasks ---- */

/* What bide_create_task takes; zero means the default. */
typedef struct bide_task_args {
    size_t size; /* of this struct; set by the macro */
    bide_coroutine coroutine;
    struct bide_use_named_options *guard_;
    const char *name;          /* copied; default: Task-N */
    size_t stack_size;         /* usable bytes; default 64 KiB; 16 KiB to 64 MiB */
    bide_generator *generator; /* run this stackless coroutine in place of the coroutine; borrowed until it is done */
    size_t eager;              /* true: run it up to its first wait before the call returns, if a loop runs here */
} bide_task_args;

/*
 * Start a coroutine as a task: it runs beside its creator, from the next turn of the loop on.
 *
 * May be called before the loop runs; the task then belongs to this thread's event loop.
 *
 * With .eager the coroutine begins at once, inside the call, as if it were called; where it has to wait the call returns, and it
 * goes on as any task.  One that does not wait is done when the call returns, and has cost no turn.
 *
 * Threads:   any; where no loop runs it belongs to bide_get_event_loop()
 * Returns:   the task, or NULL
 * Errors:    BIDE_ENOMEM, also when no stack could be had; -EINVAL for a stack_size out of its bounds
 * Owns:      the result is owned; releasing it while it runs cancels it and waits for it
 * Example:   bide_auto bide_task *t = bide_create_task(bide_coro(work, 1), .name = "worker");
 */
#define bide_create_task(...) BIDE__CALL(bide_create_task_with(BIDE__ARGS(bide_task_args, .coroutine = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_task *bide_create_task_with(const bide_task_args *args);

/*
 * Make sure that something runs on its own: a task or future stays itself, anything else becomes a task.
 *
 * Returns:   a bide_task * (for a future: that bide_future *; for a bide_awaitable: a bide_future *), or NULL
 * Errors:    as bide_create_task
 * Owns:      the result is owned
 * Example:   bide_auto bide_task *t = bide_ensure_future(bide_coro(work, 1));
 */
#define bide_ensure_future(x)                       \
    _Generic((x),                                   \
        bide_coroutine: bide__ensured_task,         \
        bide_generator *: bide__ensured_task,       \
        bide_task *: bide__ensured_task,            \
        bide_awaitable_object *: bide__ensured_task, \
        bide_awaitable: bide_ensure_future_with,    \
        bide_future *: bide_ensure_future_with)(BIDE_AW(x))
/*
 * The function under it.  The result is owned.
 *
 * Threads:   as bide_create_task
 */
BIDE_API BIDE_MUST_USE bide_future *bide_ensure_future_with(bide_awaitable a);

/*
 * Let a task go on without an owner: it is released when it ends.  Releasing or detaching it once more does nothing while it
 * runs, and is reported on standard error; a variable that is bide_auto gives it away with bide_take.
 *
 * Owns:      taken
 * Example:   bide_detach(bide_create_task(bide_coro(log_rotation)));
 */
BIDE_API void bide_detach(bide_task *t);

/*
 * The running task, borrowed; NULL outside tasks.
 *
 * Threads:   any; no loop is needed
 */
BIDE_API bide_task *bide_current_task(void);

/*
 * The tasks of this thread's loop that have not ended, in the order in which they were made; the first max of them into an array,
 * which may be NULL for 0.
 *
 * Threads:   any; no loop is needed
 * Returns:   how many there are, which may be more than max
 * Owns:      the tasks are borrowed until something runs that may end them: a wait
 * Example:   bide_task *all[64]; size_t n = bide_all_tasks(all, 64);
 */
BIDE_API size_t bide_all_tasks(bide_task **array, size_t max);

/* Has it ended?  Did it end by cancellation? */
BIDE_API bool bide_task_done(const bide_task *t);
BIDE_API bool bide_task_cancelled(const bide_task *t);

/*
 * The outcome of a task that has ended.
 *
 * Returns:   its result, 0 or more
 * Errors:    its error; BIDE_ECANCELED; BIDE_ESTATE while it runs
 */
BIDE_API BIDE_MUST_USE int bide_task_result(bide_task *t);

/* Its name; a number that is unique in this process and rises.  Borrowed from the task. */
BIDE_API const char *bide_task_name(const bide_task *t);
BIDE_API uint64_t bide_task_id(const bide_task *t);

/*
 * Ask a task to end.  Its next (or present) wait returns BIDE_ECANCELED, once; cleanup runs as always.
 *
 * A task that has not begun never runs.  Requests are counted (bide_cancelling); bide_uncancel takes one back.
 *
 * Returns:   true if the request was made; false if the task had ended.  bide_cancelling: how many requests were made and
 *            not taken back; bide_uncancel: how many of them are left
 * Example:   bide_task_cancel(download);
 */
BIDE_API bool bide_task_cancel(bide_task *t);
BIDE_API int bide_cancelling(const bide_task *t);
BIDE_API int bide_uncancel(bide_task *t);

/* At most so much of a reason is kept, with its NUL. */
#define BIDE_CANCEL_REASON_MAX 128

/*
 * bide_task_cancel with a reason, which stands in the text of the BIDE_ECANCELED that the task's wait returns, of what it awaits,
 * and of those who await the task.  The last reason counts; a cancellation without one has none.
 *
 * Returns:   as bide_task_cancel; without memory for the reason the request is made all the same
 * Owns:      reason is copied; NULL: none
 * Example:   bide_task_cancel_because(download, "the disk is full");
 */
BIDE_API bool bide_task_cancel_because(bide_task *t, const char *reason);

/*
 * Call a function of yours when a task has ended.
 *
 * It is called by the loop, never inline; several run in the order they were added.  On a task that has ended already
 * it runs in the next turn.  It must not wait.
 *
 * Returns:   0
 * Errors:    BIDE_ENOMEM; BIDE_ECLOSED: its loop is closed, so no turn will come for the call
 * Owns:      arg is borrowed until the call
 * Example:   bide_task_add_done_callback(t, print_result, NULL);
 */
typedef void bide_task_callback(bide_task *t, void *arg);
BIDE_API BIDE_MUST_USE int bide_task_add_done_callback(bide_task *t, bide_task_callback *fn, void *arg);

/* Take back every done callback with this function and argument.  Returns: how many. */
BIDE_API int bide_task_remove_done_callback(bide_task *t, bide_task_callback *fn, void *arg);

static inline BIDE_MUST_USE bide_task *bide__ensured_task(bide_awaitable a)
{
    bide_future *f = bide_ensure_future_with(a);
    return f ? bide_future_task(f) : NULL;
}

#ifdef __cplusplus
}
#include <bide/cplusplus_task.h>
#endif
#endif
