/* SPDX-License-Identifier: MIT */
/*
 * queue.h - for the files of the queue, and through fetch/fetch.h for those who ask it: which URL may go now?
 *
 *     source ---> host.first ---> row ---> worker
 *         |          ^   \--> asleep --^      |
 *        runs -------+------ later <----------+
 *
 * host/hosts.c finds the host of a URL.  backlog.c remembers where URLs stand that are not in memory.  rows.c says which
 * host is next: hosts that answer, that are tried for the first time or are slow stand in rows of their own.  trial.c
 * finds out which they are, silence.c which have stopped to answer.  wait.c has what waits for its time.  queue.c puts
 * them together.
 *
 * Invariants:
 *   Q1  a host with parked jobs and a place free is in a row (is_ready) or in the heap (is_asleep), perhaps in both: who
 *       takes it out looks again at what it may.
 *   Q2  slow_live = live jobs of hosts that are slow (health_is_slow); live = all of them.
 */
#ifndef BIDE_CLI_SCHEDULE_QUEUE_H
#define BIDE_CLI_SCHEDULE_QUEUE_H

#include <bide/loop.h>

#include "cli/list/list.h"
#include "cli/schedule/host/health.h"
#include "cli/schedule/host/window.h"

struct fetch;
struct job;
struct outcome;
struct source;
struct text;

/* ---- host/hosts.c: the hosts that jobs go to ---- */

#define HOST_SILENCE_MS 1000 /* without a word, and it most likely will be more */

struct host_list {
    struct host *first, *last;
};

enum row { ROW_FAST, ROW_FIRST, ROW_SLOW, ROW_MORE, ROWS };

struct host {
    struct host *in_bucket;
    struct job *first, *last;   /* waiting for a free place */
    size_t nparked;             /* from first to last */
    struct run *runs, *last_run; /* and behind them: not in memory */
    bool is_unread;             /* in queue.unread */
    struct host *unread_next;
    int live, slow_live;        /* requests; as many of them as queue.slow_live counts */
    unsigned jobs;              /* that name this host: live, queued, waiting for a retry */
    struct health health;
    struct window window;
    int64_t blocked_until_ms;   /* Retry-After */
    int blocked_by;             /* the status that it came with */
    bool is_ready, is_asleep;
    bool is_full;               /* it has jobs that wait for no other reason than that there are enough live ones */
    enum row row;               /* is_ready: which */
    struct host *row_prev, *row_next;
    int64_t wake_ms;            /* is_asleep: look at it again then */
    struct host *child, *sibling; /* in queue.asleep */
    int64_t trial_ms;           /* when its first request went out, and has no answer yet; 0: it is not being tried */
    struct host *trial_prev, *trial_next;
    struct job *asked_first, *asked_last; /* requests of it that wait for more, the oldest first */
    struct host_list *in_list;            /* queue.asked or queue.silent; NULL: nothing is asked of it */
    struct host *asked_prev, *asked_next;
    int64_t heard_ms;           /* when it said something, or was first asked */
    size_t heard_bytes;         /* of bodies, since then */
    int64_t byte_ms;            /* when the latest of them came */
    uint64_t hash;
    uint32_t len;
    char name[];                /* "a.example:8080", lower case */
};

struct hosts {
    struct host **buckets;
    size_t nbuckets, used;
    size_t busy;         /* that jobs name */
    struct host *latest; /* asked for: most often also the next */
};

/* The host of a URL, made if it is new, and one job more that names it; NULL: no memory. */
struct host *hosts_take(struct hosts *h, const char *url, int64_t now_ms);
/* One job less. */
void hosts_drop(struct hosts *h, struct host *host, int64_t now_ms);
void hosts_free(struct hosts *h);
/* Is it the host of this URL? */
bool hosts_is(const struct host *host, const char *url);

/* ---- bottleneck.c: what keeps more requests from being on their way ---- */

enum bottleneck {
    BY_NOTHING, /* there is no more to ask for, or nobody has looked */
    BY_CONCURRENCY, BY_PER_HOST, BY_WINDOW, BY_RATE, BY_RETRY_AFTER, BY_DOWN_HOSTS, BY_SLOW_HOSTS, BY_RETRIES, BY_INPUT,
    BOTTLENECKS
};

struct bottlenecks {
    enum bottleneck now;
    int64_t since_ms;
    int64_t ms[BOTTLENECKS];
    unsigned full;  /* hosts that are */
    int full_size;  /* how many live jobs the one had that was full last */
    bool full_is_growing; /* that is not yet known to be what it bears */
};

