/* SPDX-License-Identifier: MIT */
/*
 * future.h - a result that will come.
 */
#ifndef BIDE_CORE_FUTURE_H
#define BIDE_CORE_FUTURE_H

#include "core/turn/wait.h"

enum future_state { PENDING, DONE, FAILED, CANCELLED };

struct bide_future {
    struct object object;
    bide_loop *loop;
    struct list_node clauses;   /* who waits, in order */
    struct error_record *error; /* FAILED: its story, or NULL if there was no memory for it; CANCELLED: its reason */
    int result;                 /* DONE: 0 or more; else the code */
    uint8_t state;
    bool is_task;
    bool was_retrieved; /* somebody took the error */
};

/* One that a promise settles (promise.c), in the closers of its loop, under this key. */
struct promised {
    struct loop_closer closer;
    bide_future *future;
};
extern const char bide__promised_key;
bool bide__is_promised(const bide_future *f); /* for a report: looks through all */

bide_future *bide__future_new(bide_loop *loop); /* owned; future_value.c */
never_indirect void bide__future_init(struct bide_future *f, const struct object_type *type, bide_loop *loop);
/* Settle it: records state and result, wakes all clauses in order. */
never_indirect void bide__future_settle(struct bide_future *f, enum future_state state, int result);
/* Its outcome for one who waited: adopts the error record, marks it retrieved. */
never_indirect int bide__future_outcome(struct bide_future *f);
void bide__callbacks_drop(bide_loop *loop); /* those that are queued */
void bide__future_report_unread(struct bide_future *f); /* once: it failed, and nobody retrieved the error */
never_indirect void bide__future_fini(struct bide_future *f); /* reports what nobody retrieved; frees the record */

/* 0 if it may be settled by its owner; else an error is on record: it is a task, or done. */
int bide__future_check_settable(const bide_future *f, const char *function);
int bide__future_check_slow(const bide_future *f, const char *function);
static inline int bide__future_check(const bide_future *f, const char *function)
{
    return likely(f && f->loop == bide__loop_here) ? 0 : bide__future_check_slow(f, function);
}

int bide__loop_run_until(bide_loop *loop, bide_future *f); /* 0 also when it was stopped first */

#endif
