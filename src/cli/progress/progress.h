/* SPDX-License-Identifier: MIT */
/*
 * progress.h - the progress of a run: a line that moves on a terminal, plain lines elsewhere, lines of JSON for programs.
 *
 *      61.2% ########........  52 011/85 000  ok 51 940  fail 71  retry 12  2 204/s  18.3 MB/s  64 live  eta 0:15
 *
 *     pages/big.iso   43.1%  463 MB/1.1 GB  112 MB/s  eta 0:05
 *
 * On stderr.  A terminal that is narrow shows less of it, from the right; the second line is there as long as a large
 * body is on its way.  What prints a message calls progress_erase first.
 */
#ifndef BIDE_CLI_PROGRESS_PROGRESS_H
#define BIDE_CLI_PROGRESS_PROGRESS_H

#include "cli/terminal/text.h"

enum progress_mode { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_JSON, PROGRESS_NONE };

#define PROGRESS_BAR_MS   100
#define PROGRESS_PAUSE_US 1500000 /* nothing was measured for so long: the process was stopped, as by ^Z */

/* A large body that is on its way. */
struct progress_large {
    const char *name;  /* NULL: there is none */
    uint64_t id;       /* another one: another body */
    uint64_t received;
    int64_t length;    /* -1: not known */
    double seconds;    /* since it began */
};

/* What there is to show. */
struct progress_view {
    uint64_t total; /* 0: not known */
    uint64_t done, ok, failed, retries, waiting;
    uint64_t received;   /* bytes of bodies, also of those that are not complete or came to nothing */
    double under_way;    /* URLs: what has come of those that are not done, as shares of them */
    double bytes_left;   /* of all URLs; estimated by those that are known; < 0: nothing is known */
    struct progress_large large;
    int live;
    const char *blocked; /* a host that is waited for; NULL: none */
    int64_t blocked_ms;  /* until it is asked again, or its oldest request is timed out; 0: not known */
    char reason[32];     /* "429", "timeout", "no answer for 4 s"; "": not known */
    uint64_t blocked_urls; /* that wait for it */
};

/* A moving average over about 15 s. */
struct rate {
    uint64_t last;             /* of what is counted */
    double per_second, weight; /* and how much it rests on */
};

struct progress {
    enum progress_mode mode;
    bool shown, has_utf8, has_colour;
    bool has_second;        /* line: below the one that the cursor is in */
    bool large_alone;       /* no line but that of the large body */
    int64_t began_us;
    int64_t last_us;        /* of the rates */
    int64_t done_us;        /* when a URL ended */
    struct rate urls, bytes, large;
    uint64_t large_id;
    int64_t interval_us, next_us; /* of lines that stay; 0: there are none in between */
};

/* auto becomes what fits: a bar on a terminal that can move its cursor, else plain lines, one each interval. */
void progress_open(struct progress *p, enum progress_mode mode, int64_t interval_ms, int64_t now_us);
/* When it begins, and when it is over: a program that reads lines is to see both. */
void progress_edge(struct progress *p, const struct progress_view *v, int64_t now_us);
/* How often to call progress_tick, in ms: also if nothing is shown, for the rates. */
int64_t progress_period_ms(const struct progress *p);
void progress_tick(struct progress *p, const struct progress_view *v, int64_t now_us);
/* One line at once, in any mode. */
void progress_status(struct progress *p, const struct progress_view *v, int64_t now_us);
void progress_erase(struct progress *p);
/* Columns of the terminal that messages go to, or of $COLUMNS; 0: there is none. */
int progress_columns(void);

/* Of a clock that only goes forward. */
int64_t clock_us(void);

/* ---- rate.c: pure ---- */

/* New rates, from what was done since the last call. */
void progress_measure(struct progress *p, const struct progress_view *v, int64_t now_us);
double rate_per_second(const struct rate *r);
double progress_large_per_second(const struct progress *p, const struct progress_view *v);
/* Until it is there; < 0: nobody knows. */
double progress_large_seconds(const struct progress *p, const struct progress_view *v);
double progress_seconds(const struct progress *p, const struct progress_view *v);
/* "eta 0:15", "eta -", "eta >1d" */
void progress_add_eta(const struct progress *p, const struct progress_view *v, struct text *to);
void text_add_eta(double seconds, struct text *to);

/* ---- line.c: pure ---- */

/* The moving line, at most `width` columns, without colour if there is none; the plain one. */
void progress_bar_line(const struct progress *p, const struct progress_view *v, int width, struct text *to);
void progress_plain_line(const struct progress *p, const struct progress_view *v, struct text *to);
/* The line of the large body, likewise; nothing if there is none. */
void progress_large_line(const struct progress *p, const struct progress_view *v, int width, struct text *to);

/* ---- json.c: pure ---- */

/* An object, without the end of the line. */
void progress_json_line(const struct progress *p, const struct progress_view *v, int64_t now_us, struct text *to);

#endif
