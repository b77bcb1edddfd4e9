/* SPDX-License-Identifier: MIT */
/* thread.h - what thread.c (the task's side) and thread_pool.c (the threads') share, and nobody else. */
#ifndef BIDE_CORE_THREAD_H
#define BIDE_CORE_THREAD_H

#include "core/thread/offload.h"

#define FILE_THREADS_MAX 64

/*
 * A blocking call; lies in the frame of the task that waits for it.
 *
 *     the loop's thread                     thread_pool                   one of its threads
 *       task: struct job ------ node -----> queue: job, job ... --------> begun; fn(arg)
 *               ^                                                            |  result, error
 *               '-- pushes wait.task -- inbox of the loop <------ item ------'
 *
 * Both sides write it, one after the other: node and begun under the pool's lock; result and error belong to the thread
 * from `begun` until it posts the item, and to the task after that.  The inbox's lock makes them seen.
 */
struct job {
    struct list_node node; /* in the queue until a thread takes it */
    struct inbox_item item;
    struct wait wait;
    struct thread_pool *pool;
    const char *name;
    int (*fn)(void *arg);
    void *arg;
    int result;
    struct error_record error; /* the thread's, if it failed */
    bool begun;
};

/* The loop's pool for this use, made when it is needed first; NULL: BIDE_ENOMEM on record. */
struct thread_pool *bide__threads(bide_loop *loop, enum thread_use use);
/* Queue a job.  When it was done, its item comes to the loop.  -EAGAIN when no thread could be made. */
int bide__threads_submit(struct thread_pool *p, struct job *j);
/* False: a thread has begun with it. */
bool bide__threads_take_back(struct job *j);

#endif
