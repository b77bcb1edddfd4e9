/* SPDX-License-Identifier: MIT */
/* test_overflow.c - a task that overflows its stack: the report names it, and the process dies of SIGSEGV. */
#include <signal.h>
#include <stdlib.h>

#include "child.h"
#include "core/core.h"

static volatile int zero;

static __attribute__((noinline)) int dig(int n)
{
    volatile char frame[200];
    frame[0] = (char)n;
    if (n < 0)
        return 0;
    return dig(n + 1 + zero) + frame[zero];
}

static int parse_page(void)
{
    BIDE_IGNORE(bide_sleep_ms(0)); /* on the second turn, to be sure that it is the task's own stack */
    return dig(1);
}

static size_t stack_size;

static int overflows(void)
{
    bide_auto bide_task *neighbour = bide_create_task(bide_coro(parse_page), .name = "neighbour", .stack_size = 1 << 20);
    bide_task_cancel(neighbour);
    bide_auto bide_task *t = bide_create_task(bide_coro(parse_page), .name = "page 7", .stack_size = stack_size);
    return bide_await(t);
}

/* A frame of 16 MiB of code that was not compiled with -fstack-clash-protection: it lies below the whole slab. */
static int step_over(void)
{
    BIDE_TRY(bide_sleep_ms(0));
#if defined(__x86_64__)
    __asm__ volatile("subq %0, %%rsp\n\tpushq %%rax\n\tpopq %%rax\n\taddq %0, %%rsp" ::"i"(16 << 20) : "memory");
#endif
    return 0;
}

static int steps_over(void)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(step_over), .name = "page 8");
    return bide_await(t);
}

static int (*app)(void);

static void run_app(void)
{
    _exit(bide_run(bide_coro(app)) < 0);
}

/* Its wait status. */
static int run_in_a_child(int (*fn)(void))
{
    app = fn;
    return run_child(run_app);
}

static void expect_report(const char *size, const char *advice)
{
    char line[256];
    int status = run_in_a_child(overflows);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    EXPECT_CONTAINS(child_text, "bide: stack overflow in task page 7 (#");
    snprintf(line, sizeof line, ", function parse_page, stack %s)\n", size);
    EXPECT_CONTAINS(child_text, line);
    EXPECT_CONTAINS(child_text, advice);
    EXPECT_CONTAINS(child_text, "   #0  ");
    EXPECT_CONTAINS(child_text, "frames ...\n"); /* the first and the last of many */
}

UNIT(overflow_of_a_task_names_it_and_its_default_stack)
{
    expect_report("64 KiB", ".stack_size = 256 * 1024");
}

UNIT(overflow_of_a_task_with_a_stack_of_its_own_size)
{
    stack_size = 300 * 1024;
    expect_report("512 KiB", ".stack_size = 2048 * 1024");
}

UNIT(frame_below_the_guard_is_put_down_to_the_task_that_runs)
{
#if defined(__x86_64__)
    int status = run_in_a_child(steps_over);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    EXPECT_CONTAINS(child_text, "bide: stack overflow in task page 8 (#");
    EXPECT_CONTAINS(child_text, ", function step_over, stack 64 KiB)\n");
    EXPECT_CONTAINS(child_text, "compile with -fstack-clash-protection");
#else
    (void)steps_over;
    SKIP("needs a frame of x86-64");
#endif
}
