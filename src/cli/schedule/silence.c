/* SPDX-License-Identifier: MIT */
/*
 * silence.c - hosts that are asked and say nothing, and the places that they hold.
 *
 *     asked.first (without activity for the longest time) ... asked.last        after SILENCE_MS:  silent.first ... silent.last
 *
 * A host that is asked for something stands in one of the two lists.  It is active when the head of an answer comes, when some
 * more of a body has come, or all of it; then it goes to the end of the first list.  A host that was silent for a second is
 * slow for rows.c, whatever it was before: it may have one request more for each further second of silence.
 *
 * What such hosts have already is more than they may when they stopped together: 16 hosts with windows of 4 hold all of 64
 * places for as long as time-outs allow.  Then requests of theirs are recalled, the latest first: all but one of each host,
 * until others have three quarters of the places; if that is not enough, those, too, until others have a quarter.  A
 * recalled job is asked again later, and not recalled a second time.  Requests that are not safe to repeat stay,
 * and so does a body of which more than a little has come.
 */
#include "cli/schedule/inside.h"

#define SILENCE_MS  HOST_SILENCE_MS
#define ACTIVE_BYTES 16384 /* of bodies: less than this in SILENCE_MS is silence */

/* ---- the lists ---- */

static void leave_list(struct queue *q, struct host *host)
{
    struct host_list *list = host->in_list;

    *(host->asked_prev ? &host->asked_prev->asked_next : &list->first) = host->asked_next;
    *(host->asked_next ? &host->asked_next->asked_prev : &list->last) = host->asked_prev;
    q->nsilent -= list == &q->silent;
    host->in_list = NULL;
}

static void join_list(struct queue *q, struct host_list *list, struct host *host)
{
    host->in_list = list;
    host->asked_next = NULL;
    host->asked_prev = list->last;
    *(list->last ? &list->last->asked_next : &list->first) = host;
    list->last = host;
    q->nsilent += list == &q->silent;
}

static void look(void *arg);

static void watch(struct queue *q, int64_t now_ms)
{
    int64_t at_ms = q->silent.first ? now_ms + SILENCE_MS : INT64_MAX;

    if (q->asked.first && q->asked.first->active_ms + SILENCE_MS < at_ms)
        at_ms = q->asked.first->active_ms + SILENCE_MS;
    if (q->watch || at_ms == INT64_MAX)
        return;
    q->watch = bide_loop_call_at(q->loop, at_ms, look, q);
    if (!q->watch)
        queue_fail(q);
}

/* ---- activity ---- */

void silence_ask(struct queue *q, struct job *job)
{
    struct host *host = job->host;

    job->request.is_sent = true;
    job->request.received = 0;
    job->request.has_head = false;
    job->request.next = NULL;
    job->request.prev = host->asked_last;
    *(host->asked_last ? &host->asked_last->request.next : &host->asked_first) = job;
    host->asked_last = job;
    if (host->in_list)
        return;
    host->active_ms = job->sent_ms;
    host->active_bytes = 0;
    join_list(q, &q->asked, host);
    if (!q->watch)
        watch(q, job->sent_ms);
}

static void note_activity(struct queue *q, struct host *host)
{
    host->active_ms = bide_loop_time_ms(q->loop);
    host->active_bytes = 0;
    if (host->in_list != &q->asked || q->asked.last != host) {
        leave_list(q, host);
        join_list(q, &q->asked, host);
    }
    if (!host->health.is_silent)
        return;
    host->health.is_silent = false;
    host_recount(q, host);
    host_line_up(q, host, host->active_ms);
}

void silence_received(struct queue *q, struct job *job, size_t bytes)
{
    struct host *host = job->host;

    job->request.received += bytes;
    job->request.has_head = true;
    if (!job->request.is_sent || !host->in_list)
        return;
    host->active_bytes += bytes;
    host->byte_ms = bide_loop_time_ms(q->loop);
    if (bytes == 0 || host->active_bytes >= ACTIVE_BYTES)
        note_activity(q, host);
}

void silence_end(struct queue *q, struct job *job, bool is_answered)
{
    struct host *host = job->host;

    if (!job->request.is_sent)
        return;
    job->request.is_sent = false;
    *(job->request.prev ? &job->request.prev->request.next : &host->asked_first) = job->request.next;
    *(job->request.next ? &job->request.next->request.prev : &host->asked_last) = job->request.prev;
    if (is_answered)
        note_activity(q, host);
    if (!host->asked_first)
        leave_list(q, host);
}

/* ---- places that others need ---- */

/* A request that may be ended now and sent again. */
static bool may_recall(const struct queue *q, const struct job *job)
{
    const struct job_request *r = &job->request;

    return r->task && !r->was_recalled && !r->is_bound && r->received < ACTIVE_BYTES &&
           bide_method_is_idempotent(queue_method(q, job));
}

/* Down to so many requests of slow hosts, these among them. */
static void recall(struct queue *q, struct host *host, const struct job *keep, int most)
{
    for (struct job *job = host->asked_last, *prev; job && job != keep && q->slow_live - q->nrecalled > most; job = prev) {
        prev = job->request.prev;
        if (!may_recall(q, job) || !bide_task_cancel(job->request.task))
            continue;
        job->request.was_recalled = job->request.is_recalling = true;
        q->nrecalled++;
    }
}

/* Of hosts that were fast before, or nobody knows: those known to be slow were never given more. */
static void make_room(struct queue *q)
{
    for (struct host *host = q->silent.last; host; host = host->asked_prev)
        if (host->health.answer_us <= HEALTH_SLOW_US)
            recall(q, host, host->asked_first, q->options.concurrency / 4);
    for (struct host *host = q->silent.last; host; host = host->asked_prev)
        if (host->health.answer_us <= HEALTH_SLOW_US)
            recall(q, host, NULL, queue_slow_most(q));
}

/* All places are taken, and there is something that could use one. */
static bool is_crowded(const struct queue *q, int64_t now_ms)
{
    if (q->is_stopping || q->live < q->options.concurrency)
        return false;
    return q->rows[ROW_FAST].first || queue_may_read(q) || backlog_may_read(q) ||
           (q->nlater > 0 && q->later[0]->due_ms <= now_ms && !health_is_slow(&q->later[0]->host->health));
}

bool silence_settle(struct queue *q, struct job *job)
{
    job->request.task = NULL;
    if (!job->request.is_recalling)
        return false;
    job->request.is_recalling = false;
    q->nrecalled--;
    BIDE_IGNORE(bide_uncancel(bide_current_task()));
    return true;
}

static void look(void *arg)
{
    struct queue *q = arg;
    int64_t now_ms = bide_loop_time_ms(q->loop);

    q->watch = NULL;
    while (q->asked.first && q->asked.first->active_ms + SILENCE_MS <= now_ms) {
        struct host *host = q->asked.first;
        leave_list(q, host);
        join_list(q, &q->silent, host);
        host->health.is_silent = true;
        host_recount(q, host);
    }
    if (is_crowded(q, now_ms))
        make_room(q);
    watch(q, now_ms);
}
