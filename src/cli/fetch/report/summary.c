/* SPDX-License-Identifier: MIT */
/*
 * summary.c - the summary at the end, and the numbers that it is made of.
 *
 * A line for a few URLs; more of them, and what is only worth knowing of many, for more.  Lines consist of pieces with two
 * spaces or more between them, so that one that is too long for the terminal goes on in the next line with a whole piece.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/fetch/report/report.h"

#define FEW     3     /* URLs: one line says it all */
#define MANY    20    /* from here on there are percentiles, and medians of the phases */
#define BUSY    0.85  /* of the time on the processor: that is what limits it */
#define WORTH   0.25  /* of the time: what took less did not limit the run */
#define MOMENT  0.2   /* seconds; of a shorter run there is nothing to say */
#define INDENT  4

int64_t timing_answer_us(const bide_timing *t)
{
    int64_t connected = t->tls >= 0 ? t->tls : t->connect >= 0 ? t->connect : t->queued;

    return t->first_byte - (connected > 0 ? connected : 0);
}

/* Phases follow one another; what did not happen is -1 and not counted. */
void stats_add_timing(struct stats *s, const bide_timing *t)
{
    if (t->connect >= 0) {
        bide_histogram_add(&s->dns, t->dns);
        bide_histogram_add(&s->connect, t->connect - (t->dns > 0 ? t->dns : 0));
        if (t->tls >= 0)
            bide_histogram_add(&s->tls, t->tls - t->connect);
    }
    if (t->first_byte >= 0)
        bide_histogram_add(&s->first_byte, timing_answer_us(t));
    if (t->body >= 0 && t->head >= 0)
        bide_histogram_add(&s->body, t->body - t->head);
}

/* ---- the first line ---- */

