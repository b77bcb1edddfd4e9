/* SPDX-License-Identifier: MIT */
/*
 * progress.c - the progress line.
 *
 * Rates are moving averages with a memory of about 15 s, of what was done and not of bytes; they are corrected for the
 * short time that they rest on in the beginning.
 */
#include "cli/progress.h"

#include "cli/cli.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MEMORY_S      15.0
#define DAY_S         86400
#define BAR_CELLS_MAX 24
#define BAR_CELLS_MIN 6
#define COLUMNS       80
#define GREEN         "\033[32m"
#define RED           "\033[31m"
#define PLAIN         "\033[0m"

/* ---- the terminal ---- */

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value && *value;
}

static bool is_dumb(void)
{
    const char *term = getenv("TERM");

    return !term || !*term || strcmp(term, "dumb") == 0;
}

/* Does the user's locale have UTF-8?  Asked of a locale of our own: the program's stays as it is. */
static bool locale_is_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (!locale)
        return false;

    bool utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return utf8;
}

static int columns(void)
{
    struct winsize w = {0};
    const char *set = getenv("COLUMNS");

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        return w.ws_col;
    int n = set ? (int)strtol(set, NULL, 10) : 0;
    return n > 0 ? n : COLUMNS;
}

static void write_all(const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* there is nobody to tell */
        data += n;
        len -= (size_t)n;
    }
}

void progress_open(struct progress *p, enum progress_mode mode, int64_t now_us)
{
    bool is_terminal = isatty(STDERR_FILENO);

    if (mode == PROGRESS_AUTO)
        mode = is_terminal && !is_dumb() ? PROGRESS_BAR : PROGRESS_PLAIN;
    *p = (struct progress){.mode = mode, .last_us = now_us, .next_plain_us = now_us + PROGRESS_PLAIN_MS * 1000};
    p->has_utf8 = locale_is_utf8();
    p->has_colour = is_terminal && !is_dumb() && !is_set("NO_COLOR");
}

int64_t progress_period_ms(const struct progress *p)
{
    return p->mode == PROGRESS_BAR ? PROGRESS_BAR_MS : p->mode == PROGRESS_PLAIN ? PROGRESS_BAR_MS * 5 : 0;
}

void progress_erase(struct progress *p)
{
    if (p->shown)
        write_all("\r\033[K", 4);
    p->shown = false;
}

static void write_line(const struct progress *p, const struct progress_view *v)
{
    struct text line = {0};

    progress_plain_line(p, v, &line);
    text_add_char(&line, '\n');
    if (!line.no_memory)
        write_all(line.data, line.len);
    text_free(&line);
}

static void draw_bar(struct progress *p, const struct progress_view *v)
{
    struct text line = {0};

    /* One column stays free: a full line makes some terminals wrap. */
    text_add_char(&line, '\r');
    progress_bar_line(p, v, columns() - 1, &line);
    text_add_string(&line, "\033[K");
    if (!line.no_memory)
        write_all(line.data, line.len);
    p->shown = true;
    text_free(&line);
}

void progress_tick(struct progress *p, const struct progress_view *v, int64_t now_us)
{
    progress_measure(p, v, now_us);
    if (p->mode == PROGRESS_BAR)
        draw_bar(p, v);
    if (p->mode != PROGRESS_PLAIN || now_us < p->next_plain_us)
        return;
    p->next_plain_us = now_us + PROGRESS_PLAIN_MS * 1000;
    write_line(p, v);
}

void progress_status(struct progress *p, const struct progress_view *v, int64_t now_us)
{
    progress_measure(p, v, now_us);
    progress_erase(p);
    write_line(p, v);
}

/* ---- rates ---- */

void progress_measure(struct progress *p, const struct progress_view *v, int64_t now_us)
{
    double seconds = (double)(now_us - p->last_us) / 1e6;
    if (seconds < 0.05)
        return;

    double share = seconds < MEMORY_S ? seconds / MEMORY_S : 1;
    p->per_second += share * ((double)(v->done - p->last_done) / seconds - p->per_second);
    p->bytes_per_second += share * ((double)(v->bytes - p->last_bytes) / seconds - p->bytes_per_second);
    p->weight += share * (1 - p->weight);
    p->last_us = now_us;
    p->last_done = v->done;
    p->last_bytes = v->bytes;
}

