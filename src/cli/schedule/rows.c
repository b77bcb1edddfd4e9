/* SPDX-License-Identifier: MIT */
/*
 * rows.c - the rows of hosts that have jobs: which is next.
 *
 * Hosts with jobs and a free place stand in rows, and each that gives a job goes to the end of its row:
 *
 *     fast   they answer
 *     first  unknown, or down: one request each, to see whether they answer
 *     slow   they answer, but it takes more than a second, or have stopped to
 *     more   unknown or silent, and one request is on its way already
 *
 * A request to a host of the last three may hold its place for as long as time-outs allow.  So together they have a
 * quarter of all places before the fast ones are asked, and three quarters at most (those of `more` a quarter), as long
 * as there is a fast one; then none can hold the others up.  When there is no fast one, and no trial that may end every
 * moment, they have all.
 */
#include <stddef.h>
#include <string.h>

#include "cli/schedule/inside.h"

/* ---- what a host may have ---- */

static bool has_place(const struct queue *q, const struct host *host)
{
    if (host->health.is_lost)
        return true; /* its jobs fail without a request */
    if (host->health.is_down)
        return host->live == 0;
    return host->live < window_size(&host->window, &q->window);
}

/* Until when it must be left alone. */
static int64_t rest_ms(const struct host *host)
{
    int64_t probe_ms = host->health.is_down ? host->health.probe_ms : 0;

    if (host->health.is_silent && host->asked_last && !host->health.is_down)
        probe_ms = host->asked_last->sent_ms + HOST_SILENCE_MS;

    if (host->health.is_lost)
        return 0;
    return probe_ms > host->blocked_until_ms ? probe_ms : host->blocked_until_ms;
}

static enum row row_of(const struct host *host)
{
    if (!health_is_slow(&host->health))
        return ROW_FAST;
    if (host->health.answer_us > 0 && !host->health.is_down)
        return host->health.is_silent && host->live > 0 ? ROW_MORE : ROW_SLOW;
    return host->live == 0 ? ROW_FIRST : ROW_MORE;
}

static bool hangs(const struct queue *q, int64_t now_ms)
{
    return q->trials && now_ms - q->trials->trial_ms > HOST_SILENCE_MS;
}

int queue_slow_most(const struct queue *q)
{
    int most = q->options.concurrency - (q->options.concurrency + 3) / 4;

    return most > 1 ? most : 1;
}

/* Is there room for one more of this row? */
static bool has_room(const struct queue *q, enum row row, int64_t now_ms)
{
    int all = q->options.concurrency, most = queue_slow_most(q);

    if (row == ROW_FAST)
        return true;
    if (row == ROW_MORE)
        most = all / 4;
    else if (row == ROW_FIRST && q->well >= (unsigned)all / 4 && !hangs(q, now_ms))
        most = all;
    return q->slow_live < (most > 1 ? most : 1);
}

/* Its jobs, its live ones or what it may have has changed.  A slow host is another bottleneck. */
static void note_full(struct queue *q, struct host *host)
{
    struct bottlenecks *b = &q->bottlenecks;
    bool is_full = host->first && !health_is_slow(&host->health) && !has_place(q, host);

    if (is_full) {
        b->full_size = window_size(&host->window, &q->window);
        b->full_is_growing = !host->window.has_shrunk;
    }
    if (is_full == host->is_full)
        return;
    host->is_full = is_full;
    b->full += is_full ? 1 : -1u;
}

/* ---- trials: their first request has no answer yet ---- */

static void begin_trial(struct queue *q, struct host *host, int64_t now_ms)
{
    host->trial_ms = now_ms > 0 ? now_ms : 1;
    host->trial_next = NULL;
    host->trial_prev = q->trials_last;
    if (q->trials_last)
        q->trials_last->trial_next = host;
    else
        q->trials = host;
    q->trials_last = host;
}

void host_end_trial(struct queue *q, struct host *host)
{
    if (host->trial_ms == 0)
        return;
    host->trial_ms = 0;
    *(host->trial_prev ? &host->trial_prev->trial_next : &q->trials) = host->trial_next;
    *(host->trial_next ? &host->trial_next->trial_prev : &q->trials_last) = host->trial_prev;
}

/* ---- live jobs ---- */

void host_recount(struct queue *q, struct host *host)
{
    int slow = health_is_slow(&host->health) ? host->live : 0;

    q->slow_live += slow - host->slow_live;
    host->slow_live = slow;
    note_full(q, host);
}

void host_start(struct queue *q, struct host *host, int64_t now_ms)
{
    if (row_of(host) == ROW_FIRST)
        begin_trial(q, host, now_ms);
    host->live++;
    q->live++;
    host_recount(q, host);
}

void host_end(struct queue *q, struct host *host)
{
    host->live--;
    q->live--;
    host_recount(q, host);
    if (host->live == 0)
        host_end_trial(q, host);
}

bool host_may_start(const struct queue *q, const struct host *host, int64_t now_ms)
{
    return !host->first && !host->runs && has_place(q, host) && rest_ms(host) <= now_ms && has_room(q, row_of(host), now_ms);
}

