/* SPDX-License-Identifier: MIT */
/* capture.h - the registers and the stack of a thread that is not disturbed by that. */
#ifndef BIDE_INSPECT_CAPTURE_H
#define BIDE_INSPECT_CAPTURE_H

#include "inspect/inspect.h"

/* Ignored by default, so a late one does no harm.  Few programs use it; the handler of one that does is called. */
#define CAPTURE_SIGNAL SIGURG

enum captured { NOT_CAPTURED, IT_RUNS, CAPTURED };

/* The handler is installed in between. */
void bide__capture_begin(void);
void bide__capture_end(void);
/* By one thread at a time, of another one in this process.  high: where its stack ends; 0: not known.  CAPTURED or NOT_CAPTURED. */
enum captured bide__capture(struct snapshot *s, pid_t thread, uintptr_t high);
/* From the ucontext_t of a signal handler, or of getcontext(); async-signal-safe. */
void bide__capture_context(struct snapshot *s, const void *context, uintptr_t high);
/* Of a task that waits.  False: with this switch there is nothing to unwind from. */
bool bide__capture_parked(struct snapshot *s, const struct context *c, uintptr_t high);

#endif
