/* SPDX-License-Identifier: MIT */
/*
 * queue.h - the scheduler: which URL may start now, for its callers; the files of the queue have inside.h.
 *
 *     source ---> host.first ---> row ---> worker
 *         |          ^   \--> asleep --^      |
 *        runs -------+------ later <----------+
 *
 * Workers pull: a URL becomes a struct job only when a worker asks for the next one, so that a million of them take no
 * more memory than a few hundred.  What the queue needs of the run it gets when it is opened: values, and a few calls.
 *
 * Invariants:
 *   F1  jobs = live (one per worker at most) + parked (in the queue) + set aside; parked <= concurrency + parked_max.
 *   F2  a job starts only if its host has fewer live ones than its window is wide, which is per_host at most.
 *   F3  a worker waits only if no job may go: who changes that wakes one.
 *   Q1  a host with parked jobs and a place free is in a row (is_ready) or in the heap (is_asleep), perhaps in both: who
 *       takes it out looks again at what it may.
 *   Q2  slow_live = live jobs of hosts that are slow (health_is_slow); live = all of them.
 */
#ifndef BIDE_CLI_SCHEDULE_QUEUE_H
#define BIDE_CLI_SCHEDULE_QUEUE_H

#include <bide/limiter.h>
#include <bide/loop.h>
#include <bide/task.h>

#include "cli/request/request.h"
#include "cli/schedule/bottleneck.h"
#include "cli/schedule/host/hosts.h"
#include "cli/schedule/source.h"

struct queue_options {
    const struct request *request; /* of all jobs */
    int concurrency, wanted;       /* workers at most; the same, before descriptors limited it */
    int per_host;                  /* 0: no limit of its own */
    bool no_adaptive;
    double rate;                   /* URLs per second; 0: no limit */
    int retries, host_errors;      /* host_errors 0: chosen by retries */
    int64_t backoff_ms, backoff_max_ms, retry_after_max_ms;
};

/* What the queue asks of the run. */
struct queue_user {
    void *arg; /* of all of them */
    /* The run cannot go on: it is to call queue_stop.  is_said: it is known why; else the error on record is why. */
    void (*fail)(void *arg, bool is_said);
    /* A job may go, and no worker waits. */
    void (*grow)(void *arg);
    void (*source_ended)(void *arg);
    /* A job is given to a worker.  Returns: true: it will not be asked for, because another one is. */
    bool (*take)(void *arg, struct job *job);
    /* One that holds its URL goes back to where others overtake it. */
    void (*release)(void *arg, struct job *job);
};

struct waiter {
    struct waiter *next;
    bide_future *wake;
};

struct queue {
    struct queue_options options;
    const struct queue_user *user;
    struct source *source;
    bide_loop *loop;
    bool is_stopping;                /* nothing is given any more */
    struct hosts hosts;
    struct health_limits limits;
    struct window_limits window;
    struct {
        struct host *first, *last;
    } rows[ROWS];                    /* hosts with jobs and a free place, in turn */
    struct host *asleep;             /* hosts with jobs that must be left alone: a heap by wake_ms */
    struct host *trials, *trials_last; /* hosts that are being tried, the first one for the longest time */
    unsigned well;                   /* trials in a row that ended with an answer */
    struct host_list asked, silent;  /* hosts that are asked for something, by active_ms */
    unsigned nsilent;
    int nrecalled;                   /* requests that are being ended to make room */
    bide_handle *watch;              /* of silence.c; NULL: nothing is asked of anybody */
    int live, slow_live;
    uint64_t sent;                   /* requests that were ever given */
    struct job **later;              /* a heap by due_ms: retries */
    size_t nlater, later_cap;
    struct job *spare;
    size_t parked, parked_max;       /* jobs that wait; beyond the ceiling no more URLs are taken from the source */
    size_t parked_bytes;             /* of the URLs of those at hosts: likewise */
    size_t extras_bytes;             /* of the extras of all jobs: likewise */
    size_t naside, aside_bytes;      /* jobs that are set aside, and their URLs: likewise */
    uint64_t behind;                 /* URLs in runs */
    size_t nruns;
    struct host *unread, *unread_last; /* hosts with runs that should be read */
    struct batch *batch;             /* of backlog.c */
    bool is_filling;                 /* a worker reads one */
    unsigned read_ahead;             /* URLs that could not go when they were read */
    struct waiter *waiters;
    struct bottlenecks bottlenecks;
    bool is_reading;                 /* a worker waits for the source */
    bide_handle *alarm;              /* wakes a waiter when a job is due or the rate allows the next */
    int64_t alarm_ms;
    bide_limiter limiter;            /* --rate */
};

