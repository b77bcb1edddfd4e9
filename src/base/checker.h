/* SPDX-License-Identifier: MIT */
/*
 * checker.h - is AddressSanitizer or valgrind there, and marking memory for it that is free but stays mapped.
 *
 * AddressSanitizer's functions are weak: a library that was built without it serves programs that are built with it, and
 * others, for which these do nothing.  The valgrind requests are compiled in wherever its header is installed.
 */
#ifndef BIDE_BASE_CHECKER_H
#define BIDE_BASE_CHECKER_H

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

/* Is this library itself instrumented? */
#if defined(BIDE_ASAN)
#define BIDE_IS_ASAN true
#else
#define BIDE_IS_ASAN false
#endif

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define BIDE_VALGRIND 1
#endif
#endif

#if defined(BIDE_VALGRIND)
#define bide__valgrind_runs() (RUNNING_ON_VALGRIND != 0)
/* Only memcheck answers this request; under another tool, such as callgrind, nothing is to change. */
static inline bool bide__memcheck_runs(void)
{
    static char probe;

    return VALGRIND_MAKE_MEM_DEFINED(&probe, 1) != 0;
}
#define bide__valgrind_undefine(low, size) ((void)VALGRIND_MAKE_MEM_UNDEFINED(low, size))
#define bide__valgrind_define(low, size) ((void)VALGRIND_MAKE_MEM_DEFINED(low, size))
#define bide__valgrind_forbid(low, size) ((void)VALGRIND_MAKE_MEM_NOACCESS(low, size))
#else
#define bide__valgrind_runs() false
#define bide__memcheck_runs() false
#define bide__valgrind_undefine(low, size) ((void)(low), (void)(size))
#define bide__valgrind_define(low, size) ((void)(low), (void)(size))
#define bide__valgrind_forbid(low, size) ((void)(low), (void)(size))
#endif

extern void __asan_poison_memory_region(void const volatile *low, size_t size) __attribute__((weak));
extern void __asan_unpoison_memory_region(void const volatile *low, size_t size) __attribute__((weak));

static inline bool bide__asan_runs(void)
{
    return __asan_poison_memory_region != NULL;
}

/* The memory is free: a checker reports any access until bide__memory_taken(). */
static inline void bide__memory_free(const void *low, size_t size)
{
    if (bide__asan_runs())
        __asan_poison_memory_region(low, size);
    bide__valgrind_forbid(low, size);
}

/* The memory is used again (or goes back to the system), and is not initialized yet. */
static inline void bide__memory_taken(const void *low, size_t size)
{
    if (bide__asan_runs())
        __asan_unpoison_memory_region(low, size);
    bide__valgrind_undefine(low, size);
}

/* The same for memory that other processes write to: it counts as initialized. */
static inline void bide__memory_shared(const void *low, size_t size)
{
    if (bide__asan_runs())
        __asan_unpoison_memory_region(low, size);
    bide__valgrind_define(low, size);
}

#endif
