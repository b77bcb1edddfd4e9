/* SPDX-License-Identifier: MIT */
/*
 * thread.h - more than one thread: blocking calls in threads (bide_to_thread) and pools of those; a loop in each of several
 * threads (bide_threads_run); and how they reach each other (bide_call_in_loop, bide_promise).
 *
 * Tasks never move between threads, and what belongs to a loop is used in its thread alone (loop.h).  What may be shared: memory
 * that nobody changes, or that is atomic or guarded by a lock which is not held over a wait; pools of threads; promises.
 */
#ifndef BIDE_THREAD_H
#define BIDE_THREAD_H

#include <stdbool.h>

#include <bide/coroutine.h>
#include <bide/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* At most so many calls of one pool run at once; further ones wait until one of them returns. */
#define BIDE_THREADS_MAX 256

/* ---- blocking calls ---- */

/* Threads for blocking calls, of the program's own. */
typedef struct bide_thread_pool bide_thread_pool;

/* What bide_to_thread takes; zero means the default. */
typedef struct bide_to_thread_args {
    size_t size; /* of this struct; set by the macro */
    bide_coroutine coroutine;
    struct bide_use_named_options *guard_;
    bide_thread_pool *pool; /* default: that of the loop */
} bide_to_thread_args;

/*
 * Run a blocking call in a thread of a pool, and wait for it.
 *
 * The function must not use the loop.  A caller that is cancelled or out of time, and whose call has begun, goes on when the call has
 * ended, because it may hold pointers into the caller's frame, and gets the code of that instead of the result; one that is queued
 * still is taken out, and never made.  So a loop that is closed waits for the calls that have begun, and says so after 5 seconds.
 *
 * The loop's pool makes a thread for a call that finds none idle: up to 64 at once, which do well for calls that wait (64 of
 * 100 ms take 0.1 s) and no harm to those that compute; when all of them are blocked for 20 ms, there will be as many again, up to
 * BIDE_THREADS_MAX.  A thread that was idle for 10 seconds ends.  .threads of bide_run, or BIDE_THREADS in the environment, is
 * another bound, and is not exceeded.  Files and names have threads of their own, so none of these stops another.
 * Calls that fill all and wait for one that has no thread do not end: after 5 seconds in which none has begun
 * that is reported (bide_loop_set_exception_handler; without a handler on standard error), in a .pool of the program's own, too.
 *
 * Suspends:  until it has returned; a cancellation point
 * Returns:   what the function returned
 * Errors:    its error; BIDE_ECANCELED; BIDE_ETIMEDOUT; -EAGAIN when no thread could be made; BIDE_EWORKER if the function ended its
 *            thread (pthread_exit, pthread_cancel); BIDE_ELIMIT and BIDE_ECLOSED of a .pool; -EINVAL for NULL
 * Example:   int r = bide_to_thread(bide_coro(compress, in, out));
 */
#define bide_to_thread(...) BIDE__CALL(bide_to_thread_with(BIDE__ARGS(bide_to_thread_args, .coroutine = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_to_thread_with(const bide_to_thread_args *args);

/*
 * The same as something to be awaited, with its options.
 *
 * Returns:   a plain value.  Awaiting one of a NULL function, or of an option without its name, is -EINVAL
 * Owns:      the .pool is borrowed until the call was begun
 * Example:   BIDE_TRY(bide_gather(bide_to_thread_awaitable(bide_coro(query, db), .pool = two_threads), t));
 */
#define bide_to_thread_awaitable(...) \
    BIDE__CALL(bide_to_thread_awaitable_with(BIDE__ARGS(bide_to_thread_args, .coroutine = __VA_ARGS__)))
BIDE_API bide_awaitable bide_to_thread_awaitable_with(const bide_to_thread_args *args);

/* What bide_thread_pool_new takes; zero means the default. */
typedef struct bide_thread_pool_args {
    size_t size; /* of this struct; set by the macro */
    struct bide_use_named_options *guard_;
    const char *name; /* of its threads, as debuggers and top show them: the first 15 bytes; default "bide-thread"; copied */
    int threads;      /* at most, made when they are needed: 1 to BIDE_THREADS_MAX; default 64 */
    int max_queued;   /* calls that wait for a thread; BIDE_ELIMIT beyond; default: no limit, for each is a task that waits */
} bide_thread_pool_args;

