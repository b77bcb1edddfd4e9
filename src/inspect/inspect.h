/* SPDX-License-Identifier: MIT */
/*
 * inspect.h - looking at a program that runs: where its calls are, who waits for whom, what blocks the loop.
 *
 * In reading order: inspector.c, root.c, modules.c, symbol.c, names.c, awaited.c, deadlock.c, kept/capture.c, unwind.c, uncovered.c,
 * blocking.c.
 */
#ifndef BIDE_INSPECT_INSPECT_H
#define BIDE_INSPECT_INSPECT_H

#include "core/task/group.h"

/* What core calls: core/loop/loop.h. */
extern const struct inspector bide__inspect;

/* ---- symbol.c ---- */

#define SYMBOL_TEXT_MAX 240

/* "get (fake_async.c:32)" for the address of a call; without debug information "./a(get)[0x1204]", which addr2line takes. */
void bide__symbol_text(char *buf, size_t cap, uintptr_t pc);
/* The same, but "" without debug information. */
void bide__symbol_line(char *buf, size_t cap, uintptr_t pc);
/* names.c.  As bide__symbol_line, cached. */
void bide__name_place(char *buf, size_t cap, const void *pc);
void bide__names_forget(void); /* in the child of a fork, where the lock may have been held */
/* Is it in libc, or in a sanitizer or libbide-unblock, which interpose libc's calls?  symbol: its name, if known. */
bool bide__symbol_is_of_the_system(uintptr_t pc, const char *symbol);
/* Is it in libbide, linked as a shared library? */
bool bide__symbol_is_own(uintptr_t pc);
/* Of bide's calls on a stack, show only the one that the program made. */
bool bide__symbol_is_shown(const uintptr_t *pcs, size_t n, size_t i);
/* The outermost calls are bide's, and the same for all tasks. */
bool bide__symbol_is_beginning(const char *symbol);

/* ---- kept/unwind.c ---- */

#define STACK_COPY_MAX ((size_t)64 << 10)
#define FRAMES_MAX 48

/* The registers of a thread, and the used part of its stack. */
struct snapshot {
    uintptr_t sp, pc, registers[32]; /* by their DWARF numbers; registers[i] is known if bit i of known is set */
    uint64_t known;
    bool is_in_call; /* the thread is in a system call */
    size_t len; /* bytes from sp on */
    char stack[STACK_COPY_MAX];
};

/* The calls on the stack, innermost first: addresses to be looked up.  Returns how many; 0 without libdw. */
size_t bide__unwind(const struct snapshot *s, uintptr_t *pcs, size_t cap);

/*
 * kept/uncovered.c.  These calls, innermost first, block a loop.  Write a line with the blocking function of libc and the library that
 * called it, if libbide-unblock does not cover it, or would cover it if it were in the program.  False: there is nothing to report.
 */
bool bide__uncovered_text(char *buf, size_t cap, const uintptr_t *pcs, size_t n, bool is_in_call);

/* ---- deadlock.c, kept/blocking.c: as struct inspector says ---- */

void bide__report_stuck(bide_loop *loop);
uint64_t bide__blocking_signals(void);
void bide__blocking_enter(bide_loop *loop);
void bide__blocking_leave(bide_loop *loop);
void bide__blocking_stir(void);
void bide__blocking_forget(void);

#endif
