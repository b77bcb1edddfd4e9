/* SPDX-License-Identifier: MIT */
/*
 * thread.h - blocking calls in threads: bide_to_thread, and the pools that run them.
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
 * The function must not use the loop.  A cancelled caller whose call has begun goes on when the call has ended, because
 * it may hold pointers into the caller's frame; one that is queued still is taken out, and never made.  So a loop that is closed
 * waits for the calls that have begun, and says so after 5 seconds.
 *
 * The loop's pool makes a thread for a call that finds none idle: up to 64 at once, which do well for calls that wait (64 of
 * 100 ms take 0.1 s) and no harm to those that compute; when all of them are blocked for 20 ms, there will be as many again, up to
 * BIDE_THREADS_MAX.  A thread that was idle for 10 seconds ends.  .threads of bide_run, or BIDE_THREADS in the environment, is
 * another bound, and is not exceeded.  Files and names have threads of their own, so none of these stops another.
 * Calls that fill all and wait for one that has no thread do not end: after 5 seconds in which none has begun
 * that is reported (bide_loop_set_exception_handler; without a handler on standard error).
 *
 * Suspends:  until it has returned; a cancellation point
 * Returns:   what the function returned
 * Errors:    its error; BIDE_ECANCELED; -EAGAIN when no thread could be made; BIDE_EWORKER if the function ended its
 *            thread (pthread_exit, pthread_cancel); BIDE_ELIMIT and BIDE_ECLOSED of a .pool; -EINVAL for NULL
 * Example:   int r = bide_to_thread(bide_coro(compress, in, out));
 */
#define bide_to_thread(...) BIDE__CALL(bide_to_thread_with(BIDE__ARGS(bide_to_thread_args, .coroutine = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_to_thread_with(const bide_to_thread_args *args);

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

#ifdef __cplusplus
}
#endif
#endif
