/* SPDX-License-Identifier: MIT */
/*
 * progress.c - the progress line on the terminal.
 *
 * A line for a large body stands below it; the cursor goes back up, so that erasing is the same for one line and two.
 */
#include "cli/progress/progress.h"

#include "cli/cli.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define COLUMNS      80
#define HALF_TICK_US (PROGRESS_BAR_MS * 1000 / 2)

/* ---- the terminal ---- */

int64_t clock_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
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

int progress_columns(void)
{
    struct winsize w = {0};
    const char *set = getenv("COLUMNS");

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        return w.ws_col;
    int n = set ? (int)strtol(set, NULL, 10) : 0;
    return n > 0 ? n : isatty(STDERR_FILENO) ? COLUMNS : 0;
}

static void write_all(const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nobody reads it */
        data += n;
        len -= (size_t)n;
    }
}

void progress_open(struct progress *p, enum progress_mode mode, int64_t interval_ms, int64_t now_us)
{
    bool is_terminal = isatty(STDERR_FILENO);

    if (mode == PROGRESS_AUTO)
        mode = is_terminal && !is_dumb() ? PROGRESS_BAR : PROGRESS_PLAIN;
    *p = (struct progress){.mode = mode, .began_us = now_us, .last_us = now_us, .interval_us = interval_ms * 1000};
    p->next_us = now_us + p->interval_us;
    p->has_utf8 = locale_is_utf8();
    p->has_colour = colour_on(STDERR_FILENO);
}

int64_t progress_period_ms(const struct progress *p)
{
    bool is_short = p->interval_us > 0 && p->interval_us < 5000 * PROGRESS_BAR_MS;

    return p->mode == PROGRESS_BAR || is_short ? PROGRESS_BAR_MS : PROGRESS_BAR_MS * 5;
}

void progress_erase(struct progress *p)
{
    if (p->shown)
        write_all(p->has_second ? "\r\033[J" : "\r\033[K", 4);
    p->shown = p->has_second = false;
}

static void write_line(const struct progress *p, const struct progress_view *v, int64_t now_us)
{
    struct text line = {0};

    if (p->mode == PROGRESS_JSON)
        progress_json_line(p, v, now_us, &line);
    else
        progress_plain_line(p, v, &line);
    text_add_char(&line, '\n');
    if (!line.no_memory)
        write_all(line.data, line.len);
    text_free(&line);
}

static void draw_bar(struct progress *p, const struct progress_view *v)
{
    struct text line = {0}, large = {0};
    int columns = progress_columns(), width = (columns > 0 ? columns : COLUMNS) - 1;

    /* One column stays free: a full line makes some terminals wrap. */
    progress_large_line(p, v, width, &large);
    text_add_char(&line, '\r');
    if (!p->large_alone)
        progress_bar_line(p, v, width, &line);
    else if (large.len > 0)
        text_add(&line, large.data, large.len);
    text_add_string(&line, "\033[K");
    if (large.len > 0 && !p->large_alone)
        text_format(&line, "\r\n%s\033[K\033[A", text_string(&large));
    else if (p->has_second)
        text_add_string(&line, "\033[J");
    p->has_second = large.len > 0 && !p->large_alone;
    if (!line.no_memory && !large.no_memory)
        write_all(line.data, line.len);
    p->shown = true;
    text_free(&line);
    text_free(&large);
}

void progress_tick(struct progress *p, const struct progress_view *v, int64_t now_us)
{
    progress_measure(p, v, now_us);
    if (p->mode == PROGRESS_BAR)
        draw_bar(p, v);
    bool has_lines = p->interval_us > 0 && (p->mode == PROGRESS_PLAIN || p->mode == PROGRESS_JSON);
    if (!has_lines || now_us + HALF_TICK_US < p->next_us)
        return;
    p->next_us += p->interval_us;
    if (p->next_us <= now_us) /* the process was stopped, or the loop had no time */
        p->next_us = now_us + p->interval_us;
    write_line(p, v, now_us);
}

void progress_edge(struct progress *p, const struct progress_view *v, int64_t now_us)
{
    if (p->mode == PROGRESS_JSON)
        write_line(p, v, now_us);
}

void progress_status(struct progress *p, const struct progress_view *v, int64_t now_us)
{
    progress_measure(p, v, now_us);
    progress_erase(p);
    write_line(p, v, now_us);
}
