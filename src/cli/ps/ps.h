/* SPDX-License-Identifier: MIT */
/*
 * ps.h - `bide ps`: the tasks of another program, and what they wait for.
 *
 *     command.c -> ps.c: once, or again and again
 *       target.c     a process: found, opened, looked at; its workers
 *       peers.c      what its descriptors lead to
 *       wait.c       one task in words
 *       table.c tree.c stack.c json.c     showing all of it
 */
#ifndef BIDE_CLI_PS_PS_H
#define BIDE_CLI_PS_PS_H

#include "cli/cli.h"
#include "cli/remote/picture.h"
#include "cli/remote/stacks.h"
#include "cli/terminal/text.h"

struct ps_options {
    bool tree, stacks, json, watch, no_workers;
    int64_t interval_ms;
    const char *core; /* a core file; NULL: a process */
};

/* ---- peers.c ---- */

/* The peers of a process's sockets, by inode; read when the first is needed. */
struct peers {
    struct peer *all;
    size_t n, cap;
    bool is_read;
};

void peers_free(struct peers *p);
/* Add " (tcp 127.0.0.1:80)" for a descriptor of that process, if it is known. */
void peers_add(struct peers *p, int pid, int fd, struct text *to);

/* ---- target.c ---- */

struct target {
    int pid; /* 0: a core file */
    int parent; /* index of the target whose worker it is; -1: none */
    char name[32]; /* of the program, fit for a terminal */
    struct process_memory memory;
    struct core_memory core;
    struct memory *from; /* one of the two */
    struct picture picture;
    struct stacks stacks;
    struct peers peers;
    int64_t now_ns; /* when the picture was taken */
};

struct targets {
    struct target **all; /* the first is the one that was asked for */
    size_t n;
};

/* The name of a process, fit for a terminal.  False: there is none. */
bool target_name(int pid, char name[32]);
/* Parse "1234".  0: not a process ID. */
int target_read_pid(const char *text);
/* Find the process, and bide in its memory.  EXIT_OK, or another code after a message; quiet: without a message. */
int target_open(struct target *t, int pid, bool quiet);
/* The same for a core file; ran: the executable, if it has moved; NULL: it has not. */
int target_open_core(struct target *t, const char *path, const char *ran);
void target_close(struct target *t); /* one that was opened */
/* Take a new picture of its tasks, and their stacks.  EXIT_OK, or another code after a message. */
int target_look(struct target *t, bool with_stacks);
/* Symbols for its addresses, if there is libdw. */
void target_open_stacks(struct target *t);
/* Add the descendants of the first target that have event loops; remove those that have ended. */
int targets_find_workers(struct targets *ts);
void targets_free(struct targets *ts);

/* ---- wait.c ---- */

/* "Task-12", or with a name "fetch 7 (#12)". */
void task_add_name(const struct picture *p, const struct seen_task *t, struct text *to);
const char *task_state(const struct seen_task *t);
/* "read: fd 5 (tcp 127.0.0.1:80); timeout in 2.00 s"; nothing, if it does not wait. */
void task_add_wait(struct target *target, const struct seen_task *t, struct text *to);
/* What it is about, behind the word for that: a URL without secrets, a path, a function. */
const char *task_doing_of(struct target *target, const struct seen_task *t, char *room, size_t size);
/* Milliseconds of its loop's clock until then. */
int64_t task_ms_until(const struct target *target, const struct seen_task *t, int64_t due_ms);
/* Since it was made; < 0: not known. */
int64_t task_age_ms(const struct target *target, const struct seen_task *t);

/* ---- table.c, tree.c, json.c ---- */

void show_heading(const struct target *t, struct text *to);
void show_table(struct target *t, struct text *to);
void show_tree(struct target *t, struct text *to);
void show_stacks(struct target *t, struct text *to);
void show_json(const struct targets *ts, bool with_stacks, struct text *to);

/* ---- ps.c ---- */

/* operand: a process, or with a core file the program, or NULL.  Returns an exit code. */
int ps_run(const struct ps_options *o, const char *operand);

#endif
