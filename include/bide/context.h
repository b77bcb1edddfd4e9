/* SPDX-License-Identifier: MIT */
/*
 * context.h - values that belong to a task, and that what it starts inherits (Python: contextvars): the request that is being served,
 * a logger, a transaction, without an argument in every function.
 *
 * A task begins with the values of the one that made it, as they were then; what either of them sets afterwards is its own.  A call
 * for the loop (bide_loop_call_soon and its kin), a done callback, a function for a descriptor (bide_loop_add_reader) and a call for a
 * thread (bide_to_thread) see those of the task that asked for it.
 * A coroutine that is awaited runs in its caller's task, so it has the caller's, and what it sets stays.
 *
 * Values stay in their thread, because that is where they are freed.  A task in the loop of another thread (bide_call_in_loop,
 * bide_submit_to_loop, bide_threads_run) begins with none; so does one of a loop that a function of bide_to_thread runs: that function
 * sees the values, as the task waits for it, and hands on in its arguments what others there need.
 */
#ifndef BIDE_CONTEXT_H
#define BIDE_CONTEXT_H

#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most values that a task can have. */
#define BIDE_CONTEXT_MAX 64

/*
 * Set a value of the running task, under a key: an address that is the program's own, mostly that of a static variable.  NULL: it has
 * none any more.
 *
 * Returns:   0
 * Errors:    BIDE_ENOMEM; BIDE_ELIMIT beyond BIDE_CONTEXT_MAX; BIDE_ENOLOOP outside a task; -EINVAL for a NULL key
 * Owns:      value is borrowed, by the tasks that inherit it, too
 * Example:   static char request_id;  BIDE_TRY(bide_context_set(&request_id, id));
 */
BIDE_API BIDE_MUST_USE int bide_context_set(const void *key, void *value);

/*
 * The same with a value that is the context's own: value_free (NULL: nothing is done) is called exactly once, when no task has the
 * value any more, or here if this fails.  It must neither wait nor set values.
 *
 * Returns:   0
 * Errors:    as bide_context_set
 * Owns:      value is taken, also on failure
 * Example:   BIDE_TRY(bide_context_set_taking(&request_id, strdup(id), free));
 */
BIDE_API BIDE_MUST_USE int bide_context_set_taking(const void *key, void *value, void (*value_free)(void *value));

/*
 * The value under a key.
 *
 * Threads:   any; in a function of bide_to_thread those of the task that waits for it, elsewhere outside of tasks none
 * Returns:   the value; NULL if there is none
 * Owns:      borrowed until the task sets another, or ends
 * Example:   const char *id = bide_context_get(&request_id);
 */
BIDE_API void *bide_context_get(const void *key);

#ifdef __cplusplus
}
#endif
#endif
