/* SPDX-License-Identifier: MIT */
/*
 * window.h - the window of a host: how many requests at once it can handle.  Pure functions of what became of requests.
 *
 *     start ---+1 for every 4 answers---> too much: half ---+1 for every `size` answers---> ...
 *
 * It is too much when a host says so (429, 503), breaks or does not answer, or takes twice as long as before.
 */
#ifndef BIDE_CLI_SCHEDULE_HOST_WINDOW_H
#define BIDE_CLI_SCHEDULE_HOST_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_START 8

struct window_limits {
    int most;         /* requests at once to one host */
    bool is_adaptive; /* false: so many from the beginning */
};

/* All zeros: of a host that nobody has asked yet. */
struct window {
    int size;       /* 0: as in the beginning */
    int too_much;   /* how many there were when it shrank; 0: it did not, or there have been more since */
    int good;       /* answers since it grew */
    bool has_shrunk;
    int64_t shrunk_ms;
    int answers;    /* that level is made of, until it does not matter any more */
    int32_t level;  /* smoothed time to the first byte, a logarithm */
    int32_t least, least_before; /* of level: since least_ms, and in the period before */
    int64_t least_ms;
};

/* Requests at once, from 1 on. */
static inline int window_size(const struct window *w, const struct window_limits *l)
{
    int start = l->most < WINDOW_START ? l->most : WINDOW_START;

    return !l->is_adaptive ? l->most : w->size > 0 ? w->size : start;
}

/* A request that was sent at sent_ms, and is one of `live`, was answered; the first byte took so long. */
void window_answered(struct window *w, const struct window_limits *l, int live, int64_t sent_ms, int64_t now_ms, int64_t us);

/* It was not, or the answer was that there are too many. */
void window_refused(struct window *w, const struct window_limits *l, int live, int64_t sent_ms, int64_t now_ms);

#endif
