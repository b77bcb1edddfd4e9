/* SPDX-License-Identifier: MIT */
/*
 * settle.c - after an attempt: what it says about the host and about this machine; another one, or the end.
 */
#include <signal.h>

#include <bide/backoff.h>

#include "cli/fetch/fetch.h"
#include "cli/fetch/report/report.h"
#include "cli/request/retry.h"

#define DRIP_BYTES_S 16384.0 /* slower than that a body drips */

/* Milliseconds until the next attempt; -1: none. */
static int64_t retry_delay(const struct fetch *f, const struct job *job, const struct outcome *o)
{
    const struct fetch_options *x = f->options;
    bool helps = o->code ? !o->is_local && retry_helps_error(o->code) : retry_helps_status(o->status);

    if (o->with_host || o->fail == FAIL_NONE || o->fail == FAIL_CANCELLED || o->fail == FAIL_CLASH || o->fail == FAIL_URL || f->stopping)
        return -1;
    if (!helps || o->is_final || job->attempts > x->retries || !bide_method_is_idempotent(queue_method(&f->queue, job)))
        return -1;
    if (o->retry_after_ms > x->retry_after_max_ms)
        return -1;
    int64_t backoff = bide_backoff_ms(job->attempts, x->backoff_ms, x->backoff_max_ms);
    if (o->retry_after_ms < 0)
        return backoff;
    /* Up to a tenth more than asked for, so that not all come back at once. */
    return o->retry_after_ms + bide_jitter_ms(o->retry_after_ms / 10);
}

/* Errors of this machine that the next file will meet, too. */
static bool is_hopeless(int code)
{
    return code == -ENOSPC || code == -EDQUOT || code == -EROFS || code == -EIO || code == -EACCES || code == -EPERM ||
           code == BIDE_ENOMEM;
}

static void local_failure(struct worker *w)
{
    struct fetch *f = w->f;
    const struct outcome *o = &w->outcome;

    if (f->naming.to_stdout) {
        bool is_new = f->exit_code == 0;
        if (is_new && o->code != -EPIPE)
            report_failure(f, "%s", text_string(&w->why));
        fetch_fail(f, o->code == -EPIPE ? -SIGPIPE : EXIT_LOCAL);
    } else if (is_hopeless(o->code) && f->exit_code == 0) {
        struct text place = {0};
        report_add_place(&place, w->job);
        report_failure(f, "%s%s; stopping", text_string(&place), text_string(&w->why));
        text_free(&place);
        fetch_fail(f, EXIT_LOCAL);
    }
}

/* Does the failure say something about the host? */
static bool is_of_host(const struct outcome *o)
{
    return o->code && !o->is_local && !o->is_queued &&
           (o->fail == FAIL_DNS || o->fail == FAIL_CONNECT || o->fail == FAIL_TLS || o->fail == FAIL_TIMEOUT ||
            o->fail == FAIL_RESET);
}

/* It has too much to do. */
static bool is_refusal(const struct outcome *o)
{
    return o->code == 0 && (o->status == 429 || o->status == 503);
}

/* Was it too much for the host? */
static void note_window(struct fetch *f, struct job *job, const struct outcome *o)
{
    bool is_broken = is_of_host(o) && o->fail != FAIL_DNS;

    if (o->status == 0 && (o->answered || !is_broken))
        return;
    if (is_broken || is_refusal(o))
        queue_not_borne(&f->queue, job);
    else
        queue_borne(&f->queue, job, timing_answer_us(&o->timing));
}

/* To the first byte; of a body that drips, to its end. */
static int64_t answer_us(const struct outcome *o)
{
    int64_t first = o->timing.first_byte, body = o->timing.body - first;
    bool drips = first >= 0 && body > HEALTH_SLOW_US && (double)o->bytes / (double)body < DRIP_BYTES_S / 1e6;

    return drips ? o->timing.body : first;
}

static void note_host(struct worker *w)
{
    struct job *job = w->job;
    const struct outcome *o = &w->outcome;

    note_window(w->f, job, o);
    if (o->answered && !is_of_host(o)) /* half an answer is none */
        queue_answered(&w->f->queue, job, answer_us(o));
    if (is_refusal(o) && o->retry_after_ms >= 0 &&
        queue_refused(&w->f->queue, job, o->fail, text_string(&w->why), o->retry_after_ms))
        report_lost(w->f, job);
    if (is_of_host(o) && queue_unanswered(&w->f->queue, job, o->fail, text_string(&w->why), o->code == BIDE_ENAME))
        report_lost(w->f, job);
}

/* The same file from elsewhere, if its list knows where: the job begins anew. */
static bool try_mirror(struct worker *w)
{
    struct fetch *f = w->f;
    struct job *job = w->job;
    const struct outcome *o = &w->outcome;
    const char *const *mirrors = job->extras && !job->fault ? (const char *const *)job->extras->mirrors : NULL;
    const char *next = mirrors ? mirrors[job->mirror] : NULL;

    if (!next || f->stopping || o->is_local || o->code == BIDE_ENOMEM || (o->is_final && !o->with_host) || o->fail == FAIL_NONE || o->fail == FAIL_CANCELLED ||
        o->fail == FAIL_CLASH)
        return false;
    if (f->options->http.see.verbose > 0)
        report_say(f, "%s:%llu: %s; its next URL is tried", job->list, (unsigned long long)job->line, text_string(&w->why));
    job->mirror++;
    return queue_move(&f->queue, job, next);
}

/* --write-out */
static void write_facts(struct worker *w, const struct outcome *o)
{
    struct ending end = {.code = o->fail == FAIL_NONE ? EXIT_OK : o->is_local ? EXIT_LOCAL : EXIT_NOTHING,
                         .text = o->fail == FAIL_NONE ? NULL : text_string(&w->why),
                         .file = naming_saves(&w->f->naming) && o->fail == FAIL_NONE && w->name.len > 0 ? w->name.data : NULL};
    if (o->is_existing || o->fail == FAIL_CANCELLED)
        return;

    int code = write_out_print(&w->seen, &end);
    if (code < 0 && code != BIDE_ECANCELED && code != BIDE_ETIMEDOUT)
        fetch_fail(w->f, output_exit_code(code));
}

void fetch_settle(struct worker *w)
{
    struct job *job = w->job;
    const struct outcome *o = &w->outcome;

    note_host(w);
    int64_t delay = retry_delay(w->f, job, o);

    if (o->retry_after_ms > 0 && o->retry_after_ms <= w->f->options->retry_after_max_ms)
        queue_block_host(&w->f->queue, job, o->status, delay > o->retry_after_ms ? delay : o->retry_after_ms);
    if (delay >= 0) {
        report_retry(w, delay);
        queue_retry(&w->f->queue, job, delay);
        return;
    }
    if (try_mirror(w))
        return;
    if (o->is_local)
        local_failure(w);
    report_settled(w, job, o);
    write_facts(w, o);
    repeats_settle(w, job, o);
    queue_done(&w->f->queue, job);
}
