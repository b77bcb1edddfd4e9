/* SPDX-License-Identifier: MIT */
/*
 * fiber.c - beginning and end of a fiber; what lies between is inline in fiber.h.
 */
#include "core/stack/fiber.h"

#include <stdlib.h>

void bide__fiber_init(struct fiber *f, struct stack *s, void (*entry)(void *arg))
{
    bide__fiber_init_at(f, s, s ? bide__stack_top(s) : NULL, entry);
}

never_indirect void bide__fiber_init_at(struct fiber *f, struct stack *s, void *top, void (*entry)(void *arg))
{
    f->context = (struct context){0};
    f->stack = s;
    void (*first)(void *) = bide__sanitize_fiber_init(f, entry);
    if (s)
        bide__context_make(&f->context, top, first);
}

never_indirect void bide__fiber_destroy(struct fiber *f)
{
    bide__sanitize_fiber_destroy(f);
    f->context = (struct context){0};
    f->stack = NULL;
}

never_indirect _Noreturn void bide__fiber_switch_final(struct fiber *from, struct fiber *to, void *arg)
{
    bide__sanitize_switch(from, to, arg, true);
    abort(); /* F2: a finished fiber was resumed */
}
