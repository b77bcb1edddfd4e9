/* SPDX-License-Identifier: MIT */
/*
 * inside.h - between the files of the queue.
 *
 * In reading order: job.c has the memory of jobs, source.c fills them, backlog.c remembers where URLs stand that are
 * not in memory, intake.c puts jobs where they belong.  rows.c says which host is next: hosts that answer, that are
 * tried for the first time or are slow stand in rows of their own.  trial.c finds out which they are, silence.c
 * which have stopped to answer.  wait.c has what waits for its time.  queue.c puts them together.
 */
#ifndef BIDE_CLI_SCHEDULE_INSIDE_H
#define BIDE_CLI_SCHEDULE_INSIDE_H

#include "cli/schedule/queue.h"

/* ---- job.c ---- */

/* An empty one; NULL: no memory. */
struct job *queue_new_job(struct queue *q);
void queue_free_job(struct queue *q, struct job *job);
/* It has got its extras. */
void queue_count_extras(struct queue *q, const struct job *job);
/* No more URLs should be in memory. */
bool queue_is_full(const struct queue *q);
/* The run cannot go on, because of the error on record. */
void queue_fail(struct queue *q);
/* The same; a cancellation is known already. */
void queue_give_up(struct queue *q);

/* ---- backlog.c ---- */

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
bool backlog_add(struct queue *q, const struct job *job);
/* If the host has few jobs left, runs of it are to be read. */
void backlog_want(struct queue *q, struct host *host);
/* How many jobs of a host are made at once. */
size_t backlog_batch_size(const struct queue *q);
/* The first of its runs is used up. */
void backlog_drop_run(struct queue *q, struct host *host);
/* The source has done with the list. */
void backlog_forget_file(struct source *s);
void backlog_free(struct queue *q);

/* ---- intake.c ---- */

/* Where a job goes that came from the source, or is due: true: it may go at once. */
bool queue_place(struct queue *q, struct job *job, int64_t now_ms);
bool queue_may_read(const struct queue *q);
/* One job more out of the source: it, if it may go at once; NULL: it is parked or noted, or there was none.  Suspends. */
struct job *queue_read_source(struct queue *q);
bool backlog_may_read(const struct queue *q);
/* Read runs of the first host that has few jobs left.  Suspends.  Returns: 0, or an error on record. */
int backlog_read(struct queue *q);

/* ---- rows.c ---- */

/* Into the row where it belongs now, or to sleep, if it has jobs and may have a place. */
void host_line_up(struct queue *q, struct host *host, int64_t now_ms);
void host_park(struct queue *q, struct job *job, int64_t now_ms);
/* The oldest of its jobs that wait for a place. */
struct job *host_unpark(struct queue *q, struct host *host);
/* A job of this host goes; has gone.  Its health may have changed. */
void host_start(struct queue *q, struct host *host, int64_t now_ms);
void host_end(struct queue *q, struct host *host);
void host_recount(struct queue *q, struct host *host);
/* How many requests slow hosts may have together, as long as there is a fast one. */
int queue_slow_most(const struct queue *q);
/* May a job go to it at once that was redirected there? */
bool host_may_follow(const struct queue *q, const struct host *host, int64_t now_ms);
/* May a job that is not parked go at once? */
bool host_may_start(const struct queue *q, const struct host *host, int64_t now_ms);
/* A job of the host whose turn it is, if one may go. */
struct job *rows_take(struct queue *q, int64_t now_ms);
/* The same of hosts that had no room, because nobody else needs it. */
struct job *rows_take_spare(struct queue *q, int64_t now_ms);
/* May rows_take give one?  When may rows_take_spare: INT64_MAX: not because of the time. */
bool rows_have(const struct queue *q, int64_t now_ms);
int64_t rows_spare_ms(const struct queue *q);
/* It is not being tried any more: it answered, it failed, nobody knows. */
void host_end_trial(struct queue *q, struct host *host);

/* ---- wait.c ---- */

void queue_wake_one(struct queue *q);
void queue_wake_all(struct queue *q);
/* Until something has changed.  Suspends.  Returns: 0, or a cancellation. */
int queue_wait(struct queue *q);
/* Wake a waiter then, or earlier. */
void queue_set_alarm(struct queue *q, int64_t when_ms);
/* Jobs by their due_ms; there is always room. */
void later_push(struct queue *q, struct job *job);
struct job *later_pop(struct queue *q);
/* Hosts by their wake_ms; the first is q->asleep. */
void asleep_push(struct queue *q, struct host *host);
struct host *asleep_pop(struct queue *q);

#endif
