/* SPDX-License-Identifier: MIT */
/*
 * task.h - await, tasks, futures, and waiting for several things at once.
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
} bide_task_args;

/*
 * Start a coroutine as a task: it runs beside its creator, from the next turn of the loop on.
 *
 * May be called before the loop runs; the task then belongs to this thread's event loop.
 *
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
/* The function under it.  The result is owned. */
BIDE_API BIDE_MUST_USE bide_future *bide_ensure_future_with(bide_awaitable a);

/*
 * Let a task go on without an owner: it is released when it ends.
 *
 * Owns:      taken
 * Example:   bide_detach(bide_create_task(bide_coro(log_rotation)));
 */
BIDE_API void bide_detach(bide_task *t);

/* The running task, borrowed; NULL outside tasks. */
BIDE_API bide_task *bide_current_task(void);

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

/*
 * Call a function of yours when a task has ended.
 *
 * It is called by the loop, never inline; several run in the order they were added.  On a task that has ended already
 * it runs in the next turn.  It must not wait.
 *
 * Returns:   0
 * Errors:    BIDE_ENOMEM
 * Owns:      arg is borrowed until the call
 * Example:   bide_task_add_done_callback(t, print_result, NULL);
 */
typedef void bide_task_callback(bide_task *t, void *arg);
BIDE_API BIDE_MUST_USE int bide_task_add_done_callback(bide_task *t, bide_task_callback *fn, void *arg);

/* Take back every done callback with this function and argument.  Returns: how many. */
BIDE_API int bide_task_remove_done_callback(bide_task *t, bide_task_callback *fn, void *arg);

/* A task as the future that it is, and back (NULL if it is not a task).  Borrowed. */
BIDE_API bide_future *bide_task_future(bide_task *t);
BIDE_API bide_task *bide_future_task(bide_future *f);

static inline BIDE_MUST_USE bide_task *bide__ensured_task(bide_awaitable a)
{
    bide_future *f = bide_ensure_future_with(a);
    return f ? bide_future_task(f) : NULL;
}

/* ---- futures ---- */

/*
 * A result that will come: pending, then done, failed or cancelled, once.
 *
 * Returns:   the future, or NULL
 * Errors:    BIDE_ENOMEM
 * Owns:      the result is owned; each task that waits for it holds a share
 * Example:   bide_auto bide_future *answer = bide_future_new();
 */
BIDE_API BIDE_MUST_USE bide_future *bide_future_new(void);

/*
 * Settle a future.  Who waits for it goes on in the next turn.
 *
 * Returns:   0
 * Errors:    BIDE_ESTATE if it is settled already, or is a task; -EINVAL for a negative result or a code that is none
 * Example:   BIDE_TRY(bide_future_set_result(answer, 42));
 */
BIDE_API BIDE_MUST_USE int bide_future_set_result(bide_future *f, int result);
BIDE_API BIDE_MUST_USE int bide_future_set_error(bide_future *f, int code);

/*
 * Settle a future with more than an int; its result is 0.
 *
 * bide_future_set_pointer: destroy(pointer) is called when the last share of the future goes (NULL: nothing is).
 * bide_future_set_bytes: a copy, with a NUL behind it.  (A result of 64 bits: bide_future_set_bytes(f, &n, sizeof n).  A task has
 * only its int: what it returns beyond that goes where one of its arguments points.)
 *
 * Returns:   0
 * Errors:    BIDE_ESTATE if it is settled already, is a task, or is not one of bide_future_new; BIDE_ENOMEM
 * Owns:      pointer is taken, also on failure; data is borrowed for the call
 * Example:   BIDE_TRY(bide_future_set_bytes(answer, line, strlen(line)));
 */
BIDE_API BIDE_MUST_USE int bide_future_set_pointer(bide_future *f, void *pointer, void (*destroy)(void *pointer));
BIDE_API BIDE_MUST_USE int bide_future_set_bytes(bide_future *f, const void *data, size_t len);

