/* SPDX-License-Identifier: MIT */
/*
 * debug.h - why does it hang?  Tasks that wait for each other, and a task that keeps the loop.
 *
 * A deadlock is reported always: when no task of a loop is ready, no timer is armed, and nobody is left who could call in, then bide_run
 * and bide_run_until_complete print which task waits for what, and where each was made, and return BIDE_EDEADLOCK.
 *
 * Debug mode is for what costs something to find out: BIDE_DEBUG=1 in the environment, or bide_loop_set_debug.  docs/guide/debugging.md
 * has an example of each report.
 */
#ifndef BIDE_DEBUG_H
#define BIDE_DEBUG_H

#include <stdio.h>

#include <bide/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Debug mode for this loop, from its next step on.  BIDE_DEBUG=1 in the environment turns it on for every loop.
 *
 * A step (of a task between two waits, or of a callback) that keeps the loop for 100 ms or more is reported on standard error while it
 * lasts, by another thread: which task, in which function, file and line, and what it has called.  The step is not disturbed.  When
 * it has ended, how long it took is reported, to the exception handler of the loop if it has one.
 *
 * Lines need libdw (the package libdw1) and a program that was compiled with -g; without, there are addresses for addr2line.
 *
 * Returns:   0
 * Errors:    -EINVAL for NULL; BIDE_ESTATE if it belongs to the loop of another thread; BIDE_ENOMEM
 * Example:   BIDE_TRY(bide_loop_set_debug(bide_get_event_loop(), true));
 */
BIDE_API BIDE_MUST_USE int bide_loop_set_debug(bide_loop *loop, bool on);

/*
 * How many milliseconds are too long for a step: 1 to INT32_MAX.  Default: BIDE_SLOW_MS of the environment, else 100.
 *
 * Returns:   0
 * Errors:    -EINVAL; BIDE_ESTATE if debug mode is not on, or if it belongs to the loop of another thread
 * Example:   BIDE_TRY(bide_loop_set_slow_ms(bide_get_event_loop(), 20));
 */
BIDE_API BIDE_MUST_USE int bide_loop_set_slow_ms(bide_loop *loop, int64_t ms);

/*
 * Declare that something unknown to the library may wake this loop.  Then it is never reported as deadlocked.
 *
 * Needed only by a loop that waits for what is none of these, and so would be reported although it is well: a descriptor, a timer, a
 * signal handler of the program's, any thread of the program's, a call in a thread, a process.  Examples: a signal whose handler is
 * installed later, by code that runs in a signal handler; a debugger that calls into the program.
 *
 * Returns:   0
 * Errors:    -EINVAL for NULL; BIDE_ESTATE if it belongs to the loop of another thread
 * Example:   BIDE_TRY(bide_loop_set_external(bide_get_event_loop(), true));
 */
BIDE_API BIDE_MUST_USE int bide_loop_set_external(bide_loop *loop, bool on);

/*
 * Write all tasks of this process, and what each waits for, to a stream: those of the loops of all threads, which go on meanwhile; 1,000 of
 * each are shown.  `bide ps` shows more, from outside.
 *
 * Threads:   any; no loop is needed
 * Returns:   0
 * Errors:    -EINVAL for NULL; those of writing
 * Example:   BIDE_TRY(bide_debug_report(stderr));
 */
BIDE_API BIDE_MUST_USE int bide_debug_report(FILE *to);

/*
 * Have the same written to standard error whenever this signal comes (SIGQUIT is sent by Ctrl-\); the program goes on.  It replaces a handler
 * that the program has.  BIDE_SIGQUIT=report in the environment does it for SIGQUIT.
 *
 * Threads:   any; no loop is needed
 * Returns:   0
 * Errors:    -EINVAL if it is no signal that can be handled
 * Example:   BIDE_TRY(bide_debug_report_on(SIGQUIT));
 */
BIDE_API BIDE_MUST_USE int bide_debug_report_on(int signum);

/*
 * Record a timeline of this process, from now on: of each loop and thread what it runs, of each task what it waits for and who woke it,
 * requests, exchanges of servers, jobs of pools, calls in threads.  BIDE_TRACE=FILE in the environment does so for a whole program.
 *
 * The file is in the Chrome trace event format, which Perfetto (ui.perfetto.dev) and speedscope open.  It is written by bide_trace_stop, by
 * exit() and when a signal ends the process; not by _exit().  Each thread keeps its newest 8 MiB of records (BIDE_TRACE_SIZE); the file
 * says how many were overwritten.  In it are URLs, without user and password.
 *
 * path:      borrowed for the call; %p in it becomes the number of the process, %% a percent sign
 * Threads:   any; no loop is needed.  Loops of other threads notice it when they have asked the kernel next
 * Returns:   0
 * Errors:    -EINVAL; BIDE_ESTATE: a timeline is being recorded already; those of open(): the file cannot be written
 * Example:   BIDE_TRY(bide_trace_start("/tmp/part.json"));
 */
BIDE_API BIDE_MUST_USE int bide_trace_start(const char *path);

/*
 * End the timeline, and write its file.  Blocks while it does: some 30 ms for each MiB of records.
 *
 * Threads:   any; no loop is needed
 * Returns:   0
 * Errors:    BIDE_ESTATE: none is being recorded; those of write(): the file is incomplete
 * Example:   BIDE_TRY(bide_trace_stop());
 */
BIDE_API BIDE_MUST_USE int bide_trace_stop(void);

#ifdef __cplusplus
}
#endif

#endif
