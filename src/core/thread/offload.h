/* SPDX-License-Identifier: MIT */
/*
 * offload.h - blocking calls in threads, for bide_to_thread, for files and for names: thread.c, loop_pools.c, thread_pool.c.
 */
#ifndef BIDE_CORE_OFFLOAD_H
#define BIDE_CORE_OFFLOAD_H

#include <bide/thread.h>

#include "core/turn/task.h"

/*
 * Run job(arg) in one of the loop's threads for this use and wait for its end; not ended early once begun.
 *
 * what:      for messages, "a call for a file"; borrowed for the call
 * Suspends:  until it has returned; a cancellation point.  In a stackful task only
 * Returns:   what it returned, or an error on record: its own, BIDE_ECANCELED, BIDE_ETIMEDOUT, -EAGAIN: there is no thread
 */
int bide__offload(enum thread_use use, const char *what, int (*job)(void *arg), void *arg);
/* The same for what must be done, also by a task that was cancelled: not ended early at all. */
int bide__offload_surely(enum thread_use use, const char *what, int (*job)(void *arg), void *arg);

/* start.c: a thread that gets none of the program's signals.  0, or an errno value as pthread_create gives it. */
int bide__quiet_thread(pthread_t *id, void *(*run)(void *arg), void *arg);

/* An option .threads: 0 to BIDE_THREADS_MAX, or -EINVAL on record. */
int bide__check_threads(int64_t n, const char *function);

struct loop_pool;
void bide__loop_pool_close(struct loop_pool *p); /* NULL: nothing to do */

/* A loop is closing: if calls keep it from that for long, it says so. */
struct closing_watch {
    struct timer timer;
    bide_loop *loop;
};
void bide__closing_watch_begin(struct closing_watch *w, bide_loop *loop);
void bide__closing_watch_end(struct closing_watch *w);

#endif
