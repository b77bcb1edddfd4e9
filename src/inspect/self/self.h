/* SPDX-License-Identifier: MIT */
/*
 * self.h - reports of its tasks by the process itself.
 *
 *     crash.c, and overview/report.c: which tasks
 *       task.c             one task, and what it waits for, as text
 *         look.c           copies of memory; lines of text
 *
 * It runs in signal handlers, while loops of other threads run, and in processes whose memory is damaged.  So nothing is locked or
 * allocated, and everything is copied by the kernel first (process_vm_readv), which fails for addresses that are not mapped.
 */
#ifndef BIDE_INSPECT_SELF_H
#define BIDE_INSPECT_SELF_H

#include <stdio.h>

#include "core/several/awaitables.h"

void bide__report_crashes(void);     /* in debug mode */

/* ---- look.c ---- */

/* Where lines go: a stream, or standard error in a signal handler. */
struct report {
    FILE *to; /* NULL: descriptor 2 */
    size_t len;
    char line[400];
};

void bide__report_put(struct report *r, const char *text); /* cut at the end of the line's buffer */
void bide__report_put_number(struct report *r, uint64_t n);
void bide__report_put_text(struct report *r, const char *at); /* `at` is not trusted */
void bide__report_end_line(struct report *r);

/* Copy memory.  False: it cannot be read. */
bool bide__report_look(const void *at, void *copy, size_t len);

/* What is looked at of a loop, which as a whole is too large for the stack of a signal handler, and for a thread's own memory. */
struct seen_loop {
    struct list_node alive; /* at first: bide__loops_alive */
    unsigned process;
    uint64_t id;
    uintptr_t runner;
    bide_task *current;
    int seen; /* loops so far */
};

/* The next loop of this process; NULL: there is none, there were too many, or the list is broken. */
const bide_loop *bide__report_next_loop(struct seen_loop *s);

/* A copy of a task, and of what is on its stack. */
struct seen {
    const bide_task *at;
    bide_task task;
    struct task_top top;
    struct operation_wait wait;
    bool has_top, has_wait;
};

bool bide__report_see(struct seen *s, const bide_task *at);
/* The next task of a loop's list; NULL: there is none, or the list is broken. */
const bide_task *bide__report_next_task(const bide_loop *loop, const struct list_node *node);

/* ---- task.c ---- */

#define CHAIN_MAX 16 /* nested blocks, or tasks that await each other */

void bide__report_put_task(struct report *r, const struct seen *s);
void bide__report_put_doing(struct report *r, const struct seen *s);
/* A line for this task. */
void bide__report_put_line(struct report *r, const struct seen *s, const bide_task *current);

typedef bool report_visit_fn(void *arg, const bide_future *f); /* true: that was enough */

/* Each future that it waits for, if it waits for one or several, and that is pending.  True: visit said that it was enough. */
bool bide__report_each_awaited(const struct seen *s, report_visit_fn *visit, void *arg);

#endif