/* A job goes; a worker finds none that may go, rate: because of --rate. */
void bottleneck_note_start(struct fetch *f, int64_t now_ms);
void bottleneck_note_wait(struct fetch *f, bool rate, int64_t now_ms);
/* The one that lasted longest, and what share of the run, from 0 to 1. */
enum bottleneck bottleneck_of_run(const struct fetch *f, double *share);
/* In words, with the option that moves it. */
void bottleneck_describe(const struct fetch *f, enum bottleneck b, struct text *to);

/* ---- queue.c ---- */

struct waiter {
    struct waiter *next;
    bide_future *wake;
};

struct queue {
    struct hosts hosts;
    struct health_limits limits;
    struct window_limits window;
    struct {
        struct host *first, *last;
    } rows[ROWS];                    /* hosts with jobs and a free place, in turn */
    struct host *asleep;             /* hosts with jobs that must be left alone: a heap by wake_ms */
    struct host *trials, *trials_last; /* hosts that are being tried, the first one for the longest time */
    unsigned well;                   /* trials in a row that ended with an answer */
    struct host_list asked, silent;  /* hosts that are asked for something, by heard_ms */
    unsigned nsilent;
    int nrecalled;                   /* requests that are being ended to make room */
    bide_handle *watch;              /* of silence.c; NULL: nothing is asked of anybody */
    int live, slow_live;
    struct job **later;              /* a heap by due_ms: retries */
    size_t nlater, later_cap;
    struct job *spare;
    size_t parked, parked_max;       /* jobs that wait; beyond the ceiling no more URLs are taken from the source */
    size_t parked_bytes;             /* of the URLs of those at hosts: likewise */
    size_t extras_bytes;             /* of the extras of all jobs: likewise */
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
    double next_ms;                  /* --rate: when the next request may go */
};

/* Before the first worker.  Returns: 0, or an error on record. */
int queue_open(struct fetch *f);
/* The next job that may go now, NULL: there will be none.  Suspends until there is. */
struct job *queue_take(struct fetch *f);
/* Done with a job that queue_take gave: its host has a place free; it is settled, or comes again after delay_ms. */
void queue_done(struct fetch *f, struct job *job);
void queue_retry(struct fetch *f, struct job *job, int64_t delay_ms);
/* It comes again with another URL, as if it had not been asked yet.  Returns: false: no memory; nothing has changed. */
bool queue_move(struct fetch *f, struct job *job, const char *url);
/* Leave its host alone for so long. */
void queue_block_host(struct fetch *f, struct job *job, int status, int64_t delay_ms);
/* It was recalled: it waits for its host again, as if it had not been asked. */
void queue_put_back(struct fetch *f, struct job *job);

enum hop { HOP_GOES, HOP_WAITS, HOP_LOST };

/*
 * A redirect of a job leads to a URL: from now on it counts at that one's host.
 *
 * Returns:   HOP_GOES; HOP_WAITS: that host may have no request now; HOP_LOST: it is given up
 */
enum hop queue_hop(struct fetch *f, struct job *job, const char *to);
/* What became of it is what the host of this URL did. */
void queue_credit(struct fetch *f, struct job *job, const char *url);
/* The job that queue_take gave last was not asked for: --rate need not count it. */
void queue_give_back(struct fetch *f);
/* It leaves its place at its host, and is somebody else's until queue_drop. */
void queue_set_aside(struct fetch *f, struct job *job);
void queue_drop(struct fetch *f, struct job *job);
/* Nothing is given any more. */
void queue_stop(struct fetch *f);
/* Jobs that were parked when it stopped, one after the other; NULL: no more. */
struct job *queue_left_over(struct fetch *f);
void queue_forget(struct fetch *f, struct job *job);
void queue_free(struct fetch *f);

/* ---- intake.c, for queue.c and backlog.c ---- */

/* An empty one; NULL: no memory. */
struct job *queue_new_job(struct queue *q);
void queue_free_job(struct queue *q, struct job *job);
/* It has got its extras. */
void queue_count_extras(struct queue *q, const struct job *job);
/* No more URLs should be in memory. */
bool queue_is_full(const struct queue *q);
/* Where a job goes that came from the source, or is due: true: it may go at once. */
bool queue_place(struct fetch *f, struct job *job, int64_t now_ms);
bool queue_may_read(const struct fetch *f);
/* One job more out of the source: it, if it may go at once; NULL: it is parked or noted, or there was none.  Suspends. */
struct job *queue_read_source(struct fetch *f);
/* Because of the error on record; a cancellation is known already. */
void queue_give_up(struct fetch *f);

/* ---- backlog.c, for queue.c ---- */

/* A list with runs. */
struct list_file {
    const char *name;
    int fd;
    unsigned runs; /* that are in it, and one more as long as it is the source's */
    int *nopen;    /* how many there are */
};

