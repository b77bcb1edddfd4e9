/* SPDX-License-Identifier: MIT */
/*
 * future.h - a result that will come; who waits for it does not ask where it comes from.
 *
 * For every function here that is given a task or future: -EINVAL (NULL, false) if that is NULL, and BIDE_ESTATE if it belongs
 * to a loop that runs in another thread, or to the process before a fork (loop.h).
 */
#ifndef BIDE_FUTURE_H
#define BIDE_FUTURE_H

#include <stdbool.h>

#include <bide/coroutine.h>
#include <bide/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A result that will come: pending, then done, failed or cancelled, once.
 *
 * Threads:   any; where no loop runs it belongs to bide_get_event_loop()
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

/*
 * The same with an argument that is the callback's own (of a task: bide_task_future(t)).  arg_free (NULL: nothing is done) is
 * called exactly once: after the call, or when there will be none: the callback is removed, the last share of the future goes,
 * the loop is closed, or this call fails.  It must neither wait nor use the future; what it puts on record is forgotten.
 *
 * Returns:   0
 * Errors:    as bide_task_add_done_callback
 * Owns:      arg is taken, also on failure
 * Example:   BIDE_TRY(bide_future_add_done_callback_taking(f, call_closure, closure, free));
 */
BIDE_API BIDE_MUST_USE int bide_future_add_done_callback_taking(bide_future *f, bide_future_callback *fn, void *arg,
                                                                void (*arg_free)(void *arg));

/* A task as the future that it is, and back (NULL if it is not a task).  Borrowed. */
BIDE_API bide_future *bide_task_future(bide_task *t);
BIDE_API bide_task *bide_future_task(bide_future *f);

#ifdef __cplusplus
}
#endif
#endif
