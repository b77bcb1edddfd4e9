/* SPDX-License-Identifier: MIT */
/*
 * stacks.h - the calls on the stacks of a picture's tasks, and their names.
 *
 *     stacks     the kind of each task's stack: tasks with the same frames have the same kind
 *       frames   of each kind: addresses, innermost first
 *       names    of each address, looked up once
 */
#ifndef BIDE_CLI_REMOTE_STACKS_H
#define BIDE_CLI_REMOTE_STACKS_H

#include <sys/types.h>

#include "cli/remote/picture.h"
#include "dwarf/libdw.h"

#define STACKS_FRAMES_MAX 64
#define STACKS_BYTES_MAX  (64u << 10) /* copied of a stack, from its stack pointer on */
#define STACKS_NAME_MAX   240

enum { NO_STACK = UINT32_MAX }; /* stackless, not begun, or changed while it was read */

struct stack_kind {
    uint32_t n, tasks; /* number of frames; of tasks with this stack */
    uint32_t same_as;  /* the first kind with the same frames; its own index if it is the first */
    bool is_cut;       /* there are more frames, or they cannot be unwound */
    uint64_t frames[STACKS_FRAMES_MAX]; /* calls, innermost first */
    uint32_t slots[STACKS_FRAMES_MAX];  /* where each return address was read, down from the top of the stack; 0: elsewhere */
    uint64_t pc, fp;       /* of the first task of this kind; fp: distance from the top of the stack */
    uint32_t depth;
    uint32_t function;     /* the task's function, a text of the picture: after a tail call it is not among the frames */
};

struct frame_name {
    uint64_t pc;
    char *text; /* NULL: free */
};

/* Where a thread or task is: registers by their DWARF numbers, and the used part of its stack. */
struct stance {
    uint64_t sp, pc, registers[32];
    uint32_t known; /* a bit for each register */
    uint64_t top;   /* where its frames begin */
    uint32_t function;
    const char *stack; /* a copy, from sp on */
    size_t len;
};

struct stacks {
    const struct libdw *dw;
    Dwfl *dwfl; /* NULL: there is no libdw */
    struct memory *memory;
    int pid; /* 1 for a core file, because libdw needs one */
    const struct core_memory *core; /* NULL: it is a process */
    Elf *elf;
    uint32_t *of; /* of each task of the picture: a kind, or NO_STACK */
    struct stack_kind *kinds;
    size_t nkinds, kinds_cap;
    struct frame_name *names; /* a hash table */
    size_t nnames, names_cap;
    struct unwinding *now; /* during stacks_follow */
};

/* For a process.  Without libdw, dwfl is NULL and there are no frames. */
void stacks_open_process(struct stacks *s, struct memory *m, int pid);
/* For a core file. */
void stacks_open_core(struct stacks *s, struct core_memory *c);
void stacks_close(struct stacks *s);

/* The stacks of all tasks that wait or run.  False: no memory. */
bool stacks_take(struct stacks *s, const struct picture *p);

/* "get (src/fetch.c:32)", or "a.out+0x1204"; valid until stacks_close. */
const char *stacks_name(struct stacks *s, uint64_t pc);

/* ---- threads.c ---- */

/*
 * Registers of a thread of that process, and its stack up to `top`, copied to `stack` (STACKS_BYTES_MAX bytes).  A thread in a system call
 * is not touched; a running one is stopped for a moment (ptrace).  False: that is not permitted, or the thread has ended.
 */
bool thread_stance(struct stance *at, struct memory *m, int pid, int thread, uint64_t top, char *stack);
/* The same for a thread of a core file. */
bool core_stance(struct stance *at, struct memory *m, const struct core_thread *t, uint64_t top, char *stack);
void stance_set(struct stance *at, unsigned number, uint64_t value);

/* ---- unwind.c ---- */

/* Unwind a copied stack.  Returns its kind, a known or a new one; NO_STACK: no memory, or no libdw. */
uint32_t stacks_follow(struct stacks *s, const struct stance *at);

#if defined(__aarch64__)
enum { DWARF_FP = 29, DWARF_SP = 31, DWARF_PC = 32 }; /* pc has no number there */
#else
enum { DWARF_FP = 6, DWARF_SP = 7, DWARF_PC = 16 };
#endif

#endif