/*
 * What a future was settled with.
 *
 * Returns:   the pointer, the bytes; NULL and {NULL, 0} if it was settled with something else, or not yet
 * Owns:      borrowed until the last share of the future goes
 * Example:   bide_bytes line = bide_future_bytes(answer);
 */
BIDE_API void *bide_future_pointer(const bide_future *f);
BIDE_API bide_bytes bide_future_bytes(const bide_future *f);

/* Cancel a pending future (a task: as bide_task_cancel).  Returns: false if it was done. */
BIDE_API bool bide_future_cancel(bide_future *f);

/* Is it settled?  By cancellation? */
BIDE_API bool bide_future_done(const bide_future *f);
BIDE_API bool bide_future_cancelled(const bide_future *f);

/* As bide_task_result. */
BIDE_API BIDE_MUST_USE int bide_future_result(bide_future *f);

/* As those of tasks. */
typedef void bide_future_callback(bide_future *f, void *arg);
BIDE_API BIDE_MUST_USE int bide_future_add_done_callback(bide_future *f, bide_future_callback *fn, void *arg);
BIDE_API int bide_future_remove_done_callback(bide_future *f, bide_future_callback *fn, void *arg);

/* ---- several at once ---- */

/*
 * Run several awaitables at once (up to eight; bide_gather_n for an array) and wait for all of them.
 *
 * If one fails, the others are cancelled.  Unlike asyncio.gather, the call returns only when every one has
 * finished, so pointers to local variables may be passed as arguments.
 *
 * Suspends:  until all are done; a cancellation point: all are cancelled
 * Returns:   0, or the first error in order of occurrence
 * Errors:    those of the awaitables; BIDE_ECANCELED; BIDE_ENOMEM
 *            BIDE_EDEADLOCK, as bide_await, if any of them waits for the caller: then nothing has run
 * Owns:      tasks and futures are borrowed for the call
 * Example:   BIDE_TRY(bide_gather(t, bide_coro(size, s, "https://b.example", &b)));
 */
#define bide_gather(...) bide_gather_n(BIDE__AWAITABLES(__VA_ARGS__))
BIDE_API BIDE_MUST_USE int bide_gather_n(const bide_awaitable *awaitables, size_t n);

/*
 * The same with return_exceptions=True: an error cancels nobody; codes[i] is the outcome of the i-th.
 *
 * Suspends:  until all are done; a cancellation point: all are cancelled
 * Returns:   how many failed
 * Errors:    BIDE_ECANCELED; BIDE_ENOMEM and BIDE_EDEADLOCK, as bide_gather (then nothing has run)
 * Owns:      as bide_gather
 * Example:   int codes[2], failed = bide_gather_all(codes, bide_coro(f, 1), bide_coro(f, 2));
 */
#define bide_gather_all(codes, ...) bide_gather_all_n((codes), BIDE__AWAITABLES(__VA_ARGS__))
BIDE_API BIDE_MUST_USE int bide_gather_all_n(int *codes, const bide_awaitable *awaitables, size_t n);

enum bide_until { BIDE_ALL_COMPLETED, BIDE_FIRST_COMPLETED, BIDE_FIRST_ERROR };

typedef struct bide_wait_args {
    size_t size; /* of this struct; set by the macro */
    size_t n;
    struct bide_use_named_options *guard_;
    enum bide_until until; /* default BIDE_ALL_COMPLETED; a cancelled task is not an error */
    int64_t timeout_ms;    /* default: no limit; negative: -EINVAL */
    bool *done;            /* n of them, to be filled: which are done */
    int *codes;            /* n of them: the outcome of each that is done; of the others, as they were */
} bide_wait_args;

