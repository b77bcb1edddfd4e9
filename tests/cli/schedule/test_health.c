/* SPDX-License-Identifier: MIT */
/* test_health.c - is a host well, down or lost?  And hosts that rest wake in the order of their times. */
#include <harness/harness.h>

#include "cli/schedule/inside.h"

static const struct health_limits limits = {.rounds = 5, .backoff_ms = 1000, .backoff_max_ms = 4000};

UNIT(health_unknown_host_is_down_after_one_failure)
{
    struct health h = {0};

    EXPECT_TRUE(health_is_slow(&h) && !h.is_down);
    health_failed(&h, &limits, 0, 10000);
    EXPECT_TRUE(h.is_down && !h.is_lost);
    EXPECT_LE(10500, h.probe_ms);
    EXPECT_LE(h.probe_ms, 11000);
}

UNIT(health_known_host_is_down_after_three_failures_at_once)
{
    struct health h = {0};

    health_answered(&h, 5000);
    EXPECT_FALSE(health_is_slow(&h));
    health_failed(&h, &limits, 100, 200);
    health_failed(&h, &limits, 100, 200);
    EXPECT_FALSE(h.is_down);
    health_answered(&h, 5000);
    health_failed(&h, &limits, 100, 200);
    health_failed(&h, &limits, 100, 200);
    EXPECT_FALSE(h.is_down);
    health_failed(&h, &limits, 100, 200);
    EXPECT_TRUE(h.is_down && health_is_slow(&h));
    EXPECT_EQ(h.rounds, 1);
}

UNIT(health_failures_at_the_same_time_are_one_round)
{
    struct health h = {0};

    for (int i = 0; i < 100; i++)
        health_failed(&h, &limits, 0, 1000 + i);
    health_failed(&h, &limits, 1000, 1000); /* refused at once */
    EXPECT_EQ(h.rounds, 1);
    EXPECT_EQ(h.in_row, 101);
    EXPECT_FALSE(h.is_lost);
}

/* Also within a millisecond: what is counted are requests, not times. */
UNIT(health_refusals_of_those_that_were_sent_before_are_one_round)
{
    struct health h = {0};

    for (uint64_t order = 1; order <= 8; order++)
        health_refused(&h, order, 8);
    EXPECT_EQ(h.refusals, 1);
    health_refused(&h, 9, 9);
    health_refused(&h, 8, 10);
    health_refused(&h, 10, 10);
    EXPECT_EQ(h.refusals, 3);
}

UNIT(health_probes_go_farther_apart_and_then_the_host_is_lost)
{
    static const int64_t most[] = {1000, 2000, 4000, 4000};
    struct health h = {0};
    int64_t now = 1;

    for (int i = 0; i < 4; i++) {
        health_failed(&h, &limits, now, now + 10);
        EXPECT_FALSE(h.is_lost);
        EXPECT_LE(now + 10 + most[i] / 2, h.probe_ms);
        EXPECT_LE(h.probe_ms, now + 10 + most[i]);
        now = h.probe_ms;
    }
    health_failed(&h, &limits, now, now + 10);
    EXPECT_TRUE(h.is_lost);
    EXPECT_FALSE(health_is_slow(&h));
}

UNIT(health_answer_ends_it)
{
    struct health h = {0};

    for (int i = 0; i < 4; i++)
        health_failed(&h, &limits, i * 100 + 1, i * 100 + 50);
    health_answered(&h, 2000000);
    EXPECT_FALSE(h.is_down);
    EXPECT_EQ(h.rounds, 0);
    EXPECT_TRUE(health_is_slow(&h)); /* two seconds */
    for (int i = 0; i < 40; i++)
        health_answered(&h, 1000);
    EXPECT_FALSE(health_is_slow(&h));
}

UNIT(hosts_wake_in_the_order_of_their_times)
{
    static struct host hosts[500];
    struct queue q = {0};
    int64_t last = -1;
    size_t n = 0;

    for (size_t i = 0; i < 500; i++) {
        hosts[i].wake_ms = (int64_t)(i * 7919 % 503);
        asleep_push(&q, &hosts[i]);
        if (i % 3 == 2) { /* one leaves, and comes back later */
            struct host *host = asleep_pop(&q);
            EXPECT_FALSE(host->is_asleep);
            host->wake_ms += 250;
            asleep_push(&q, host);
        }
    }
    for (; q.asleep; n++) {
        struct host *host = asleep_pop(&q);
        EXPECT_LE(last, host->wake_ms);
        last = host->wake_ms;
    }
    EXPECT_EQ(n, 500);
}
