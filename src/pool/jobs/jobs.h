/* SPDX-License-Identifier: MIT */
/*
 * jobs.h - a pool in front of its backend: futures with a call in them, and the table that finds and counts them.
 *
 * report.c check.c table.c argument.c job.c result.c attach.c stats.c submit.c map.c stream.c
 */
#ifndef BIDE_POOL_JOBS_H
#define BIDE_POOL_JOBS_H

#include <bide/histogram.h>

#include "pool/shm/shm.h"

struct pool_backend;
struct proxy;

/*
 *     stage (where it is)                                 future.state (what its owner sees, once)
 *
 *     QUEUED ---> SENT ---> BEGUN ---> OVER               PENDING ---> DONE, FAILED, CANCELLED
 *       ^----------'----------'  its worker died, and it may run again
 *
 * A job can be settled while a worker has it still (it was cancelled, or nobody waits): it is over when the worker says so.
 */
struct job {
    bide_future future; /* first: a job is a future */
    bide_pool *pool;    /* a share */
    uint64_t id;
    struct list_node node; /* in the list of the one who has it: a queue, or the worker's sent or begun */
    struct list_node all;  /* pool->jobs, until it is over */
    enum job_stage {
        JOB_QUEUED,
        JOB_SENT,  /* in its worker's lane, as far as we know */
        JOB_BEGUN, /* in its worker's hands */
        JOB_OVER
    } stage;
    bool has_out, idempotent, expired;
    bool keeps_result; /* a struct result as well, in `reply`: the caller's `out` may serve many jobs */

    /* the call */
    void (*fn)(void);
    const char *name;    /* as the caller wrote it, for messages */
    const char *sent_as; /* as it is registered, where that is how it is found */
    enum bide_job_shape shape;
    char *in; /* small, a heap block, or the data of in_block */
    size_t in_len;
    struct block *in_block;
    int fds[JOB_FDS_MAX], nfds;
    int64_t timeout_ms, submitted_ns;
    bide_pool_progress *on_progress;
    void *progress_arg;

    /* the result */
    void *out; /* the caller's; NULL: it went away */
    void *shown_out; /* of a stream: the caller's, written when the item is shown */
    size_t out_len;
    char *reply; /* the heap's, or part of reply_block, or `small` */
    size_t reply_len;
    struct block *reply_block, *old_block;
    int out_fds[JOB_FDS_MAX], nout_fds;
    struct job_failure *failure;

    uint64_t span; /* in a timeline; 0: it is in none */
    struct clause on_settled; /* fires when the user cancels the future */
    struct ready settled;
    void (*on_done)(struct job *j, void *arg); /* its map, stream or host: called once, when it is settled */
    void *done_arg;
    size_t index;
    struct list_node group;

    /* the backend's: local */
    struct proxy *proxy; /* the worker that has it; NULL: none */
    uint64_t end;        /* of its record in the lane */
    int slot;            /* the only one that may run it; -1: any */
    int attempt;
    char history[64]; /* how earlier attempts ended */
    int64_t sent_ns;
    struct timer timer;
    /* the backend's: Redis */
    struct job_in_redis {
        uint64_t ms, seq; /* of its entry */
        enum { REDIS_NEW, REDIS_SENT, REDIS_ADDED, REDIS_GONE, REDIS_ANSWERED } state;
    } redis;

    char small[64]; /* a short argument, then a short result */
};

struct job_failure {
    bide_pool_failure public_;
    char trace[];
};

enum pool_state { POOL_OPENING, POOL_OPEN, POOL_CLOSING, POOL_ENDING, POOL_CLOSED, POOL_FAILED };

/*
 *     OPENING --> OPEN --> CLOSING --> ENDING --> CLOSED
 *        '---------'----------'-----------'-----> FAILED    its workers could not be kept alive
 *
 * CLOSING takes no jobs and finishes those it has; ENDING has none, and ends its backend.  The order counts.
 */
struct bide_pool {
    struct object object;
    bide_loop *loop;
    uint64_t generation; /* of forks: is this still the process that opened it? */
    const struct pool_backend *backend; /* who runs its jobs; NULL: not chosen yet */
    void *own;           /* the backend's; NULL: not there yet */
    bide_pool_args args; /* with the defaults filled in */
    enum pool_state state;
    int fail_code; /* FAILED */
    char fail_text[ERROR_TEXT_MAX];
    struct list_node jobs; /* that are not over */
    size_t pending, pending_bytes; /* how many, and of what size */
    struct job **table; /* by the low half of the id, minus 1 */
    uint32_t *generations, *free_ids;
    uint32_t table_cap, nfree;
    struct list_node room;    /* who waits to submit */
    struct list_node changed; /* who waits for workers or for the end of jobs */
    struct pool_arena arena;
    struct list_node in_loop; /* attach.c */
    bool awaits_outside; /* the backend does, beside its jobs */
    bool outside;        /* counted in loop->outside */
    bool has_place;      /* in the loop's queue, for `leaving` */
    bool was_released;   /* by a callback: it goes as soon as the loop calls `leaving` */
    struct ready leaving;
    bide_pool_counts counts;
    uint64_t done, failed, cancelled, retried, moved;
    bide_histogram wait, run;
    bide_pool_stats *published; /* in a memfd that others may look at */
    int published_fd;
    int64_t published_ns;
};

/* ---- report.c ---- */
void bide__pool_event(bide_pool *p, const bide_pool_event *e);
extern _Thread_local unsigned bide__pool_callbacks; /* how deep we are in on_event and on_progress, of any pool */

