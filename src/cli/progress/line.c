/* SPDX-License-Identifier: MIT */
/*
 * line.c - the text of the progress line.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/progress/progress.h"

#define BAR_CELLS_MAX 24
#define BAR_CELLS_MIN 6
#define NAME_MIN      8     /* columns for a name; with fewer it is left out */
#define PLAIN_NAME    200
#define GREEN         "\033[32m"
#define RED           "\033[31m"
#define PLAIN         "\033[0m"

/* ---- lines ---- */

/* Of all; what has come of those that are on their way counts.  100 only when that is so. */
static double percent(const struct progress_view *v)
{
    double done = (double)v->done + v->under_way, total = (double)v->total;

    return done >= total ? 100 : v->done < v->total && done > total * 0.999 ? 99.9 : 100 * done / total;
}

static void add_rate(double rate, struct text *to)
{
    if (rate < 9.95)
        text_format(to, "%.1f/s", rate);
    else {
        text_add_count(to, (uint64_t)(rate + 0.5));
        text_add_string(to, "/s");
    }
}

/* What hosts that want to be left alone, or do not answer, hold up. */
static void add_waiting(const struct progress_view *v, struct text *to)
{
    char name[SAY_QUOTE_SIZE];

    if (!v->blocked) {
        text_format(to, "%llu waiting", (unsigned long long)v->waiting);
        return;
    }
    text_add_string(to, "waiting ");
    if (v->blocked_ms > 0)
        text_format(to, "%llu s ", (unsigned long long)(v->blocked_ms + 999) / 1000);
    text_format(to, "for %s (%s%s%llu url%s)", say_quote(v->blocked, name), v->reason, v->reason[0] ? ", " : "",
                (unsigned long long)v->blocked_urls, v->blocked_urls == 1 ? "" : "s");
}

/* The n-th piece of the line, the most important first; false: there are no more. */
static bool add_piece(const struct progress *p, const struct progress_view *v, int n, struct text *to)
{
    switch (n) {
    case 0:
        text_add_count(to, v->done);
        if (v->total > 0) {
            text_add_char(to, '/');
            text_add_count(to, v->total);
        } else {
            text_add_string(to, " done");
        }
        return true;
    case 1:
        if (v->failed > 0)
            text_format(to, "%s%s%llu%s", p->has_colour ? RED : "", "fail ", (unsigned long long)v->failed,
                        p->has_colour ? PLAIN : "");
        return true;
    case 2:
        if (rate_per_second(&p->urls) >= 0.05 || v->received == 0) /* else bytes say more */
            add_rate(rate_per_second(&p->urls), to);
        return true;
    case 3:
        if (v->total > 0)
            progress_add_eta(p, v, to);
        return true;
    case 4:
        text_add_bytes(to, rate_per_second(&p->bytes));
        text_add_string(to, "/s");
        return true;
    case 5:
        text_format(to, "%d live", v->live);
        return true;
    case 6:
        if (v->retries > 0)
            text_format(to, "retry %llu", (unsigned long long)v->retries);
        return true;
    case 7:
        if (v->blocked || (v->waiting > 0 && v->live == 0))
            add_waiting(v, to);
        return true;
    default:
        return false;
    }
}

/* Columns of a text in which there may be colours. */
static int width_of(const struct text *t)
{
    int width = 0;

    for (size_t i = 0, n; i < t->len; i += n) {
        n = strcspn(t->data + i, "\033");
        width += text_columns(t->data + i, n);
        if (i + n < t->len)
            n += strcspn(t->data + i + n, "m") + 1;
    }
    return width;
}

