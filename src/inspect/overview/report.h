/* SPDX-License-Identifier: MIT */
/* report.h - a report of all tasks, when the program asks (bide_debug_report) and at a signal: report.c; with their stacks: stacks.c. */
#ifndef BIDE_INSPECT_REPORT_H
#define BIDE_INSPECT_REPORT_H

#include "inspect/inspect.h"
#include "inspect/self/self.h"

void bide__report_begin(void);       /* before the first loop: reads BIDE_SIGQUIT */
uint64_t bide__report_signals(void); /* a bit for each signal whose handler is ours */

/* ---- stacks.c ---- */

/* The task that runs, and its stack. */
struct running {
    uint64_t task;
    struct snapshot snapshot;
};

/* The stacks of the tasks of all loops that wait, and of this one; NULL: none.  Not in a signal handler.  By a thread that it waits for. */
void bide__report_stacks(struct report *r, const struct running *running);
/* The task of this thread, from a ucontext_t; false: none runs. */
bool bide__report_capture(struct running *running, const void *context);
/* Start the thread that writes stacks to standard error when a signal handler asks for them; without it there are none. */
void bide__report_stacks_begin(void);
void bide__report_stacks_ask(const void *context);

#endif
