/* SPDX-License-Identifier: MIT */
/*
 * uninstrumented.h - UNINSTRUMENTED: a function that runs where a sanitizer cannot follow: before it has begun, around a switch of
 * stacks, in a child that shares our memory.  What such a function calls is instrumented, unless it is one as well, or always inlined.
 */
#ifndef BIDE_BASE_UNINSTRUMENTED_H
#define BIDE_BASE_UNINSTRUMENTED_H

#include "base/checker.h"

#if defined(__clang__) && (defined(BIDE_ASAN) || defined(BIDE_TSAN))
#define UNINSTRUMENTED __attribute__((noinline, disable_sanitizer_instrumentation, no_sanitize("address", "undefined")))
#elif defined(BIDE_ASAN) || defined(BIDE_TSAN)
#define UNINSTRUMENTED __attribute__((noinline, no_sanitize("address", "thread", "undefined")))
#else
#define UNINSTRUMENTED
#endif

#endif