/*
 * Threads for calls that are to have some of their own (Python: ThreadPoolExecutor): a library that may be called from two
 * threads at most, computations that are to have no more threads than there are processors.
 *
 * It belongs to no loop: tasks of the loops of several threads may use it at the same time.  A child of fork() makes its own.
 *
 * Threads:   any
 * Returns:   the pool, or NULL
 * Errors:    -EINVAL names a bad option; BIDE_ENOMEM.  (Threads are made when they are needed: bide_to_thread says if none can be.)
 * Owns:      the result is owned.  When it was released it takes no more calls; those that are queued are made, and the threads
 *            end then.  It may be released in any thread, by one at a time
 * Example:   bide_auto bide_thread_pool *pool = bide_thread_pool_new(.threads = 2, .name = "sqlite");
 */
#define bide_thread_pool_new(...) BIDE__CALL(bide_thread_pool_new_with(BIDE__ARGS(bide_thread_pool_args, __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_thread_pool *bide_thread_pool_new_with(const bide_thread_pool_args *args);

/* ---- a loop in each of several threads ---- */

/* What bide_threads_run takes; zero means the default. */
typedef struct bide_threads_args {
    size_t size; /* of this struct; set by the macro */
    bide_coroutine coroutine;
    struct bide_use_named_options *guard_;
    bool pin;         /* each thread stays on one processor of its own; default: the kernel chooses */
    const char *name; /* of the threads: "name-1", "name-2", ...; default "bide-loop"; the caller's keeps its own */
    int64_t leave_signals; /* true: nothing is done about SIGINT */
} bide_threads_args;

/*
 * Run a coroutine in each of n threads, on a loop of its own; 0, or BIDE_ALL_PROCESSORS: as many as there are processors for us.
 *
 * The calling thread is the first of them, so signals go where they always went.  The first error cancels what runs in the others.
 * A loop is closed, and its leftover tasks are cancelled, when its coroutine has ended.
 *
 * The first SIGINT (Ctrl-C) cancels the coroutines in all threads, so that they clean up; the second ends the process.  Not so where
 * bide_main would leave it alone, nor in a thread that blocks the signal; a bide_main that handles it cancels these, too.
 *
 * Threads:   any in which no loop runs; it returns when all have ended
 * Returns:   0, or the first error in order of occurrence
 * Errors:    those of the coroutines; BIDE_ECANCELED after SIGINT, if one of them ends with it; -EAGAIN when a thread could not be made; BIDE_ERUNNING; BIDE_ENOMEM; -EINVAL
 * Owns:      what the coroutine's arguments point to is shared by all threads
 * Example:   BIDE_TRY(bide_threads_run(0, bide_coro(serve_here, port)));
 */
#define bide_threads_run(n, ...) BIDE__CALL(bide_threads_run_with((n), BIDE__ARGS(bide_threads_args, .coroutine = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_threads_run_with(int n, const bide_threads_args *args);

/*
 * Which thread of bide_threads_run, or of a server with .threads, is this?  And: how many processors may this process use?
 *
 * Threads:   any
 * Returns:   0 to n - 1, 0 is the calling one; -1: neither.  The number of processors, 1 or more
 * Example:   struct counters *mine = &counters[bide_thread_index()];
 */
BIDE_API int bide_thread_index(void);
BIDE_API int bide_processors(void);

/* ---- from one loop to another ---- */

/* What bide_call_in_loop takes; zero means the default. */
typedef struct bide_call_args {
    size_t size; /* of this struct; set by the macro */
    bide_coroutine coroutine;
    struct bide_use_named_options *guard_;
    const char *name;   /* of the task there; copied; default: Task-N */
    int64_t timeout_ms; /* then it is cancelled; default, and BIDE_FOREVER: no limit */
} bide_call_args;

