/* SPDX-License-Identifier: MIT */
/*
 * sanitize.h - the calls by which AddressSanitizer, ThreadSanitizer and valgrind learn about stacks.
 *
 * Built without a sanitizer the hooks are empty, struct sanitize_fiber has no members and sanitize.c no code; for programs
 * that have one all the same there is switch_state.c.  That a stack is free, and taken, is in base/checker.h.
 *
 *   AddressSanitizer   needs to know before and after each switch which stack is current.
 *   ThreadSanitizer    has a fiber of its own for each of ours.  The switch must be called from a function that is not
 *                      instrumented, or that function's exit would pop the other fiber's shadow stack.
 *   valgrind           needs to know where each stack is, or it takes a switch to a neighbour for a huge push or pop.
 */
#ifndef BIDE_CORE_SANITIZE_H
#define BIDE_CORE_SANITIZE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/checker.h"

#if defined(BIDE_ASAN) || defined(BIDE_TSAN)
#define BIDE_SANITIZED 1
#else
#define BIDE_SANITIZED 0
#endif

struct fiber;

struct sanitize_fiber {
#if BIDE_SANITIZED
    void (*entry)(void *arg);
#endif
#if defined(BIDE_ASAN)
    void *fake_stack;
    const void *low; /* NULL: a thread's own stack, looked up when it is first left */
    size_t size;
#endif
#if defined(BIDE_TSAN)
    void *tsan; /* NULL: as above */
#endif
};

#if BIDE_SANITIZED
/* Prepare f; returns the entry that its context must be made with, which calls the given one. */
void (*bide__sanitize_fiber_init(struct fiber *f, void (*entry)(void *arg)))(void *arg);
void bide__sanitize_fiber_destroy(struct fiber *f);
/* bide__switch with the sanitizers' calls around it; final: from is never resumed. */
void *bide__sanitize_switch(struct fiber *from, struct fiber *to, void *arg, bool final);
#else
#define bide__sanitize_fiber_init(f, entry) ((void)(f), (entry))
#define bide__sanitize_fiber_destroy(f) ((void)(f))
#define bide__sanitize_switch(from, to, arg, final) bide__switch(&(from)->context, &(to)->context, (arg))
#endif

#if defined(BIDE_VALGRIND)
#define bide__valgrind_register(low, high) VALGRIND_STACK_REGISTER(low, high)
#define bide__valgrind_deregister(id) VALGRIND_STACK_DEREGISTER(id)
#else
#define bide__valgrind_register(low, high) ((void)(low), (void)(high), 0u)
#define bide__valgrind_deregister(id) ((void)(id))
#endif

#endif