/*
 * Wait for some of several: an array of tasks, of futures or of bide_awaitable, and its length.
 *
 * Tasks and futures are not cancelled, whatever happens.  What is no task yet (a coroutine, a generator, an object, a call for
 * a thread) runs as one that ends with the call: if it is not done by then it is cancelled, and waited for.
 *
 * Suspends:  until the condition holds or the time is over; a cancellation point
 * Returns:   how many are done (.done, or bide_task_done, tells which); a time-out is no error
 * Errors:    -EINVAL for an empty set, a NULL among them, a negative time or an .until that is none; BIDE_ECANCELED; BIDE_ENOMEM
 *            BIDE_EDEADLOCK, as bide_await: without a time, if the condition cannot hold before the caller ends
 * Owns:      borrowed for the call
 * Example:   bide_wait(tasks, 5, .until = BIDE_FIRST_COMPLETED, .timeout_ms = 1000)
 *            bide_wait(BIDE_AWAITABLES(answer, bide_coro(ask, 2)), .until = BIDE_FIRST_COMPLETED, .done = done)
 */
#define bide_wait(...) BIDE__CALL(BIDE__WAIT(__VA_ARGS__))
#define BIDE__WAIT(list, ...) bide_wait_with(BIDE_LIST(list), BIDE__ARGS(bide_wait_args, .n = __VA_ARGS__))
BIDE_API BIDE_MUST_USE int bide_wait_with(bide_list list, const bide_wait_args *args);

/* Tasks, or whatever can be awaited, in the order in which they end. */
typedef struct bide_completed bide_completed;

/*
 * Take tasks one by one, in the order in which they end (Python: as_completed); the array is one of tasks, of futures or of
 * bide_awaitable.
 *
 * It cancels none that has another owner.  What is no task yet runs as one that the result owns.  What is given twice comes twice.
 *
 * Returns:   what bide_completed_next takes them from, or NULL
 * Errors:    BIDE_ENOMEM; BIDE_ENOLOOP outside a task; BIDE_ESTATE for a task of another loop; BIDE_EDEADLOCK for the caller
 * Owns:      the result is owned; tasks and futures are shared until it is released
 * Example:   bide_auto bide_completed *c = bide_as_completed(tasks, 5);
 *            while ((r = bide_completed_next(c, &t)) > 0) { ... }
 */
#define bide_as_completed(...) BIDE__AS_COMPLETED(__VA_ARGS__)
#define BIDE__AS_COMPLETED(list, n) bide_as_completed_with(BIDE_LIST(list), (n))
BIDE_API BIDE_MUST_USE bide_completed *bide_as_completed_with(bide_list list, size_t n);

/*
 * The next one that has ended, in *place: a bide_task * (NULL for a future that is none), a bide_future * (a task is one), or a
 * size_t: its index in the array.
 *
 * Suspends:  until there is one; a cancellation point.  It may be called again after an error
 * Returns:   1; 0 when there are no more, and *place is as it was
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT inside an expired bide_timeout
 *            BIDE_EDEADLOCK, as bide_await, if all that are left wait for the caller
 * Owns:      a task or future is borrowed from c
 * Example:   size_t i;
 *            while ((r = bide_completed_next(c, &i)) > 0) { ... }
 */
#define bide_completed_next(c, place)                 \
    _Generic((place),                                 \
        bide_task **: bide__completed_task,           \
        bide_future **: bide__completed_future,       \
        size_t *: bide__completed_index,              \
        void *: bide__completed_task)((c), (place))
/* The function under it: both in one; either may be NULL. */
BIDE_API BIDE_MUST_USE int bide_completed_next_with(bide_completed *c, size_t *index, bide_future **future);

static inline BIDE_MUST_USE int bide__completed_future(bide_completed *c, bide_future **future)
{
    return bide_completed_next_with(c, NULL, future);
}

static inline BIDE_MUST_USE int bide__completed_index(bide_completed *c, size_t *index)
{
    return bide_completed_next_with(c, index, NULL);
}

static inline BIDE_MUST_USE int bide__completed_task(bide_completed *c, bide_task **task)
{
    bide_future *f = NULL;
    int r = bide_completed_next_with(c, NULL, task ? &f : NULL);

    if (r > 0)
        *task = bide_future_task(f);
    return r;
}

