/* SPDX-License-Identifier: MIT */
/*
 * queue.c - the scheduler: which URL may start now.
 *
 * A worker that is free asks for a job.  It gets, in this order, one that waits at a host whose turn it is; the next of
 * the source; one that is due for another try; one for which there was no room while others needed it.  A job
 * that may not go is parked at its host, or it is only noted where it stands, and the source is asked again, so that one
 * host does not hold up the others.
 *
 * If no job may go, workers wait, and what makes it possible wakes one: a free place, a job that is due or a host
 * that has rested (the alarm), a worker that has read a list.  One that finds more than it can take wakes the next.
 *
 * A host that is lost has any number of places: its jobs fail as soon as a worker has them.
 */
#include "cli/schedule/inside.h"

#define LOOK_AHEAD    4096 /* jobs parked at least, and four for each worker */
#define READ_MOST     256  /* URLs that may not go, without letting others run */
#define HOST_ROUNDS   5   /* --host-errors: as many as a URL has by default, or more */
#define RATE_SLACK_MS 20  /* how much of --rate may be caught up on, when a timer was late */

static struct job *take_due(struct queue *q, int64_t now_ms)
{
    while (q->nlater > 0 && q->later[0]->due_ms <= now_ms) {
        struct job *job = later_pop(q);
        if (queue_place(q, job, now_ms))
            return job;
    }
    return NULL;
}

/* ---- --rate ---- */

/* How long until the next request may go, in ms. */
static int64_t rate_delay(struct queue *q)
{
    return q->options.rate > 0 ? bide_limiter_delay_ms(&q->limiter, 1) : 0;
}

static void rate_take(struct queue *q)
{
    if (q->options.rate > 0)
        bide_limiter_charge(&q->limiter, 1);
}

void queue_give_back(struct queue *q)
{
    if (q->options.rate > 0)
        bide_limiter_give_back(&q->limiter, 1);
}

/* What may be caught up on when a timer was late is not for the beginning: the first request goes alone. */
static void rate_begin(struct queue *q)
{
    double slack = q->options.rate * RATE_SLACK_MS / 1000;

    q->limiter = (bide_limiter)BIDE_LIMITER(q->options.rate, 1 + slack);
    if (q->options.rate > 0)
        bide_limiter_charge(&q->limiter, (size_t)(slack + 0.5));
}

/* ---- for workers ---- */

static bool is_over(const struct queue *q)
{
    return q->is_stopping || (q->source->at_end && !q->is_reading && q->parked == 0 && q->behind == 0);
}

/* Retries that wait are jobs in memory, too: no more are begun than may come to that. */
static bool has_later_room(const struct queue *q)
{
    return q->nlater + (size_t)q->live < q->later_cap;
}

/* As queue_read_source, and others run now and then: a pattern is never waited for, and may have any number of URLs. */
static struct job *read_on(struct queue *q)
{
    struct job *job = queue_read_source(q);

    if (job || ++q->read_ahead % READ_MOST != 0)
        return job;
    q->is_reading = true; /* one reads, and the others do not take turns at it */
    if (bide_sleep_ms(0) < 0)
        queue_give_up(q);
    q->is_reading = false;
    return NULL;
}

/* A job, if one may go now.  Suspends while a list is read, and now and then. */
static struct job *try_take(struct queue *q)
{
    struct job *job = NULL;

    while (!q->is_stopping && has_later_room(q)) {
        if (backlog_may_read(q) && backlog_read(q) < 0) {
            queue_give_up(q);
            return NULL;
        }
        job = rows_take(q, bide_loop_time_ms(q->loop));
        if (!job && queue_may_read(q))
            job = read_on(q);
        else if (!job && backlog_may_read(q))
            continue;
        else
            break;
        if (job)
            break;
    }
    if (!job)
        job = take_due(q, bide_loop_time_ms(q->loop));
    return job || !has_later_room(q) ? job : rows_take_spare(q, bide_loop_time_ms(q->loop));
}

