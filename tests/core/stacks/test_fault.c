/* SPDX-License-Identifier: MIT */
/* test_fault.c - faults: an overflow, which is reported before it kills, and others; each in a child. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "child.h"
#include "stacks.h"

/* ---- overflow ---- */

static struct fiber thread, fiber;
static volatile int zero;

static __attribute__((noinline)) int recurse(int n)
{
    volatile char frame[100];
    frame[0] = (char)n;
    if (n < 0)
        return 0;
    return recurse(n + 1 + zero) + frame[zero];
}

static __attribute__((noinline)) int use_200_kib(void)
{
    volatile char frame[200 * 1024];
    for (size_t i = 0; i < sizeof frame; i += 512)
        frame[i] = (char)i;
    return frame[zero];
}

static void overflow_deeply(void *arg)
{
    fprintf(stderr, "%d", recurse(1));
    bide__fiber_switch_final(&fiber, &thread, arg);
}

static void overflow_at_once(void *arg)
{
    fprintf(stderr, "%d", use_200_kib());
    bide__fiber_switch_final(&fiber, &thread, arg);
}

static void describe(const void *owner, char *buf, size_t cap)
{
    size_t len = strlen(owner);
    EXPECT_TRUE(len < cap);
    memcpy(buf, owner, len + 1);
}

static char name[] = "parser (#7, function parse_page)";

static void run_in_fiber(void (*entry)(void *))
{
    EXPECT_EQ(bide__overflow_install(), 0);
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    bide__overflow_set_describe(describe);
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    get(0), get(0);
    struct stack *s = get(0);
    s->owner = name;
    bide__fiber_init(&thread, NULL, NULL);
    bide__fiber_init(&fiber, s, entry);
    bide__fiber_switch(&thread, &fiber, NULL);
}

static void overflow_by_recursion(void)
{
    run_in_fiber(overflow_deeply);
}

static void overflow_by_frame(void)
{
    run_in_fiber(overflow_at_once);
}

static void expect_overflow_report(int status)
{
    EXPECT_TRUE(child_said("bide: stack overflow in task parser (#7, function parse_page, stack 64 KiB)\n"));
    EXPECT_TRUE(child_said(".stack_size = 256 * 1024"));
    EXPECT_TRUE(child_said("   #0  "));
    EXPECT_TRUE(child_said("   #2  "));
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

UNIT(overflow_by_recursion_names_the_task_and_dies_of_sigsegv)
{
    expect_overflow_report(run_child(overflow_by_recursion));
    EXPECT_TRUE(child_said("frames ...\n")); /* only the first and the last are shown */
}

UNIT(overflow_by_one_big_frame_names_the_task_and_dies_of_sigsegv)
{
    expect_overflow_report(run_child(overflow_by_frame));
}

static void overflow_with_mprotect(void)
{
    setenv("BIDE_GUARD", "mprotect", 1);
    overflow_by_recursion();
}

UNIT(overflow_with_mprotect_guards_reports_the_same)
{
    expect_overflow_report(run_child(overflow_with_mprotect));
}

static void *overflow_thread(void *arg)
{
    overflow_by_recursion();
    return arg;
}

static void overflow_in_thread(void)
{
    pthread_t t;
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    bide__overflow_thread_leave();
    EXPECT_EQ(pthread_create(&t, NULL, overflow_thread, NULL), 0);
    pthread_join(t, NULL);
}

UNIT(overflow_in_another_thread_reports_the_same)
{
    expect_overflow_report(run_child(overflow_in_thread));
}

static void overflow_after_trim(void)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack *s = get(0);
    bide__stack_put(&pool, s);
    bide__stack_pool_trim(&pool, 0);
    EXPECT_TRUE(get(0) == s);
    EXPECT_EQ(bide__overflow_install(), 0);
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    bide__fiber_init(&thread, NULL, NULL);
    bide__fiber_init(&fiber, s, overflow_deeply);
    bide__fiber_switch(&thread, &fiber, NULL);
}