/* A host that is well takes what it is sent by others, if it did not ask to be left alone. */
bool host_may_follow(const struct queue *q, const struct host *host, int64_t now_ms)
{
    return health_is_slow(&host->health) ? host_may_start(q, host, now_ms) : rest_ms(host) <= now_ms;
}

/* ---- rows ---- */

static void leave_row(struct queue *q, struct host *host)
{
    *(host->row_prev ? &host->row_prev->row_next : &q->rows[host->row].first) = host->row_next;
    *(host->row_next ? &host->row_next->row_prev : &q->rows[host->row].last) = host->row_prev;
    host->is_ready = false;
}

static void join_row(struct queue *q, struct host *host, enum row row)
{
    host->is_ready = true;
    host->row = row;
    host->row_next = NULL;
    host->row_prev = q->rows[row].last;
    *(host->row_prev ? &host->row_prev->row_next : &q->rows[row].first) = host;
    q->rows[row].last = host;
}

void host_line_up(struct queue *q, struct host *host, int64_t now_ms)
{
    if (host->is_ready && host->row == row_of(host))
        return;
    if (host->is_ready)
        leave_row(q, host);
    if (!host->first || !has_place(q, host))
        return;
    if (rest_ms(host) > now_ms) {
        if (!host->is_asleep) {
            host->wake_ms = rest_ms(host);
            asleep_push(q, host);
        }
        return;
    }
    join_row(q, host, row_of(host));
}

static size_t bytes_of(const struct job *job)
{
    return job->url.cap + (job->redirect.url ? strlen(job->redirect.url) : 0);
}

void host_park(struct queue *q, struct job *job, int64_t now_ms)
{
    struct host *host = job->host;

    job->waits_since_ms = job->waits_since_ms ? job->waits_since_ms : now_ms;
    if (job->holds)
        q->user->release(q->user->arg, job);
    job->next = NULL;
    if (host->first)
        host->last->next = job;
    else
        host->first = job;
    host->last = job;
    host->nparked++;
    q->parked++;
    q->parked_bytes += bytes_of(job);
    note_full(q, host);
    host_line_up(q, host, now_ms);
}

struct job *host_unpark(struct queue *q, struct host *host)
{
    struct job *job = host->first;

    host->first = job->next;
    host->nparked--;
    q->parked--;
    q->parked_bytes -= bytes_of(job);
    backlog_want(q, host);
    return job;
}

/* Hosts that have rested long enough. */
static void wake_hosts(struct queue *q, int64_t now_ms)
{
    while (q->asleep && q->asleep->wake_ms <= now_ms)
        host_line_up(q, asleep_pop(q), now_ms);
}

/* The first of the row that still belongs there gives one job, and goes to its end. */
static struct job *take_from(struct queue *q, enum row row, int64_t now_ms)
{
    while (q->rows[row].first) {
        struct host *host = q->rows[row].first;
        leave_row(q, host);
        if (!host->first || !has_place(q, host) || rest_ms(host) > now_ms || row_of(host) != row) {
            host_line_up(q, host, now_ms);
            continue;
        }
        struct job *job = host_unpark(q, host);
        host_start(q, host, now_ms);
        if (host->first)
            host_line_up(q, host, now_ms);
        return job;
    }
    return NULL;
}

static struct job *take_if_room(struct queue *q, enum row row, int64_t now_ms)
{
    return q->rows[row].first && has_room(q, row, now_ms) ? take_from(q, row, now_ms) : NULL;
}

/* Is there a host that may hang? */
static bool is_waiting(const struct queue *q)
{
    return q->rows[ROW_FIRST].first || q->rows[ROW_SLOW].first || q->rows[ROW_MORE].first;
}

struct job *rows_take(struct queue *q, int64_t now_ms)
{
    static const enum row order[] = {ROW_FAST, ROW_FIRST, ROW_SLOW, ROW_MORE};
    struct job *job = NULL;

    wake_hosts(q, now_ms);
    if (is_waiting(q) && q->slow_live < q->options.concurrency / 4 && !(job = take_from(q, ROW_FIRST, now_ms)))
        job = take_from(q, ROW_SLOW, now_ms);
    for (size_t i = 0; !job && i < sizeof order / sizeof *order; i++)
        job = take_if_room(q, order[i], now_ms);
    return job;
}

/* ---- room that nobody else needs ---- */

int64_t rows_spare_ms(const struct queue *q)
{
    if (!is_waiting(q) || q->rows[ROW_FAST].first || q->live > q->slow_live)
        return INT64_MAX;
    return q->trials_last ? q->trials_last->trial_ms + HOST_SILENCE_MS : 0;
}

struct job *rows_take_spare(struct queue *q, int64_t now_ms)
{
    struct job *job = NULL;

    for (int row = ROW_FIRST; !job && row < ROWS && rows_spare_ms(q) <= now_ms; row++)
        job = take_from(q, (enum row)row, now_ms);
    return job;
}

bool rows_have(const struct queue *q, int64_t now_ms)
{
    for (int row = 0; row < ROWS; row++)
        if (q->rows[row].first && has_room(q, (enum row)row, now_ms))
            return true;
    return rows_spare_ms(q) <= now_ms;
}
