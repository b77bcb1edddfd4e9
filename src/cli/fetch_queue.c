/* SPDX-License-Identifier: MIT */
/*
 * fetch_queue.c - which URL may go now.
 *
 * A worker that is free asks for a job.  In this order it gets one that had to wait for a place at its host, or the next
 * of the source.  A job whose host has no place free is parked there and the source is asked again, so that one slow
 * host does not hold up the others; but no more than parked_max jobs are parked, then the source has to wait.
 *
 * Retries, and jobs of hosts that asked to be left alone, wait in a heap for their time.  If no job may go, workers wait,
 * and whoever makes it possible wakes one: a free place, a job that is due (the alarm), a worker that has read a list.
 * One that finds more than it can take wakes the next.
 */
#include "cli/fetch.h"

#define LOOK_AHEAD    256 /* jobs parked at least, and four for each worker */
#define RATE_SLACK_MS 20  /* how much of --rate may be caught up on, when a timer was late */

/* ---- jobs at their hosts ---- */

static bool has_place(const struct fetch *f, const struct host *host)
{
    return f->options->per_host == 0 || host->live < f->options->per_host;
}

static void make_ready(struct fetch *f, struct host *host)
{
    struct queue *q = &f->queue;

    if (host->is_ready || !host->first || !has_place(f, host))
        return;
    host->is_ready = true;
    host->next_ready = NULL;
    if (q->ready)
        q->ready_last->next_ready = host;
    else
        q->ready = host;
    q->ready_last = host;
}

static void park_at_host(struct fetch *f, struct job *job)
{
    struct host *host = job->host;

    job->next = NULL;
    if (host->first)
        host->last->next = job;
    else
        host->first = job;
    host->last = job;
    f->queue.parked++;
    make_ready(f, host);
}

static struct job *unpark(struct queue *q, struct host *host)
{
    struct job *job = host->first;

    host->first = job->next;
    q->parked--;
    return job;
}

/* The first host in the row gives one job, and goes to the end of the row. */
static struct job *take_ready(struct fetch *f)
{
    struct queue *q = &f->queue;

    while (q->ready) {
        struct host *host = q->ready;
        q->ready = host->next_ready;
        host->is_ready = false;
        if (!host->first || !has_place(f, host))
            continue;
        struct job *job = unpark(q, host);
        host->live++;
        make_ready(f, host);
        return job;
    }
    return NULL;
}

/* Where a job goes that came from the source, or is due: true: it may go at once. */
static bool place(struct fetch *f, struct job *job, int64_t now_ms)
{
    struct host *host = job->host;

    if (host->blocked_until_ms > now_ms) {
        job->due_ms = host->blocked_until_ms;
        later_push(&f->queue, job);
        return false;
    }
    if (host->first || !has_place(f, host)) {
        park_at_host(f, job);
        return false;
    }
    host->live++;
    return true;
}

static struct job *take_due(struct fetch *f, int64_t now_ms)
{
    struct queue *q = &f->queue;

    while (q->nlater > 0 && q->later[0]->due_ms <= now_ms) {
        struct job *job = later_pop(q);
        if (place(f, job, now_ms))
            return job;
    }
    return NULL;
}

/* ---- jobs from the source ---- */

static struct job *new_job(struct queue *q)
{
    struct job *job = q->spare;

    if (job) {
        q->spare = job->next;
        *job = (struct job){.url = job->url};
        return job;
    }
    return calloc(1, sizeof *job);
}

static void free_job(struct queue *q, struct job *job)
{
    job->host = NULL;
    job->next = q->spare;
    q->spare = job;
}

void queue_forget(struct fetch *f, struct job *job)
{
    free_job(&f->queue, job);
}

static bool may_read(const struct fetch *f)
{
    const struct queue *q = &f->queue;

    return !f->source.at_end && !q->is_reading && q->parked < q->parked_max;
}

static struct job *no_memory(struct fetch *f)
{
    bide_fail(BIDE_ENOMEM, "out of memory");
    fetch_fail_here(f);
    return NULL;
}

/* One job more out of the source: it, if it may go at once; NULL: it was parked, or there was none. */
static struct job *read_source(struct fetch *f)
{
    struct queue *q = &f->queue;
    struct job *job = new_job(q);
    if (!job)
        return no_memory(f);

    q->is_reading = true;
    int got = source_next(f, job);
    q->is_reading = false;
    if (got > 0 && !job->url.no_memory)
        job->host = hosts_take(&q->hosts, text_string(&job->url), bide_loop_time_ms(f->loop));
    if (got <= 0 || !job->host) {
        free_job(q, job);
        if (got < 0)
            fetch_fail(f, EXIT_LOCAL);
        queue_wake_all(q); /* the source is at its end: nobody need wait for it */
        return got > 0 ? no_memory(f) : NULL;
    }
    return place(f, job, bide_loop_time_ms(f->loop)) ? job : NULL;
}

/* ---- --rate ---- */

/* How long until the next request may go, in ms. */
static int64_t rate_delay(const struct fetch *f, int64_t now_ms)
{
    double wait = f->queue.next_ms - (double)now_ms;

    return f->options->rate > 0 && wait > 0 ? (int64_t)wait + 1 : 0;
}

