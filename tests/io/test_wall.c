/* SPDX-License-Identifier: MIT */
/* Waiting for a time of the clock on the wall. */
#include "harness/harness.h"

#include <time.h>

#include <bide/bide.h>
#include <bide/interval.h>

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

TEST(wall_waits_until_the_clock_shows_it, .real_time = true)
{
    int64_t when = wall_ms() + 15;
    EXPECT_EQ(bide_sleep_until_wall(when), 0);
    EXPECT_LE(when, wall_ms());
}

TEST(wall_a_time_that_is_over_lets_others_run_once)
{
    EXPECT_EQ(bide_sleep_until_wall(wall_ms() - 1000), 0);
    EXPECT_EQ(bide_sleep_until_wall(-5), 0);
    EXPECT_EQ(bide_sleep_until_wall(INT64_MIN), 0);
}

TEST(wall_cancelled_or_out_of_time, .real_time = true)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(bide_sleep_until_wall, INT64_MAX));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    bide_timeout(5)
        EXPECT_ERR(bide_sleep_until_wall(wall_ms() + 3600000), BIDE_ETIMEDOUT);
}

UNIT(wall_outside_of_a_task_is_refused)
{
    EXPECT_ERR(bide_sleep_until_wall(0), BIDE_ENOLOOP);
}
