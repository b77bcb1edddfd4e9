/* SPDX-License-Identifier: MIT */
/* Signals as something to await. */
#include "harness/harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <signal.h>
#include <unistd.h>

#include <bide/bide.h>
#include <bide/signal.h>

#include "base/base.h"

static int send_after(int ms, int signal)
{
    BIDE_TRY(bide_sleep_ms(ms));
    kill(getpid(), signal);
    return 0;
}

/* asyncio 22 */
TEST(signals_wait_wakes_when_one_comes, .real_time = true)
{
    bide_auto bide_signals *s = bide_signals_open((int[]){SIGUSR1, SIGUSR2, 0});
    EXPECT_NOT_NULL(s);
    bide_auto bide_task *t = bide_create_task(bide_coro(send_after, 10, SIGUSR2));

    EXPECT_EQ(bide_signals_wait(s), SIGUSR2);
    EXPECT_EQ(bide_await(t), 0);
}

TEST(signals_that_came_before_the_wait_are_kept_and_equal_ones_count_once)
{
    bide_auto bide_signals *s = bide_signals_open((int[]){SIGUSR2, SIGUSR1, 0});
    EXPECT_NOT_NULL(s);
    kill(getpid(), SIGUSR2);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);

    EXPECT_EQ(bide_signals_wait(s), SIGUSR1);
    EXPECT_EQ(bide_signals_wait(s), SIGUSR2);
    bide_timeout(50)
        EXPECT_ERR(bide_signals_wait(s), BIDE_ETIMEDOUT);
}

TEST(signals_wait_cancelled_loses_nothing)
{
    bide_auto bide_signals *s = bide_signals_open((int[]){SIGUSR1, 0});
    EXPECT_NOT_NULL(s);
    bide_auto bide_task *t = bide_create_task(bide_coro(bide_signals_wait, s));

    BIDE_IGNORE(bide_sleep_ms(0));
    kill(getpid(), SIGUSR1);
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_EQ(bide_signals_wait(s), SIGUSR1);
}

TEST(signals_several_watchers_each_see_it)
{
    bide_auto bide_signals *a = bide_signals_open((int[]){SIGUSR1, 0});
    bide_auto bide_signals *b = bide_signals_open((int[]){SIGUSR1, SIGUSR2, 0});
    bide_auto bide_signals *c = bide_signals_open((int[]){SIGUSR2, 0});
    EXPECT_TRUE(a && b && c);

    kill(getpid(), SIGUSR1);

    EXPECT_EQ(bide_signals_wait(a), SIGUSR1);
    EXPECT_EQ(bide_signals_wait(b), SIGUSR1);
    bide_timeout(20)
        EXPECT_ERR(bide_signals_wait(c), BIDE_ETIMEDOUT);
}

TEST(signals_two_tasks_wait_on_one_watcher_one_signal_wakes_one)
{
    bide_auto bide_signals *s = bide_signals_open((int[]){SIGUSR1, 0});
    EXPECT_NOT_NULL(s);
    bide_auto bide_task *a = bide_create_task(bide_coro(bide_signals_wait, s));
    bide_auto bide_task *b = bide_create_task(bide_coro(bide_signals_wait, s));

    BIDE_IGNORE(bide_sleep_ms(0));
    kill(getpid(), SIGUSR1);
    EXPECT_EQ(bide_wait(((bide_task *[]){a, b}), 2, .until = BIDE_FIRST_COMPLETED), 1);
    kill(getpid(), SIGUSR1);
    EXPECT_EQ(bide_wait(((bide_task *[]){a, b}), 2), 2);
    EXPECT_EQ(bide_task_result(a), SIGUSR1);
    EXPECT_EQ(bide_task_result(b), SIGUSR1);
}

static volatile sig_atomic_t old_handler_calls;

static void old_handler(int signal)
{
    (void)signal;
    old_handler_calls++;
}

static void other_handler(int signal)
{
    (void)signal;
}

static struct sigaction handler_now(int signal)
{
    struct sigaction now = {0};

    sigaction(signal, NULL, &now);
    return now;
}

TEST(signals_release_restores_what_was_before)
{
    signal(SIGUSR1, old_handler);
    signal(SIGUSR2, SIG_IGN);
    bide_signals *a = bide_signals_open((int[]){SIGUSR1, SIGUSR2, 0});
    bide_signals *b = bide_signals_open((int[]){SIGUSR1, 0});
    EXPECT_TRUE(a && b);

    bide_release(a);
    EXPECT_TRUE(handler_now(SIGUSR2).sa_handler == SIG_IGN);
    kill(getpid(), SIGUSR1);
    EXPECT_EQ(old_handler_calls, 0);
    EXPECT_EQ(bide_signals_wait(b), SIGUSR1);

    bide_release(b);
    EXPECT_TRUE(handler_now(SIGUSR1).sa_handler == old_handler);
    kill(getpid(), SIGUSR1);
    EXPECT_EQ(old_handler_calls, 1);
}

