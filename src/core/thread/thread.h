/* SPDX-License-Identifier: MIT */
/* thread.h - what thread.c (the task's side), loop_pools.c (the loop's) and thread_pool.c (the threads') share, and nobody else. */
#ifndef BIDE_CORE_THREAD_H
#define BIDE_CORE_THREAD_H

#include "core/thread/offload.h"

/* So many are made for as many calls; 64 that wait for 100 ms are done after these, and 64 that compute take turns. */
#define THREADS_AT_ONCE 64

/*
 * A blocking call; lies in the frame of the task that waits for it.
 *
 *     the loop's thread                  bide_thread_pool                 one of its threads
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
    bide_loop *loop; /* where the item goes */
    bide_thread_pool *pool;
    const char *name;
    int (*fn)(void *arg);
    void *arg;
    struct task_context *context; /* of the task that waits, which keeps it meanwhile */
    int result;
    struct error_record error; /* the thread's, if it failed */
    int64_t queued_ns, ended_ns; /* for a timeline; 0: none was recorded then */
    int32_t queued_by, ended_by; /* likewise: threads */
    bool begun;
};

/* ---- thread_pool.c ---- */

struct thread_limits {
    unsigned at_once;    /* threads that are made as they are needed */
    unsigned ceiling;    /* and more, by bide__threads_grow */
    unsigned queued_max; /* jobs; 0: no limit */
};

/* A pool, or NULL: BIDE_ENOMEM on record.  what: for messages; name: its threads'.  Both are copied. */
bide_thread_pool *bide__threads_new(const char *what, const char *name, struct thread_limits limits);
/* Queue a job, and keep a share of the pool for it.  When it was done, its item comes to its loop. */
int bide__threads_submit(bide_thread_pool *p, struct job *j);
/* False: a thread has begun with it. */
bool bide__threads_take_back(struct job *j);
bool bide__threads_has_begun(const struct job *j);
/* A share goes: that of a job which is over or was taken back, or the owner's.  With the last one the threads end. */
void bide__threads_unref(bide_thread_pool *p);

/* How much there is to do for threads that do not exist yet. */
struct load {
    unsigned unserved, live;
    uint64_t begun;
};
struct load bide__threads_load(bide_thread_pool *p);
/* That nothing has begun since: false if it was asked about this before. */
bool bide__threads_is_news(bide_thread_pool *p, uint64_t begun);
const char *bide__threads_what(const bide_thread_pool *p); /* for messages */
/* As many threads again, up to the ceiling, if there is work for them. */
void bide__threads_grow(bide_thread_pool *p);

/* ---- loop_pools.c ---- */

/*
 * One of a loop's own pools.
 *
 *     bide_loop.threads[use] --> loop_pool --> bide_thread_pool: queue, threads
 *                                  '- stall: armed while jobs wait
 */
struct loop_pool {
    bide_loop *loop;
    bide_thread_pool *pool;
    struct timer stall;
    uint64_t begun_before;
    int64_t stalled_ms; /* how long no job has begun */
    unsigned ceiling;
    const char *what;
};

/* The loop's pool for this use, made when it is needed first; NULL: BIDE_ENOMEM on record. */
struct loop_pool *bide__loop_pool(bide_loop *loop, enum thread_use use);
/* A job was queued: watch whether threads take it. */
void bide__watch_for_stall(struct loop_pool *p);

/* A job was queued in a pool of the program's own: report if no thread takes it, nor any other, for seconds. */
struct call_watch {
    struct timer timer;
    const struct job *job;
    uint64_t begun_before;
};
void bide__call_watch_begin(struct call_watch *w, const struct job *j);
void bide__call_watch_end(struct call_watch *w);

/* ---- thread.c ---- */

/* The call for which a task waits and that a thread has begun; NULL: none. */
const struct job *bide__job_begun(const bide_task *t);

#endif