/* ---- check.c: 0, or an error on record that begins with the function's name ---- */
/* We are the child of a fork. */
static inline bool bide__pool_is_parents(const bide_pool *p)
{
    return bide__was_forked(p->generation);
}
int bide__pool_check_reader(const bide_pool *p, const char *function); /* for who only looks, also when no loop runs */
int bide__pool_check_owner(const bide_pool *p, const char *function);  /* in its loop */
int bide__pool_check_slow(const bide_pool *p, const char *function);
/* In its loop, and it is open. */
static inline int bide__pool_check(const bide_pool *p, const char *function)
{
    bool good = p && p->loop == bide__loop_here && p->state < POOL_CLOSING && !bide__pool_is_parents(p);

    return likely(good) ? 0 : bide__pool_check_slow(p, function);
}
int bide__pool_check_waiter(const bide_pool *p, const char *function); /* and it suspends: a task has to call it */
int bide__job_check_reader(const bide_future *f, const char *function);
/* The same for functions that return nothing: false, and a sentence on standard error. */
bool bide__pool_allows_slow(const bide_pool *p, const char *function);
static inline bool bide__pool_allows(const bide_pool *p, const char *function)
{
    return likely(p && p->loop == bide__loop_here && !bide__pool_is_parents(p)) || bide__pool_allows_slow(p, function);
}
bool bide__job_allows(const bide_future *f, const char *function);
int bide__job_check_spec_slow(const bide_job *job);
static inline int bide__job_check_spec(const bide_job *job)
{
    return likely(job->fn && job->in && (unsigned)job->shape <= BIDE_JOB_BYTES) ? 0 : bide__job_check_spec_slow(job);
}

/* ---- table.c: the jobs that a pool has ---- */
int bide__table_add(struct job *j); /* 0, or BIDE_ENOMEM on record */
void bide__table_remove(struct job *j);
struct job *bide__job_by_id(bide_pool *p, uint64_t id);
static inline bool bide__table_is_full(const bide_pool *p)
{
    return p->pending >= p->args.max_pending || p->pending_bytes >= p->args.max_pending_bytes;
}
/* If there is room, wake one that waits for it: it looks again, and passes the rest on. */
static inline void bide__table_pass_room(bide_pool *p)
{
    if (unlikely(!bide__list_is_empty(&p->room)) && !bide__table_is_full(p))
        bide__wake_one(p->loop, &p->room);
}

/* ---- argument.c: what a job is given ---- */
/* shared: other jobs get the same argument */
int bide__job_take_argument(struct job *j, const bide_pool_call_args *args, bool shared);
/* There is a job: a buffer is no longer the caller's. */
static inline void bide__job_keep_argument(struct job *j)
{
    if (j->in_block && j->in_block->owner == BLOCK_USERS)
        j->in_block->owner = BLOCK_SUBMITTED;
}
void bide__job_leave_buffer(struct job *j);  /* there is none: it is the caller's still */
void bide__job_free_argument(struct job *j);
void bide__close_fds_slow(int *fds, int *n);
static inline void bide__close_fds(int *fds, int *n)
{
    if (unlikely(*n > 0))
        bide__close_fds_slow(fds, n);
}

/* ---- job.c: a future with a call in it ---- */
/* shared: other jobs get the same argument */
struct job *bide__job_new(bide_pool *p, const bide_pool_call_args *args, bool shared);
struct job *bide__job_of(bide_future *f);
void bide__job_succeed(struct job *j, int result);
void bide__job_fail(struct job *j, int code, const char *text); /* settles; not yet over */
void bide__job_over(struct job *j); /* it will not come back: forget it */
void bide__pool_fail_queued(bide_pool *p, const char *why); /* those that no worker has */
void bide__pool_fail_jobs(bide_pool *p); /* all: the pool was closed */
void bide__job_count_cancelled(struct job *j); /* by the user */
static inline bool bide__job_is_settled(const struct job *j)
{
    return j->future.state != PENDING;
}

/* ---- result.c: what it leaves to its owner ---- */
/* Makes j->failure, for more to be said there; NULL: no memory.  pid: of its worker, or 0. */
bide_pool_failure *bide__job_explain(struct job *j, int code, int pid, const char *trace);
/* The bytes of the result, copied into the job.  0, or BIDE_ENOMEM. */
int bide__job_keep_reply(struct job *j, const char *data, size_t len);
/* A struct result of a job that succeeds: to where its caller wants it.  Else the job has failed, and that is returned. */
int bide__job_fill_out(struct job *j, const char *data, size_t len);

/* ---- attach.c: the pools of a loop ---- */
int bide__pool_attach(bide_pool *p);
void bide__pool_detach(bide_pool *p);
void bide__pool_note_outside(bide_pool *p); /* after what decides it has changed */
void bide__pool_await_outside(bide_pool *p); /* the backend awaits something, until it says otherwise */
void bide__pool_abandon(bide_pool *p); /* kill all, without the loop */
void bide__pool_disown(bide_pool *p);  /* in a forked child */

/* ---- submit.c ---- */
struct job *bide__pool_submit(bide_pool *p, const bide_pool_call_args *args, int slot); /* slot -1: any */

/* ---- stats.c ---- */
int bide__stats_open(bide_pool *p);
void bide__stats_publish(bide_pool *p); /* once a second at most */
void bide__stats_close(bide_pool *p);

#endif