TEST(signals_release_leaves_a_handler_that_came_later)
{
    bide_signals *s = bide_signals_open((int[]){SIGUSR1, 0});
    EXPECT_NOT_NULL(s);
    signal(SIGUSR1, other_handler);

    bide_release(s);
    EXPECT_TRUE(handler_now(SIGUSR1).sa_handler == other_handler);
}

TEST(signals_released_while_a_task_waits_it_gets_eclosed)
{
    bide_signals *s = bide_signals_open((int[]){SIGUSR1, 0});
    EXPECT_NOT_NULL(s);
    bide_auto bide_task *t = bide_create_task(bide_coro(bide_signals_wait, s));

    BIDE_IGNORE(bide_sleep_ms(0));
    bide_release(s);
    EXPECT_TRUE(handler_now(SIGUSR1).sa_handler == SIG_DFL);
    EXPECT_ERR(bide_await(t), BIDE_ECLOSED);
}

TEST(signals_that_cannot_be_caught_are_refused)
{
    EXPECT_NULL(bide_signals_open((int[]){SIGUSR1, SIGKILL, 0}));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "signal 9");
    EXPECT_NULL(bide_signals_open((int[]){SIGSTOP, 0}));
    EXPECT_NULL(bide_signals_open((int[]){SIGSEGV, 0}));
    EXPECT_NULL(bide_signals_open((int[]){65, 0}));
    EXPECT_NULL(bide_signals_open((int[]){-1, 0}));
    EXPECT_NULL(bide_signals_open((int[]){0}));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    /* glibc keeps 32 for itself: the kernel's refusal undoes what was installed before. */
    EXPECT_NULL(bide_signals_open((int[]){SIGUSR1, 32, 0}));
    EXPECT_TRUE(handler_now(SIGUSR1).sa_handler == SIG_DFL);
}

static int takes_the_interrupt(void)
{
    bide_auto bide_signals *s = BIDE_TRY_PTR(bide_signals_open((int[]){SIGINT, 0}));
    for (int i = 0; i < 2; i++) {
        BIDE_TRY(kill(getpid(), SIGINT));
        EXPECT_EQ(bide_signals_wait(s), SIGINT);
        EXPECT_EQ(bide_cancelling(bide_current_task()), 0);
    }
    return 7;
}

/* Whoever watches for it has it: neither the first nor the second ends the program. */
UNIT(signals_may_take_the_interrupt_of_bide_main)
{
    EXPECT_EQ(bide_main(bide_coro(takes_the_interrupt)), 7);
}

UNIT(signals_outside_a_loop_are_refused)
{
    EXPECT_NULL(bide_signals_open((int[]){SIGUSR1, 0}));
    EXPECT_ERR(bide_error_code(), BIDE_ENOLOOP);
    EXPECT_TRUE(handler_now(SIGUSR1).sa_handler == SIG_DFL);
}

/* A system call of the program that the signal interrupts goes on (SA_RESTART), and the errno of others is kept. */
TEST(signals_leave_errno_alone)
{
    bide_auto bide_signals *s = bide_signals_open((int[]){SIGUSR1, 0});
    EXPECT_NOT_NULL(s);

    errno = EDOM;
    kill(getpid(), SIGUSR1);
    EXPECT_EQ(errno, EDOM);
    EXPECT_TRUE(handler_now(SIGUSR1).sa_flags & SA_RESTART);
    EXPECT_EQ(bide_signals_wait(s), SIGUSR1);
}

static atomic_bool storm_over;

static void *storm(void *arg)
{
    (void)arg;
    while (!atomic_load(&storm_over))
        kill(getpid(), SIGUSR1);
    return NULL;
}

/* Watchers come and go while handlers run in other threads. */
TEST(signals_opened_and_released_in_a_storm_of_them, .real_time = true)
{
    pthread_t thread;
    bide_auto bide_signals *outer = bide_signals_open((int[]){SIGUSR1, 0});
    EXPECT_NOT_NULL(outer);
    EXPECT_EQ(pthread_create(&thread, NULL, storm, NULL), 0);

    for (int i = 0; i < 300; i++) {
        bide_auto bide_signals *s = bide_signals_open((int[]){SIGUSR1, SIGUSR2, 0});
        EXPECT_NOT_NULL(s);
        EXPECT_EQ(bide_signals_wait(s), SIGUSR1);
    }
    atomic_store(&storm_over, true);
    pthread_join(thread, NULL);
    EXPECT_EQ(bide_signals_wait(outer), SIGUSR1);
}

TEST(signals_open_fails_the_nth_allocation)
{
    for (long n = 0;; n++) {
        EXPECT_LT(n, 10);
        bide__alloc_fail_at(n);
        bide_signals *s = bide_signals_open((int[]){SIGUSR1, 0});
        bide__alloc_fail_at(-1);
        if (s) {
            bide_release(s);
            EXPECT_LT(0, n);
            return;
        }
        EXPECT_ERR(bide_error_code(), BIDE_ENOMEM);
        EXPECT_TRUE(handler_now(SIGUSR1).sa_handler == SIG_DFL);
        bide_error_clear();
    }
}