/* The bar: an eighth of a cell at a time where there is UTF-8. */
static void add_bar(const struct progress *p, const struct progress_view *v, int cells, struct text *to)
{
    static const char *const eighths[] = {" ", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589"};
    uint64_t filled = (uint64_t)(percent(v) / 100 * cells * 8);

    text_add_string(to, p->has_colour ? GREEN : "");
    for (int i = 0; i < cells; i++) {
        uint64_t begin = (uint64_t)i * 8;
        if (!p->has_utf8)
            text_add_char(to, filled >= begin + 8 ? '#' : '.');
        else
            text_add_string(to, filled >= begin + 8 ? "\u2588" : eighths[filled > begin ? filled - begin : 0]);
    }
    text_add_string(to, p->has_colour ? PLAIN : "");
}

void progress_bar_line(const struct progress *p, const struct progress_view *v, int width, struct text *to)
{
    struct text pieces = {0}, piece = {0};
    int used = v->total > 0 ? 6 : 0; /* "100.0%" */

    for (int i = 0;; i++) {
        text_clear(&piece);
        if (!add_piece(p, v, i, &piece))
            break;
        if (piece.len == 0)
            continue;
        if (used + 2 + width_of(&piece) > width)
            break;
        used += 2 + width_of(&piece);
        text_add_string(&pieces, "  ");
        text_add(&pieces, piece.data, piece.len);
    }
    if (v->total > 0 && width >= 6)
        text_format(to, "%5.1f%%", percent(v));
    int cells = width - used - 1 < BAR_CELLS_MAX ? width - used - 1 : BAR_CELLS_MAX;
    if (v->total > 0 && cells >= BAR_CELLS_MIN) {
        text_add_char(to, ' ');
        add_bar(p, v, cells, to);
    }
    if (pieces.len > 0)
        text_add(to, pieces.data, pieces.len);
    to->no_memory |= pieces.no_memory || piece.no_memory;
    text_free(&pieces);
    text_free(&piece);
}

/* ---- the large body ---- */

/* "43.1%  463 MB/1.1 GB  112 MB/s  eta 0:05" */
static void add_large(const struct progress *p, const struct progress_view *v, struct text *to)
{
    const struct progress_large *l = &v->large;

    if (l->length > 0)
        text_format(to, "%5.1f%%  ", 100 * (double)l->received / (double)l->length);
    text_add_bytes(to, (double)l->received);
    if (l->length > 0) {
        text_add_char(to, '/');
        text_add_bytes(to, (double)l->length);
    }
    text_add_string(to, "  ");
    text_add_bytes(to, progress_large_per_second(p, v));
    text_add_string(to, "/s");
    if (l->length > 0) {
        text_add_string(to, "  ");
        text_add_eta(progress_large_seconds(p, v), to);
    }
}

/* The end of a name, which says more than its beginning. */
static void add_name(const char *name, int width, struct text *to)
{
    char clean[1024];
    const char *from = say_clean(name, clean, sizeof clean);
    bool is_cut = text_columns(from, strlen(from)) > width;

    while (is_cut && *from && text_columns(from, strlen(from)) > width - 3)
        do
            from++;
        while ((*from & 0xc0) == 0x80);
    text_format(to, "%s%s", is_cut ? "..." : "", from);
}

void progress_large_line(const struct progress *p, const struct progress_view *v, int width, struct text *to)
{
    struct text numbers = {0};

    if (!v->large.name)
        return;
    add_large(p, v, &numbers);
    int left = width - width_of(&numbers) - 2;
    if (left >= NAME_MIN) {
        add_name(v->large.name, left, to);
        text_add_string(to, "  ");
    }
    if (left >= -2)
        text_add(to, numbers.data, numbers.len);
    to->no_memory |= numbers.no_memory;
    text_free(&numbers);
}

void progress_plain_line(const struct progress *p, const struct progress_view *v, struct text *to)
{
    text_format(to, "bide fetch: %llu", (unsigned long long)v->done);
    if (v->total > 0)
        text_format(to, "/%llu (%.1f%%)", (unsigned long long)v->total, percent(v));
    text_format(to, " done, %llu ok, %llu failed, %llu retries, ", (unsigned long long)v->ok,
                (unsigned long long)v->failed, (unsigned long long)v->retries);
    add_rate(rate_per_second(&p->urls), to);
    text_add_string(to, ", ");
    text_add_bytes(to, rate_per_second(&p->bytes));
    text_format(to, "/s, %d live, ", v->live);
    progress_add_eta(p, v, to);
    if (v->large.name) {
        text_add_string(to, ", ");
        progress_large_line(p, v, PLAIN_NAME, to);
    }
    if (v->blocked || v->waiting > 0) {
        text_add_string(to, ", ");
        add_waiting(v, to);
    }
}