static void rate_take(struct fetch *f, int64_t now_ms)
{
    double earliest = (double)now_ms - RATE_SLACK_MS, next = f->queue.next_ms;

    if (next == 0)
        next = (double)now_ms;
    if (f->options->rate > 0)
        f->queue.next_ms = (next > earliest ? next : earliest) + 1000 / f->options->rate;
}

/* ---- for workers ---- */

static bool is_over(const struct fetch *f)
{
    return f->stopping || (f->source.at_end && !f->queue.is_reading && f->queue.parked == 0);
}

/* A job, if one may go now.  Suspends only while a list has nothing to give. */
static struct job *try_take(struct fetch *f, int64_t now_ms)
{
    struct job *job = take_due(f, now_ms);

    if (!job)
        job = take_ready(f);
    while (!job && may_read(f) && !f->stopping)
        job = read_source(f);
    return job;
}

/* There may be more than this worker takes: wake another one, or make one. */
static void pass_on(struct fetch *f)
{
    struct queue *q = &f->queue;

    if (q->nlater > 0)
        queue_set_alarm(f, q->later[0]->due_ms);
    if (q->ready || may_read(f))
        queue_wake_or_grow(f);
}

static void set_alarms(struct fetch *f, int64_t rate_ms, int64_t now_ms)
{
    if (rate_ms > 0)
        queue_set_alarm(f, now_ms + rate_ms);
    else if (f->queue.nlater > 0)
        queue_set_alarm(f, f->queue.later[0]->due_ms);
}

int queue_open(struct fetch *f)
{
    struct queue *q = &f->queue;

    q->parked_max = LOOK_AHEAD + 4 * (size_t)f->concurrency;
    q->later_cap = q->parked_max + (size_t)f->concurrency + 1; /* F1: all of them, and one that was being read */
    q->later = calloc(q->later_cap, sizeof *q->later);
    return q->later ? 0 : bide_fail(BIDE_ENOMEM, "the queue: out of memory");
}

struct job *queue_take(struct fetch *f)
{
    struct queue *q = &f->queue;

    while (!is_over(f)) {
        int64_t now_ms = bide_loop_time_ms(f->loop), rate_ms = rate_delay(f, now_ms);
        struct job *job = rate_ms == 0 ? try_take(f, now_ms) : NULL;
        if (job && f->stopping) {
            job->host->live--;
            later_push(q, job);
            return NULL;
        }
        if (job) {
            rate_take(f, bide_loop_time_ms(f->loop));
            pass_on(f);
            return job;
        }
        if (is_over(f))
            break;
        set_alarms(f, rate_ms, now_ms);
        int code = queue_wait(q);
        if (code < 0) {
            if (code != BIDE_ECANCELED)
                fetch_fail_here(f);
            return NULL;
        }
    }
    queue_wake_one(q); /* who else waits is to see it, too */
    return NULL;
}

/* The place at its host is free. */
static void leave_host(struct fetch *f, struct host *host)
{
    host->live--;
    make_ready(f, host);
}

void queue_done(struct fetch *f, struct job *job)
{
    struct host *host = job->host;

    leave_host(f, host);
    hosts_drop(&f->queue.hosts, host, bide_loop_time_ms(f->loop));
    free_job(&f->queue, job);
}

void queue_retry(struct fetch *f, struct job *job, int64_t delay_ms)
{
    int64_t due = bide_loop_time_ms(f->loop) + delay_ms, blocked = job->host->blocked_until_ms;

    leave_host(f, job->host);
    job->due_ms = due > blocked ? due : blocked;
    later_push(&f->queue, job);
}

void queue_block_host(struct fetch *f, struct job *job, int64_t delay_ms)
{
    struct host *host = job->host;
    int64_t until = bide_loop_time_ms(f->loop) + delay_ms;

    if (until <= host->blocked_until_ms)
        return;
    host->blocked_until_ms = until;
    while (host->first) {
        struct job *parked = unpark(&f->queue, host);
        parked->due_ms = until;
        later_push(&f->queue, parked);
    }
}

void queue_stop(struct fetch *f)
{
    source_stop(&f->source);
    queue_wake_all(&f->queue);
}

struct job *queue_left_over(struct fetch *f)
{
    struct queue *q = &f->queue;

    for (size_t i = 0; i < q->hosts.nbuckets; i++)
        for (struct host *host = q->hosts.buckets[i]; host; host = host->in_bucket)
            if (host->first)
                return unpark(q, host);
    return q->nlater > 0 ? later_pop(q) : NULL;
}

void queue_free(struct fetch *f)
{
    struct queue *q = &f->queue;

    if (q->alarm)
        bide_handle_cancel(q->alarm);
    for (struct job *job; (job = queue_left_over(f)); free_job(q, job))
        ;
    for (struct job *job = q->spare, *next; job; job = next) {
        next = job->next;
        text_free(&job->url);
        free(job);
    }
    free(q->later);
    hosts_free(&q->hosts);
    *q = (struct queue){0};
}
