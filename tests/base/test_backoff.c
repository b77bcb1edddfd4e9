/* SPDX-License-Identifier: MIT */
/* test_backoff.c - waits that double, and are spread. */
#include <sys/wait.h>
#include <unistd.h>

#include <bide/backoff.h>

#include "harness/harness.h"

UNIT(backoff_limit_doubles_up_to_the_most)
{
    static const int64_t want[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};

    for (int n = 0; n < 8; n++)
        EXPECT_EQ(bide_backoff_limit_ms(n + 1, 1000, 60000), want[n]);
    EXPECT_EQ(bide_backoff_limit_ms(INT32_MAX, 1000, 60000), 60000);
    EXPECT_EQ(bide_backoff_limit_ms(0, 1000, 60000), 1000);
    EXPECT_EQ(bide_backoff_limit_ms(-5, 1000, 60000), 1000);
    EXPECT_EQ(bide_backoff_limit_ms(1, 1000, 300), 300);
}

UNIT(backoff_limit_of_extreme_times_neither_overflows_nor_is_negative)
{
    EXPECT_EQ(bide_backoff_limit_ms(99, 1, INT64_MAX), INT64_MAX);
    EXPECT_EQ(bide_backoff_limit_ms(2, INT64_MAX, INT64_MAX), INT64_MAX);
    EXPECT_EQ(bide_backoff_limit_ms(2, INT64_MAX - 1, INT64_MAX), INT64_MAX);
    EXPECT_EQ(bide_backoff_limit_ms(3, 0, 60000), 0);
    EXPECT_EQ(bide_backoff_limit_ms(3, -1, 60000), 0);
    EXPECT_EQ(bide_backoff_limit_ms(3, 1000, -1), 0);
    EXPECT_EQ(bide_backoff_ms(3, -1, 60000), 0);
}

/* With 500 of them, none in the lowest fifth is less likely than 10^-48. */
UNIT(backoff_is_spread_over_all_of_the_limit)
{
    for (int n = 1; n < 10; n++) {
        int64_t limit = bide_backoff_limit_ms(n, 1000, 60000), largest = 0, least = INT64_MAX;
        for (int k = 0; k < 500; k++) {
            int64_t ms = bide_backoff_ms(n, 1000, 60000);
            largest = ms > largest ? ms : largest;
            least = ms < least ? ms : least;
        }
        EXPECT_LE(0, least);
        EXPECT_LE(largest, limit);
        EXPECT_LE(limit * 8 / 10, largest);
        EXPECT_LE(least, limit * 2 / 10);
    }
}

UNIT(jitter_reaches_both_ends)
{
    bool seen[4] = {false};

    for (int k = 0; k < 500; k++) {
        int64_t ms = bide_jitter_ms(3);
        EXPECT_TRUE(ms >= 0 && ms <= 3);
        seen[ms] = true;
    }
    EXPECT_TRUE(seen[0] && seen[1] && seen[2] && seen[3]);
    EXPECT_EQ(bide_jitter_ms(0), 0);
    EXPECT_EQ(bide_jitter_ms(-7), 0);
    EXPECT_LE(0, bide_jitter_ms(INT64_MAX));
}

/* Workers that were forked from one image must not all wait for the same time. */
UNIT(jitter_in_a_forked_child_is_another)
{
    int fds[2];
    int64_t theirs = -1;

    EXPECT_LE(0, bide_jitter_ms(1000)); /* what could have a state has one now */
    EXPECT_EQ(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        theirs = bide_jitter_ms(INT64_MAX);
        _exit(write(fds[1], &theirs, sizeof theirs) != sizeof theirs);
    }
    EXPECT_EQ(read(fds[0], &theirs, sizeof theirs), (ssize_t)sizeof theirs);
    EXPECT_EQ(waitpid(child, NULL, 0), child);
    EXPECT_TRUE(theirs != bide_jitter_ms(INT64_MAX));
    close(fds[0]);
    close(fds[1]);
}
