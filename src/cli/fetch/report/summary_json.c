/* SPDX-License-Identifier: MIT */
/*
 * summary_json.c - the numbers of the run as JSON: the last line of --jsonl (--summary-line), a file (--report).
 *
 * It is made once, when the last URL is over, so that both say the same; and anew if records could not be written then.
 */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <bide/file.h>

#include "cli/fetch/report/report.h"

/* ---- the object ---- */

static void add_count(struct text *t, const char *name, uint64_t n)
{
    text_format(t, "%s\"%s\":%llu", text_ends_with(t, '{') ? "" : ",", name, (unsigned long long)n);
}

static void add_seconds(struct text *t, const char *name, int64_t us)
{
    text_format(t, "%s\"%s\":%lld.%06lld", text_ends_with(t, '{') ? "" : ",", name, (long long)us / 1000000,
                (long long)us % 1000000);
}

/* Every failure once: by its status if it had one. */
static void add_causes(const struct stats *s, struct text *t)
{
    char name[24];

    text_add_string(t, ",\"failed_by\":{");
    for (int i = 0; i < FAIL_KINDS; i++)
        if (s->by_fail[i] > 0 && i != FAIL_NONE && i != FAIL_CANCELLED && !fail_is_status((enum fail)i))
            add_count(t, fail_name((enum fail)i), s->by_fail[i]);
    for (int status = 0; status < STATUSES; status++)
        if (s->by_status[status] > 0) {
            snprintf(name, sizeof name, "http_%d", status);
            add_count(t, name, s->by_status[status]);
        }
    text_add_char(t, '}');
}

/* Of URLs that succeeded, with all their attempts. */
static void add_quantiles(const struct stats *s, struct text *t)
{
    if (s->times.count == 0) {
        text_add_string(t, ",\"t\":null");
        return;
    }
    text_add_string(t, ",\"t\":{");
    add_seconds(t, "p50", bide_histogram_quantile(&s->times, 500));
    add_seconds(t, "p95", bide_histogram_quantile(&s->times, 950));
    add_seconds(t, "p99", bide_histogram_quantile(&s->times, 990));
    add_seconds(t, "max", bide_histogram_quantile(&s->times, 1000));
    text_add_char(t, '}');
}

static const char *stopped_by(const struct fetch *f)
{
    if (f->exit_code == -SIGPIPE)
        return "SIGPIPE";
    if (f->exit_code == EXIT_LIMIT)
        return f->options->fail_fast ? "fail-fast" : "max-errors";
    if (f->exit_code)
        return "local";
    return f->signal == SIGINT ? "SIGINT" : f->signal == SIGTERM ? "SIGTERM" : f->signal == SIGHUP ? "SIGHUP" : NULL;
}

static void add_cost(const struct fetch *f, struct text *t)
{
    struct rusage u;

    if (f->session) {
        bide_session_stats n = bide_session_get_stats(f->session);
        add_count(t, "connections", n.connections);
        add_count(t, "reused", n.reused);
    }
    getrusage(RUSAGE_SELF, &u);
    add_seconds(t, "cpu", (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void add_json(const struct fetch *f, struct text *t)
{
    const struct stats *s = &f->stats;
    uint64_t total = s->is_total_known && s->total > s->done ? s->total : s->done;

    text_add_string(t, "{\"v\":1,\"summary\":{");
    add_count(t, "urls", total);
    add_count(t, "ok", s->ok);
    add_count(t, "failed", s->failed);
    add_count(t, "skipped", s->skipped + total - s->done);
    add_count(t, "repeated", s->repeated);
    add_causes(s, t);
    jsonl_add_member(t, "stopped", stopped_by(f));
    add_count(t, "retries", s->retries);
    add_count(t, "files", s->files);
    add_count(t, "bytes", s->bytes);
    add_count(t, "wire_bytes", s->wire_bytes);
    record_add_moment(t, "started", s->began_us);
    add_seconds(t, "time", s->ended_us - s->began_us);
    add_quantiles(s, t);
    add_cost(f, t);
    text_add_string(t, "}}\n");
}

void summary_make(struct fetch *f)
{
    text_clear(&f->summary);
    add_json(f, &f->summary);
}

void summary_record(struct fetch *f)
{
    struct jsonl *j = &f->jsonl;
    size_t begin = j->lines.len;
    if (f->summary.no_memory)
        return;

    text_add(&j->lines, f->summary.data, f->summary.len - 2); /* the end is jsonl_end_line's */
    uint64_t before = j->added;
    jsonl_end_line(j, begin);
    f->has_summary_line = j->added > before;
}

/* ---- --report ---- */

static int write_file(const struct fetch *f)
{
    const char *path = f->options->report;
    struct stat st;
    bide_auto bide_file *file = bide_open(path, .atomic = true);

    if (!file || bide_file_write(file, f->summary.data, f->summary.len, -1) < 0)
        return bide_error_code();
    bool syncs = f->options->durability && (stat(path, &st) < 0 || S_ISREG(st.st_mode));
    if (syncs)
        BIDE_TRY(bide_file_sync(file));
    BIDE_TRY(bide_file_close(bide_take(file)));
    return syncs ? durable_directory_of(path) : 0;
}

int report_write(const struct fetch *f)
{
    if (!f->options->report)
        return EXIT_OK;
    if (f->summary.no_memory)
        return say_no_memory();
    if (output_is_stdout(f->options->report)) {
        fwrite(f->summary.data, 1, f->summary.len, stdout);
        return say_flush();
    }
    if (write_file(f) == 0)
        return EXIT_OK;
    say("--report: %s", bide_error_text());
    return EXIT_LOCAL;
}