static double corrected(const struct progress *p, double rate)
{
    return p->weight > 0 ? rate / p->weight : 0;
}

void progress_add_eta(const struct progress *p, const struct progress_view *v, struct text *to)
{
    double rate = corrected(p, p->per_second);
    uint64_t left = v->total > v->done ? v->total - v->done : 0;

    if (v->total == 0 || rate <= 0) {
        text_add_string(to, "eta -");
    } else if ((double)left / rate > DAY_S) {
        text_add_string(to, "eta >1d");
    } else {
        unsigned s = (unsigned)((double)left / rate + 0.5);
        if (s >= 3600)
            text_format(to, "eta %u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
        else
            text_format(to, "eta %u:%02u", s / 60, s % 60);
    }
}

/* ---- lines ---- */

static void add_rate(double rate, struct text *to)
{
    if (rate < 9.95)
        text_format(to, "%.1f/s", rate);
    else {
        text_add_count(to, (uint64_t)(rate + 0.5));
        text_add_string(to, "/s");
    }
}

/* What hosts that want to be left alone hold up. */
static void add_waiting(const struct progress_view *v, struct text *to)
{
    char name[SAY_QUOTE_SIZE];

    if (v->blocked_ms > 0)
        text_format(to, "waiting %llu s for %s (%s%s%llu url%s)", (unsigned long long)(v->blocked_ms + 999) / 1000,
                    say_quote(v->blocked, name), v->reason, v->reason[0] ? ", " : "",
                    (unsigned long long)v->blocked_urls, v->blocked_urls == 1 ? "" : "s");
    else
        text_format(to, "%llu waiting", (unsigned long long)v->waiting);
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
        add_rate(corrected(p, p->per_second), to);
        return true;
    case 3:
        if (v->total > 0)
            progress_add_eta(p, v, to);
        return true;
    case 4:
        text_add_bytes(to, corrected(p, p->bytes_per_second));
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
        if (v->blocked_ms > 0 || (v->waiting > 0 && v->live == 0))
            add_waiting(v, to);
        return true;
    default:
        return false;
    }
}

/* Columns of a text whose only bytes that take none are colours and the later bytes of UTF-8. */
static int width_of(const struct text *t)
{
    int width = 0;

    for (size_t i = 0; i < t->len; i++) {
        if (t->data[i] == '\033')
            i += strcspn(t->data + i, "m");
        else
            width += ((unsigned char)t->data[i] & 0xc0) != 0x80;
    }
    return width;
}

/* The bar: an eighth of a cell at a time where there is UTF-8. */
static void add_bar(const struct progress *p, const struct progress_view *v, int cells, struct text *to)
{
    static const char *const eighths[] = {" ", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589"};
    uint64_t done = v->done < v->total ? v->done : v->total;
    uint64_t filled = (uint64_t)((double)done / (double)v->total * cells * 8);

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
        text_format(to, "%5.1f%%", 100.0 * (double)(v->done < v->total ? v->done : v->total) / (double)v->total);
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

void progress_plain_line(const struct progress *p, const struct progress_view *v, struct text *to)
{
    text_format(to, "bide fetch: %llu", (unsigned long long)v->done);
    if (v->total > 0)
        text_format(to, "/%llu (%.1f%%)", (unsigned long long)v->total, 100.0 * (double)v->done / (double)v->total);
    text_format(to, " done, %llu ok, %llu failed, %llu retries, ", (unsigned long long)v->ok,
                (unsigned long long)v->failed, (unsigned long long)v->retries);
    add_rate(corrected(p, p->per_second), to);
    text_add_string(to, ", ");
    text_add_bytes(to, corrected(p, p->bytes_per_second));
    text_format(to, "/s, %d live, ", v->live);
    progress_add_eta(p, v, to);
    if (v->blocked_ms > 0 || v->waiting > 0) {
        text_add_string(to, ", ");
        add_waiting(v, to);
    }
}