static void set_alarms(struct queue *q, int64_t now_ms)
{
    int64_t rate_ms = rate_delay(q), spare_ms = rows_spare_ms(q);

    if (rate_ms > 0)
        queue_set_alarm(q, now_ms + rate_ms);
    if (rate_ms > 0)
        return; /* nothing goes before */
    if (q->nlater > 0)
        queue_set_alarm(q, q->later[0]->due_ms);
    if (q->asleep)
        queue_set_alarm(q, q->asleep->wake_ms);
    if (spare_ms > now_ms && spare_ms != INT64_MAX)
        queue_set_alarm(q, spare_ms);
}

/* There may be more than this worker takes: wake another one, or make one. */
static void pass_on(struct queue *q)
{
    int64_t now_ms = bide_loop_time_ms(q->loop);

    set_alarms(q, now_ms);
    if (rows_have(q, now_ms) || queue_may_read(q) || backlog_may_read(q))
        queue_wake_or_grow(q);
}

/* How long a host may fail: as often as a URL is tried by default, or more. */
static struct health_limits limits_of(const struct queue_options *o)
{
    int rounds = o->host_errors > 0 ? o->host_errors : o->retries >= HOST_ROUNDS ? o->retries + 1 : HOST_ROUNDS;

    return (struct health_limits){.rounds = (unsigned)rounds, .backoff_ms = o->backoff_ms, .backoff_max_ms = o->backoff_max_ms};
}

int queue_open(struct queue *q, const struct queue_options *o, struct source *s, const struct queue_user *user)
{
    int per_host = o->per_host, most = o->concurrency;

    *q = (struct queue){.options = *o, .source = s, .user = user, .loop = bide_get_event_loop()};
    q->limits = limits_of(o);
    q->window.most = per_host > 0 && per_host < most ? per_host : most;
    q->window.is_adaptive = !o->no_adaptive;
    q->parked_max = LOOK_AHEAD + 4 * (size_t)most;
    rate_begin(q);
    q->later_cap = q->parked_max + (size_t)most + 1; /* F1: all of them, and one that was being read */
    q->later = calloc(q->later_cap, sizeof *q->later);
    return q->later ? 0 : bide_fail(BIDE_ENOMEM, "the queue: out of memory");
}

struct job *queue_take(struct queue *q)
{
    while (!is_over(q)) {
        int64_t now_ms = bide_loop_time_ms(q->loop), rate_ms = rate_delay(q);
        struct job *job = rate_ms == 0 ? try_take(q) : NULL;
        if (job && q->is_stopping) {
            host_end(q, job->host);
            host_park(q, job, now_ms);
            return NULL;
        }
        if (job) {
            job->sent_ms = bide_loop_time_ms(q->loop);
            job->order = ++q->sent;
            if (!q->user->take(q->user->arg, job) && !job->host->health.is_lost) {
                rate_take(q);
                silence_ask(q, job);
            }
            bottleneck_note_start(q, job->sent_ms);
            pass_on(q);
            return job;
        }
        if (is_over(q))
            break;
        set_alarms(q, now_ms);
        bottleneck_note_wait(q, rate_ms > 0, now_ms);
        int code = queue_wait(q);
        if (code < 0) {
            if (code != BIDE_ECANCELED)
                queue_fail(q);
            return NULL;
        }
    }
    queue_wake_one(q); /* who else waits is to see it, too */
    return NULL;
}

/* The place at its host is free. */
static void leave_host(struct queue *q, struct job *job)
{
    struct host *host = job->host;

    silence_end(q, job, false);
    host_end(q, host);
    host_line_up(q, host, bide_loop_time_ms(q->loop));
}

void queue_done(struct queue *q, struct job *job)
{
    leave_host(q, job);
    queue_drop(q, job);
}

void queue_set_aside(struct queue *q, struct job *job)
{
    leave_host(q, job);
    q->naside++;
    q->aside_bytes += job->url.cap;
}

void queue_take_back(struct queue *q, struct job *job)
{
    q->naside--;
    q->aside_bytes -= job->url.cap;
}

const char *queue_method(const struct queue *q, const struct job *job)
{
    return request_method(q->options.request, job->extras);
}

void queue_park(struct queue *q, struct job *job)
{
    host_park(q, job, bide_loop_time_ms(q->loop));
}

void queue_drop(struct queue *q, struct job *job)
{
    hosts_drop(&q->hosts, job->host, bide_loop_time_ms(q->loop));
    queue_free_job(q, job);
}

