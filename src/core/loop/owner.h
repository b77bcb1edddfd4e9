/* SPDX-License-Identifier: MIT */
/*
 * owner.h - whose is it?  The loop that runs in this thread, and what may be called here for what belongs to another.
 */
#ifndef BIDE_CORE_OWNER_H
#define BIDE_CORE_OWNER_H

#include "core/loop/loop.h"

extern unsigned bide__process; /* another number after each fork() */

bool bide__loop_claim(bide_loop *loop); /* this thread runs it now; false: another one does */
void bide__loop_unclaim(bide_loop *loop);
bool bide__loop_is_foreign(const bide_loop *loop); /* another thread runs it */
void bide__loops_inherit(void); /* in the child of a fork */
void bide__loop_left_behind_ends(const bide_loop *loop); /* in that child: it does not run here any longer */
bool bide__task_is_left_behind(void); /* what runs here is a task of the process before the fork, and no loop of this one */
int bide__inherited(const char *function); /* BIDE_ESTATE on record: it is that of the process before a fork() */
const void *bide__thread_here(void);       /* which thread this is, for what belongs to one and not to a loop */
int bide__loop_check_slow(const bide_loop *loop, const char *function);
int bide__loop_check_silent(const bide_loop *loop, const char *function); /* the same, but debug mode reports nothing */

/* It is that of the process before a fork(): nothing that it shares with the kernel may be touched. */
static inline bool bide__loop_is_inherited(const bide_loop *loop)
{
    return unlikely(loop->process != bide__process);
}

/*
 * May a function be called here for what belongs to this loop?  0; else an error on record that names the function: -EINVAL,
 * it is NULL; BIDE_ESTATE, it runs in another thread, or was left to the parent by a fork().
 */
static inline int bide__loop_check(const bide_loop *loop, const char *function)
{
    return likely(loop && loop == bide__loop_here) ? 0 : bide__loop_check_slow(loop, function);
}

/* The same for functions that return nothing: false, and a sentence on standard error. */
bool bide__loop_allows_slow(const bide_loop *loop, const char *function);
static inline bool bide__loop_allows(const bide_loop *loop, const char *function)
{
    return likely(loop && loop == bide__loop_here) || bide__loop_allows_slow(loop, function);
}
/* The same for bide_release.  (What was inherited from a parent process is released, but with care.) */
bool bide__release_is_refused_slow(const bide_loop *loop, const char *function);
static inline bool bide__release_is_refused(const bide_loop *loop, const char *function)
{
    return unlikely(loop != bide__loop_here) && bide__release_is_refused_slow(loop, function);
}

/* refused.c: in debug mode a call in the wrong thread is reported, once for each place; the error is on record. */
bool bide__loop_reports_refused(const bide_loop *loop); /* another thread runs it, and there is debug mode */
void bide__report_refused(void);
void bide__refused_forget(void); /* in the child of a fork */

bide_loop *bide__thread_loop(void); /* NULL: not made yet */
void bide__set_thread_loop(bide_loop *loop);

/* ---- alive.c: loops by their numbers ---- */

extern struct list_node bide__loops_alive; /* bide_loop.alive; inspect/root.c shows it to other processes */
void bide__loop_alive_begin(bide_loop *loop);
void bide__loop_alive_end(bide_loop *loop);
void bide__loops_alive_inherit(void); /* in the child of a fork */
/*
 * May what belongs to the loop of this number be used here?  0; 1: the loop is closed; or an error on record: BIDE_ESTATE, the loop
 * runs in another thread, or was left to the parent by a fork(), or another one runs here.
 */
int bide__loop_check_id(uint64_t id, const char *function);

/*
 * Around what of ours is to block the thread, for a moment, even in a task of a program with libbide-unblock: waiting for a thread or a
 * child of our own that is on its way out.
 */
extern _Thread_local unsigned bide__blocks_here __attribute__((tls_model("initial-exec")));
static inline void bide__block_begin(void)
{
    bide__blocks_here++;
}
static inline void bide__block_end(void)
{
    bide__blocks_here--;
}

/* ---- recording.c: a timeline of this process ---- */

int bide__recording_begin(const char *path); /* 0, or an error on record */
int bide__recording_end(void);               /* and write it */
void bide__recording_at_exit(void);          /* the same, and it reports on standard error */
void bide__recording_of_environment(void);   /* BIDE_TRACE, once in each process; reports on standard error */
void bide__recording_forget(void);           /* in the child of a fork */
void bide__recording_ends(int signal);       /* the handler of signals that would end the process unhandled */
uint64_t bide__recording_signals(void);      /* a bit for each that it handles */

void bide__run_init(void); /* what is done once per process, before the first loop runs */

#endif
