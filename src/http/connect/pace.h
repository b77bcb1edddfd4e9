/* SPDX-License-Identifier: MIT */
/*
 * pace.h - how fast bodies may come and go: a rate for one request, and one for all of a session together.
 *
 * Who is about to receive or to send takes a turn: it waits until the bytes before its own have had their time, and is told
 * how many it may move.  Then it says how many have moved.
 */
#ifndef BIDE_HTTP_PACE_H
#define BIDE_HTTP_PACE_H

#include "http/connect/deadline.h"

enum pace_way { PACE_IN, PACE_OUT, PACE_WAYS };

/* Bytes per second, and when those that were given out have had their time. */
struct pace {
    int64_t rate;    /* 0: any */
    int64_t free_ns; /* by the loop's clock */
};

/* Of one request. */
struct paces {
    struct pace own[PACE_WAYS];
    struct pace *all; /* [PACE_WAYS] of the session; NULL: none has a rate */
    size_t given;     /* bytes of a turn that was taken and not ended; one way at a time */
};

/*
 * Take a turn, unless one is taken already.
 *
 * Suspends:  until it is there; a cancellation point
 * Returns:   0, and *most is at most what may be moved; 1 byte or more
 * Errors:    BIDE_ETIMEDOUT (not on record) when the time of the request is over; what ends the wait from outside
 */
int bide__pace_take(struct paces *p, enum pace_way way, struct deadline *d, size_t *most);
/* n bytes were moved; the turn is over. */
void bide__pace_end(struct paces *p, enum pace_way way, size_t n);

#endif
