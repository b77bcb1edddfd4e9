/* SPDX-License-Identifier: MIT */
/*
 * loop.h - the event loop: it runs what is ready, fires what is due, waits for what comes, and repeats.
 *
 * A thread has at most one running loop, and everything made while it runs belongs to it.
 *
 * Which thread may call what.  What belongs to a loop is used in the thread that runs it: this is the rule for every function
 * whose contract has no line "Threads:".  (And what never changes may be read: bide_task_id; the status and fields of a
 * response, the target and fields of an exchange, the names and ports of streams, listeners and servers.)  In another thread a function does nothing and fails:
 * BIDE_ESTATE (NULL, false, 0), with the reason on record; one that returns nothing, such as bide_release, writes the reason
 * to standard error.  A loop that does not run may be used by any thread, one at a time.
 *
 * When.  Before a loop runs: what has a line "Threads: any", and all that neither suspends nor opens a descriptor; tasks, futures
 * and calls that are made then wait for the loop.  What suspends is BIDE_ENOLOOP there, as it is in a function that the loop
 * calls: that one may do all that is done in a task, but for waiting and running a loop (BIDE_ERUNNING).  That is so whether or not
 * a call would have to wait.  After a loop was closed, what belonged to it can be looked at and released; a new call, or running
 * it, is BIDE_ECLOSED, and what suspends is BIDE_ESTATE in a task of another loop.
 *
 * When functions of yours are called.  One that is called because something has happened (a done callback, call_soon and its
 * kin, .on_event and .on_progress of a pool) is called by the loop, in a turn after that, never inside a call of yours; it must
 * not wait.  (.on_event of bide_pool_serve: by the tasks that serve.)  One that does work (a handler of a server) runs in a task
 * of its own, and may wait.  One that answers a question (.on_redirect) is called where the answer is needed, in the task that
 * asked.  The exception handler is called at the place where something is noticed, which may be inside a call of yours; and
 * what frees a pointer (user_free), where the last share goes.
 *
 * After fork() everything stays with the parent.  In the child, functions fail in the same way; bide_release closes the
 * child's descriptors and touches nothing that both share; a task that returns there ends bide_run (with its result, if
 * it was the one that bide_run runs; else with BIDE_ESTATE), and no other task goes on.  A child makes a loop of its
 * own with bide_run.
 */
#ifndef BIDE_LOOP_H
#define BIDE_LOOP_H

#include <bide/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What bide_run and bide_main take; zero means the default. */
typedef struct bide_run_args {
    size_t size; /* of this struct; set by the macro */
    bide_awaitable awaitable;
    struct bide_use_named_options *guard_;
    int64_t threads; /* for bide_to_thread, at most: 1 to BIDE_THREADS_MAX; default: BIDE_THREADS of the environment, else see thread.h */
    int64_t debug;   /* true: report what blocks the loop, while it does (debug.h); default: if BIDE_DEBUG=1 in the environment */
    int64_t leave_signals; /* true: bide_main does nothing about SIGINT */
} bide_run_args;

/*
 * Run one program: make a loop, run the awaitable to its end, cancel what is left over and wait for it, close the loop.
 *
 * Threads:   any in which no loop runs
 * Returns:   its result, 0 or more
 * Errors:    its error (bide_error_text says what was tried and why it failed); BIDE_ERUNNING inside a running loop;
 *            BIDE_ENOMEM; -EINVAL names a bad option; BIDE_EDEADLOCK when nothing can wake any task any more (debug.h)
 * Example:   int main(void) { return bide_run(bide_coro(app)); }
 */
#define bide_run(...) BIDE__CALL(bide_run_with(BIDE__RUN_ARGS(__VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_run_with(const bide_run_args *args);

/*
 * bide_run for main(): prints the error, if there was one, with its trace on standard error.
 *
 * The first SIGINT (Ctrl-C) cancels the awaitable, so that it cleans up; the second ends the process, as SIGINT does.  If it ends
 * cancelled for that, nothing is printed.  Not so with .leave_signals, nor if the signal is ignored, or handled by the program,
 * when the call is made; and while a bide_signals that catches it is open, that has it.
 *
 * Threads:   any in which no loop runs
 * Returns:   an exit status: the result, 1 after an error, 130 (128 + SIGINT) after it was interrupted
 * Example:   int main(void) { return bide_main(bide_coro(app)); }
 */
