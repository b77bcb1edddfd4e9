/* SPDX-License-Identifier: MIT */
/*
 * sanitize.c - the switch as AddressSanitizer and ThreadSanitizer want it.  Empty without them; see sanitize.h.
 */
#include "core/stack/sanitize.h"

#if BIDE_SANITIZED

#include <pthread.h>

#include "base/util/uninstrumented.h"
#include "core/stack/arch.h"
#include "core/stack/fiber.h"

/* The fiber that a switch is going to; its first function has no other way to learn who it is. */
static _Thread_local struct fiber *arriving;

#if defined(BIDE_ASAN)

#include <sanitizer/common_interface_defs.h>

static void learn_thread_bounds(struct sanitize_fiber *f)
{
    pthread_attr_t attr;
    void *low;
    if (pthread_getattr_np(pthread_self(), &attr))
        return;
    if (!pthread_attr_getstack(&attr, &low, &f->size))
        f->low = low;
    pthread_attr_destroy(&attr);
}

static void shadow_init(struct fiber *f)
{
    f->shadow.fake_stack = NULL;
    f->shadow.low = f->stack ? f->stack->low : NULL;
    f->shadow.size = f->stack ? (size_t)((char *)f->stack - f->stack->low) : 0;
}

static void shadow_destroy(struct fiber *f)
{
    (void)f;
}

UNINSTRUMENTED static void leave(struct fiber *from, struct fiber *to, bool final)
{
    if (!from->shadow.low)
        learn_thread_bounds(&from->shadow);
    __sanitizer_start_switch_fiber(final ? NULL : &from->shadow.fake_stack, to->shadow.low, to->shadow.size);
}

UNINSTRUMENTED static void arrive(struct fiber *f)
{
    __sanitizer_finish_switch_fiber(f->shadow.fake_stack, NULL, NULL);
}

#else

#include <sanitizer/tsan_interface.h>

static void shadow_init(struct fiber *f)
{
    f->shadow.tsan = f->stack ? __tsan_create_fiber(0) : NULL;
}

static void shadow_destroy(struct fiber *f)
{
    if (f->stack && f->shadow.tsan)
        __tsan_destroy_fiber(f->shadow.tsan);
    f->shadow.tsan = NULL;
}

UNINSTRUMENTED static void leave(struct fiber *from, struct fiber *to, bool final)
{
    (void)final;
    if (!from->shadow.tsan)
        from->shadow.tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to->shadow.tsan, 0);
}

UNINSTRUMENTED static void arrive(struct fiber *f)
{
    (void)f;
}

#endif

UNINSTRUMENTED static void start(void *arg)
{
    struct fiber *f = arriving;
    arrive(f);
    f->shadow.entry(arg);
}

void (*bide__sanitize_fiber_init(struct fiber *f, void (*entry)(void *arg)))(void *arg)
{
    shadow_init(f);
    f->shadow.entry = entry;
    return start;
}

void bide__sanitize_fiber_destroy(struct fiber *f)
{
    shadow_destroy(f);
}

UNINSTRUMENTED void *bide__sanitize_switch(struct fiber *from, struct fiber *to, void *arg, bool final)
{
    leave(from, to, final);
    arriving = to;
    void *got = bide__switch(&from->context, &to->context, arg);
    arrive(from);
    return got;
}

#else

typedef int bide__sanitize_is_empty; /* ISO C wants a declaration */

#endif
