/* SPDX-License-Identifier: MIT */
/*
 * group.h - watching several futures: a call that waits for some of them, and a list that hands out what has ended.
 *
 *     task --wait--> group --watches[i]--> clause in the list of the i-th future
 *                                          ready: its turn when that is done; then the group says whether the task goes on
 */
#ifndef BIDE_CORE_GROUP_H
#define BIDE_CORE_GROUP_H

#include "core/task/await.h"

struct watch {
    struct clause clause;
    struct ready ready;
    struct group *group;
    bide_future *future; /* a share */
    bool is_own;         /* a task that was started for this call alone */
    bool gave_up;        /* it waits for the group's own task, and is not waited for any longer */
};

/* One call of gather, wait or shield. */
struct group {
    struct wait wait;
    bide_loop *loop;
    size_t n, started, finished;
    size_t walked; /* cancel.c: how many were given out */
    struct watch *watches;
    struct watch *first_failed;
    bool (*is_over)(const struct group *g, const struct watch *w); /* after w finished */
    bool cancel_on_error, takes_errors, over;
    uint32_t places; /* reserved in the ready queue */
    struct watch few[4];
};

/* One place in the ready queue for each, and one for a timer. */
int bide__group_open(struct group *g, bide_task *t, size_t n);
/* A task that was started for this call alone is done by now, or has other owners. */
void bide__group_close(struct group *g);
void bide__watch_begin(struct group *g, struct watch *w, bide_future *f); /* f: the caller's share is taken */
int bide__watch_code(const struct watch *w);
bool bide__all_finished(const struct group *g, const struct watch *w); /* an is_over */
void bide__group_cancel(struct group *g);                              /* all of them */

/* For cancel.c. */
bool bide__group_is_open(const struct group *g);
bide_future *bide__group_next(struct group *g, bool from_the_start); /* one after the other, then NULL */
void bide__group_give_up(struct group *g); /* on the one that was given out last */

struct ended {
    struct list_node node; /* in bide_completed.ended, from its end until it is handed out */
    struct clause clause;
    struct ready ready;
    bide_completed *list;
    bide_future *future; /* a share */
};

struct bide_completed {
    struct object object;
    bide_loop *loop; /* a share */
    struct list_node ended, waiters;
    size_t n, handed_out;
    /* With .timeout_ms. */
    bool has_limit, is_late; /* late: the time is over, nothing is watched any longer */
    struct timer timer;
    struct ready late;
    struct ended all[];
};

/* One of a bide_task_group's: several/task_group.c. */
struct member {
    struct list_node node;
    struct clause clause;
    struct ready ready;
    bide_task_group *group; /* no share: the group outlives its members */
    bide_future *future;    /* a share */
};

struct next_wait {
    struct wait wait;
    const bide_completed *list;
};

void bide__ended_run(struct ready *r);

/* For circle.c: who is parked there (NULL: nobody, or r is no watch); the clauses of those parked (NULL: r belongs to no list). */
bide_task *bide__watch_waiter(struct ready *r);
struct list_node *bide__completed_waiters(struct ready *r);

#endif
