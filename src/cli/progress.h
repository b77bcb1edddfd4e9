/* SPDX-License-Identifier: MIT */
/*
 * progress.h - how far it is: a line that moves on a terminal, plain lines elsewhere.
 *
 *      61.2% ########........  52 011/85 000  ok 51 940  fail 71  retry 12  2 204/s  18.3 MB/s  64 live  eta 0:15
 *
 * On stderr.  A terminal that is narrow shows less of it, from the right.  Whoever prints a message calls
 * progress_erase first.
 */
#ifndef BIDE_CLI_PROGRESS_H
#define BIDE_CLI_PROGRESS_H

#include "cli/text.h"

enum progress_mode { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_NONE };

#define PROGRESS_BAR_MS   100
#define PROGRESS_PLAIN_MS 10000

/* What there is to show. */
struct progress_view {
    uint64_t total; /* 0: not known */
    uint64_t done, ok, failed, retries, bytes, waiting;
    int live;
    int64_t blocked_ms;  /* until the first host that asked to be left alone may be asked again; 0: none */
    const char *blocked; /* its name */
    char reason[16];     /* "429", "timeout"; "": not known */
    uint64_t blocked_urls; /* that wait for it */
};

struct progress {
    enum progress_mode mode;
    bool shown, has_utf8, has_colour;
    size_t rows;            /* that are shown */
    int64_t last_us;        /* of the rates */
    uint64_t last_done, last_bytes;
    double per_second, bytes_per_second, weight; /* moving averages over about 15 s, and how much they rest on */
    int64_t next_plain_us;
};

/* auto becomes what fits: a bar on a terminal that can move its cursor, else plain lines. */
void progress_open(struct progress *p, enum progress_mode mode, int64_t now_us);
/* How often to call progress_tick, in ms; 0: never. */
int64_t progress_period_ms(const struct progress *p);
void progress_tick(struct progress *p, const struct progress_view *v, int64_t now_us);
/* One line at once, in any mode. */
void progress_status(struct progress *p, const struct progress_view *v, int64_t now_us);
void progress_erase(struct progress *p);

/* ---- pure ---- */

/* New rates, from what was done since the last call. */
void progress_measure(struct progress *p, const struct progress_view *v, int64_t now_us);
/* The moving line, at most `width` columns, without colour if there is none; the plain one. */
void progress_bar_line(const struct progress *p, const struct progress_view *v, int width, struct text *to);
void progress_plain_line(const struct progress *p, const struct progress_view *v, struct text *to);
/* "eta 0:15", "eta -", "eta >1d" */
void progress_add_eta(const struct progress *p, const struct progress_view *v, struct text *to);

/* "52 011"; "18.3 MB"; "1.24 s", "41 ms", "310 us" */
void text_add_count(struct text *t, uint64_t n);
void text_add_bytes(struct text *t, double bytes);
void text_add_time(struct text *t, int64_t us);

#endif
