/* SPDX-License-Identifier: MIT */
/*
 * worker.c - one URL after the other: ask, save, or try again later.
 *
 * A worker is a task; there are at most as many as requests may run at once.  A job that must wait for its next attempt
 * goes back to the queue, so that it holds nobody up.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <bide/date.h>

#include "cli/fetch/fetch.h"
#include "cli/fetch/report/report.h"
#include "cli/fetch/save/save.h"
#include "cli/fetch/content_type.h"
#include "cli/request/retry.h"

#define STACK_SIZE 65536

/* ---- one attempt ---- */

static void set_why(struct worker *w, const char *why)
{
    text_clear(&w->why);
    text_add_string(&w->why, why);
}

/* The error on record ends this attempt. */
static void fail(struct worker *w, int code)
{
    struct outcome *o = &w->outcome;
    bide_error_info e;

    o->answered |= bide_error_get(&e) == code && e.http_status != 0;
    if (!o->is_local && e.url)
        queue_credit(&w->f->queue, w->job, e.url);
    o->is_queued = e.phase == BIDE_PHASE_NONE || e.phase == BIDE_PHASE_QUEUE;
    o->code = code;
    if (o->status == 0)
        fetch_note_trail(w, &e);
    o->fail = code == BIDE_ECANCELED ? FAIL_CANCELLED : o->is_local ? FAIL_IO : fail_of_error(code);
    set_why(w, bide_error_text());
}

/* The job cannot be asked for, or saved: there is no other attempt. */
static void refuse(struct worker *w, enum fail kind, const char *why)
{
    w->outcome.fail = kind;
    text_clear(&w->why);
    if (!w->job->fault) {
        report_add_url(&w->why, text_string(&w->job->url));
        if (w->name.len > 0)
            text_format(&w->why, ": %s", text_string(&w->name));
        text_add_string(&w->why, ": ");
    }
    text_add_string(&w->why, why);
}

/* It has no name, or one that it cannot have. */
static void refuse_name(struct worker *w, const char *why)
{
    struct outcome *o = &w->outcome;

    o->is_local = why == fetch_no_memory;
    o->code = o->is_local ? BIDE_ENOMEM : 0;
    refuse(w, o->is_local ? FAIL_IO : FAIL_CLASH, why);
}

/* a: as fetch_name has it.  False: it is refused. */
static bool take_name(struct worker *w, const struct answer *a)
{
    const char *why = fetch_name(w->f, w->job, a, &w->name);

    if (!why)
        why = fetch_claim_name(w->f, w->job, &w->name);
    if (why)
        refuse_name(w, why);
    return !why;
}

/* Its file's name, if that can be known before the answer. */
static bool name_first(struct worker *w)
{
    const struct naming *n = &w->f->naming;

    text_clear(&w->name);
    return !n->has_template || naming_is_late(n) || take_name(w, NULL);
}

/* What depends on the answer: its type, its status. */
static bool name_last(struct worker *w, bide_response *r)
{
    struct answer a = {.extension = names_extension(bide_header(r, "Content-Type")), .status = w->outcome.status};
    if (!naming_is_late(&w->f->naming))
        return true;

    w->outcome.extension = a.extension;
    return take_name(w, &a);
}

/* A header's value, or NULL. */
static const char *keep(struct text *t, const char *value)
{
    text_clear(t);
    if (!value)
        return NULL;
    text_add_string(t, value);
    return t->len > 0 ? t->data : "";
}

/* "text/html; charset=utf-8" in two. */
static void note_type(struct worker *w, const char *type)
{
    struct outcome *o = &w->outcome;

    text_clear(&w->mime);
    for (; type && *type && !strchr("; \t", *type); type++)
        text_add_char(&w->mime, (char)tolower((unsigned char)*type));
    o->mime = w->mime.len > 0 ? w->mime.data : NULL;
    text_clear(&w->charset);
    type_charset(type, &w->charset);
    o->charset = w->charset.len > 0 ? w->charset.data : NULL;
}

/* What its record will say that nobody else asks for. */
static void note_answer(struct worker *w, bide_response *r)
{
    struct outcome *o = &w->outcome;

    snprintf(o->ip, sizeof o->ip, "%s", bide_response_peer(r));
    o->http_minor = bide_response_http_minor(r);
    o->reused = bide_response_reused(r);
    note_type(w, bide_header(r, "Content-Type"));
    o->etag = keep(&w->etag, bide_header(r, "ETag"));
}

