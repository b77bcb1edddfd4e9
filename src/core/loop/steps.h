/* SPDX-License-Identifier: MIT */
/*
 * steps.h - what others can see of the step that a loop runs now, in debug mode.
 *
 * The loop writes it down before and after each step; a thread of the room inspect looks now and then.
 */
#ifndef BIDE_CORE_STEPS_H
#define BIDE_CORE_STEPS_H

#include <sys/types.h>

#include "core/loop/owner.h"

#define SLOW_MS 100 /* a step that takes so long is reported; BIDE_SLOW_MS, bide_loop_set_slow_ms */

struct step {
    int64_t begun_ns; /* 0: no step runs */
    uint64_t number;
    uint64_t task_id;     /* 0: it is none of a task's */
    const char *function; /* of the task; NULL: a generator */
    char name[48];        /* as bide__task_show says it, or what it is instead */
    uintptr_t high;       /* where the stack of the step ends; 0: that of the thread */
};

struct step_watch {
    pthread_mutex_t lock; /* of step */
    struct step step;
    _Atomic int64_t slow_ns;
    bool is_on;
    bool is_entered; /* inspector->enter was called, and leave not yet; the loop's own, where node is another thread's as well */
    /* inspect's, while the loop runs */
    struct list_node node;
    pid_t thread;
    uint64_t reported; /* the number of the step that was reported last */
};

/* Set while the thread that looks sleeps, because no step has run for a while: inspector->stir wakes it. */
extern atomic_bool bide__watcher_sleeps;

int bide__steps_open(bide_loop *loop); /* 0 or BIDE_ENOMEM */
void bide__steps_close(bide_loop *loop);
void bide__steps_enter(bide_loop *loop); /* the loop runs from now on, in this thread */
void bide__steps_leave(bide_loop *loop);
void bide__steps_set_slow(struct step_watch *w, int64_t ms);
void bide__step_begin(struct step_watch *w, struct step *s); /* fills in the rest */
void bide__step_end(bide_loop *loop);                        /* and reports it, if it was slow */

#endif
