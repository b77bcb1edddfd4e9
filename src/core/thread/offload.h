/* SPDX-License-Identifier: MIT */
/*
 * offload.h - blocking calls in threads, for bide_to_thread and for files: thread.c, thread_pool.c.
 */
#ifndef BIDE_CORE_OFFLOAD_H
#define BIDE_CORE_OFFLOAD_H

#include "core/turn/task.h"

/* Run job(arg) in one of the loop's threads for files and wait for its end; not ended early once begun. */
int bide__offload(int (*job)(void *arg), void *arg);
/* The same for what must be done, also by a task that was cancelled: not ended early at all.  In a stackful task only. */
int bide__offload_surely(int (*job)(void *arg), void *arg);
struct thread_pool;
void bide__threads_close(struct thread_pool *p);

#endif