/* Why another attempt is not worth waiting for. */
static void note_long_wait(struct worker *w)
{
    const struct outcome *o = &w->outcome;

    if (retry_helps_status(o->status) && o->retry_after_ms > w->f->options->retry_after_max_ms)
        text_format(&w->why, "; it asks to wait %lld s, more than --retry-after-max",
                    (long long)(o->retry_after_ms + 999) / 1000);
}

static void mention_oddity(struct worker *w, const bide_response *r)
{
    char shown[256];

    report_say(w->f, REQUEST_ODDITY, secrets_shown_url(w->job->url.data, shown, sizeof shown), bide_response_oddity(r));
}

/* Its status is a failure. */
static void take_refusal(struct worker *w, bide_response *r)
{
    struct outcome *o = &w->outcome;
    char reason[SAY_QUOTE_SIZE];

    o->wire_bytes = bide_response_body_bytes(r);
    text_clear(&w->why);
    text_format(&w->why, "%s ", w->method);
    report_add_url(&w->why, text_string(&w->job->url));
    text_format(&w->why, ": %d %s", o->status, say_quote(bide_reason(r), reason));
    o->retry_after_ms = bide_retry_after_ms(bide_header(r, "Retry-After"), bide_header(r, "Date"), time(NULL));
    note_long_wait(w);
}

static void take_body(struct worker *w, bide_response *r)
{
    struct outcome *o = &w->outcome;
    if (o->status == 304 || !name_last(w, r))
        return;

    int64_t bytes = fetch_save(w, r);
    o->wire_bytes = bide_response_body_bytes(r);
    if (bytes < 0) {
        fail(w, (int)bytes);
        return;
    }
    o->bytes = (uint64_t)bytes;
    o->timing = bide_response_timing(r);
}

static void take_answer(struct worker *w, bide_response *r)
{
    struct job *job = w->job;
    struct outcome *o = &w->outcome;

    silence_received(&w->f->queue, job, 0);
    if (w->f->options->http.see.verbose > 0 && bide_response_oddity(r))
        mention_oddity(w, r);
    if (w->f->jsonl.path)
        note_answer(w, r);
    o->answered = true;
    o->status = bide_status(r);
    o->redirects = w->trail.redirects;
    o->timing = bide_response_timing(r);
    if (job->redirect.is_away || o->redirects > 0)
        queue_credit(&w->f->queue, job, bide_response_url(r));
    text_clear(&w->landed);
    if (o->redirects > 0) {
        text_add_string(&w->landed, bide_response_url(r));
        o->final_url = w->landed.data;
    }
    if (w->mime.no_memory || w->charset.no_memory || w->etag.no_memory || w->landed.no_memory) {
        fail(w, bide_fail(BIDE_ENOMEM, "a record: out of memory"));
        return;
    }
    bool is_whole = w->resumes && o->status == 416; /* nothing is missing; else the library had asked again */
    o->fail = is_whole ? FAIL_NONE : fail_of_status(o->status);
    if (o->fail != FAIL_NONE)
        take_refusal(w, r);
    else
        take_body(w, r);
}

/* Its host is given up: it is not asked. */
static void fail_with_host(struct worker *w)
{
    const struct job *job = w->job;
    struct outcome *o = &w->outcome;
    const struct health *h = &job->host->health;

    o->fail = (enum fail)h->kind;
    o->is_final = o->with_host = true;
    if (job->redirect.url) {
        o->redirects = job->redirect.hops;
        o->final_url = job->redirect.url;
    }
    text_clear(&w->why);
    report_add_url(&w->why, text_string(&job->url));
    if (job->redirect.is_away || job->redirect.url)
        text_format(&w->why, ": it is redirected to %s, which", job->host->name);
    else
        text_add_string(&w->why, ": its host");
    text_format(&w->why, " is given up: %s", h->why ? h->why : fail_name(o->fail));
}

