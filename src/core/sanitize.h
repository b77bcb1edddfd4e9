/* SPDX-License-Identifier: MIT */
/*
 * sanitize.h - what AddressSanitizer, ThreadSanitizer and valgrind want to be told about stacks.
 *
 * Built without a sanitizer the hooks are empty, struct sanitize_fiber has no members and sanitize.c no code.  The
 * valgrind requests are compiled in wherever its header is installed; stack.c asks once whether it runs under it.
 *
 *   AddressSanitizer   is told before and after each switch which stack is current, and gets recycled stacks clean: a
 *                      coroutine that ends by switching away leaves the red zones of its frames behind.
 *   ThreadSanitizer    has a fiber of its own for each of ours.  The switch must be called from a function that is not
 *                      instrumented, or that function's exit would pop the other fiber's shadow stack.
 *   valgrind           is told where each stack is, or it takes a switch to a neighbour for a huge push or pop.
 */
#ifndef BIDE_CORE_SANITIZE_H
#define BIDE_CORE_SANITIZE_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BIDE_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define BIDE_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define BIDE_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define BIDE_TSAN 1
#endif

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
/* bide__switch with the sanitizers told; final: from is never resumed. */
void *bide__sanitize_switch(struct fiber *from, struct fiber *to, void *arg, bool final);
#else
#define bide__sanitize_fiber_init(f, entry) ((void)(f), (entry))
#define bide__sanitize_fiber_destroy(f) ((void)(f))
#define bide__sanitize_switch(from, to, arg, final) bide__switch(&(from)->context, &(to)->context, (arg))
#endif

#if defined(BIDE_ASAN)
#include <sanitizer/asan_interface.h>
/* Forget red zones: the memory becomes a stack again, or goes back to the system. */
#define bide__sanitize_memory(low, size) __asan_unpoison_memory_region(low, size)
#else
#define bide__sanitize_memory(low, size) ((void)(low), (void)(size))
#endif

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define BIDE_VALGRIND 1
#endif
#endif

#if defined(BIDE_VALGRIND)
#define bide__valgrind_runs() (RUNNING_ON_VALGRIND != 0)
#define bide__valgrind_register(low, high) VALGRIND_STACK_REGISTER(low, high)
#define bide__valgrind_deregister(id) VALGRIND_STACK_DEREGISTER(id)
#define bide__valgrind_undefine(low, size) ((void)VALGRIND_MAKE_MEM_UNDEFINED(low, size))
#else
#define bide__valgrind_runs() false
#define bide__valgrind_register(low, high) ((void)(low), (void)(high), 0u)
#define bide__valgrind_deregister(id) ((void)(id))
#define bide__valgrind_undefine(low, size) ((void)(low), (void)(size))
#endif

#endif