UNIT(overflow_on_a_stack_that_was_cold_is_still_caught)
{
    int status = run_child(overflow_after_trim);
    EXPECT_TRUE(child_said("bide: stack overflow in a coroutine (stack 64 KiB)\n")); /* it has no owner */
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void touch_guard(void)
{
    EXPECT_EQ(bide__overflow_install(), 0);
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    bide__overflow_set_describe(describe);
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack *s = get(0);
    s->owner = name;
    *(volatile char *)(s->low - 100) = 1;
}

UNIT(guard_touched_from_elsewhere_is_distinguished_from_an_overflow)
{
    int status = run_child(touch_guard);
    EXPECT_TRUE(child_said("bide: stray access to the guard under the stack of task parser (#7"));
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

UNIT(guard_is_256_kib_wide)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack *lower = get(0), *s = get(0);
    int pipe_fds[2]; /* a system call into a guard says EFAULT */
    EXPECT_EQ(pipe(pipe_fds), 0);
    for (size_t below = 1; below <= 256 * KIB; below += 4095) {
        EXPECT_EQ(write(pipe_fds[1], s->low - below, 1), -1);
        EXPECT_EQ(errno, EFAULT);
        EXPECT_TRUE(bide__slab_find_guard(s->low - below) == s);
    }
    EXPECT_TRUE(bide__slab_find_guard(s->low - 256 * KIB - 1) == NULL); /* the record of the stack below */
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    bide__stack_put(&pool, lower);
    bide__stack_put(&pool, s);
    bide__stack_pool_destroy(&pool);
}

static int *volatile nowhere;

static void fault_elsewhere(void)
{
    signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would exit */
    EXPECT_EQ(bide__overflow_install(), 0);
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    *nowhere = 1;
}

UNIT(fault_that_is_no_overflow_dies_in_silence)
{
    if (instrumented())
        SKIP("sanitizers have their own handler, valgrind counts the fault as an error");
    int status = run_child(fault_elsewhere);
    EXPECT_EQ(strstr(child_text, "bide: ") != NULL, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void kill_self(void)
{
    EXPECT_EQ(bide__overflow_install(), 0);
    kill(getpid(), SIGSEGV);
    pause();
}

UNIT(sigsegv_sent_by_kill_kills)
{
    if (BIDE_SANITIZED)
        SKIP("sanitizers have their own handler");
    int status = run_child(kill_self);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void own_handler(int sig)
{
    _exit(40 + (sig == SIGSEGV));
}

/* UBSan would stop before the fault */
__attribute__((no_sanitize("undefined"))) static void fault_with_own_handler(void)
{
    signal(SIGSEGV, own_handler);
    EXPECT_EQ(bide__overflow_install(), 0);
    EXPECT_EQ(bide__overflow_install(), 0); /* twice is once */
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    *nowhere = 1;
}

UNIT(fault_that_is_no_overflow_goes_to_the_handler_before_ours)
{
    if (bide__valgrind_runs())
        SKIP("valgrind counts the fault as an error");
    int status = run_child(fault_with_own_handler);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 41);
}

UNIT(alternate_stack_nests_and_puts_the_previous_back)
{
    stack_t before, inside, after;
    EXPECT_EQ(sigaltstack(NULL, &before), 0);
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    bide__overflow_thread_leave();
    EXPECT_EQ(sigaltstack(NULL, &inside), 0);
    EXPECT_TRUE(!(inside.ss_flags & SS_DISABLE) && inside.ss_size >= 64 * KIB);
    bide__overflow_thread_leave();
    EXPECT_EQ(sigaltstack(NULL, &after), 0);
    EXPECT_EQ(after.ss_flags, before.ss_flags);
    EXPECT_TRUE((after.ss_flags & SS_DISABLE) || after.ss_sp == before.ss_sp);
}