/* From its own URL: that a redirect leads somewhere may change. */
static void begin_anew(struct job *job)
{
    free(job->redirect.url);
    job->redirect.url = NULL;
    job->redirect.hops = 0;
    job_forget_cookies(job);
    job->redirect.is_away = !hosts_is(job->host, text_string(&job->url));
}

/* When its host is down, others of its jobs are the next to find out. */
void queue_retry(struct queue *q, struct job *job, int64_t delay_ms)
{
    int64_t now_ms = bide_loop_time_ms(q->loop);
    struct host *host = job->host;

    leave_host(q, job);
    begin_anew(job);
    job->waits_since_ms = now_ms;
    if (host->health.is_down || host->blocked_until_ms > now_ms + delay_ms) {
        host_park(q, job, now_ms);
        return;
    }
    job->due_ms = now_ms + delay_ms;
    later_push(q, job);
}

void queue_put_back(struct queue *q, struct job *job)
{
    leave_host(q, job);
    queue_park(q, job);
}

/* It has a place at another host, and none at its own any more. */
static void change_host(struct queue *q, struct job *job, struct host *host, int64_t now_ms)
{
    leave_host(q, job);
    hosts_drop(&q->hosts, job->host, now_ms);
    job->host = host;
    job->sent_ms = now_ms;
    job->order = ++q->sent;
    job->redirect.is_away = !hosts_is(host, job_asks(job));
    host_start(q, host, now_ms);
}

enum hop queue_hop(struct queue *q, struct job *job, const char *to)
{
    int64_t now_ms = bide_loop_time_ms(q->loop);
    struct host *host = hosts_take(&q->hosts, to, now_ms);
    if (!host)
        return HOP_GOES; /* no memory: it goes, and nobody counts it */
    enum hop hop = host->health.is_lost ? HOP_LOST : host_may_follow(q, host, now_ms) ? HOP_GOES : HOP_WAITS;

    change_host(q, job, host, now_ms);
    return hop;
}

void queue_credit(struct queue *q, struct job *job, const char *url)
{
    int64_t now_ms = bide_loop_time_ms(q->loop), sent_ms = job->sent_ms;
    uint64_t order = job->order;
    struct host *host = hosts_is(job->host, url) ? NULL : hosts_take(&q->hosts, url, now_ms);
    if (!host)
        return;

    change_host(q, job, host, now_ms);
    job->sent_ms = sent_ms;
    job->order = order;
}

bool queue_move(struct queue *q, struct job *job, const char *url)
{
    int64_t now_ms = bide_loop_time_ms(q->loop);
    struct host *host = hosts_take(&q->hosts, url, now_ms);
    if (!host)
        return false;

    text_clear(&job->url);
    text_add_string(&job->url, url);
    leave_host(q, job);
    hosts_drop(&q->hosts, job->host, now_ms);
    job->host = host;
    begin_anew(job);
    job->attempts = 0;
    job->due_ms = now_ms;
    if (job->url.no_memory)
        job->fault = "out of memory";
    later_push(q, job);
    return true;
}

void queue_block_host(struct queue *q, struct job *job, int status, int64_t delay_ms)
{
    struct host *host = job->host;
    int64_t until = bide_loop_time_ms(q->loop) + delay_ms;

    if (until <= host->blocked_until_ms)
        return;
    host->blocked_until_ms = until;
    host->blocked_by = status;
}

void queue_stop(struct queue *q)
{
    q->is_stopping = true;
    source_stop(q->source);
    queue_wake_all(q);
}

struct job *queue_left_over(struct queue *q)
{
    for (size_t i = 0; i < q->hosts.nbuckets; i++)
        for (struct host *host = q->hosts.buckets[i]; host; host = host->in_bucket)
            if (host->first)
                return host_unpark(q, host);
    return q->nlater > 0 ? later_pop(q) : NULL;
}

void queue_free(struct queue *q)
{
    if (q->alarm)
        bide_handle_cancel(q->alarm);
    if (q->watch)
        bide_handle_cancel(q->watch);
    backlog_free(q);
    for (struct job *job; (job = queue_left_over(q)); queue_free_job(q, job))
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
