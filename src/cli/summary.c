/* SPDX-License-Identifier: MIT */
/*
 * summary.c - what is said at the end, and the numbers that it is made of.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cli/fetch.h"

int64_t clock_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t timing_answer_us(const bide_timing *t)
{
    int64_t connected = t->tls >= 0 ? t->tls : t->connect >= 0 ? t->connect : t->queued;

    return t->first_byte - (connected > 0 ? connected : 0);
}

/* Phases follow one another; what did not happen is -1 and not counted. */
void stats_add_timing(struct stats *s, const bide_timing *t)
{
    if (t->connect >= 0) {
        histogram_add(&s->dns, t->dns);
        histogram_add(&s->connect, t->connect - (t->dns > 0 ? t->dns : 0));
        if (t->tls >= 0)
            histogram_add(&s->tls, t->tls - t->connect);
    }
    if (t->first_byte >= 0)
        histogram_add(&s->first_byte, timing_answer_us(t));
    if (t->body >= 0 && t->head >= 0)
        histogram_add(&s->body, t->body - t->head);
}

/* ---- the first line ---- */

static void add_failures(const struct stats *s, struct text *t)
{
    const char *before = " (";

    for (int status = 0; status < 600; status++)
        if (s->by_status[status] > 0) {
            text_format(t, "%shttp_%d %u", before, status, s->by_status[status]);
            before = ", ";
        }
    for (int i = 0; i < FAIL_KINDS; i++) {
        bool is_status = i == FAIL_HTTP_4XX || i == FAIL_HTTP_5XX || i == FAIL_HTTP;
        if (i == FAIL_NONE || i == FAIL_CANCELLED || is_status || s->by_fail[i] == 0)
            continue;
        text_format(t, "%s%s %llu", before, fail_name((enum fail)i), (unsigned long long)s->by_fail[i]);
        before = ", ";
    }
    if (before[0] == ',')
        text_add_char(t, ')');
}

static void add_number(struct text *t, uint64_t n, const char *what)
{
    text_add_string(t, t->len > 0 ? "  " : "");
    text_add_count(t, n);
    text_format(t, " %s", what);
}

static void add_counts(const struct fetch *f, struct text *t)
{
    const struct stats *s = &f->stats;
    char where[256];

    add_number(t, s->is_total_known && s->total > s->done ? s->total : s->done, s->done == 1 ? "url" : "urls");
    add_number(t, s->ok, "ok");
    add_number(t, s->failed, "failed");
    add_failures(s, t);
    add_number(t, s->is_total_known && s->total > s->done ? s->skipped + s->total - s->done : s->skipped, "skipped");
    add_number(t, s->retries, s->retries == 1 ? "retry" : "retries");
    if (s->files == 1)
        text_format(t, "     %s", s->last_file);
    else if (s->files > 1)
        text_format(t, "     %s (%llu files)",
                    say_clean(f->options->output_dir ? f->options->output_dir : f->options->output, where, sizeof where),
                    (unsigned long long)s->files);
    text_add_char(t, '\n');
}

/* ---- the second and the third ---- */

static void add_quantiles(const struct histogram *h, struct text *t)
{
    static const struct {
        const char *name;
        unsigned per_mille;
    } wanted[] = {{"p50", 500}, {"p95", 950}, {"p99", 990}, {"max", 1000}};

    for (size_t i = 0; h->count > 0 && i < sizeof wanted / sizeof *wanted; i++) {
        text_format(t, "%s%s ", i ? "  " : "   ", wanted[i].name);
        text_add_time(t, (int64_t)histogram_quantile(h, wanted[i].per_mille));
    }
}

/* Of now, in bytes; the largest it ever was would count what the program was before exec. */
static double resident_bytes(const struct rusage *u)
{
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    int n = statm ? fscanf(statm, "%*s %ld", &pages) : 0;

    if (statm)
        fclose(statm);
    return n == 1 ? (double)pages * (double)sysconf(_SC_PAGESIZE) : (double)u->ru_maxrss * 1024;
}

static void add_cost(const struct fetch *f, struct text *t)
{
    const struct stats *s = &f->stats;
    double seconds = (double)(clock_us() - s->began_us) / 1e6;
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    text_add_bytes(t, (double)s->bytes);
    text_format(t, " in %.2f s   ", seconds);
    text_add_count(t, (uint64_t)((double)s->done / (seconds > 0 ? seconds : 1) + 0.5));
    text_add_string(t, " url/s");
    add_quantiles(&s->times, t);
    text_format(t, "   cpu %.2f s  rss ", (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                                              (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
    text_add_bytes(t, resident_bytes(&u));
    text_add_char(t, '\n');
}

static void add_median(struct text *t, const char *divider, const char *name, const struct histogram *h)
{
    if (h->count == 0)
        return;
    text_format(t, "%s%s ", text_ends_with(t, '\n') ? "" : divider, name);
    text_add_time(t, (int64_t)histogram_quantile(h, 500));
}

static void add_phases(const struct fetch *f, struct text *t)
{
    const struct stats *s = &f->stats;
    const char *divider = f->progress.has_utf8 ? " \u00b7 " : ", ";
    bide_session_stats n = bide_session_get_stats(f->session);

    if (s->first_byte.count == 0)
        return;
    add_median(t, divider, "dns", &s->dns);
    add_median(t, divider, "connect", &s->connect);
    add_median(t, divider, "tls", &s->tls);
    add_median(t, divider, "ttfb", &s->first_byte);
    add_median(t, divider, "body", &s->body);
    text_format(t, " (medians)   %llu connection%s, %llu reused\n", (unsigned long long)n.connections,
                n.connections == 1 ? "" : "s", (unsigned long long)n.reused);
}

void summary_print(const struct fetch *f)
{
    struct text t = {0};

    add_counts(f, &t);
    add_cost(f, &t);
    add_phases(f, &t);
    if (!t.no_memory)
        fwrite(t.data, 1, t.len, stderr);
    text_free(&t);
}
