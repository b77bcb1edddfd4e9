/* SPDX-License-Identifier: MIT */
/* test_sleep.c - sleep, nanosleep and their variants suspend only the task. */
#include <errno.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <bide/loop.h>
#include <bide/scope.h>
#include <bide/several.h>
#include <bide/task.h>

#include "harness/harness.h"

static int sleep_each_way(int *done)
{
    EXPECT_EQ(usleep(100 * 1000), 0);
    EXPECT_EQ(nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL), 0);
    EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL), 0);
    EXPECT_EQ(sleep(1), 0);
    ++*done;
    return 0;
}

/* The clock is virtual: it would not advance during a call that blocks the thread. */
TEST(sleep_in_tasks_takes_the_time_of_one)
{
    bide_awaitable all[20];
    int done = 0;
    int64_t start = bide_loop_time_ms(bide_get_event_loop());

    for (int i = 0; i < 20; i++)
        all[i] = BIDE_AW(bide_coro(sleep_each_way, &done));
    EXPECT_EQ(bide_gather_n(all, 20), 0);

    EXPECT_EQ(done, 20);
    EXPECT_EQ(bide_loop_time_ms(bide_get_event_loop()) - start, 1300);
}

static int nap(int *result, int *error)
{
    errno = 0;
    *result = usleep(10 * 1000 * 1000);
    *error = errno;
    return 0;
}

TEST(sleep_cancelled_ends_with_ECANCELED)
{
    int result = 0, error = 0;
    bide_auto bide_task *t = bide_create_task(bide_coro(nap, &result, &error));

    EXPECT_EQ(bide_sleep_ms(10), 0);
    bide_task_cancel(t);
    EXPECT_EQ(bide_await(t), BIDE_ECANCELED);

    EXPECT_EQ(result, -1);
    EXPECT_EQ(error, ECANCELED);
    EXPECT_TRUE(bide_task_cancelled(t));
}

TEST(sleep_in_a_timeout_block_ends_with_it)
{
    int64_t start = bide_loop_time_ms(bide_get_event_loop());

    bide_timeout(50)
    {
        EXPECT_EQ(usleep(10 * 1000 * 1000), -1);
        EXPECT_EQ(errno, ECANCELED);
        EXPECT_EQ(sleep(7), 7);
        EXPECT_TRUE(bide_timeout_expired());
    }
    EXPECT_EQ(bide_loop_time_ms(bide_get_event_loop()) - start, 50);
    EXPECT_EQ(usleep(1000), 0);
}

static int set_it(bool *is_set)
{
    BIDE_TRY(bide_sleep_ms(1));
    *is_set = true;
    return 0;
}

TEST(sleep_sched_yield_gives_others_a_turn, .real_time = true)
{
    bool is_set = false;
    bide_auto bide_task *t = bide_create_task(bide_coro(set_it, &is_set));

    while (!is_set)
        EXPECT_EQ(sched_yield(), 0);
    EXPECT_EQ(bide_await(t), 0);
}

static int finish_later(bool *finished)
{
    BIDE_TRY(bide_sleep_ms(500));
    *finished = true;
    return 0;
}

/* A library that retries in a loop must not block the thread. */
TEST(sleep_refused_again_and_again_lets_others_run)
{
    bool finished = false;
    int refused = 0;
    bide_auto bide_task *t = bide_create_task(bide_coro(finish_later, &finished));

    bide_timeout(10)
    {
        while (!finished && refused++ < 100000)
            EXPECT_EQ(usleep(20 * 1000), -1);
    }
    EXPECT_TRUE(finished);
    EXPECT_LT(refused, 1000);
}

UNIT(sleep_without_a_loop_sleeps)
{
    struct timespec a, b;

    clock_gettime(CLOCK_MONOTONIC, &a);
    EXPECT_EQ(usleep(20 * 1000), 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    EXPECT_TRUE((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec >= 20 * 1000 * 1000);
}
