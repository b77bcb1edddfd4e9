/* SPDX-License-Identifier: MIT */
/*
 * json.c - progress as lines of JSON, for programs that show it in their own way.  `bide help progress` has the members.
 */
#include "cli/progress/progress.h"

#include "cli/save/jsonl.h"

static void add_count(struct text *t, const char *name, uint64_t n)
{
    text_format(t, "%s\"%s\":%llu", text_ends_with(t, '{') ? "" : ",", name, (unsigned long long)n);
}

/* < 0: not known. */
static void add_number(struct text *t, const char *name, double n, int digits)
{
    if (n < 0)
        text_format(t, ",\"%s\":null", name);
    else
        text_format(t, ",\"%s\":%.*f", name, digits, n);
}

/* ,"name":{"name":"value" */
static void open_object(struct text *t, const char *name, const char *value)
{
    struct text first = {0};

    jsonl_add_member(&first, "name", value);
    text_format(t, ",\"%s\":{%s", name, text_string(&first) + 1);
    t->no_memory |= first.no_memory;
    text_free(&first);
}

/* The host that is waited for next. */
static void add_host(const struct progress_view *v, struct text *to)
{
    if (v->blocked_ms <= 0) {
        text_add_string(to, ",\"host\":null");
        return;
    }
    open_object(to, "host", v->blocked);
    jsonl_add_member(to, "reason", v->reason[0] ? v->reason : NULL);
    add_number(to, "wait", (double)v->blocked_ms / 1000, 3);
    add_count(to, "urls", v->blocked_urls);
    text_add_char(to, '}');
}

/* The large body that is on its way. */
static void add_file(const struct progress *p, const struct progress_view *v, struct text *to)
{
    if (!v->large.name) {
        text_add_string(to, ",\"file\":null");
        return;
    }
    open_object(to, "file", v->large.name);
    add_count(to, "bytes", v->large.received);
    add_number(to, "length", (double)v->large.length, 0);
    add_number(to, "bytes_per_second", progress_large_per_second(p, v), 0);
    add_number(to, "eta", progress_large_seconds(p, v), 1);
    text_add_char(to, '}');
}

void progress_json_line(const struct progress *p, const struct progress_view *v, int64_t now_us, struct text *to)
{
    text_add_string(to, "{\"v\":1,\"progress\":{");
    add_count(to, "done", v->done);
    add_number(to, "urls", v->total > 0 ? (double)v->total : -1, 0);
    add_count(to, "ok", v->ok);
    add_count(to, "failed", v->failed);
    add_count(to, "skipped", v->done - v->ok - v->failed);
    add_count(to, "retries", v->retries);
    add_count(to, "live", (uint64_t)v->live);
    add_count(to, "waiting", v->waiting);
    add_count(to, "bytes", v->received);
    add_number(to, "urls_per_second", rate_per_second(&p->urls), 3);
    add_number(to, "bytes_per_second", rate_per_second(&p->bytes), 0);
    add_number(to, "eta", progress_seconds(p, v), 1);
    add_number(to, "time", (double)(now_us - p->began_us) / 1e6, 3);
    add_host(v, to);
    add_file(p, v, to);
    text_add_string(to, "}}");
}
