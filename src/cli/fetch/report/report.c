/* SPDX-License-Identifier: MIT */
/*
 * report.c - what is reported of each URL: numbers, and a message for what failed; record.c has the records.
 *
 * Of ten thousand failures the first few are shown; the records and the summary have all.
 */
#include <string.h>

#include "cli/fetch/report/report.h"

#define MESSAGES 20

/* One about a URL; false: there were enough of them. */
static bool may_say(struct fetch *f)
{
    if (f->options->http.see.verbose > 0 || f->messages++ < MESSAGES)
        return true;
    if (f->messages == MESSAGES + 1)
        report_say(f, "more failures are counted, but not shown; -v shows all, --jsonl FILE records all");
    return false;
}

static void say_failed(struct worker *w, const struct job *job)
{
    struct text place = {0};
    if (!may_say(w->f))
        return;

    report_add_place(&place, job);
    report_failure(w->f, "%s%s%s", text_string(&place), text_string(&w->why),
                   job->attempts > 1 ? " (the last of several attempts)" : "");
    text_free(&place);
}

static void say_ok(const struct worker *w, const struct job *job, const struct outcome *o)
{
    struct text t = {0};

    report_add_place(&t, job);
    if (!o->is_existing)
        text_format(&t, "%d ", o->status);
    report_add_url(&t, text_string(&job->url));
    if (naming_saves(&w->f->naming))
        text_format(&t, " -> %s", text_string(&w->name));
    if (o->is_existing || o->is_repeat) {
        report_say(w->f, "%s%s", text_string(&t), o->is_existing ? ", which is there already" : ", repeated");
        text_free(&t);
        return;
    }
    text_add_string(&t, ", ");
    text_add_bytes(&t, (double)o->bytes);
    text_add_string(&t, " in ");
    text_add_time(&t, clock_us() - job->began_us);
    report_say(w->f, "%s", text_string(&t));
    text_free(&t);
}

void report_retry(struct worker *w, int64_t delay_ms)
{
    const struct job *job = w->job;
    struct text t = {0};

    w->f->stats.retries++;
    if (w->f->options->http.see.verbose == 0)
        return;
    report_add_place(&t, job);
    text_format(&t, "%s; attempt %d of %d in ", text_string(&w->why), job->attempts + 1, w->f->options->retries + 1);
    text_add_time(&t, delay_ms * 1000);
    report_say(w->f, "%s", text_string(&t));
    text_free(&t);
}

void report_lost(struct fetch *f, const struct job *job)
{
    const struct host *host = job->host;
    unsigned rounds = host->health.rounds > 0 ? host->health.rounds : host->health.refusals;

    if (host->jobs <= 1)
        return;
    if (f->options->http.see.verbose == 0 && ++f->hosts_lost > MESSAGES) {
        if (f->hosts_lost == MESSAGES + 1)
            report_say(f, "more hosts are given up, but not shown; -v shows all");
        return;
    }
    report_failure(f, "%s is given up after %u failure%s in a row; %u URL%s that wait%s for it fail%s with it", host->name,
                   rounds, rounds == 1 ? "" : "s", host->jobs - 1, host->jobs == 2 ? "" : "s",
                   host->jobs == 2 ? "s" : "", host->jobs == 2 ? "s" : "");
}

/* ---- at the end ---- */

static uint64_t records_written(const struct jsonl *j, bool has_summary)
{
    return j->written - (has_summary && j->written == j->added);
}

bool report_missing_records(const struct fetch *f)
{
    const struct stats *s = &f->stats;
    uint64_t all = s->is_total_known && s->total > f->source.number ? s->total : f->source.number;
    uint64_t written = records_written(&f->jsonl, f->has_summary_line);
    bool has_rest = !s->is_total_known && !f->source.is_complete;
    const char *path = f->jsonl.path;

    if (!path || (written >= all && !has_rest))
        return false;
    path = strcmp(path, "-") == 0 ? "--jsonl -" : path;
    if (written < all)
        say("%llu of %llu URLs have no line in %s", (unsigned long long)(all - written), (unsigned long long)all, path);
    if (has_rest)
        say("URLs behind the first %llu were not read and have no line in %s", (unsigned long long)all, path);
    return true;
}

/* ---- one URL is over ---- */

static void count(struct stats *s, const struct outcome *o)
{
    s->done++;
    s->by_fail[o->fail]++;
    s->repeated += o->is_repeat && o->fail != FAIL_REPEATED;
    s->repeated_failed += o->is_repeat && o->fail != FAIL_NONE && o->fail != FAIL_REPEATED;
    s->existing += o->is_existing;
    if (o->is_existing || o->fail == FAIL_CANCELLED)
        s->skipped++;
    else if (o->fail == FAIL_NONE)
        s->ok++;
    else
        s->failed++;
    if (fail_is_status(o->fail) && o->status > 0 && o->status < STATUSES)
        s->by_status[o->status]++;
}

static void count_success(struct worker *w, const struct job *job, const struct outcome *o)
{
    struct stats *s = &w->f->stats;

    if (o->is_existing || (o->is_repeat && !o->is_copy))
        return;
    if (!o->is_repeat) {
        s->bytes += o->bytes;
        bide_histogram_add(&s->times, clock_us() - job->began_us);
        stats_add_timing(s, &o->timing);
    }
    if (naming_saves(&w->f->naming) && o->status != 304 && s->files++ == 0)
        say_clean(text_string(&w->name), s->last_file, sizeof s->last_file);
}

void report_settled(struct worker *w, const struct job *job, const struct outcome *o)
{
    struct fetch *f = w->f;
    bool saved = o->fail == FAIL_NONE && naming_saves(&f->naming) && o->status != 304;

    count(&f->stats, o);
    f->stats.wire_bytes += o->wire_bytes;
    if (o->fail == FAIL_NONE) {
        count_success(w, job, o);
        if (f->options->http.see.verbose > 0)
            say_ok(w, job, o);
    } else if (o->fail != FAIL_CANCELLED && !((o->with_host || o->is_repeat) && !o->code && o->fail != FAIL_REPEATED && f->options->http.see.verbose == 0) && !(o->is_local && f->exit_code)) {
        say_failed(w, job);
    }
    if (f->jsonl.path)
        record_add(f, job, o, saved ? w->name.data : NULL, text_string(&w->why));
    if (o->fail != FAIL_NONE && o->fail != FAIL_CANCELLED && (!o->is_repeat || o->fail == FAIL_REPEATED))
        fetch_check_limit(f);
}

void report_skipped(struct fetch *f, const struct job *job)
{
    struct outcome o = {.fail = FAIL_CANCELLED};

    count(&f->stats, &o);
    if (f->jsonl.path)
        record_add(f, job, &o, NULL, "stopped before it was its turn");
}
