/* SPDX-License-Identifier: MIT */
/*
 * window.c - the window of a host: how many requests at once it can handle.
 *
 * Additive increase, multiplicative decrease, as in TCP.  Until it shrinks for the first time the window grows by a
 * quarter in each round trip; then by one, and much slower where it was too much the last time.
 *
 * A host that queues what it cannot serve at once answers later the more it is asked.  So the time to the first byte is
 * compared with the least that it was in the last five minutes.  Times are logarithms, of the time and SLACK_US: one
 * answer that took long does not outweigh the others, and a fast host may take some milliseconds longer, which are often
 * this machine's.  An answer that took half as long again does not make the window grow; a level of twice as long halves
 * it, but not below where it started: there the least was measured, so that what comes later is not our doing.
 *
 * Answers to requests that were sent before it shrank say nothing about what it is now.
 */
#include "cli/schedule/host/window.h"

#define OCTAVE     65536    /* of logarithms: twice as long */
#define SLACK_US   20000
#define SMOOTH     32       /* the latest answer counts so much of the level */
#define FEWEST     8        /* answers before the level says something */
#define PERIOD_MS  150000   /* the least of this one and the one before counts */
#define EARLY      4        /* answers for one more, before it shrinks for the first time */
#define CAREFULLY  16       /* times as many, where it was too much */

/* To the base of two, between powers on a straight line. */
static int32_t logarithm(int64_t us)
{
    uint64_t x = (uint64_t)(us > 0 ? us : 0) + SLACK_US;
    int exponent = 63 - __builtin_clzll(x);

    return (int32_t)(exponent * OCTAVE + (int32_t)((x << (63 - exponent) >> 47) & (OCTAVE - 1)));
}

static void note_least(struct window *w, int64_t now_ms)
{
    bool is_first = w->least == 0;

    if (is_first || now_ms - w->least_ms > PERIOD_MS) {
        w->least_before = is_first || now_ms - w->least_ms > 2 * PERIOD_MS ? w->level : w->least;
        w->least = w->level;
        w->least_ms = now_ms;
    }
    if (w->level < w->least)
        w->least = w->level;
}

static int32_t least(const struct window *w)
{
    return w->least < w->least_before ? w->least : w->least_before;
}

/* From what it was in fact: a window that nobody filled says nothing about the host. */
static void shrink(struct window *w, int live, int floor, int64_t now_ms)
{
    w->too_much = live < w->size ? live : w->size;
    w->size = w->too_much / 2 > floor ? w->too_much / 2 : floor;
    w->good = w->answers = 0;
    w->has_shrunk = true;
    w->shrunk_ms = now_ms;
}

static int wanted(const struct window *w)
{
    if (!w->has_shrunk)
        return EARLY;
    if (w->too_much == 0 || w->size + 1 < w->too_much)
        return w->size;
    return CAREFULLY * (w->size > WINDOW_START ? w->size : WINDOW_START);
}

static void grow(struct window *w, const struct window_limits *l)
{
    w->good = 0;
    if (w->size == l->most)
        return;
    w->size++;
    if (w->size > w->too_much)
        w->too_much = 0;
}

static bool says_nothing(struct window *w, const struct window_limits *l, int64_t sent_ms)
{
    w->size = window_size(w, l);
    return !l->is_adaptive || (w->has_shrunk && sent_ms <= w->shrunk_ms);
}

void window_answered(struct window *w, const struct window_limits *l, int live, int64_t sent_ms, int64_t now_ms, int64_t us)
{
    int32_t time = logarithm(us);
    if (says_nothing(w, l, sent_ms))
        return;

    w->answers += w->answers < SMOOTH;
    w->level = w->answers == 1 ? time : w->level + (time - w->level) / w->answers;
    if (w->answers >= FEWEST) {
        note_least(w, now_ms);
        if (w->level > least(w) + OCTAVE && w->size > WINDOW_START) {
            shrink(w, live, WINDOW_START, now_ms);
            return;
        }
    }
    bool is_late = w->least > 0 && time > least(w) + OCTAVE / 2;
    if (!is_late && 2 * live > w->size && ++w->good >= wanted(w))
        grow(w, l);
}

void window_refused(struct window *w, const struct window_limits *l, int live, int64_t sent_ms, int64_t now_ms)
{
    if (!says_nothing(w, l, sent_ms))
        shrink(w, live, 1, now_ms);
}
