/* SPDX-License-Identifier: MIT */
/*
 * fetch_report.c - what is told of each URL: numbers, a record, and a message for what failed.
 *
 * Of ten thousand failures the first few are shown; the records and the summary have all.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/fetch.h"

#define MESSAGES 20

/* ---- messages ---- */

void report_say(struct fetch *f, const char *format, ...)
{
    char text[3500];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    progress_erase(&f->progress);
    say("%s", text);
}

void report_add_url(struct text *to, const char *url)
{
    size_t begin, end;

    secrets_in_url(url, &begin, &end);
    text_add(to, url, begin);
    text_add_string(to, url + end);
}

/* One about a URL; false: there were enough of them. */
static bool may_say(struct fetch *f)
{
    if (f->options->verbose > 0 || f->messages++ < MESSAGES)
        return true;
    if (f->messages == MESSAGES + 1)
        report_say(f, "more failures are counted, but not shown; -v shows all, --jsonl FILE records all");
    return false;
}

static void say_failed(struct worker *w, const struct job *job)
{
    if (!may_say(w->f))
        return;
    if (job->list && job->fault)
        report_say(w->f, "%s:%llu: %s", job->list, (unsigned long long)job->line, text_string(&w->why));
    else
        report_say(w->f, "%s%s", text_string(&w->why), job->attempts > 1 ? " (the last of several attempts)" : "");
}

static void say_ok(const struct worker *w, const struct job *job, const struct outcome *o)
{
    struct text t = {0};

    text_format(&t, "%d ", o->status);
    report_add_url(&t, text_string(&job->url));
    if (naming_saves(&w->f->naming))
        text_format(&t, " -> %s", text_string(&w->name));
    text_add_string(&t, ", ");
    text_add_bytes(&t, (double)o->bytes);
    text_add_string(&t, " in ");
    text_add_time(&t, clock_us() - job->began_us);
    report_say(w->f, "%s", text_string(&t));
    text_free(&t);
}

void report_retry(struct worker *w, const struct job *job, const struct outcome *o, int64_t delay_ms)
{
    struct text t = {0};

    (void)o;
    w->f->stats.retries++;
    if (w->f->options->verbose == 0)
        return;
    text_format(&t, "%s; attempt %d of %d in ", text_string(&w->why), job->attempts + 1, w->f->options->retries + 1);
    text_add_time(&t, delay_ms * 1000);
    report_say(w->f, "%s", text_string(&t));
    text_free(&t);
}

void report_lost(struct fetch *f, const struct job *job)
{
    const struct host *host = job->host;

    if (host->jobs > 1)
        report_say(f, "%s is given up after %u failures in a row; %u URLs that wait for it fail with it", host->name,
                   host->health.rounds, host->jobs - 1);
}

/* ---- records ---- */

static void add_member(struct text *t, const char *name, const char *value)
{
    text_format(t, ",\"%s\":", name);
    if (value)
        jsonl_add_string(t, value);
    else
        text_add_string(t, "null");
}

static void add_url_member(struct text *t, const struct job *job)
{
    struct text url = {0};

    report_add_url(&url, text_string(&job->url));
    add_member(t, "url", text_string(&url));
    t->no_memory |= url.no_memory;
    text_free(&url);
}

/* The values of the URL's globs, as -o has them. */
static void add_vars(struct text *t, const struct fetch *f, const struct job *job)
{
    uint64_t which[GLOB_MAX];
    const struct glob *g = job->pattern >= 0 ? &f->source.globs[job->pattern] : NULL;
    if (!g || g->nvars == 0)
        return;

    glob_pick(g, job->k, which);
    for (size_t i = 0; i < g->nvars; i++) {
        struct text value = {0};
        glob_add_value(g->vars[i], which[i], &value);
        text_format(t, "%s\"%zu\":", i == 0 ? ",\"vars\":{" : ",", i + 1);
        jsonl_add_string(t, text_string(&value));
        t->no_memory |= value.no_memory;
        text_free(&value);
    }
    text_add_char(t, '}');
}

/* Seconds that a part took, from when the one before was over; null: it did not happen. */
static void add_seconds(struct text *t, const char *name, int64_t from_us, int64_t to_us)
{
    int64_t us = to_us - (from_us > 0 ? from_us : 0);

    text_format(t, "%s\"%s\":", text_ends_with(t, '{') ? "" : ",", name);
    if (to_us < 0)
        text_add_string(t, "null");
    else
        text_format(t, "%lld.%06lld", (long long)us / 1000000, (long long)us % 1000000);
}

/* Of the last attempt; when there was an answer. */
static void add_times(struct text *t, const bide_timing *at)
{
    int64_t connected = at->connect > at->queued ? at->connect : at->queued;
    int64_t ready = at->tls > connected ? at->tls : connected;

    text_add_string(t, ",\"t\":{");
    add_seconds(t, "queue", 0, at->queued);
    add_seconds(t, "dns", at->queued, at->dns);
    add_seconds(t, "connect", at->dns > at->queued ? at->dns : at->queued, at->connect);
    add_seconds(t, "tls", at->connect, at->tls);
    add_seconds(t, "ttfb", ready, at->first_byte);
    add_seconds(t, "body", at->first_byte, at->body);
    add_seconds(t, "total", 0, at->total);
    text_add_char(t, '}');
}

