/* SPDX-License-Identifier: MIT */
/* Waiting for a time of the clock on the wall. */
#include "file/no_uring.h"

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

/* The kernel says ECANCELED when the clock was set; here it always does: that is a reason to look, and no error. */
TEST(wall_looks_again_when_the_clock_was_set, .real_time = true)
{
    int64_t when = wall_ms() + 15;
    refuse_syscall(SYS_read, ECANCELED);
    EXPECT_EQ(bide_sleep_until_wall(when), 0);
    EXPECT_LE(when, wall_ms());
}

TEST(wall_that_cannot_be_read_is_an_error, .real_time = true)
{
    refuse_syscall(SYS_read, EIO);
    EXPECT_ERR(bide_sleep_until_wall(wall_ms() + 5), -EIO);
    EXPECT_CONTAINS(bide_error_text(), "bide_sleep_until_wall: ");
}

UNIT(wall_outside_of_a_task_is_refused)
{
    EXPECT_ERR(bide_sleep_until_wall(0), BIDE_ENOLOOP);
}