static void add_failures(const struct stats *s, struct text *t)
{
    const char *before = " (";

    for (int status = 0; status < STATUSES; status++)
        if (s->by_status[status] > 0) {
            text_format(t, "%shttp_%d %llu", before, status, (unsigned long long)s->by_status[status]);
            before = ", ";
        }
    for (int i = 0; i < FAIL_KINDS; i++) {
        if (i == FAIL_NONE || i == FAIL_CANCELLED || fail_is_status((enum fail)i) || s->by_fail[i] == 0)
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

static void add_files(const struct fetch *f, struct text *t)
{
    const struct stats *s = &f->stats;
    char where[256];

    if (s->files == 1)
        text_format(t, "     %s", s->last_file);
    else if (s->files > 1)
        text_format(t, "     %s (%llu files)",
                    say_clean(f->options->output_dir ? f->options->output_dir : f->options->output, where, sizeof where),
                    (unsigned long long)s->files);
}

static uint64_t all_urls(const struct stats *s)
{
    return s->is_total_known && s->total > s->done ? s->total : s->done;
}

static void add_counts(const struct fetch *f, struct text *t)
{
    const struct stats *s = &f->stats;
    uint64_t all = all_urls(s), skipped = s->skipped + all - s->done;

    add_number(t, all, all == 1 ? "url" : "urls");
    add_number(t, s->ok, "ok");
    add_number(t, s->failed, "failed");
    add_failures(s, t);
    if (skipped > 0 || all > FEW)
        add_number(t, skipped, "skipped");
    if (s->repeated > 0)
        add_number(t, s->repeated, "repeated");
    if (s->retries > 0 || all > FEW)
        add_number(t, s->retries, s->retries == 1 ? "retry" : "retries");
}

/* ---- the others ---- */

static void add_quantiles(const bide_histogram *h, struct text *t)
{
    static const struct {
        const char *name;
        unsigned per_mille;
    } wanted[] = {{"p50", 500}, {"p95", 950}, {"p99", 990}, {"max", 1000}};

    if (h->count > FEW && h->count < MANY) {
        text_add_string(t, "   slowest ");
        text_add_time(t, bide_histogram_quantile(h, 1000));
    }
    for (size_t i = 0; h->count >= MANY && i < sizeof wanted / sizeof *wanted; i++) {
        text_format(t, "%s%s ", i ? "  " : "   ", wanted[i].name);
        text_add_time(t, bide_histogram_quantile(h, wanted[i].per_mille));
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

static double seconds_of(const struct fetch *f)
{
    return (double)(clock_us() - f->stats.began_us) / 1e6;
}

static double cpu_seconds(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) + (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static void add_bytes(const struct fetch *f, struct text *t)
{
    text_add_bytes(t, (double)f->stats.bytes);
    text_format(t, " in %.2f s", seconds_of(f));
}

static void add_cost(const struct fetch *f, struct text *t)
{
    const struct stats *s = &f->stats;
    double seconds = seconds_of(f);
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    add_bytes(f, t);
    text_add_string(t, "   ");
    text_add_count(t, (uint64_t)((double)s->done / (seconds > 0 ? seconds : 1) + 0.5));
    text_add_string(t, " url/s");
    add_quantiles(&s->times, t);
    text_format(t, "   cpu %.2f s  rss ", cpu_seconds(&u));
    text_add_bytes(t, resident_bytes(&u));
}

/* A median stands behind a divider at which the line may be broken. */
static void add_median(struct text *t, const char *divider, const char *name, const bide_histogram *h)
{
    if (h->count == 0)
        return;
    text_format(t, "%s%s ", t->len == 0 ? "" : divider, name);
    text_add_time(t, bide_histogram_quantile(h, 500));
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
    text_format(t, " (medians)   %llu connection%s, %llu reused", (unsigned long long)n.connections,
                n.connections == 1 ? "" : "s", (unsigned long long)n.reused);
}

/* What would have made it faster. */
static void add_bottleneck(const struct fetch *f, struct text *t)
{
    double share, seconds = seconds_of(f);
    enum bottleneck b = bottleneck_of_run(&f->queue, &share);
    bool is_of_places = b == BY_NOTHING || b == BY_CONCURRENCY || b == BY_PER_HOST || b == BY_WINDOW;
    struct rusage u;

    getrusage(RUSAGE_THREAD, &u);
    if (seconds < MOMENT)
        return;
    if (is_of_places && cpu_seconds(&u) > BUSY * seconds) {
        text_add_string(t, "limited by: the processor of this machine");
        share = cpu_seconds(&u) / seconds;
    } else if (b != BY_NOTHING && share >= WORTH) {
        text_add_string(t, "limited by: ");
        bottleneck_describe(&f->queue, b, t);
    } else {
        return;
    }
    text_format(t, "  %.2f s of %.2f s", share < 1 ? share * seconds : seconds, seconds);
}

/* ---- as wide as the terminal ---- */

/* Where a line may be broken, at need at any space: how many bytes from there on belong to neither; 0: not there. */
static size_t break_at(const char *line, size_t at, bool at_need)
{
    size_t n = strspn(line + at, " ");
    bool is_divided = at > 0 && (line[at - 1] == ',' || (at > 1 && memcmp(line + at - 2, "\u00b7", 2) == 0));

    return n > 1 || (n == 1 && (is_divided || at_need)) ? n : 0;
}

/* The end of the piece, or at need of the word, that begins there. */
static size_t piece_end(const char *line, size_t from, bool at_need)
{
    size_t at = from;

    while (line[at] && break_at(line, at, at_need) == 0)
        at++;
    return at;
}

void summary_add_line(const struct text *line, int width, struct text *to)
{
    const char *s = text_string(line);
    size_t piece = 0; /* where it ends */
    bool is_wide = false; /* it is wider than a line, and broken between its words */
    int used = 0;

    for (size_t from = 0, end, gap; line->len > 0 && s[from]; from = end + gap) {
        if (from >= piece) {
            piece = piece_end(s, from, false);
            is_wide = width > 0 && text_columns(s + from, piece - from) > width - INDENT;
        }
        end = is_wide ? piece_end(s, from, true) : piece;
        gap = break_at(s, end, true);
        int columns = text_columns(s + from, end - from);
        if (used > 0 && width > 0 && used + columns > width) {
            while (text_ends_with(to, ' '))
                to->len--;
            text_format(to, "\n%*s", INDENT, "");
            used = INDENT;
        }
        text_add(to, s + from, end + gap - from);
        used += columns + (int)gap;
    }
    if (line->len > 0)
        text_add_char(to, '\n');
    to->no_memory |= line->no_memory;
}

static void add_line(const struct fetch *f, void (*what)(const struct fetch *f, struct text *t), int width, struct text *to)
{
    struct text line = {0};

    what(f, &line);
    summary_add_line(&line, width, to);
    text_free(&line);
}

static void add_few(const struct fetch *f, struct text *t)
{
    add_counts(f, t);
    text_add_string(t, "  ");
    add_bytes(f, t);
    add_files(f, t);
}

static void add_first(const struct fetch *f, struct text *t)
{
    add_counts(f, t);
    add_files(f, t);
}

static void print_json(const struct fetch *f)
{
    if (!f->summary.no_memory)
        fwrite(f->summary.data, 1, f->summary.len, stderr);
}

static void print_text(const struct fetch *f)
{
    uint64_t n = all_urls(&f->stats);
    int columns = progress_columns(), width = columns > 1 ? columns - 1 : 0;
    struct text t = {0};

    add_line(f, n <= FEW ? add_few : add_first, width, &t);
    if (n > FEW) {
        add_line(f, add_cost, width, &t);
        if (n >= MANY)
            add_line(f, add_phases, width, &t);
        add_line(f, add_bottleneck, width, &t);
    }
    if (!t.no_memory)
        fwrite(t.data, 1, t.len, stderr);
    text_free(&t);
}

void summary_print(const struct fetch *f)
{
    if (f->progress.mode == PROGRESS_JSON)
        print_json(f);
    else
        print_text(f);
}