/*
 * Before the first worker, in the loop.
 *
 * Returns:   0, or an error on record
 * Owns:      source and user are borrowed until queue_free
 */
int queue_open(struct queue *q, const struct queue_options *o, struct source *source, const struct queue_user *user);
/* The next job that may go now, NULL: there will be none.  Suspends until there is. */
struct job *queue_take(struct queue *q);
/* Done with a job that queue_take gave: its host has a place free; it is settled, or comes again after delay_ms. */
void queue_done(struct queue *q, struct job *job);
void queue_retry(struct queue *q, struct job *job, int64_t delay_ms);
/* It comes again with another URL, as if it had not been asked yet.  Returns: false: no memory; nothing has changed. */
bool queue_move(struct queue *q, struct job *job, const char *url);
/* Leave its host alone for so long. */
void queue_block_host(struct queue *q, struct job *job, int status, int64_t delay_ms);
/* It was recalled: it waits for its host again, as if it had not been asked. */
void queue_put_back(struct queue *q, struct job *job);

enum hop { HOP_GOES, HOP_WAITS, HOP_LOST };

/*
 * A redirect of a job leads to a URL: from now on it counts at that one's host.
 *
 * Returns:   HOP_GOES; HOP_WAITS: that host may have no request now; HOP_LOST: it is given up
 */
enum hop queue_hop(struct queue *q, struct job *job, const char *to);
/* What became of it is what the host of this URL did. */
void queue_credit(struct queue *q, struct job *job, const char *url);
/* The job that queue_take gave last was not asked for: --rate need not count it. */
void queue_give_back(struct queue *q);
/* It leaves its place at its host and is somebody else's until queue_take_back; then queue_park, queue_drop or
   queue_forget are to follow. */
void queue_set_aside(struct queue *q, struct job *job);
void queue_take_back(struct queue *q, struct job *job);
void queue_park(struct queue *q, struct job *job);
/* So many are set aside that no more should be read. */
bool queue_aside_is_full(const struct queue *q);
void queue_drop(struct queue *q, struct job *job);
/* A job may go: a waiter takes it, or a new worker. */
void queue_wake_or_grow(struct queue *q);
/* What it is asked with. */
const char *queue_method(const struct queue *q, const struct job *job);
/* Nothing is given any more. */
void queue_stop(struct queue *q);
/* Jobs that were parked when it stopped, one after the other; NULL: no more. */
struct job *queue_left_over(struct queue *q);
void queue_forget(struct queue *q, struct job *job);
void queue_free(struct queue *q);

/* ---- trial.c: what became of a job ---- */

/* Its host answered, after so long. */
void queue_answered(struct queue *q, struct job *job, int64_t us);
/* ... and so it can handle as many requests as there were, or not.  us: from when it was asked to the first byte. */
void queue_borne(struct queue *q, struct job *job, int64_t us);
void queue_not_borne(struct queue *q, struct job *job);
/* Its host has too much to do, and asks for so long a rest.  Returns: true: it is given up because of that. */
bool queue_refused(struct queue *q, struct job *job, int kind, const char *why, int64_t rest_ms);
/* Its host did not.  Returns: true: it is given up because of that. */
bool queue_unanswered(struct queue *q, struct job *job, int kind, const char *why, bool is_certain);

/* ---- silence.c ---- */

/* A job goes out, and waits for its host from now on. */
void silence_ask(struct queue *q, struct job *job);
/* So many bytes of its body have come; 0: the head of its answer. */
void silence_received(struct queue *q, struct job *job, size_t bytes);
/* It does not wait for its host any more, answered or not; it need not have waited. */
void silence_end(struct queue *q, struct job *job, bool is_answered);
/* By the job's worker: it cannot be recalled any more.  Returns: true: it was; the cancellation is taken back. */
bool silence_settle(struct queue *q, struct job *job);

#endif
