/* SPDX-License-Identifier: MIT */
/*
 * local.h - the backend whose workers are processes or threads of this machine: the queue, the places of its workers, turns.
 *
 * backend.c poll.c turn.c dispatch.c deadline.c slots.c resize.c upkeep.c cause.c lost_jobs.c death.c end.c
 */
#ifndef BIDE_POOL_LOCAL_H
#define BIDE_POOL_LOCAL_H

#include "io/poll/poll.h"
#include "pool/proxy/proxy.h"

/*
 * The place of a worker.
 *
 *     proxy   takes the jobs        NULL: nobody yet, or nobody any more
 *     coming  will take over        when it is ready
 *     leaving were replaced         go when their jobs are done
 *     pinned  jobs for this place   of one key, or of bide_pool_each
 */
struct slot {
    struct proxy *proxy;
    struct proxy *coming;
    struct list_node pinned;
    struct list_node leaving;
};

/* ---- backend.c ---- */
#define WORKERS_MAX 1024
extern const struct pool_backend bide__local_backend;
struct local_pool *bide__local_new(bide_pool *p); /* without workers; NULL: an error on record */

/* ---- poll.c: when the lanes are looked at ---- */
int bide__local_poll_attach(bide_pool *p);
void bide__local_poll_detach(bide_pool *p);

/* ---- turn.c ---- */
void bide__local_turn(bide_pool *p);

/* ---- dispatch.c: the queue ---- */
void bide__local_enqueue(bide_pool *p, struct job *j, bool first);
void bide__local_dispatch(bide_pool *p);
bool bide__local_could_dispatch(bide_pool *p); /* queued jobs, and a worker that has asked for more */

/* ---- deadline.c ---- */
void bide__job_expire(struct timer *t);

/* ---- slots.c ---- */
int bide__local_add_slots(bide_pool *p, int n); /* so that there are n */
void bide__local_fill_slots(bide_pool *p);
void bide__local_fill_soon(bide_pool *p); /* by the loop */
void bide__local_retry_later(bide_pool *p);
int bide__local_start_worker(bide_pool *p, int index);
void bide__slot_take_over(struct proxy *x); /* it is ready */
void bide__local_recycle(struct proxy *x, const char *why);
void bide__local_adjust(bide_pool *p); /* after jobs were handed out: more workers, or others */
void bide__local_retry(struct timer *t);

/* ---- resize.c; both suspend ---- */
int bide__local_start_missing(bide_pool *p);
int bide__local_wait_ready(bide_pool *p);
int bide__local_resize(bide_pool *p, int workers);

/* ---- upkeep.c ---- */
void bide__local_upkeep_arm(bide_pool *p);
void bide__local_upkeep(struct timer *t);

/* ---- cause.c: why it ended ---- */
struct death {
    struct proxy *x;
    struct job *culprit; /* the job that is responsible; NULL: not known */
    int signal, exit_code;
    bool unknown, core, oom, lost_thread;
    char how[160]; /* "was killed by signal 11 (Segmentation fault)" */
};

void bide__death_find_cause(struct death *d);
struct job *bide__death_culprit(struct proxy *x); /* NULL: not known */

/* ---- lost_jobs.c ---- */
void bide__death_lose_jobs(struct death *d);  /* what it had begun */
void bide__death_move_jobs(struct proxy *x); /* what it had not */

/* ---- death.c: both free it ---- */
void bide__proxy_died(struct proxy *x);
void bide__proxy_not_born(struct proxy *x);
void bide__local_fail(bide_pool *p, int code, const char *format, ...) BIDE_PRINTF(3, 4);

/* ---- end.c ---- */
void bide__local_end(bide_pool *p, bool at_once);
void bide__local_abandon(bide_pool *p);
void bide__local_disown(bide_pool *p);
void bide__local_free(bide_pool *p);

#endif
