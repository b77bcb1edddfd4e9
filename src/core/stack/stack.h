/* SPDX-License-Identifier: MIT */
/*
 * stack.h - stacks for coroutines: pooled, guarded, one page of memory each while little used.
 *
 *      low addresses                                                               high addresses
 *      | guard        | stack, grows down  <----------------------- | struct stack |  next slot ...
 *                     ^ low                                          ^ top
 *
 * The record lies at the top of its own region (give or take a few cache lines, see colour() in slab.c), so it shares
 * the one page that every stack touches.  A coroutine that parks within 3 KiB of frames costs that page and no more.
 *
 * A pool belongs to one thread and takes no lock.  Freed stacks are kept last in, first out, so that the next task
 * runs on memory that is still in the cache.  Above a number of cached stacks, those that nobody used for a while are given
 * back to the system (cool.c; their addresses and guards stay).
 *
 * Invariants:
 *   S1  a stack is live (between get and put), hot (in its class's list) or cold (no memory, a bit in its slab).
 *   S2  a live stack goes back to the pool it came from, on that pool's thread, and not by code running on it.
 *   S3  nothing but the top page is written by get and put.
 */
#ifndef BIDE_CORE_STACK_H
#define BIDE_CORE_STACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hardening.h"

#define STACK_MIN_BYTES ((size_t)16 << 10)
#define STACK_DEFAULT_BYTES ((size_t)64 << 10)
#define STACK_MAX_BYTES ((size_t)64 << 20)
#define STACK_CLASSES 13 /* powers of two, 16 KiB to 64 MiB */
#define STACK_MARK ((void *)1) /* the owner of a hot stack that cool.c has marked */

struct slab;

struct stack {
    void *owner; /* for the overflow report; NULL after get, or STACK_MARK, and then its user's */
    size_t size; /* usable bytes: a power of two, at least what was asked for */
    char *low;   /* lowest usable address; right under it lies the guard */
    struct stack *next; /* in the pool's list */
    struct slab *slab;
    uint32_t slot; /* place in the slab */
    uint32_t valgrind_id;
} __attribute__((aligned(64)));

/* One size of stack in one pool. */
struct stack_class {
    struct stack *hot; /* last in, first out */
    uint32_t hot_count;
    uint32_t keep;          /* hot stacks above this are cooled when they are idle */
    uint32_t idle_count;    /* those below mark */
    struct stack *mark;     /* cool.c: a hot stack that was marked; NULL: none */
    struct slab *slabs;     /* newest first; only the first still has slots never used */
    struct slab *cold_slab; /* where a cold stack was found last; NULL: look */
    size_t cold_count;
};

struct stack_pool {
    struct stack_class classes[STACK_CLASSES];
    atomic_size_t live; /* written by the owning thread only */
    struct stack_pool *next, **link; /* all pools of the process */
    bool ready; /* init succeeded, destroy did not run */
    bool has_excess; /* some class may have more hot stacks than it keeps */
    bool valgrind;   /* it runs: stacks are registered with it */
    bool is_checked; /* AddressSanitizer or memcheck looks: free stacks are not to be touched */
};

/* Returns: 0; BIDE_E... codes as negative errno, with bide__stack_error(), for a BIDE_GUARD that cannot be had. */
int bide__stack_pool_init(struct stack_pool *pool);
/* Unmap everything.  Slabs with live stacks stay mapped, and their stacks count as live forever. */
void bide__stack_pool_destroy(struct stack_pool *pool);

/*
 * A stack of at least size usable bytes; 0: 64 KiB; at most 64 MiB.
 *
 * Returns:   NULL with errno and bide__stack_error() set, when there is no memory, or no guard to be had
 */
never_indirect struct stack *bide__stack_get(struct stack_pool *pool, size_t size);
never_indirect void bide__stack_put(struct stack_pool *pool, struct stack *s);

/*
 * Called now and then while has_excess: gives some stacks back that were not used since an earlier call.  Returns: milliseconds
 * until the next call; 0: there is no excess any longer.
 */
int bide__stack_pool_cool(struct stack_pool *pool);
/* Keep at most this many stacks of each size hot, give the memory of the others back. */
void bide__stack_pool_trim(struct stack_pool *pool, size_t keep);
size_t bide__stack_pool_cached(const struct stack_pool *pool); /* hot, all sizes */

/* Where the first frame goes: the record itself is the first thing above the stack. */
static inline void *bide__stack_top(struct stack *s)
{
    return s;
}

/* Live stacks of all pools of the process. */
size_t bide__stacks_live(void);

/* Why the last bide__stack_get or bide__stack_pool_init of this thread failed: one line, no newline. */
const char *bide__stack_error(void);

/* ---- overflow.c: a stack overflow says whose stack it was, then the process dies of its SIGSEGV ---- */

/* Once per process, further calls do nothing.  A fault that is not ours goes to the handler installed before. */
int bide__overflow_install(void);
/* In a new process that has reset all signals: ours again, and nothing of the program's behind them. */
void bide__overflow_after_reset(void);

/*
 * Give the calling thread an alternate signal stack, without which a handler cannot run after an overflow.
 * They nest.  Returns 0 or a negative errno.
 */
int bide__overflow_thread_enter(void);
void bide__overflow_thread_leave(void);

/*
 * Who can name a stack's owner: write "NAME (#7, function f)" into buf, at most cap bytes, ending in a zero byte.
 * It is called in a signal handler: no allocation, no locks, no stdio.
 */
void bide__overflow_set_describe(void (*describe)(const void *owner, char *buf, size_t cap));
/* Called for a fault that is no overflow, in its signal handler, before the handler that was there; with 0 behind the report of one that is. */
void bide__overflow_set_crashed(void (*crashed)(int signum));
/* Called before a fault ends the process, likewise. */
void bide__overflow_set_ended(void (*ended)(void));
/* Set the function that returns the stack this thread should be on (NULL: its own).  The signal handler calls it. */
void bide__overflow_set_running(const struct stack *(*running)(void));

#endif
