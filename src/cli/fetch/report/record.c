/* SPDX-License-Identifier: MIT */
/*
 * record.c - the record of a URL: a line of --jsonl.  `bide help jsonl` has the members (help/topics.c).
 *
 * What was given comes back byte for byte: the URL, the name of its list, of its file, what a server said.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/fetch/report/report.h"

/* Of what a peer or the user wrote. */
static void add_given_url(struct text *t, const char *name, const struct text *given)
{
    struct text url = {0};
    size_t shown = strlen(text_string(given));

    report_add_url(&url, text_string(given));
    if (given->len > shown)
        text_add(&url, given->data + shown, given->len - shown);
    jsonl_add_url_bytes(t, name, &url);
    t->no_memory |= url.no_memory;
    text_free(&url);
}

static void add_source(struct text *t, const struct job *job)
{
    if (!job->list)
        return;
    jsonl_add_member(t, "list", job->list);
    text_format(t, ",\"line\":%llu", (unsigned long long)job->line);
}

/* The values of the URL's globs, as -o has them. */
static void add_vars(struct text *t, const struct fetch *f, const struct job *job)
{
    uint64_t which[GLOB_MAX];
    char name[24];
    const struct glob *g = job->pattern >= 0 ? &f->source.globs[job->pattern] : NULL;
    if (!g || g->nvars == 0)
        return;

    glob_pick(g, job->k, which);
    text_add_string(t, ",\"vars\":");
    size_t begin = t->len;
    for (size_t i = 0; i < g->nvars; i++) {
        struct text value = {0};
        glob_add_value(g->vars[i], which[i], &value);
        snprintf(name, sizeof name, "%zu", i + 1);
        jsonl_add_member(t, name, text_string(&value));
        t->no_memory |= value.no_memory;
        text_free(&value);
    }
    if (!t->no_memory)
        t->data[begin] = '{'; /* in place of the first comma */
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

/* ---- when ---- */

/* RFC 3339. */
void record_add_moment(struct text *t, const char *name, int64_t us)
{
    struct timespec now;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    int64_t moment = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 - (clock_us() - us);
    time_t second = (time_t)(moment / 1000000);
    gmtime_r(&second, &tm);
    text_format(t, ",\"%s\":\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"", name, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(moment % 1000000));
}

static void add_begin(struct text *t, const struct fetch *f, const struct job *job)
{
    int64_t us = job->began_us ? clock_us() - job->began_us : 0;
    int64_t waited_ms = job->waited_ms;

    if (job->waits_since_ms) /* and it did not come to its turn */
        waited_ms += bide_loop_time_ms(f->loop) - job->waits_since_ms;
    if (job->began_us)
        record_add_moment(t, "started", job->began_us);
    else
        text_add_string(t, ",\"started\":null");
    text_format(t, ",\"time\":%lld.%06lld,\"host_wait\":%lld.%03lld", (long long)us / 1000000, (long long)us % 1000000,
                (long long)waited_ms / 1000, (long long)waited_ms % 1000);
}

/* ---- what came ---- */

static void add_digest(struct text *t, const struct outcome *o)
{
    char hex[2 * DIGEST_BYTES + 1];

    for (size_t i = 0; i < DIGEST_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", o->sha256[i]);
    jsonl_add_member(t, "sha256", o->has_digest ? hex : NULL);
}

static void add_redirect(struct text *t, const struct trail *last)
{
    text_format(t, ",\"proto\":\"http/1.%d\"", last->http_minor);
    jsonl_add_member(t, "ip", last->ip[0] ? last->ip : NULL);
    text_format(t, ",\"reused\":%s", last->reused ? "true" : "false");
    add_times(t, &last->timing);
}

static void add_answer(struct text *t, const struct outcome *o)
{
    text_format(t, ",\"proto\":\"http/1.%d\"", o->http_minor);
    jsonl_add_member(t, "ip", o->ip[0] ? o->ip : NULL);
    text_format(t, ",\"reused\":%s", o->reused ? "true" : "false");
    jsonl_add_member(t, "mime", o->mime);
    jsonl_add_member(t, "charset", o->charset);
    jsonl_add_member(t, "etag", o->etag);
    add_times(t, &o->timing);
}

void record_add(struct fetch *f, const struct job *job, const struct outcome *o, const char *file, const char *why)
{
    struct text *t = &f->jsonl.lines;
    bool failed = o->fail != FAIL_NONE;
    size_t begin = t->len;

    text_format(t, "{\"v\":1,\"i\":%llu", (unsigned long long)job->number);
    add_given_url(t, "url", &job->url);
    add_source(t, job);
    add_vars(t, f, job);
    if (o->is_repeat)
        text_format(t, ",\"same_as\":%llu", (unsigned long long)o->first);
    if (o->final_url)
        jsonl_add_url_member(t, "final_url", o->final_url);
    jsonl_add_member(t, "method", queue_method(&f->queue, job));
    int status = o->trail ? o->trail->status : o->status;
    if (status)
        text_format(t, ",\"status\":%d", status);
    else
        text_add_string(t, ",\"status\":null");
    text_format(t, ",\"ok\":%s", failed ? "false" : "true");
    jsonl_add_member(t, "error", failed ? fail_name(o->fail) : NULL);
    jsonl_add_member(t, "error_msg", failed ? why : NULL);
    jsonl_add_member(t, "file", failed ? NULL : file);
    if (o->is_existing)
        text_add_string(t, ",\"skipped\":\"exists\"");
    text_format(t, ",\"bytes\":%llu,\"wire_bytes\":%llu", (unsigned long long)o->bytes, (unsigned long long)o->wire_bytes);
    add_digest(t, o);
    add_begin(t, f, job);
    text_format(t, ",\"attempts\":%d,\"redirects\":%d", job->attempts + job->resent, o->redirects);
    if (o->status && !o->is_repeat)
        add_answer(t, o);
    else if (o->trail && o->trail->is_seen)
        add_redirect(t, o->trail);
    jsonl_end_line(&f->jsonl, begin);
}