/*
 * Wait for anything, but no longer than ms; then it is cancelled, and the call returns when it has ended.
 *
 * Suspends:  until it is done; a cancellation point
 * Returns:   its result
 * Errors:    its error; BIDE_ETIMEDOUT; BIDE_ECANCELED; BIDE_EDEADLOCK, as bide_await
 * Example:   int r = bide_wait_for(bide_coro(answer, &a), 5000);
 */
#define bide_wait_for(x, ms) bide_wait_for_with(BIDE_AW(x), (ms))
BIDE_API BIDE_MUST_USE int bide_wait_for_with(bide_awaitable a, int64_t ms);

/*
 * Wait for anything without passing a cancellation of the caller on to it.
 *
 * What is no task yet becomes one that goes on without an owner if the caller is cancelled.
 *
 * Suspends:  until it is done; a cancellation point: then it goes on without us
 * Returns:   its result
 * Errors:    its error; BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_EDEADLOCK, as bide_await
 * Owns:      borrowed for the call
 * Example:   int r = bide_shield(saving);
 */
#define bide_shield(x) bide_shield_with(BIDE_AW(x))
BIDE_API BIDE_MUST_USE int bide_shield_with(bide_awaitable a);

/* ---- timeouts ---- */

/* Lives in the frame of the block it bounds; for bide_timeout alone. */
typedef struct bide_timeout_scope {
    void *private_[10];
    int entered;
} bide_timeout_scope;

/*
 * Bound every await in a block.
 *
 * When the time is over, the present and every later wait inside returns BIDE_ETIMEDOUT.  Arming cannot fail.
 * Blocks nest; leave one in any way but longjmp.  BIDE_FOREVER: no bound.  0 or less: at once.
 *
 * Example:   bide_timeout(250) { code = bide_await(answer); }
 */
#define bide_timeout(ms)                                                                     \
    for (bide_timeout_scope BIDE__CAT(bide__scope_, __LINE__)                                \
             __attribute__((cleanup(bide_timeout_leave))),                                  \
         *BIDE__CAT(bide__once_, __LINE__) =                                                 \
             bide_timeout_enter(&BIDE__CAT(bide__scope_, __LINE__), (ms));                  \
         BIDE__CAT(bide__once_, __LINE__); BIDE__CAT(bide__once_, __LINE__) = NULL)

/*
 * The functions under bide_timeout, for bindings: enter and leave a block, in the same task and in reverse order.
 *
 * Owns:      *s is borrowed until it is left; the result is s
 */
BIDE_API bide_timeout_scope *bide_timeout_enter(bide_timeout_scope *s, int64_t ms);
BIDE_API void bide_timeout_leave(bide_timeout_scope *s);

/* Has the time of the innermost bide_timeout block of this task run out? */
BIDE_API bool bide_timeout_expired(void);

/* ---- threads ---- */

/* At most so many calls of one loop run at once; further ones wait until one of them returns. */
#define BIDE_THREADS_MAX 256

/*
 * Run a blocking call in a thread of the loop's pool, and wait for it.
 *
 * The function must not use the loop.  A cancelled caller whose call has begun goes on when the call has ended, because
 * it may hold pointers into the caller's frame.
 *
 * There are a few more threads than processors; when all of them are blocked, there will be more, up to BIDE_THREADS_MAX.
 * Calls that fill even that and wait for one that has no thread do not end: after 5 seconds in which none has begun
 * that is reported (bide_loop_set_exception_handler; without a handler on standard error).
 *
 * Suspends:  until it has returned; a cancellation point
 * Returns:   what the function returned
 * Errors:    its error; BIDE_ECANCELED; -EAGAIN when no thread could be made; BIDE_EWORKER if the function ended its
 *            thread (pthread_exit, pthread_cancel)
 * Example:   int r = bide_to_thread(bide_coro(compress, in, out));
 */
BIDE_API BIDE_MUST_USE int bide_to_thread(bide_coroutine c);

#ifdef __cplusplus
}
#include <bide/cplusplus_task.h>
#endif
#endif
