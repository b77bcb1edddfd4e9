/* SPDX-License-Identifier: MIT */
/*
 * run.h - runs, each in a process of its own, and what goes on meanwhile.
 */
#ifndef BIDE_CLI_COMPARE_RUN_RUN_H
#define BIDE_CLI_COMPARE_RUN_RUN_H

#include "cli/compare/context.h"

/* ---- process.c ---- */

/*
 * Must be called first: from now on signals wait until compare_process_run looks for them; and last, to end that.
 *
 * Returns:   EXIT_OK; EXIT_LOCAL after a message
 */
int compare_process_prepare(struct compare *c);
void compare_process_finish(struct compare *c);

typedef void compare_body(struct compare *c, const void *arg);

/* Start a process; it ends with us.  Returns: its pid, or a negated errno value. */
pid_t compare_process_start(struct compare *c, compare_body *body, const void *arg);

/*
 * Run something in a process of its own, with c->shared cleared, and wait for its end; the progress line moves.
 *
 * Returns:   EXIT_OK; EXIT_LOCAL after a message; -signal when we were asked to end: then the process is gone
 */
int compare_process_run(struct compare *c, compare_body *body, const void *arg, struct rusage *usage);

/* ---- directory.c ---- */

/*
 * An empty directory for the files of a run: c->directory.  It goes with all that is in it when it is no longer wanted,
 * or when this process ends, by whatever it ends.
 *
 * Returns:   EXIT_OK; EXIT_LOCAL after a message
 */
int compare_directory_make(struct compare *c);
void compare_directory_remove(struct compare *c);
/* In every other process: it must not keep alive what goes with this one. */
void compare_directory_forget(struct compare *c);

/* ---- server.c ---- */

/* Start the built-in server; c->base is its URL.  Returns: as compare_process_run. */
int compare_server_start(struct compare *c);
void compare_server_stop(struct compare *c);
/* How many requests it has answered since it was asked last: *seen; it may take until it has counted `expected`. */
int compare_server_seen(struct compare *c, uint64_t expected, int64_t *seen);
/* Ask for the first URL: c->answer_us.  Returns: as compare_process_run; EXIT_NOTHING after a message. */
int compare_probe(struct compare *c);

/* ---- progress.c ---- */

void compare_progress_open(struct compare_progress *p, bool quiet);
void compare_progress_tick(const struct compare *c);
void compare_progress_erase(struct compare_progress *p);
/* Seconds are enough for what is only about right. */
int compare_whole_seconds(int64_t us);

/* ---- width.c ---- */

/* How many of a mode's requests are under way at the same time: no more than it may have descriptors for. */
int compare_width(const struct compare *c, const struct compare_mode *mode);
/* Is that less than was asked for? */
bool compare_is_narrowed(const struct compare *c, const struct compare_mode *mode);
/* Those modes, in words; nothing if there are none. */
void compare_add_narrowed(const struct compare *c, struct text *to);
/* Can each mode run at all?  Returns: EXIT_OK, or EXIT_LOCAL after a message. */
int compare_width_check(const struct compare *c);

/* ---- pools.c, writes.c: in the process of a run ---- */

compare_way compare_processes, compare_async_processes, compare_threads;
compare_way compare_write, compare_awaited_write;

/* The body of a process: one run of a mode. */
void compare_run_mode(struct compare *c, const void *mode);

/* ---- preloaded.c: a run of the program started again, with libbide-unblock ---- */

/* Where the library is; false: it is not installed beside libbide. */
bool compare_find_unblock(char *path, size_t cap);
/* In the process of a run: does not return if all is well. */
int compare_start_preloaded(struct compare *c);
/* Was the program started again for a run?  Then that is all it does.  Returns: an exit code. */
bool compare_is_preloaded(void);
int compare_run_preloaded(void);

/* ---- crowd.c ---- */

typedef int compare_get(struct compare *c, bide_session *s, int i);

/* For every URL in a crowd of coroutines: at_once of them, each takes the next URL.  In a loop.  */
int compare_crowd(struct compare *c, bide_session *s, compare_get *get);
/* A session for so many at once. */
bide_session *compare_session(int at_once);

/* ---- answer.c ---- */

/* Fill an answer from a response: reads the body and works on it.  Returns: 0 or an error. */
int compare_take(const struct compare *c, bide_response *r, struct compare_answer *a);
/* The i-th URL failed. */
void compare_fail(struct compare *c, int i, int code, const char *why);
/* All answers into c->shared: how many failed, the digest of all. */
void compare_sum_up(struct compare *c);
/* How many steps of work are a millisecond of this machine. */
uint64_t compare_steps_per_ms(void);

/* ---- memory.c ---- */

/* The most memory that this process and its children held: c->shared->memory_kb, own_cpu_us. */
void compare_measure_memory(struct compare *c);

#endif
