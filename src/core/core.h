/* SPDX-License-Identifier: MIT */
/*
 * core.h - the room's header: all of its rooms, for the rooms above.
 *
 * In reading order: loop/, turn/, task/, several/, thread/, and here the life of a loop.
 */
#ifndef BIDE_CORE_CORE_H
#define BIDE_CORE_CORE_H

#include "core/loop/owner.h"
#include "core/task/await.h"
#include "core/thread/offload.h"

/* ---- handle.c ---- */

void bide__handles_close(bide_loop *loop);
void bide__handles_free(bide_loop *loop); /* when no share of any is left */

/* ---- interrupt.c ---- */

/* Something that the first SIGINT cancels, when a thread has begun to handle that: in it, and more than once perhaps. */
struct interruptible {
    struct list_node node;
    unsigned process;
    void (*cancel)(struct interruptible *i);
};
void bide__interruptible_add(struct interruptible *i);
void bide__interruptible_remove(struct interruptible *i);

/* This thread handles SIGINT until the end.  False: it is another's to handle. */
bool bide__interrupts_begin(void);
void bide__interrupts_enter(bide_loop *loop); /* which it is about to run; one at a time */
void bide__interrupts_leave(bide_loop *loop);
void bide__interrupts_wait(void); /* without a loop, until one comes, and then also cancels; or until another thread says wake */
void bide__interrupts_wake(void);
bool bide__interrupts_end(void); /* did one come? */

/* ---- leaks.c ---- */

/* The loop is closed: report tasks whose errors nobody retrieved, and (with the ledger) all that was never released. */
void bide__leaks_report(bide_loop *loop);

/* ---- threads.c ---- */

void bide__set_thread_index(int index); /* what bide_thread_index says in this thread; -1: nothing */

/* ---- run.c ---- */
/* Run a coroutine on a loop of its own in this thread, whatever runs here already: blocks all of that, unless bide__blocking_waits. */
int bide__run_private(bide_coroutine c);
/* Does what would block wait as this task does?  In a task of a program with libbide-unblock. */
static inline bool bide__blocking_waits(void)
{
    const bide_task *t = bide__task_here();

    return bide__guest_ended && t && !t->stackless;
}

#endif
