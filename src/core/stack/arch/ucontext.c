/* SPDX-License-Identifier: MIT */
/*
 * ucontext.c - the stack switch for machines without an assembly one (see core/stack/arch.h).
 *
 * A suspended context is a ucontext_t on its own stack, so nothing is allocated.  swapcontext saves the signal mask with
 * two system calls: expect about 400 ns a switch instead of 4.
 */
#include "core/stack/arch.h"

#include <stdlib.h>

/* The size of a stack that makecontext is given.  It only computes the top from this; nobody checks the extent. */
#define WINDOW_BYTES 8192

struct start {
    ucontext_t context; /* first: a saved "stack pointer" points to a ucontext_t, of a start or of a switch */
    void (*entry)(void *arg);
};

struct transfer {
    void *to;
    void *arg;
};

static _Thread_local struct transfer transfer;

/*
 * The transfer lies in thread-local storage, and a coroutine never leaves its thread; but a compiler that inlined this
 * might still keep the address across a switch, which other tools do not like.
 */
static __attribute__((noinline)) struct transfer *transfer_slot(void)
{
    return &transfer;
}

void *bide__switch(struct context *from, const struct context *to, void *arg)
{
    ucontext_t self;
    from->sp = &self;
    *transfer_slot() = (struct transfer){.to = to->sp, .arg = arg};
    if (swapcontext(&self, to->sp))
        abort(); /* it fails only for a context that is not one */
    return transfer_slot()->arg;
}

void bide__fiber_entry(void)
{
    struct transfer *t = transfer_slot();
    struct start *start = t->to;
    start->entry(t->arg);
    abort(); /* entry must not return */
}

never_indirect void bide__context_make(struct context *c, void *stack_top, void (*entry)(void *arg))
{
    uintptr_t top = (uintptr_t)stack_top - sizeof(struct start);
    struct start *start = (struct start *)(top & ~(uintptr_t)63);
    if (getcontext(&start->context))
        abort();
    start->entry = entry;
    start->context.uc_link = NULL;
    start->context.uc_stack.ss_sp = (char *)start - WINDOW_BYTES;
    start->context.uc_stack.ss_size = WINDOW_BYTES;
    makecontext(&start->context, bide__fiber_entry, 0);
    c->sp = start;
}

typedef uintptr_t word;

never_indirect int bide__call_words(void (*fn)(void), unsigned argc, const uintptr_t *a)
{
    switch (argc) {
    case 0: return ((int (*)(void))fn)();
    case 1: return ((int (*)(word))fn)(a[0]);
    case 2: return ((int (*)(word, word))fn)(a[0], a[1]);
    case 3: return ((int (*)(word, word, word))fn)(a[0], a[1], a[2]);
    case 4: return ((int (*)(word, word, word, word))fn)(a[0], a[1], a[2], a[3]);
    case 5: return ((int (*)(word, word, word, word, word))fn)(a[0], a[1], a[2], a[3], a[4]);
    case 6: return ((int (*)(word, word, word, word, word, word))fn)(a[0], a[1], a[2], a[3], a[4], a[5]);
    default: abort();
    }
}
