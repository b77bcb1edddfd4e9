/* SPDX-License-Identifier: MIT */
/*
 * fiber.h - something that can be switched to: a stack with a suspended context on it, or a thread's own stack.
 *
 * A fiber knows nothing of tasks or loops.  The code that embeds it decides who runs when:
 *
 *      struct fiber thread, f;
 *      bide__fiber_init(&thread, NULL, NULL);                the running thread: nothing to start
 *      bide__fiber_init(&f, bide__stack_get(pool, 0), body);
 *      bide__fiber_switch(&thread, &f, arg);                 runs body(arg) until it switches back
 *
 * Invariants:
 *   F1  from is the running fiber, to is suspended; both belong to this thread, for life.
 *   F2  an entry function never returns: its last act is bide__fiber_switch_final.
 *   F3  floating-point control words belong to the thread: a fiber does not switch while it has changed them.
 */
#ifndef BIDE_CORE_FIBER_H
#define BIDE_CORE_FIBER_H

#include "core/stack/arch.h"
#include "core/stack/sanitize.h"
#include "core/stack/stack.h"

struct fiber {
    struct context context; /* valid while suspended */
    struct stack *stack; /* borrowed; NULL: the thread's own */
    struct sanitize_fiber shadow;
};

/* The first switch to f calls entry(arg).  s is borrowed until bide__fiber_destroy; NULL: f is the running thread. */
void bide__fiber_init(struct fiber *f, struct stack *s, void (*entry)(void *arg));

/* The same with the first frame below top, so that the owner can keep something of its own above it. */
never_indirect void bide__fiber_init_at(struct fiber *f, struct stack *s, void *top, void (*entry)(void *arg));

/* From another fiber, when f has made its final switch or will never be resumed.  The stack is still the caller's. */
never_indirect void bide__fiber_destroy(struct fiber *f);

/* Suspend from, resume to.  Returns the arg of whichever switch resumes from. */
static inline void *bide__fiber_switch(struct fiber *from, struct fiber *to, void *arg)
{
    return bide__sanitize_switch(from, to, arg, false); /* bide__switch, if there are no sanitizers */
}

/* The last switch of a fiber that is done: it must not be resumed. */
never_indirect _Noreturn void bide__fiber_switch_final(struct fiber *from, struct fiber *to, void *arg);

#endif
