/* SPDX-License-Identifier: MIT */
/*
 * worker.h - a worker from inside: a loop of its own, and runners, each of which runs one job after another.
 *
 *     lane of calls --> runner (idle) --> runner (job) --> lane of answers
 *                       wakes one more while there are calls, up to `concurrency`
 *
 * answers.c reply.c runner.c cancel.c call.c api.c lanes.c worker.c
 */
#ifndef BIDE_POOL_WORKER_H
#define BIDE_POOL_WORKER_H

#include "io/io.h"
#include "pool/shm/shm.h"

/* What a worker is born with. */
struct birth {
    struct segment *segment; /* THREAD: ours */
    int memory, arena, ctl, bell, our_bell; /* descriptors, the worker's own */
    uint32_t ring_bytes;
    int concurrency, index;
    enum bide_pool_kind kind;
    int input;        /* the program's standard input, if the worker shall have it; else -1 */
    char *arena_base; /* THREAD */
    int cpu;          /* -1: any */
    int outer_workers;
};

/* ---- worker.c, answers.c, lanes.c: the inside ---- */

struct worker;
struct runner;

/* Be a worker until REC_STOP.  Returns the exit status. */
int bide__worker_main(const struct birth *b);
void bide__worker_say_gone(const struct birth *b); /* a thread's last act: now its end can be waited for, which takes no time */

struct worker_config {
    int32_t concurrency, index, processes;
    uint64_t stack_size;
};

struct worker {
    struct birth birth;
    struct worker_config config;
    struct segment segment;
    bide_loop *loop;
    pid_t pid;
    uint64_t generation; /* of forks: a job may fork, and its child is no worker */
    struct fd ctl, bell;
    struct watch_fd ctl_watch;
    char *arena;
    void *state;
    struct list_node idle;  /* runners without a job: their clauses */
    struct list_node room;  /* who waits for room in `answers` */
    struct list_node senders; /* who waits to send descriptors */
    struct list_node ended; /* the body, until all runners have */
    struct runner *runners; /* all, a list */
    int nrunners, nbusy;
    struct stored_job {
        struct record record;
        char *payload;
    } init, fini;
    const struct poller_ops *inner; /* the loop's own, */
    struct poller_ops poller;       /* and those in its place: the same, but for the wait */
    int64_t polled_ns; /* when the kernel was asked last */
    unsigned skipped;
    struct spin spin;
    uint64_t *cancelled; /* ids of calls that are still in the lane */
    size_t ncancelled, cancelled_cap;
    bool must_poll, stopping, open, waking, said_bye, sending;
    bool lost; /* a job has ended our thread */
    /* The running task has ended our thread: it ends itself, and the worker.  Does not return; here, because call.c, which
     * finds that out, is called by those who do it (worker.c). */
    void (*thread_ended)(struct worker *w);
};

extern _Thread_local struct worker *bide__worker_here;

void bide__worker_ring(struct worker *w); /* the parent's bell, if it sleeps */
bool bide__worker_has_room(struct worker *w, size_t len); /* for an answer; if not, the program knows that we wait */
/* Put an answer; suspends while there is no room, whatever is cancelled meanwhile. */
void bide__worker_answer(struct worker *w, const struct record *r, const void *data, size_t len);
/* The same for what may go unsaid: a cancellation point, and now and then a turn of the loop.  0, or an error on record. */
int bide__worker_notify(struct worker *w, const struct record *r, const void *data, size_t len);
bool bide__worker_is_late(const struct worker *w); /* its loop should turn */
/* The memory we share, or the loop, is broken: a process ends, and is replaced. */
void bide__worker_give_up(const struct worker *w);
char *bide__worker_arena(struct worker *w); /* NULL: an error on record */
int bide__worker_wait(void *poller, int64_t timeout_ns); /* lanes.c: the loop's wait, with what comes in the lanes */

/* ---- call.c ---- */
struct job_call {
    void (*fn)(void);
    enum bide_job_shape shape;
    const char *arg;
    size_t len;
    void *out; /* NULL: it has no result but its code */
};
int bide__call_job(const struct job_call *c);

/* ---- runner.c: a coroutine that runs one job after another ---- */

struct runner {
    struct runner *next;
    struct worker *worker;
    bide_task *task;
    int slot;
    struct record call; /* kind 0: none */
    char *in;           /* its payload, copied */
    size_t in_cap;
    const char *arg;    /* the argument itself */
    size_t arg_len;
    char *reply;
    size_t reply_len, reply_cap;
    char *granted; /* a block for the reply */
    size_t granted_len, granted_used;
    const char *echoed; /* the reply is a part of the argument's block */
    size_t echoed_len;
    int grant_code;
    struct list_node grant; /* the runner, while it waits for a block */
    int fds[JOB_FDS_MAX], nfds, out_fds[JOB_FDS_MAX], nout_fds;
    int64_t began_ns;
    bool cancelled, has_block, waits_for_grant;
};

/* Have a runner take the next call, if one is free or may be made. */
bool bide__runner_wake(struct worker *w);
struct runner *bide__runner_here(void); /* of the job whose coroutine calls; NULL: none */
void bide__runner_lost(struct runner *r); /* its job has ended the worker's thread */
/* Call the function of a record.  0 or more, or an error on record. */
int bide__call_record(const struct record *rec, const char *name_and_arg, const char *arg, size_t len, void *out);

/* ---- cancel.c: of one job ---- */
void bide__runner_cancel(struct worker *w, uint64_t id); /* it runs, or lies in the lane still, or is over */
struct runner *bide__runner_by_id(struct worker *w, uint64_t id); /* who runs that job; NULL: nobody */
bool bide__runner_was_cancelled(struct worker *w, uint64_t id); /* before it began; forgets it */

/* ---- reply.c: the result of a job ---- */
char *bide__reply_extend(struct runner *r, size_t n); /* room behind what is there; suspends; NULL: an error on record */
bide_bytes bide__reply_so_far(const struct runner *r);
void bide__reply_send(struct runner *r, struct record *result); /* empties its slot, and sends */
/* The details of an error as bytes: text, NUL, trace, NUL.  Returns the length. */
size_t bide__error_details(int code, char *out, size_t cap);

#endif
