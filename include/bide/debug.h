/* SPDX-License-Identifier: MIT */
/*
 * debug.h - why does it hang, and what does it do?  Deadlocks, a task that blocks the loop, reports of all tasks, timelines.
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
 * A step (of a task between two waits, or of a callback) that blocks the loop for 100 ms or more is reported on standard error while it
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
 * Write all tasks of this process, and what each waits for, to a stream: those of the loops of all threads, which keep running.  At most
 * 1,000 tasks of a loop and 64 loops are shown.  `bide ps` shows more, from another process.
 *
 * With libdw (elfutils) the stacks follow: of the tasks that wait, and of the one that calls this; equal ones once.  The calling
 * thread waits for that: 3 to 6 ms for a few tasks, 30 ms for a thousand, as measured; longer if the program has much debug information.
 *
 * Threads:   any; no loop is needed
 * Returns:   0
 * Errors:    -EINVAL for NULL; those of fflush(to)
 * Owns:      the stream is borrowed for the call
 * Example:   BIDE_TRY(bide_debug_report(stderr));
 */
BIDE_API BIDE_MUST_USE int bide_debug_report(FILE *to);

/*
 * Write the same report to standard error whenever this signal arrives (Ctrl-\ sends SIGQUIT); the program continues.  The handler
 * replaces the program's own for this signal.  BIDE_SIGQUIT=report in the environment does this for SIGQUIT.
 *
 * The tasks are written by the handler; the stacks, with that of the task that was interrupted, by a thread that is started here.  A child
 * of fork() has no such thread: its reports are without stacks, until it calls this itself.
 *
 * Threads:   any; no loop is needed
 * Returns:   0
 * Errors:    -EINVAL: there is no such signal, or it cannot be handled
 * Example:   BIDE_TRY(bide_debug_report_on(SIGQUIT));
 */
BIDE_API BIDE_MUST_USE int bide_debug_report_on(int signum);

/*
 * Start recording a timeline of this process: what each loop and thread runs, what each task waits for and who woke it, requests,
 * exchanges of servers, jobs of pools, calls in threads.  BIDE_TRACE=FILE in the environment records a whole program.
 *
 * The file is in the Chrome trace event format, which Perfetto (ui.perfetto.dev) and speedscope open.  It is written by bide_trace_stop, by
 * exit() and when a signal that the program does not handle ends the process; not by _exit() and SIGKILL.  Each thread keeps its newest
 * 8 MiB of records (BIDE_TRACE_SIZE); the file says how many older ones were overwritten.  It contains URLs, without user and password.
 *
 * path:      %p in it becomes the process ID, %% a percent sign
 * Threads:   any; no loop is needed.  The loops of other threads start recording after their next poll of the kernel
 * Returns:   0
 * Errors:    -EINVAL: NULL or empty; -ENAMETOOLONG; BIDE_ESTATE: a timeline is being recorded already; those of open()
 * Owns:      path is borrowed for the call
 * Example:   BIDE_TRY(bide_trace_start("/tmp/part.json"));
 */
BIDE_API BIDE_MUST_USE int bide_trace_start(const char *path);

/*
 * Stop recording, and write the file.  Blocks the thread meanwhile: about 30 ms per MiB of records.
 *
 * Threads:   any; no loop is needed
 * Returns:   0
 * Errors:    BIDE_ESTATE: no timeline is being recorded; those of write(): the file is incomplete
 * Example:   BIDE_TRY(bide_trace_stop());
 */
BIDE_API BIDE_MUST_USE int bide_trace_stop(void);

#ifdef __cplusplus
}
#endif

#endif