/*
 * Run a coroutine as a task of the loop of another thread, and wait for its end (Python: run_coroutine_threadsafe(...).result()).
 *
 * In a task only that task waits; in a thread without a running loop, the thread.  A caller that is cancelled, or out of time, has
 * the task there cancelled, and goes on when that has ended: the arguments may point into the caller's frame.
 *
 * Threads:   any
 * Suspends:  until it has ended there; a cancellation point.  The loop has to run, or be run by somebody
 * Returns:   its result, 0 or more
 * Errors:    its error, with its text and trace; BIDE_ECANCELED if the caller was cancelled, or the task there, also by the closing of its
 *            loop; BIDE_ETIMEDOUT; BIDE_ECLOSED if the loop was closed before it took the call; BIDE_ELIMIT, as
 *            bide_loop_call_soon_threadsafe; BIDE_ENOLOOP in a function that a loop calls; BIDE_EDEADLOCK if this thread would
 *            have to run the loop itself; BIDE_ENOMEM; -EINVAL
 * Owns:      the loop is borrowed for the call: it may be closed meanwhile, but not released
 * Example:   int n = BIDE_TRY(bide_call_in_loop(database_loop, bide_coro(count_rows, "orders")));
 */
#define bide_call_in_loop(loop, ...) BIDE__CALL(bide_call_in_loop_with((loop), BIDE__ARGS(bide_call_args, .coroutine = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_call_in_loop_with(bide_loop *loop, const bide_call_args *args);

/*
 * The same without waiting: a future of the loop that runs here (else of bide_get_event_loop()), which settles as the task there ends.
 *
 * Cancelling the future cancels the task; releasing it lets the task run on.
 *
 * Threads:   any
 * Returns:   the future, or NULL
 * Errors:    as bide_call_in_loop, before it waits
 * Owns:      the result is owned; the loop is borrowed for the call; what the arguments point to must live until the task has ended
 * Example:   bide_auto bide_future *rows = bide_submit_to_loop(database_loop, bide_coro(count_rows, "orders"));
 */
BIDE_API BIDE_MUST_USE bide_future *bide_submit_to_loop(bide_loop *loop, bide_coroutine c);

/* ---- futures that other threads settle ---- */

/* The other end of a future, for another thread: its owner settles the future, once. */
typedef struct bide_promise bide_promise;

/*
 * A future of the loop that runs here (else of bide_get_event_loop()), and the promise that settles it from any thread.
 *
 * Threads:   any
 * Returns:   the promise, and the future in *future; or NULL
 * Errors:    BIDE_ENOMEM; BIDE_ECLOSED; -EINVAL for NULL
 * Owns:      both are owned.  The promise may be released in any thread: if it was not kept, its future fails with BIDE_ECLOSED
 * Example:   bide_auto bide_future *answer = NULL;
 *            library_call_async(on_done, BIDE_TRY_PTR(bide_promise_new(&answer)));
 */
BIDE_API BIDE_MUST_USE bide_promise *bide_promise_new(bide_future **future);

/*
 * Keep a promise: settle its future with a result, an error (with the text and trace on record here, if they are of this code) or a
 * pointer, as bide_future_set_result, _set_error and _set_pointer do.  Needs no memory.
 *
 * Threads:   any, one at a time
 * Returns:   0
 * Errors:    BIDE_ESTATE if it was kept already; BIDE_ECLOSED if the loop of its future is closed; -EINVAL.  (A future that was
 *            cancelled or released meanwhile is no error: nobody wants the result any more.)
 * Owns:      pointer is taken, also on failure: destroy is called once, in the future's thread or in this one
 * Example:   BIDE_IGNORE(bide_promise_set_result(promise, bytes_read));
 */
BIDE_API BIDE_MUST_USE int bide_promise_set_result(bide_promise *p, int result);
BIDE_API BIDE_MUST_USE int bide_promise_set_error(bide_promise *p, int code);
BIDE_API BIDE_MUST_USE int bide_promise_set_pointer(bide_promise *p, void *pointer, void (*destroy)(void *pointer));

#ifdef __cplusplus
}
#endif
#endif
