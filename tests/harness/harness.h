/* SPDX-License-Identifier: MIT */
/*
 * harness.h - the test runner.  Link it with the files of one folder and you have their tests as one program.
 *
 * In reading order: main.c (runs them all), child.c (one, in its process), expect.c (how one fails).
 *
 *     TEST(gather_child_fails_cancels_siblings) { ... }     a coroutine, in bide_run, on virtual time
 *     TEST(name, .real_time = true, .seconds = 20) { ... }  on the real clock, and given more time
 *     UNIT(name) { ... }                                    a plain function, no loop
 *
 * Each test registers itself and runs in a process of its own, which fails when it takes too long (10 s by default; six
 * times as much under a sanitizer or valgrind, or $BIDE_TEST_SLOW times), dies of a signal, prints what a sanitizer
 * found, or leaves a descriptor, task, stack or allocation behind.  Its output is shown only when it fails.  Those whose
 * names match one of the globs in $BIDE_TEST_SKIP are skipped, and shown as such.
 *
 *     PROGRAM [--list] [--jobs N] [--no-fork] [--file FILE] [NAME|GLOB...]
 *
 * --file runs only the tests of one source file, as Meson does with each file of a folder.  --no-fork runs them in this process, for a debugger.  The output is TAP.  Options that are zero mean the default.
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct harness_options {
    bool real_time; /* TEST: sleep for real.  Default: the clock jumps to the next timer when all are waiting */
    unsigned seconds; /* default 10 */
};

struct harness_test {
    const char *name, *file;
    void (*body)(void);
    bool is_coroutine;
    struct harness_options options;
    struct harness_test *next;
};

void harness_register(struct harness_test *test);

#define HARNESS_DEFINE(test_name, coroutine, ...)                                                  \
    static void test_name(void);                                                                   \
    __attribute__((constructor)) static void harness_register_##test_name(void)                    \
    {                                                                                              \
        static struct harness_test test = {.name = #test_name,                                     \
                                           .file = __FILE__,                                       \
                                           .body = test_name,                                      \
                                           .is_coroutine = coroutine,                              \
                                           .options = {__VA_ARGS__}};                              \
        harness_register(&test);                                                                   \
    }                                                                                              \
    static void test_name(void)

#define TEST(test_name, ...) HARNESS_DEFINE(test_name, true, __VA_ARGS__)
#define UNIT(test_name, ...) HARNESS_DEFINE(test_name, false, __VA_ARGS__)

/* End the test: it failed / it cannot run here.  From any thread, coroutine or depth. */
_Noreturn void harness_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
_Noreturn void harness_skip(const char *reason);

#define FAIL(...) harness_fail(__FILE__, __LINE__, __VA_ARGS__)
#define SKIP(reason) harness_skip(reason)

/* A directory for this test alone, made by the first call and removed with all that is in it when the test has ended. */
const char *test_tmpdir(void);

/* A file of the source tree, which is in $BIDE_SOURCE or here, to be read; NULL: there is none. */
FILE *test_source(const char *path);

/* ---- expectations: each evaluates its arguments once and ends the test if it does not hold ---- */

#define EXPECT_TRUE(condition)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            FAIL("not true: %s", #condition);                                                      \
    } while (0)

#define EXPECT_FALSE(condition)                                                                    \
    do {                                                                                           \
        if (condition)                                                                             \
            FAIL("not false: %s", #condition);                                                     \
    } while (0)

#define HARNESS_COMPARE(a, op, b)                                                                  \
    do {                                                                                           \
        long long harness_a = (long long)(a), harness_b = (long long)(b);                          \
        if (!(harness_a op harness_b))                                                             \
            FAIL("expected %s " #op " %s, but they are %lld and %lld", #a, #b, harness_a, harness_b); \
    } while (0)

/* Integers; floating point would be cut. */
#define EXPECT_EQ(a, b) HARNESS_COMPARE(a, ==, b)
#define EXPECT_NE(a, b) HARNESS_COMPARE(a, !=, b)
#define EXPECT_LT(a, b) HARNESS_COMPARE(a, <, b)
#define EXPECT_LE(a, b) HARNESS_COMPARE(a, <=, b)

#define EXPECT_NULL(pointer)                                                                       \
    do {                                                                                           \
        const void *harness_p = (pointer);                                                         \
        if (harness_p)                                                                             \
            FAIL("not NULL: %s is %p", #pointer, harness_p);                                       \
    } while (0)

#define EXPECT_NOT_NULL(pointer)                                                                   \
    do {                                                                                           \
        if (!(pointer))                                                                            \
            harness_null(__FILE__, __LINE__, #pointer);                                            \
    } while (0)

/* An error code; says which one it was, and the error on record. */
#define EXPECT_ERR(result, code) harness_expect_code(__FILE__, __LINE__, #result, (long long)(result), (long long)(code))

#define EXPECT_STR(text, expected) harness_expect_text(__FILE__, __LINE__, #text, (text), (expected))
#define EXPECT_CONTAINS(haystack, needle) harness_expect_part(__FILE__, __LINE__, #haystack, (haystack), (needle))
#define EXPECT_MEM(data, expected, len) harness_expect_bytes(__FILE__, __LINE__, #data, (data), (expected), (len))

_Noreturn void harness_null(const char *file, int line, const char *what);
void harness_expect_code(const char *file, int line, const char *what, long long result, long long code);
void harness_expect_text(const char *file, int line, const char *what, const char *text, const char *expected);
void harness_expect_part(const char *file, int line, const char *what, const char *text, const char *part);
void harness_expect_bytes(const char *file, int line, const char *what, const void *data, const void *expected,
                          size_t len);

#endif
