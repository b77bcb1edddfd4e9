/* SPDX-License-Identifier: MIT */
/*
 * test_uncovered.c - debug mode names the call that blocks a loop although libbide-unblock is in the program.
 *
 * The report goes to a pipe, which the task reads with the reported call, so that it blocks until the report is there.
 */
#include <bide/debug.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/checker.h"
#include "unblock.h"

/* As in tests/core/inspect/test_blocking.c. */
static bool sees_stacks(void)
{
    void *libdw = dlopen("libdw.so.1", RTLD_NOW);

    if (libdw)
        dlclose(libdw);
#if defined(__x86_64__)
    return libdw && !bide__valgrind_runs() && !bide__asan_runs() && !getenv("BIDE_TEST_EMULATED");
#else
    return false;
#endif
}

static char text[16384];
static FILE *errors;

static __attribute__((noinline)) int reads_lines_until(const char *words)
{
    size_t len = 0;

    do {
        if (!fgets(text + len, (int)(sizeof text - len), errors))
            return -1;
        len += strlen(text + len);
    } while (!strstr(text, words));
    return 0;
}

static int reads_through_stdio(void)
{
    return reads_lines_until("bide doctor");
}

UNIT(stdio_that_keeps_the_loop_is_named_with_who_called_it)
{
    int fds[2], standard_error = dup(STDERR_FILENO);
    if (!sees_stacks())
        SKIP("no stacks are seen here");

    EXPECT_EQ(pipe(fds), 0);
    errors = fdopen(fds[0], "r");
    dup2(fds[1], STDERR_FILENO);
    bide_loop *loop = bide_loop_new();
    EXPECT_EQ(bide_loop_set_debug(loop, true), 0);
    EXPECT_EQ(bide_loop_set_slow_ms(loop, 10), 0);
    int code = bide_run_until_complete(loop, bide_coro(reads_through_stdio));
    bide_release(loop);
    dup2(standard_error, STDERR_FILENO);
    close(standard_error);
    close(fds[1]);
    fclose(errors);
    EXPECT_EQ(code, 0);
    EXPECT_CONTAINS(text, "(reads_through_stdio) has blocked the event loop for ");
    EXPECT_CONTAINS(text, "bide: the program calls fgets, which libbide-unblock does not cover (stdio): see `bide doctor ");
}
