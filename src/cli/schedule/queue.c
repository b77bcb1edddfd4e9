/* SPDX-License-Identifier: MIT */
/*
 * queue.c - which URL may go now.
 *
 * A worker that is free asks for a job.  It gets, in this order, one that waits at a host whose turn it is; the next of
 * the source; one that is due for another try; one for which there was no room as long as others had need of it.  A job
 * that may not go is parked at its host, or it is only noted where it stands, and the source is asked again, so that one
 * host does not hold up the others.
 *
 * If no job may go, workers wait, and what makes it possible wakes one: a free place, a job that is due or a host
 * that has rested (the alarm), a worker that has read a list.  One that finds more than it can take wakes the next.
 *
 * A host that is lost has any number of places: its jobs fail as soon as a worker has them.
 */
#include "cli/fetch/fetch.h"

#define LOOK_AHEAD    4096 /* jobs parked at least, and four for each worker */
#define READ_MOST     256  /* URLs that may not go, without letting others run */
#define HOST_ROUNDS   5   /* --host-errors: as many as a URL has by default, or more */
#define RATE_SLACK_MS 20  /* how much of --rate may be caught up on, when a timer was late */

static struct job *take_due(struct fetch *f, int64_t now_ms)
{
    struct queue *q = &f->queue;

    while (q->nlater > 0 && q->later[0]->due_ms <= now_ms) {
        struct job *job = later_pop(q);
        if (queue_place(f, job, now_ms))
            return job;
    }
    return NULL;
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

void queue_give_back(struct fetch *f)
{
    if (f->options->rate > 0)
        f->queue.next_ms -= 1000 / f->options->rate;
}

/* ---- for workers ---- */

static bool is_over(const struct fetch *f)
{
    return f->stopping || (f->source.at_end && !f->queue.is_reading && f->queue.parked == 0 && f->queue.behind == 0);
}

/* Retries that wait are jobs in memory, too: no more are begun than may come to that. */
static bool has_later_room(const struct queue *q)
{
    return q->nlater + (size_t)q->live < q->later_cap;
}

/* As queue_read_source, and others run now and then: a pattern is never waited for, and may have any number of URLs. */
static struct job *read_on(struct fetch *f)
{
    struct job *job = queue_read_source(f);

    if (job || ++f->queue.read_ahead % READ_MOST != 0)
        return job;
    f->queue.is_reading = true; /* one reads, and the others do not take turns at it */
    if (bide_sleep_ms(0) < 0)
        queue_give_up(f);
    f->queue.is_reading = false;
    return NULL;
}

/* A job, if one may go now.  Suspends while a list is read, and now and then. */
static struct job *try_take(struct fetch *f)
{
    struct queue *q = &f->queue;
    struct job *job = NULL;

    while (!f->stopping && has_later_room(q)) {
        if (backlog_may_read(f) && backlog_read(f) < 0) {
            queue_give_up(f);
            return NULL;
        }
        job = rows_take(f, bide_loop_time_ms(f->loop));
        if (!job && queue_may_read(f))
            job = read_on(f);
        else if (!job && backlog_may_read(f))
            continue;
        else
            break;
        if (job)
            break;
    }
    if (!job)
        job = take_due(f, bide_loop_time_ms(f->loop));
    return job || !has_later_room(q) ? job : rows_take_spare(f, bide_loop_time_ms(f->loop));
}

static void set_alarms(struct fetch *f, int64_t now_ms)
{
    const struct queue *q = &f->queue;
    int64_t rate_ms = rate_delay(f, now_ms), spare_ms = rows_spare_ms(f);

    if (rate_ms > 0)
        queue_set_alarm(f, now_ms + rate_ms);
    if (rate_ms > 0)
        return; /* nothing goes before */
    if (q->nlater > 0)
        queue_set_alarm(f, q->later[0]->due_ms);
    if (q->asleep)
        queue_set_alarm(f, q->asleep->wake_ms);
    if (spare_ms > now_ms && spare_ms != INT64_MAX)
        queue_set_alarm(f, spare_ms);
}

/* There may be more than this worker takes: wake another one, or make one. */
static void pass_on(struct fetch *f)
{
    int64_t now_ms = bide_loop_time_ms(f->loop);

    set_alarms(f, now_ms);
    if (rows_have(f, now_ms) || queue_may_read(f) || backlog_may_read(f))
        queue_wake_or_grow(f);
}

/* How long a host may fail: as often as a URL is tried by default, or more. */
static struct health_limits limits_of(const struct fetch_options *o)
{
    int rounds = o->host_errors > 0 ? o->host_errors : o->retries >= HOST_ROUNDS ? o->retries + 1 : HOST_ROUNDS;

