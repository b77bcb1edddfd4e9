/* SPDX-License-Identifier: MIT */
/*
 * home.h - the loop that a value in the user's memory belongs to, and the tasks that wait there.
 *
 * Zeroed memory is a value that belongs to nobody yet.  The first loop in which it is used takes it; when that loop was closed, the
 * next one may.
 */
#ifndef BIDE_SYNC_HOME_H
#define BIDE_SYNC_HOME_H

#include "core/turn/operation.h"

struct home {
    uint64_t loop;            /* its number; 0: nobody's */
    struct list_node waiters; /* in order; to be looked at only behind one of the checks below */
};

enum home_state { HOME_SAME, HOME_NEW }; /* NEW: what tasks have left behind in it means nothing any more */

/*
 * Use it here: a loop that runs here takes it, if it is nobody's.
 *
 * Returns:   enum home_state
 * Errors:    -EINVAL, it is NULL; BIDE_ESTATE, it belongs to another loop, or to the process before a fork: on record
 */
int bide__home_enter_slow(struct home *h, const char *function);
static inline int bide__home_enter(struct home *h, const char *function)
{
    bool is_here = h && bide__loop_here && h->loop == bide__loop_here->id;

    return likely(is_here) ? HOME_SAME : bide__home_enter_slow(h, function);
}

/* May it be looked at here?  Nobody takes it.  0, or as above. */
int bide__home_look(const struct home *h, const char *function);

#endif
