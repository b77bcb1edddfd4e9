/* SPDX-License-Identifier: MIT */
/*
 * arch.h - the four things that cannot be written in portable C.
 *
 * The build picks one implementation: arch/x86_64.h and .S, arch/aarch64.S, or arch/ucontext.c for every other machine.
 *
 * A suspended context is a few words: its stack pointer, and on x86-64 where it goes on.  All else that it needs lies on
 * its own stack.  Only what the ABI calls callee-saved is kept.  The floating-point control words (rounding mode, exception masks)
 * are NOT: they belong to the thread, so a coroutine must not await while it has changed them.
 */
#ifndef BIDE_CORE_ARCH_H
#define BIDE_CORE_ARCH_H

#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "base/hardening.h"

/*
 * bide__switch(from, to, arg): suspend the running context into *from, resume *to.
 * arg is what the resumed side gets back from its own bide__switch, or the argument of its entry function.
 */
#if defined(__x86_64__) && !defined(BIDE_SWITCH_UCONTEXT)
#include "core/stack/arch/x86_64.h"
#else
struct context {
    void *sp; /* valid while suspended */
};

void *bide__switch(struct context *from, const struct context *to, void *arg);
#endif
#if defined(__aarch64__) && !defined(BIDE_SWITCH_UCONTEXT)
void bide__switch_resume(void); /* a place in bide__switch, where a suspended context is; not to be called */
#endif

/*
 * Build a context at the top of a stack that calls entry(arg) when first switched to, with the arg of that switch.
 * entry must never return.  Stack traces end at bide__fiber_entry.
 */
never_indirect void bide__context_make(struct context *c, void *stack_top, void (*entry)(void *arg));

/* Where the calls of a context begin: the last frame of every trace.  Not to be called from C. */
void bide__fiber_entry(void);

/* Call fn with argc (at most 6) integer words as its arguments; other counts are a bug of the caller. */
never_indirect int bide__call_words(void (*fn)(void), unsigned argc, const uintptr_t *argv);

/* Where a signal interrupted the program: stack pointer and instruction, or zeros where we cannot tell. */
struct interrupted {
    uintptr_t sp, pc;
};

static inline struct interrupted bide__signal_interrupted(const void *context)
{
    const ucontext_t *uc = context;
#if defined(__x86_64__)
    enum { RSP = 15, RIP = 16 }; /* REG_RSP, REG_RIP, which want _GNU_SOURCE */
    return (struct interrupted){(uintptr_t)uc->uc_mcontext.gregs[RSP], (uintptr_t)uc->uc_mcontext.gregs[RIP]};
#elif defined(__aarch64__)
    return (struct interrupted){(uintptr_t)uc->uc_mcontext.sp, (uintptr_t)uc->uc_mcontext.pc};
#else
    (void)uc;
    return (struct interrupted){0, 0};
#endif
}

#endif