    return (struct health_limits){.rounds = (unsigned)rounds, .backoff_ms = o->backoff_ms, .backoff_max_ms = o->backoff_max_ms};
}

int queue_open(struct fetch *f)
{
    struct queue *q = &f->queue;

    int per_host = f->options->per_host;

    q->limits = limits_of(f->options);
    q->window.most = per_host > 0 && per_host < f->concurrency ? per_host : f->concurrency;
    q->window.is_adaptive = !f->options->no_adaptive;
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
        struct job *job = rate_ms == 0 ? try_take(f) : NULL;
        if (job && f->stopping) {
            host_end(f, job->host);
            host_park(f, job, now_ms);
            return NULL;
        }
        if (job) {
            job->sent_ms = bide_loop_time_ms(f->loop);
            if (!repeats_take(f, job) && !job->host->health.is_lost) {
                rate_take(f, job->sent_ms);
                silence_ask(f, job);
            }
            bottleneck_note_start(f, job->sent_ms);
            pass_on(f);
            return job;
        }
        if (is_over(f))
            break;
        set_alarms(f, now_ms);
        bottleneck_note_wait(f, rate_ms > 0, now_ms);
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
static void leave_host(struct fetch *f, struct job *job)
{
    struct host *host = job->host;

    silence_end(f, job, false);
    host_end(f, host);
    host_line_up(f, host, bide_loop_time_ms(f->loop));
}

void queue_done(struct fetch *f, struct job *job)
{
    leave_host(f, job);
    queue_drop(f, job);
}

void queue_set_aside(struct fetch *f, struct job *job)
{
    leave_host(f, job);
}

void queue_drop(struct fetch *f, struct job *job)
{
    hosts_drop(&f->queue.hosts, job->host, bide_loop_time_ms(f->loop));
    queue_free_job(&f->queue, job);
}

/* From its own URL: that a redirect leads somewhere may change. */
static void begin_anew(struct job *job)
{
    free(job->hop_url);
    job->hop_url = NULL;
    job->hops = 0;
    job->is_away = !hosts_is(job->host, text_string(&job->url));
}

/* When its host is down, others of its jobs are the next to find out. */
void queue_retry(struct fetch *f, struct job *job, int64_t delay_ms)
{
    int64_t now_ms = bide_loop_time_ms(f->loop);
    struct host *host = job->host;

    leave_host(f, job);
    begin_anew(job);
    job->waits_since_ms = now_ms;
    if (host->health.is_down || host->blocked_until_ms > now_ms + delay_ms) {
        host_park(f, job, now_ms);
        return;
    }
    job->due_ms = now_ms + delay_ms;
    later_push(&f->queue, job);
}

void queue_put_back(struct fetch *f, struct job *job)
{
    leave_host(f, job);
    host_park(f, job, bide_loop_time_ms(f->loop));
}

/* It has a place at another host, and none at its own any more. */
static void change_host(struct fetch *f, struct job *job, struct host *host, int64_t now_ms)
{
    leave_host(f, job);
    hosts_drop(&f->queue.hosts, job->host, now_ms);
    job->host = host;
    job->sent_ms = now_ms;
    job->is_away = !hosts_is(host, job_asks(job));
    host_start(f, host, now_ms);
}

enum hop queue_hop(struct fetch *f, struct job *job, const char *to)
{
    int64_t now_ms = bide_loop_time_ms(f->loop);
    struct host *host = hosts_take(&f->queue.hosts, to, now_ms);
    if (!host)
        return HOP_GOES; /* no memory: it goes, and nobody counts it */
    enum hop hop = host->health.is_lost ? HOP_LOST : host_may_follow(f, host, now_ms) ? HOP_GOES : HOP_WAITS;

    change_host(f, job, host, now_ms);
    return hop;
}

void queue_credit(struct fetch *f, struct job *job, const char *url)
{
    int64_t now_ms = bide_loop_time_ms(f->loop), sent_ms = job->sent_ms;
    struct host *host = hosts_is(job->host, url) ? NULL : hosts_take(&f->queue.hosts, url, now_ms);
    if (!host)
        return;

    change_host(f, job, host, now_ms);
    job->sent_ms = sent_ms;
}

bool queue_move(struct fetch *f, struct job *job, const char *url)
{
    int64_t now_ms = bide_loop_time_ms(f->loop);
    struct host *host = hosts_take(&f->queue.hosts, url, now_ms);
    if (!host)
        return false;

    text_clear(&job->url);
    text_add_string(&job->url, url);
    leave_host(f, job);
    hosts_drop(&f->queue.hosts, job->host, now_ms);
    job->host = host;
    begin_anew(job);
    job->attempts = 0;
    job->due_ms = now_ms;
    if (job->url.no_memory)
        job->fault = fetch_no_memory;
    later_push(&f->queue, job);
    return true;
}

void queue_block_host(struct fetch *f, struct job *job, int status, int64_t delay_ms)
{
    struct host *host = job->host;
    int64_t until = bide_loop_time_ms(f->loop) + delay_ms;

    if (until <= host->blocked_until_ms)
        return;
    host->blocked_until_ms = until;
    host->blocked_by = status;
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
                return host_unpark(q, host);
    return q->nlater > 0 ? later_pop(q) : repeats_left_over(f);
}

void queue_free(struct fetch *f)
{
    struct queue *q = &f->queue;

    if (q->alarm)
        bide_handle_cancel(q->alarm);
    if (q->watch)
        bide_handle_cancel(q->watch);
    backlog_free(q);
    for (struct job *job; (job = queue_left_over(f)); queue_free_job(q, job))
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
