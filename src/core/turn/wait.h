/* SPDX-License-Identifier: MIT */
/*
 * wait.h - one way to wait: who waits has a clause in the list of whatever can wake it.
 *
 * A parked task; all but the task itself lies on its stack, so parking allocates nothing and cannot fail:
 *
 *     bide_task                 struct wait               a future, a descriptor, a queue
 *       wait  ----------------->  task                      list of clauses
 *       ready <--- wakes ---+     awaits, group                  |
 *                           |                                    v
 *                           +---- struct clause <-------- node (in the list)
 *
 * Who settles the thing unlinks the clause and pushes what it wakes.
 */
#ifndef BIDE_CORE_WAIT_H
#define BIDE_CORE_WAIT_H

#include "core/loop/owner.h"

/* May t wait for f?  An error on record that names the function: f is t itself, or belongs to another loop. */
int bide__check_waitable(const bide_task *t, const bide_future *f, const char *function);

/* One thing that may wake somebody.  Lives on the waiter's stack or in a callback entry. */
struct clause {
    struct list_node node; /* in the list of what will trigger it; idle once triggered or withdrawn */
    struct ready *wakes;
};

static inline void bide__clause_init(struct clause *c, struct ready *wakes)
{
    bide__list_init(&c->node);
    c->wakes = wakes;
}

/* A block whose waits end: bide_timeout, bide_scope (task/scope.c).  Lies in the block's frame. */
struct scope {
    struct timer timer;
    struct ready ready;
    bide_task *task;
    struct scope *outer;
    int code;            /* of its waits, once it has expired */
    uint16_t cancelling; /* of the task, when the block was entered */
    bool expired;        /* its time is over, or it was cancelled */
    bool shields;        /* nothing from outside reaches in */
    bool has_place, is_quiet;
};

/* What wait.on points to, if anything; inspect/root.c shows these to other processes. */
enum wait_kind {
    WAIT_OTHER,
    WAIT_GROUP,
    WAIT_COMPLETED,
    WAIT_OPERATION, /* it is a struct operation_wait */
    WAIT_NAMED,     /* const char: what for */
    WAIT_READ,      /* int: a descriptor; these three */
    WAIT_WRITE,
    WAIT_EITHER,
    WAIT_TIME,      /* struct timer */
    WAIT_THREAD,    /* const char: a call in a thread; NULL: of no name */
    WAIT_MEMBERS,   /* struct list_node: of a group's tasks (task_group.c) */
    WAIT_GROUP_FOR, /* struct timer: a WAIT_GROUP, or WAIT_COMPLETED, that ends by itself */
    WAIT_COMPLETED_FOR,
};
enum interrupt { NOT_INTERRUPTED, BY_TIMEOUT /* of a block, or its cancellation */, BY_CANCEL };

struct group;

/*
 * What a parked task waits for.  end_early() is asked when the task is cancelled or out of time: it arranges that the
 * task will be woken and returns true, or returns false if it is about to be woken anyway.  A wait without it passes
 * the interruption on to the future that it awaits, or to those of its group (cancel.c).
 */
struct wait {
    bool (*end_early)(struct wait *w);
    bide_task *task;
    bide_future *awaits;
    struct group *group;
    const void *on;             /* by kind; NULL: nothing to show */
    bide_task *walk_parent;     /* cancel.c: the task from which a walk came here; NULL: no walk is here or below */
    uint32_t walk_step;         /* cancel.c: bide__loop_steps when a walk last went on from here */
    enum interrupt interrupted; /* the strongest reason so far */
    bool too_late;              /* the time ran out when what was waited for was done, but before the task ran */
    bool drains;                /* it waits for what it awaits whatever happens: nothing is passed on */
    uint8_t kind;               /* enum wait_kind: for circle.c and reports */
    bool gave_up;               /* what it awaits waits for this task: it is not waited for any longer */
};

/*
 * bide__pending_interrupt (below) for a wait that takes its turn even so, as asyncio's does: notes the reason in w and pushes the task, so
 * that its park ends in the next turn.  Returns: was there an interruption?
 */
bool bide__begin_interrupted(struct wait *w);
/* The code of a leaf wait (descriptor, timer, queue) that was ended early, or by a cancel meanwhile; else 0. */
never_indirect int bide__wait_outcome(const struct wait *w);

/*
 * Wait in a list until somebody triggers the clause (bide__wake_one / bide__wake_all): descriptors, queues, slots.
 *
 * Returns:   0; BIDE_ECANCELED; BIDE_ETIMEDOUT.  After an error the caller was not woken by the list's owner, or was
 *            and must pass the wake-up on: *triggered says which (may be NULL).
 */
int bide__wait_in(struct list_node *list, bool *triggered);
int bide__wait_in_for(struct list_node *list, enum wait_kind kind, const void *on); /* the same, and reports say what for */
int bide__wait_with(struct wait *w, struct list_node *list, bool *triggered); /* not interrupted yet */
void bide__wait_uninterrupted(struct list_node *list); /* nothing else ends it; in a stackful task only */
bool bide__wait_end_now(struct wait *w); /* an end_early() that just wakes the task */
bool bide__wake_one(bide_loop *loop, struct list_node *list); /* the first in the list; false: nobody there */
never_indirect void bide__wake_all(bide_loop *loop, struct list_node *list);

#endif
