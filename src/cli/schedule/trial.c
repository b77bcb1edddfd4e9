/* SPDX-License-Identifier: MIT */
/*
 * trial.c - hosts that are being tried, because nobody knows whether they answer; and what is found out.
 */
#include "cli/fetch/fetch.h"
#include "cli/request/retry.h"

#define MORE_REFUSALS 3 /* than failures: limits are often those of a minute, and the rests of eight rounds are two */
#define LONG_REFUSALS 3 /* rounds of answers that ask for a longer rest than is given: no more come */

void host_begin_trial(struct queue *q, struct host *host, int64_t now_ms)
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

/* ---- what became of attempts ---- */

void queue_answered(struct fetch *f, struct job *job, int64_t us)
{
    struct host *host = job->host;

    if (host->trial_ms == 0 && !health_is_slow(&host->health) && us <= HEALTH_SLOW_US) {
        health_answered(&host->health, us); /* as ever */
        return;
    }
    f->queue.well += host->trial_ms != 0;
    host_end_trial(&f->queue, host);
    health_answered(&host->health, us);
    host_recount(f, host);
    host_line_up(f, host, bide_loop_time_ms(f->loop));
}

void queue_borne(struct fetch *f, struct job *job, int64_t us)
{
    struct host *host = job->host;

    host->health.refusals = 0;
    window_answered(&host->window, &f->queue.window, host->live, job->sent_ms, bide_loop_time_ms(f->loop), us);
}

void queue_not_borne(struct fetch *f, struct job *job)
{
    struct host *host = job->host;

    window_refused(&host->window, &f->queue.window, host->live, job->sent_ms, bide_loop_time_ms(f->loop));
}

bool queue_refused(struct fetch *f, struct job *job, const struct outcome *o, const char *why)
{
    struct health *h = &job->host->health;
    const struct health_limits *l = &f->queue.limits;
    bool is_long = o->retry_after_ms > f->options->retry_after_max_ms;
    unsigned most = l->rounds + (f->options->host_errors > 0 ? 0 : MORE_REFUSALS);

    health_refused(h, job->sent_ms, bide_loop_time_ms(f->loop));
    if (h->is_lost || h->refusals < (is_long && most > LONG_REFUSALS ? LONG_REFUSALS : most))
        return false;
    health_lose(h, o->fail, why);
    host_recount(f, job->host);
    host_line_up(f, job->host, bide_loop_time_ms(f->loop));
    return true;
}

bool queue_unanswered(struct fetch *f, struct job *job, int kind, const char *why, bool is_certain)
{
    struct host *host = job->host;
    struct health *h = &host->health;
    bool was_lost = h->is_lost;

    if (host->trial_ms != 0)
        f->queue.well = 0;
    host_end_trial(&f->queue, host);
    health_failed(h, &f->queue.limits, job->sent_ms, bide_loop_time_ms(f->loop), retry_random());
    h->kind = kind;
    if (!was_lost && (is_certain || h->is_lost))
        health_lose(h, kind, why);
    host_recount(f, host);
    host_line_up(f, host, bide_loop_time_ms(f->loop));
    return h->is_lost && !was_lost;
}
