/* SPDX-License-Identifier: MIT */
/*
 * trial.c - the results of attempts: whether the host answers, and how many requests it can handle.
 */
#include "cli/schedule/inside.h"

#define MORE_REFUSALS 3 /* than failures: limits are often those of a minute, and the rests of eight rounds are two */
#define LONG_REFUSALS 3 /* rounds of answers that ask for a longer rest than is given: no more come */

void queue_answered(struct queue *q, struct job *job, int64_t us)
{
    struct host *host = job->host;

    if (host->trial_ms == 0 && !health_is_slow(&host->health) && us <= HEALTH_SLOW_US) {
        health_answered(&host->health, us); /* as ever */
        return;
    }
    q->well += host->trial_ms != 0;
    host_end_trial(q, host);
    health_answered(&host->health, us);
    host_recount(q, host);
    host_line_up(q, host, bide_loop_time_ms(q->loop));
}

void queue_borne(struct queue *q, struct job *job, int64_t us)
{
    struct host *host = job->host;

    host->health.refusals = 0;
    window_answered(&host->window, &q->window, host->live, job->sent_ms, bide_loop_time_ms(q->loop), us);
}

void queue_not_borne(struct queue *q, struct job *job)
{
    struct host *host = job->host;

    window_refused(&host->window, &q->window, host->live, job->sent_ms, bide_loop_time_ms(q->loop));
}

bool queue_refused(struct queue *q, struct job *job, int kind, const char *why, int64_t rest_ms)
{
    struct health *h = &job->host->health;
    bool is_long = rest_ms > q->options.retry_after_max_ms;
    unsigned most = q->limits.rounds + (q->options.host_errors > 0 ? 0 : MORE_REFUSALS);

    health_refused(h, job->order, q->sent);
    if (h->is_lost || h->refusals < (is_long && most > LONG_REFUSALS ? LONG_REFUSALS : most))
        return false;
    health_lose(h, kind, why);
    host_recount(q, job->host);
    host_line_up(q, job->host, bide_loop_time_ms(q->loop));
    return true;
}

bool queue_unanswered(struct queue *q, struct job *job, int kind, const char *why, bool is_certain)
{
    struct host *host = job->host;
    struct health *h = &host->health;
    bool was_lost = h->is_lost;

    if (host->trial_ms != 0)
        q->well = 0;
    host_end_trial(q, host);
    health_failed(h, &q->limits, job->sent_ms, bide_loop_time_ms(q->loop));
    h->kind = kind;
    if (!was_lost && (is_certain || h->is_lost))
        health_lose(h, kind, why);
    host_recount(q, host);
    host_line_up(q, host, bide_loop_time_ms(q->loop));
    return h->is_lost && !was_lost;
}
