/* SPDX-License-Identifier: MIT */
/*
 * spawn.h - what a new process is made of; between the files of this room alone.
 *
 * In reading order: child.c, spawn.c, process.c, start.c, wait.c, communicate.c (README.md).
 */
#ifndef BIDE_IO_SPAWN_H
#define BIDE_IO_SPAWN_H

#include <signal.h>

#include <bide/process.h>

#include "core/turn/operation.h"
#include "io/file/file_op.h"
#include "io/stream/stream.h"

#define SPAWN_STACK 16384
#define SPAWN_PATH_MAX 4096

/* A descriptor of ours (above all targets by then) that the child has as `target`. */
struct spawn_move {
    int from, target;
};

/* In which step a spawn failed, for its text. */
enum spawn_step {
    STEP_NONE, STEP_STDIN, STEP_STDOUT, STEP_STDERR, STEP_TERMINAL, STEP_PASS, STEP_DIRECTORY, STEP_USER, STEP_EXEC
};

/*
 * All that a child needs, made beforehand: it shares our memory until it runs its program, so it allocates nothing, takes no lock
 * and writes to nothing but this.
 *
 *     spawn.c: struct spawn --clone--> child.c: the steps, then exec
 *          ^                              |
 *          '--- failed_step, failed_code -'      (through `report`, where clone has copied the memory in place of sharing it)
 */
struct spawn {
    struct file_op op;
    const bide_process_args *args;
    /* for the child */
    const char *program;
    const char *const *argv;
    const char **env;
    const char *search; /* PATH; NULL: program has a slash */
    struct spawn_move *moves;
    size_t moves_len;
    bool has_group;
    int terminal; /* becomes its controlling terminal; -1: none */
    int report[2];
    /* from the child */
    volatile bool shares_memory;
    volatile enum spawn_step failed_step;
    volatile int failed_code;
    char path[SPAWN_PATH_MAX]; /* of a program that is searched for */
    /* from spawn.c */
    int theirs[3]; /* opened for its standard descriptors; -1: it has ours */
    int ours[4];   /* our ends of its pipes, and of its terminal; -1 */
    int pidfd;
    pid_t pid;
    _Alignas(16) char stack[SPAWN_STACK];
};

/* child.c: the first function of the new process; struct spawn.  It does not return. */
int bide__spawn_child(void *spawn);

/*
 * spawn.c.  Start a process: sp->pid, pidfd and ours[] are set, and owned by the caller.
 *
 * Suspends:  until it runs, in a task; a cancellation point before it begins
 * Returns:   0, or an error on record, and nothing is left
 */
int bide__spawn(struct spawn *sp, const bide_process_args *args, bool has_group);
int bide__set_window(int fd, int rows, int columns); /* of a terminal; a negated errno value */
const char *bide__spawn_name(const bide_process_args *args); /* of the program, for messages */

struct bide_process {
    struct object object;
    bide_loop *loop;
    pid_t pid;
    struct fd fd;          /* its pidfd, until it has ended */
    struct watch_fd watch; /* of that */
    struct list_node all;  /* of those that run in the loop */
    struct list_node waiters;
    struct timer timer; /* .timeout_ms; then .grace_ms */
    int64_t grace_ms;
    bide_stream *pipes[4]; /* the last one is the terminal */
    int window; /* another descriptor of that, for its size; -1 */
    struct buf collected[2]; /* of stdout and stderr */
    size_t max_output;
    unsigned waiting;   /* shares of tasks that use it */
    bool has_group;     /* it leads one */
    bool check;
    bool is_left;       /* it was released while it ran, and nobody waits: it has a share of itself */
    bool is_ending;     /* SIGTERM was sent by us; SIGKILL follows */
    bool has_ended, timed_out, was_abandoned;
    int exit_code;      /* -1: none */
    int signal;
    int lost;           /* the code with which the kernel refused to say how it ended; 0 */
    char name[];
};

/* ---- process.c: its life, from where it is watched on ---- */

extern const struct object_type bide__process_type;
int bide__process_registry(bide_loop *loop);             /* what a loop has of its processes; BIDE_ENOMEM on record */
int bide__process_watch(bide_process *p, int pidfd);     /* the pidfd is taken, also on failure */
void bide__process_list(bide_process *p);                /* it runs, and the loop will end it */
void bide__process_time_is_over(struct timer *timer);
void bide__process_begin_end(bide_process *p);           /* SIGTERM, and SIGKILL in time */
void bide__process_kill_now(bide_process *p);            /* and reap it */
int bide__process_signal(const bide_process *p, int signal); /* a negated errno value, not on record */

/* ---- wait.c ---- */

/* For a function that waits for it: 0, and bide__process_leave afterwards; or an error on record. */
int bide__process_enter(bide_process *p, const char *function);
void bide__process_leave(bide_process *p);

#endif