#define bide_main(...) BIDE__CALL(bide_main_with(BIDE__RUN_ARGS(__VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_main_with(const bide_run_args *args);

/* The first argument is anything that can be awaited; options may follow. */
#define BIDE__RUN_ARGS(...) BIDE__ARGS(bide_run_args, .awaitable = BIDE__CAT(BIDE__RUN_, BIDE__NARG(__VA_ARGS__))(__VA_ARGS__))
#define BIDE__RUN_1(x) BIDE_AW(x)
#define BIDE__RUN_2(x, ...) BIDE_AW(x), __VA_ARGS__
#define BIDE__RUN_3(x, ...) BIDE_AW(x), __VA_ARGS__
#define BIDE__RUN_4(x, ...) BIDE_AW(x), __VA_ARGS__
#define BIDE__RUN_5(x, ...) BIDE_AW(x), __VA_ARGS__
#define BIDE__RUN_6(x, ...) BIDE_AW(x), __VA_ARGS__
#define BIDE__RUN_7(x, ...) BIDE_AW(x), __VA_ARGS__
#define BIDE__RUN_8(x, ...) BIDE_AW(x), __VA_ARGS__

/*
 * The running loop; else the loop of this thread, made when it is asked for the first time.
 *
 * Threads:   any: each has a loop of its own
 * Returns:   the loop, or NULL
 * Errors:    BIDE_ENOMEM.  (A loop takes its own descriptors with the first that it watches.)
 * Owns:      borrowed: it ends with the thread, or with bide_loop_close
 */
BIDE_API bide_loop *bide_get_event_loop(void);

/*
 * Make a loop of your own.
 *
 * Threads:   any; it belongs to the one that runs it
 * Returns:   the loop, or NULL
 * Errors:    as bide_get_event_loop
 * Owns:      the result is owned; releasing it closes it
 */
BIDE_API BIDE_MUST_USE bide_loop *bide_loop_new(void);

/*
 * Run a loop until the awaitable is done.
 *
 * Threads:   any in which no loop runs, one at a time
 * Returns:   its result, 0 or more
 * Errors:    its error; BIDE_ERUNNING if a loop runs in this thread, or this one in another; BIDE_ECLOSED; -EINVAL for NULL;
 *            BIDE_ESTOPPED after bide_loop_stop (a task stays pending and can be run on)
 * Example:   bide_run_until_complete(bide_get_event_loop(), bide_coro(f, 1));
 */
#define bide_run_until_complete(loop, x) bide_run_until_complete_with((loop), BIDE_AW(x))
BIDE_API BIDE_MUST_USE int bide_run_until_complete_with(bide_loop *loop, bide_awaitable a);

/*
 * Run until bide_loop_stop; stopped before it runs: exactly one turn.
 *
 * Threads:   any in which no loop runs, one at a time
 * Returns:   0
 * Errors:    BIDE_ERUNNING; BIDE_ECLOSED; what the kernel says when it cannot be asked (epoll_wait)
 * Example:   return bide_run_forever(bide_get_event_loop());
 */
BIDE_API BIDE_MUST_USE int bide_run_forever(bide_loop *loop);

/*
 * From any thread: have the loop end after the present turn; what is left over stays and goes on when it is run again.
 *
 * Threads:   any
 */
BIDE_API void bide_loop_stop(bide_loop *loop);

/*
 * Cancel what is left, wait for it, and give everything back; the loop can not run any more.  Twice is once.
 *
 * Threads:   any while it does not run, one at a time; a forked child closes what it has of its parent's
 * Returns:   0
 * Errors:    BIDE_ERUNNING while it runs
 */
BIDE_API BIDE_MUST_USE int bide_loop_close(bide_loop *loop);

/*
 * Does it run right now?  Was it closed?
 *
 * Threads:   any
 */
BIDE_API bool bide_loop_is_running(const bide_loop *loop);
BIDE_API bool bide_loop_is_closed(const bide_loop *loop);

/*
 * The loop's clock, in milliseconds: monotonic, with an arbitrary zero.
 *
 * Threads:   any
 */
BIDE_API int64_t bide_loop_time_ms(const bide_loop *loop);

/* A call that the loop will make. */
typedef struct bide_handle bide_handle;
typedef void bide_callback(void *arg);

