/* SPDX-License-Identifier: MIT */
/*
 * awaited.h - a task in words, and what it waits for: the lines of a report.
 */
#ifndef BIDE_INSPECT_AWAITED_H
#define BIDE_INSPECT_AWAITED_H

#include "core/several/awaitables.h"

#define LINE_MAX_BYTES 480 /* a report has 512 */

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

BIDE_PRINTF(2, 3) void bide__line_put(struct line *l, const char *format, ...); /* what does not fit is cut */
void bide__line_put_task(struct line *l, const bide_task *t);
/* Looking for the holder of a lock among the tasks is bounded: one *looked_for for a whole report, 0 at first. */
void bide__line_put_awaited(struct line *l, const bide_task *t, unsigned *looked_for);
/* The task that it awaits, or that holds what it waits for; NULL: none, or it is one of several. */
const bide_task *bide__awaited_task(const bide_task *t, unsigned *looked_for);

#endif