static void add_answer(struct text *t, const struct outcome *o)
{
    text_format(t, ",\"proto\":\"http/1.%d\"", o->http_minor);
    add_member(t, "ip", o->ip[0] ? o->ip : NULL);
    text_format(t, ",\"reused\":%s", o->reused ? "true" : "false");
    add_member(t, "mime", o->mime);
    add_times(t, &o->timing);
}

static void record(struct fetch *f, const struct job *job, const struct outcome *o, const char *file, const char *why)
{
    struct text *t = &f->jsonl.lines;
    bool failed = o->fail != FAIL_NONE;
    int64_t us = job->began_us ? clock_us() - job->began_us : 0;
    size_t begin = t->len;

    text_format(t, "{\"v\":1,\"i\":%llu", (unsigned long long)job->number);
    add_url_member(t, job);
    add_vars(t, f, job);
    if (o->final_url)
        add_member(t, "final_url", o->final_url);
    add_member(t, "method", f->request.method);
    if (job->list && job->fault)
        text_format(t, ",\"line\":%llu", (unsigned long long)job->line);
    if (o->status)
        text_format(t, ",\"status\":%d", o->status);
    else
        text_add_string(t, ",\"status\":null");
    text_format(t, ",\"ok\":%s", failed ? "false" : "true");
    add_member(t, "error", failed ? fail_name(o->fail) : NULL);
    add_member(t, "error_msg", failed ? why : NULL);
    add_member(t, "file", failed ? NULL : file);
    text_format(t, ",\"bytes\":%llu,\"time\":%lld.%06lld,\"attempts\":%d,\"redirects\":%d", (unsigned long long)o->bytes,
                (long long)us / 1000000, (long long)us % 1000000, job->attempts, o->redirects);
    if (o->status)
        add_answer(t, o);
    jsonl_end_line(&f->jsonl, begin);
}

bool report_missing_records(const struct fetch *f)
{
    const struct stats *s = &f->stats;
    uint64_t all = s->is_total_known && s->total > f->source.number ? s->total : f->source.number;
    bool has_rest = !s->is_total_known && !f->source.is_complete;
    const char *path = f->jsonl.path;

    if (!path || (f->jsonl.written >= all && !has_rest))
        return false;
    path = strcmp(path, "-") == 0 ? "--jsonl -" : path;
    if (f->jsonl.written < all)
        say("%llu of %llu URLs have no line in %s", (unsigned long long)(all - f->jsonl.written), (unsigned long long)all, path);
    if (has_rest)
        say("URLs behind the first %llu were not read and have no line in %s", (unsigned long long)all, path);
    return true;
}

/* ---- one URL is over ---- */

static void count(struct stats *s, const struct outcome *o)
{
    s->done++;
    s->by_fail[o->fail]++;
    if (o->fail == FAIL_NONE)
        s->ok++;
    else if (o->fail == FAIL_CANCELLED)
        s->skipped++;
    else
        s->failed++;
    if ((o->fail == FAIL_HTTP_4XX || o->fail == FAIL_HTTP_5XX || o->fail == FAIL_HTTP) && o->status > 0 && o->status < 600)
        s->by_status[o->status]++;
}

static void count_success(struct worker *w, const struct job *job, const struct outcome *o)
{
    struct stats *s = &w->f->stats;

    s->bytes += o->bytes;
    histogram_add(&s->times, clock_us() - job->began_us);
    stats_add_timing(s, &o->timing);
    if (naming_saves(&w->f->naming) && o->status != 304 && s->files++ == 0)
        say_clean(text_string(&w->name), s->last_file, sizeof s->last_file);
}

void report_settled(struct worker *w, const struct job *job, const struct outcome *o)
{
    struct fetch *f = w->f;
    bool saved = o->fail == FAIL_NONE && naming_saves(&f->naming) && o->status != 304;

    count(&f->stats, o);
    if (o->fail == FAIL_NONE) {
        count_success(w, job, o);
        if (f->options->verbose > 0)
            say_ok(w, job, o);
    } else if (o->fail != FAIL_CANCELLED && !(o->with_host && f->options->verbose == 0) && !(o->is_local && f->exit_code)) {
        say_failed(w, job);
    }
    if (f->jsonl.path)
        record(f, job, o, saved ? w->name.data : NULL, text_string(&w->why));
    if (o->fail != FAIL_NONE && o->fail != FAIL_CANCELLED)
        fetch_check_limit(f);
}

void report_skipped(struct fetch *f, const struct job *job)
{
    struct outcome o = {.fail = FAIL_CANCELLED};

    count(&f->stats, &o);
    if (f->jsonl.path)
        record(f, job, &o, NULL, "stopped before it was its turn");
}