/* URLs of one host that follow one another, entries of one form. */
struct run {
    struct run *next;
    struct list_file *file; /* NULL: of a pattern */
    enum list_form form;
    const struct columns *columns;
    int pattern;
    uint64_t k;             /* the first one's number in the pattern */
    uint64_t offset, end;   /* in the file */
    uint64_t number, line;  /* of the first one */
    uint64_t count;
};

/* The job that the source gave last goes behind the others of its host; false: it must be kept in memory. */
bool backlog_add(struct fetch *f, const struct job *job);
/* If the host has few jobs left, runs of it are to be read. */
void backlog_want(struct queue *q, struct host *host);
bool backlog_may_read(const struct fetch *f);
/* Read those of the first host for which that is so.  Suspends.  Returns: 0, or an error on record. */
int backlog_read(struct fetch *f);
/* The source has done with the list. */
void backlog_forget_file(struct source *s);
void backlog_free(struct queue *q);

/* ---- rows.c, for queue.c ---- */

/* Into the row where it belongs now, or to sleep, if it has jobs and may have a place. */
void host_line_up(struct fetch *f, struct host *host, int64_t now_ms);
void host_park(struct fetch *f, struct job *job, int64_t now_ms);
/* The oldest of its jobs that wait for a place. */
struct job *host_unpark(struct queue *q, struct host *host);
/* A job of this host goes; has gone.  Its health may have changed. */
void host_start(struct fetch *f, struct host *host, int64_t now_ms);
void host_end(struct fetch *f, struct host *host);
void host_recount(struct fetch *f, struct host *host);
/* How many requests slow hosts may have together, as long as there is a fast one. */
int queue_slow_most(const struct fetch *f);
/* May a job go to it at once that was redirected there? */
bool host_may_follow(const struct fetch *f, const struct host *host, int64_t now_ms);
/* May a job that is not parked go at once? */
bool host_may_start(const struct fetch *f, const struct host *host, int64_t now_ms);
/* A job of the host whose turn it is, if one may go. */
struct job *rows_take(struct fetch *f, int64_t now_ms);
/* The same of hosts that had no room, because nobody else needs it. */
struct job *rows_take_spare(struct fetch *f, int64_t now_ms);
/* May rows_take give one?  When may rows_take_spare: INT64_MAX: not because of the time. */
bool rows_have(const struct fetch *f, int64_t now_ms);
int64_t rows_spare_ms(const struct fetch *f);

/* ---- trial.c ---- */

/* Its host answered, after so long. */
void queue_answered(struct fetch *f, struct job *job, int64_t us);
/* ... and so it bears as many requests as there were, or not.  us: from when it was asked to the first byte. */
void queue_borne(struct fetch *f, struct job *job, int64_t us);
void queue_not_borne(struct fetch *f, struct job *job);
/* Its host has too much to do, and said for how long.  Returns: true: it is given up because of that. */
bool queue_refused(struct fetch *f, struct job *job, const struct outcome *o, const char *why);
/* Its host did not.  Returns: true: it is given up because of that. */
bool queue_unanswered(struct fetch *f, struct job *job, int kind, const char *why, bool is_certain);
/* Its only request goes out. */
void host_begin_trial(struct queue *q, struct host *host, int64_t now_ms);
/* It is not being tried any more: it answered, it failed, nobody knows. */
void host_end_trial(struct queue *q, struct host *host);

/* ---- silence.c ---- */

/* A job goes out, and waits for its host from now on. */
void silence_ask(struct fetch *f, struct job *job);
/* So many bytes of its body have come; 0: the head of its answer. */
void silence_heard(struct fetch *f, struct job *job, size_t bytes);
/* It does not wait for its host any more, answered or not; it need not have waited. */
void silence_end(struct fetch *f, struct job *job, bool is_answered);
/* By the job's worker: it cannot be recalled any more.  Returns: true: it was; the cancellation is taken back. */
bool silence_settle(struct fetch *f, struct job *job);

/* ---- wait.c, for queue.c ---- */

void queue_wake_one(struct queue *q);
void queue_wake_all(struct queue *q);
/* A job may go: a waiter takes it, or a new worker. */
void queue_wake_or_grow(struct fetch *f);
/* Until something has changed.  Suspends.  Returns: 0, or a cancellation. */
int queue_wait(struct queue *q);
/* Wake a waiter then, or earlier. */
void queue_set_alarm(struct fetch *f, int64_t when_ms);
/* Jobs by their due_ms; there is always room. */
void later_push(struct queue *q, struct job *job);
struct job *later_pop(struct queue *q);
/* Hosts by their wake_ms; the first is q->asleep. */
void asleep_push(struct queue *q, struct host *host);
struct host *asleep_pop(struct queue *q);

#endif
