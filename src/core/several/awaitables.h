/* SPDX-License-Identifier: MIT */
/*
 * awaitables.h - a list of what can be awaited, as gather, wait and as_completed take it: awaitables.c.
 */
#ifndef BIDE_CORE_AWAITABLES_H
#define BIDE_CORE_AWAITABLES_H

#include "core/task/group.h"
#include "core/turn/operation.h"

/* The i-th of a list. */
bide_awaitable bide__list_at(bide_list list, size_t i);
/* May t wait for all n of it?  0, or an error on record that names the function. */
int bide__check_list(const bide_task *t, bide_list list, size_t n, const char *function);
/*
 * Start what is no task or future yet of a list of g->n, and have the group watch all.
 *
 * Returns:   0
 * Errors:    those of bide__start, on record; the first g->started are watched then, and none has run
 */
int bide__group_start(struct group *g, bide_list list, const void *made_at);

/* What bide_select has on its stack (select.c); here for those that look from outside. */
struct alternative {
    const bide_awaitable *what; /* the caller's, or made */
    bide_awaitable made;        /* of a task or future of an array */
    struct op_waiter waiter;
    bide_future *future; /* a share; NULL: an operation, a sleep, or not begun */
    bool is_own;         /* the future is a task that was started for this call */
    bool is_enlisted;
    bool is_held; /* a share of the object of an operation */
};

struct choice {
    struct operation_wait wait;
    bide_task *task;
    struct alternative *all;
    size_t n;
    const void *called_at;
    bool has_more; /* sleeps, tasks of its own, or futures have begun, not operations alone */
};

/* For reports: one of the things that a wait is for. */
struct awaited {
    const bide_future *future;
    const bide_operation *operation; /* neither: a sleep */
};
/* What a WAIT_OPERATION that is a choice chooses among: the first cap.  Returns how many there are. */
size_t bide__choices_awaited(const struct wait *w, struct awaited *all, size_t cap); /* select.c */

#endif
