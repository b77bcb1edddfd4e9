/* SPDX-License-Identifier: MIT */
/* test_clock.c - times at the edge of what is a number in nanoseconds. */
#include "base/base.h"
#include "harness/harness.h"

UNIT(clock_times_beyond_the_last_nanosecond_are_never_over)
{
    const int64_t now = 5 * 1000000 + 999999, last_ms = (INT64_MAX - now) / 1000000;

    EXPECT_EQ(bide__ns_after(now, 0), now);
    EXPECT_EQ(bide__ns_after(now, 3), now + 3000000);
    EXPECT_EQ(bide__ns_after(now, last_ms), now + last_ms * 1000000);
    EXPECT_EQ(bide__ns_after(now, last_ms + 1), INT64_MAX);
    EXPECT_EQ(bide__ns_after(0, TIME_MAX_MS), TIME_MAX_MS * 1000000);
    EXPECT_EQ(bide__ns_after(now, TIME_MAX_MS), INT64_MAX);
    EXPECT_EQ(bide__ns_after(0, TIME_MAX_MS + 1), INT64_MAX);
    EXPECT_EQ(bide__ns_after(now, BIDE_FOREVER), INT64_MAX);
}

UNIT(clock_time_left_is_rounded_up_and_ends_at_0)
{
    EXPECT_EQ(bide__ms_until(5000001, 5000000), 1);
    EXPECT_EQ(bide__ms_until(6000000, 5000000), 1);
    EXPECT_EQ(bide__ms_until(6000001, 5000000), 2);
    EXPECT_EQ(bide__ms_until(5000000, 5000000), 0);
    EXPECT_EQ(bide__ms_until(1, 5000000), 0);
    EXPECT_EQ(bide__ms_until(INT64_MAX, 5000000), BIDE_FOREVER);
    EXPECT_EQ(bide__ms_until(INT64_MAX - 1, 0), TIME_MAX_MS + 1);
}
