/* SPDX-License-Identifier: MIT */
/* capture.h - the registers and the stack of a thread that goes on as if nothing had happened. */
#ifndef BIDE_INSPECT_CAPTURE_H
#define BIDE_INSPECT_CAPTURE_H

#include "inspect/inspect.h"

/* Ignored by default, so that one too many does no harm; hardly any program uses it, and a handler that it has is handed on to. */
#define CAPTURE_SIGNAL SIGURG

enum captured { NOT_CAPTURED, IT_RUNS, CAPTURED };

/* The handler is installed in between. */
void bide__capture_begin(void);
void bide__capture_end(void);
/* By one thread at a time, of another one in this process.  high: where its stack ends; 0: not known.  CAPTURED or NOT_CAPTURED. */
enum captured bide__capture(struct snapshot *s, pid_t thread, uintptr_t high);

#endif