/*
 * Have the loop call a function: in the next turn, after a delay, or at a time of the loop's clock.
 *
 * Calls for the same millisecond are made in the order in which they were asked for; none is made early.
 *
 * Returns:   a handle to cancel it with, or NULL
 * Errors:    BIDE_ENOMEM; BIDE_ECLOSED; BIDE_ESTATE in another thread; -EINVAL for NULL
 * Owns:      the handle is borrowed until the call was made or cancelled (bide_retain keeps it longer); arg is borrowed
 * Example:   bide_loop_call_later(loop, 250, say, "a quarter of a second later");
 */
BIDE_API bide_handle *bide_loop_call_soon(bide_loop *loop, bide_callback *fn, void *arg);
BIDE_API bide_handle *bide_loop_call_later(bide_loop *loop, int64_t delay_ms, bide_callback *fn, void *arg);
BIDE_API bide_handle *bide_loop_call_at(bide_loop *loop, int64_t when_ms, bide_callback *fn, void *arg);

/* At most so many calls from other threads wait for a loop. */
#define BIDE_CALLS_WAITING_MAX 65536

/*
 * bide_loop_call_soon from any thread; wakes the loop.
 *
 * The loop makes 256 of these calls in a turn, in the order in which they came, and goes on with its tasks; the rest waits.
 *
 * Threads:   any
 * Returns:   0
 * Errors:    BIDE_ENOMEM; BIDE_ECLOSED; BIDE_ELIMIT when BIDE_CALLS_WAITING_MAX wait already: call again later; -EINVAL for
 *            NULL
 * Owns:      arg is borrowed until the call
 * Example:   bide_loop_call_soon_threadsafe(loop, show_result, &result);
 */
BIDE_API BIDE_MUST_USE int bide_loop_call_soon_threadsafe(bide_loop *loop, bide_callback *fn, void *arg);

/*
 * The same with an argument that is the call's own: arg_free (NULL: nothing is done) is called exactly once, in the loop's thread
 * after the call, or in the one that closes the loop before it was made, or here if this fails.
 *
 * Threads:   any
 * Returns:   0
 * Errors:    as bide_loop_call_soon_threadsafe
 * Owns:      arg is taken, also on failure
 * Example:   BIDE_TRY(bide_loop_call_soon_threadsafe_taking(loop, call_closure, closure, free));
 */
BIDE_API BIDE_MUST_USE int bide_loop_call_soon_threadsafe_taking(bide_loop *loop, bide_callback *fn, void *arg,
                                                                 void (*arg_free)(void *arg));

/* Do not make the call.  Twice is once. */
BIDE_API void bide_handle_cancel(bide_handle *h);
BIDE_API bool bide_handle_cancelled(const bide_handle *h);

/*
 * Set the function that is called for errors that no one retrieved: a failed task whose error no one took, a task that
 * was dropped while it ran, a blocking request inside the loop; with BIDE_DEBUG=1 also for what was not released when
 * the loop was closed, and where it was made.  NULL: none.
 *
 * Without a handler these are not reported, unless the environment has BIDE_DEBUG=1: then they go to standard error.
 * What makes a program hang (tasks that await each other in a circle, a deadlock of bide_to_thread) goes there anyway.
 *
 * Owns:      message is borrowed for the call; arg is borrowed until the handler is replaced or the loop closed
 */
typedef void bide_exception_handler(bide_loop *loop, const char *message, void *arg);
BIDE_API void bide_loop_set_exception_handler(bide_loop *loop, bide_exception_handler *fn, void *arg);

/*
 * The same with an argument that is the handler's own: arg_free (NULL: nothing is done) is called exactly once, when the handler
 * is replaced, when the loop was closed, or here if this fails.
 *
 * Returns:   0
 * Errors:    -EINVAL for NULL; BIDE_ECLOSED; BIDE_ESTATE in another thread
 * Owns:      arg is taken, also on failure
 * Example:   BIDE_TRY(bide_loop_set_exception_handler_taking(loop, log_closure, closure, free));
 */
BIDE_API BIDE_MUST_USE int bide_loop_set_exception_handler_taking(bide_loop *loop, bide_exception_handler *fn, void *arg,
                                                                  void (*arg_free)(void *arg));

#ifdef __cplusplus
}
#endif
#endif
