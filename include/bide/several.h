/* SPDX-License-Identifier: MIT */
/*
 * several.h - waiting for several things at once (gather, wait, as_completed), for one no longer than so, and without passing a
 * cancellation on (shield).
 *
 * For every function here that is given a task or future: -EINVAL (NULL, false) if that is NULL, and BIDE_ESTATE if it belongs
 * to a loop that runs in another thread, or to the process before a fork (loop.h).
 */
#ifndef BIDE_SEVERAL_H
#define BIDE_SEVERAL_H

#include <stdbool.h>

#include <bide/future.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Run several awaitables at once (up to 32; bide_gather_n for an array) and wait for all of them.
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
#define bide_gather(...) bide__gather(BIDE__AWAITABLES(__VA_ARGS__))
#define bide_gather_n(array, n) bide_gather_with(BIDE_LIST(array), (n))
/* The function under them: an array of tasks, of futures or of bide_awaitable. */
BIDE_API BIDE_MUST_USE int bide_gather_with(bide_list list, size_t n);

static inline BIDE_MUST_USE int bide__gather(const bide_awaitable *all, size_t n)
{
    return bide_gather_with(bide__list_of_awaitables(all), n);
}

/*
 * The same with return_exceptions=True: an error cancels nobody; codes[i] is the outcome of the i-th.
 *
 * Suspends:  until all are done; a cancellation point: all are cancelled
 * Returns:   how many failed
 * Errors:    BIDE_ECANCELED; BIDE_ENOMEM and BIDE_EDEADLOCK, as bide_gather (then nothing has run)
 * Owns:      as bide_gather
 * Example:   int codes[2], failed = bide_gather_all(codes, bide_coro(f, 1), bide_coro(f, 2));
 */
#define bide_gather_all(codes, ...) bide__gather_all((codes), BIDE__AWAITABLES(__VA_ARGS__))
#define bide_gather_all_n(codes, array, n) bide_gather_all_with((codes), BIDE_LIST(array), (n))
/* The function under them. */
BIDE_API BIDE_MUST_USE int bide_gather_all_with(int *codes, bide_list list, size_t n);

static inline BIDE_MUST_USE int bide__gather_all(int *codes, const bide_awaitable *all, size_t n)
{
    return bide_gather_all_with(codes, bide__list_of_awaitables(all), n);
}

enum bide_until { BIDE_ALL_COMPLETED, BIDE_FIRST_COMPLETED, BIDE_FIRST_ERROR };

typedef struct bide_wait_args {
    size_t size; /* of this struct; set by the macro */
    size_t n;
    struct bide_use_named_options *guard_;
    enum bide_until until; /* default BIDE_ALL_COMPLETED; a cancelled task is not an error */
    int64_t timeout_ms;    /* default, and BIDE_FOREVER: no limit */
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

typedef struct bide_as_completed_args {
    size_t size; /* of this struct; set by the macro */
    size_t n;
    struct bide_use_named_options *guard_;
    int64_t timeout_ms; /* from the call on; default, and BIDE_FOREVER: no limit */
} bide_as_completed_args;

/*
 * Take tasks one by one, in the order in which they end (Python: as_completed): an array of tasks, of futures or of
 * bide_awaitable, and its length.
 *
 * It cancels none that has another owner.  What is no task yet runs as one that the result owns.  What is given twice comes twice.
 * When the time is over nothing is cancelled; what has not ended by then does not come any more.
 *
 * Returns:   what bide_completed_next takes them from, or NULL
 * Errors:    BIDE_ENOMEM; BIDE_ENOLOOP outside a task; BIDE_ESTATE for a task of another loop; BIDE_EDEADLOCK for the caller;
 *            -EINVAL for a negative time
 * Owns:      the result is owned; tasks and futures are shared until it is released
 * Example:   bide_auto bide_completed *c = bide_as_completed(tasks, 5, .timeout_ms = 1000);
 *            while ((r = bide_completed_next(c, &t)) > 0) { ... }
 */
#define bide_as_completed(...) BIDE__CALL(BIDE__AS_COMPLETED(__VA_ARGS__))
#define BIDE__AS_COMPLETED(list, ...) bide_as_completed_with(BIDE_LIST(list), BIDE__ARGS(bide_as_completed_args, .n = __VA_ARGS__))
BIDE_API BIDE_MUST_USE bide_completed *bide_as_completed_with(bide_list list, const bide_as_completed_args *args);

/*
 * The next one that has ended, in *place: a bide_task * (NULL for a future that is none), a bide_future * (a task is one), or a
 * size_t: its index in the array.
 *
 * Suspends:  until there is one; a cancellation point.  It may be called again after an error
 * Returns:   1; 0 when there are no more, and *place is as it was
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT inside an expired bide_timeout, and when .timeout_ms is over and all that had ended
 *            by then have been taken; then each time
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

#ifdef __cplusplus
}
#endif
#endif