/* A redirect led to a host that may not be asked now, or is given up. */
static void wait_for_hop(struct worker *w)
{
    struct outcome *o = &w->outcome;

    bide_error_clear();
    if (w->hop == HOP_WAITS) {
        o->is_put_back = true;
        return;
    }
    fail_with_host(w);
    o->redirects = w->trail.redirects;
    o->final_url = text_string(&w->landed);
}

/* --skip-existing */
static bool is_existing(struct worker *w)
{
    const struct job *job = w->job;
    int64_t size = w->f->options->skip_existing && !job->fault && job->attempts == 0 ? fetch_find_existing(w, job) : -1;
    if (size < 0)
        return false;

    if (!job->host->health.is_lost)
        queue_give_back(&w->f->queue);
    w->outcome.is_existing = true;
    w->outcome.bytes = (uint64_t)size;
    return true;
}

static void ask(struct worker *w)
{
    w->hop = HOP_GOES;
    w->job->request.task = bide_current_task();
    bide_auto bide_response *r = fetch_ask(w);
    if (r)
        take_answer(w, r);
    else if (w->hop != HOP_GOES)
        wait_for_hop(w);
    else
        fail(w, bide_error_code());
    if (silence_settle(&w->f->queue, w->job) && w->outcome.fail == FAIL_CANCELLED)
        w->outcome.is_put_back = true;
}

static void attempt(struct worker *w, struct job *job)
{
    struct fetch *f = w->f;

    w->job = job;
    w->outcome = (struct outcome){.retry_after_ms = -1};
    w->method = queue_method(&f->queue, job);
    text_clear(&w->why);
    seen_begin(&w->seen, &f->request.see, text_string(&job->url), job->number + 1);
    w->seen.asked = job->attempts;
    if (job->waits_since_ms)
        job->waited_ms += bide_loop_time_ms(f->loop) - job->waits_since_ms;
    job->waits_since_ms = 0;
    if (is_existing(w))
        return;
    if (job->host->health.is_lost && !job->fault) {
        fail_with_host(w);
        return;
    }
    job->attempts++;
    if (job->began_us == 0)
        job->began_us = clock_us();
    if (job->fault) {
        refuse(w, job->has_bad_name ? FAIL_CLASH : FAIL_URL, job->fault);
        return;
    }
    if (name_first(w))
        ask(w);
}

/* ---- workers ---- */

/* Until what it recorded last is written: so what is saved and has no record yet is never more than what is under way. */
static void wait_for_record(struct fetch *f, uint64_t before)
{
    if (f->jsonl.added > before)
        BIDE_IGNORE(jsonl_wait_written(&f->jsonl, f->jsonl.added));
}

static void run(struct worker *w)
{
    struct fetch *f = w->f;
    struct job *job;

    while (!f->cut && (job = queue_take(&f->queue))) {
        if (job->is_repeat) {
            repeats_pass(w, job);
            continue;
        }
        f->stats.live++;
        attempt(w, job);
        f->stats.live--;
        if (w->outcome.is_put_back) {
            job->attempts--;
            job->resent += w->hop == HOP_GOES;
            queue_put_back(&f->queue, job);
            continue;
        }
        uint64_t before = f->jsonl.added;
        fetch_settle(w);
        wait_for_record(f, before);
    }
}

static int run_worker(struct fetch *f)
{
    struct worker w = {.f = f};

    run(&w);
    text_free(&w.name);
    text_free(&w.why);
    text_free(&w.landed);
    text_free(&w.mime);
    text_free(&w.charset);
    text_free(&w.etag);
    seen_free(&w.seen);
    free(w.buffer);
    return 0;
}

/* Also of one that was cancelled before it had begun, and so never ran. */
static void worker_ended(bide_task *t, void *arg)
{
    struct fetch *f = arg;

    (void)t;
    if (--f->nliving == 0 && !bide_future_done(f->over))
        BIDE_IGNORE(bide_future_set_result(f->over, 0));
}

void fetch_grow(struct fetch *f)
{
    if (f->nworkers == f->concurrency || f->stopping)
        return;
    bide_task *t = bide_create_task(bide_coro(run_worker, f), .name = "fetch", .stack_size = STACK_SIZE);
    if (t && bide_task_add_done_callback(t, worker_ended, f) == 0) {
        f->workers[f->nworkers++] = t;
        f->nliving++;
        return;
    }
    bide_release(t); /* if there are others, they do the work */
}
