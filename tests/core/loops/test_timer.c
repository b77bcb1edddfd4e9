/* SPDX-License-Identifier: MIT */
/* test_timer.c - the wheel: order, exactness, and that it never loses one (against a simple model). */
#include <stdlib.h>

#include "core/core.h"
#include "harness/harness.h"

struct probe {
    struct timer timer;
    int number, armed; /* armed: as so many-th */
    int64_t fired_at;
};

static struct wheel wheel;
static int fired[5000], nfired, narmed;

static void probe_fire(struct timer *t)
{
    struct probe *p = container_of(t, struct probe, timer);
    p->fired_at = wheel.now_ms;
    fired[nfired++] = p->number;
}

static void arm(struct probe *p, int number, int64_t when)
{
    bide__timer_init(&p->timer, probe_fire);
    p->number = number;
    p->armed = narmed++;
    p->fired_at = -1;
    bide__wheel_arm(&wheel, &p->timer, when);
}

UNIT(wheel_fires_in_order_of_time_then_of_arming)
{
    struct probe p[6];
    bide__wheel_init(&wheel, 1000);
    arm(&p[0], 0, 5000);
    arm(&p[1], 1, 1001);
    arm(&p[2], 2, 5000);
    arm(&p[3], 3, 1000000);
    arm(&p[4], 4, 1001);
    arm(&p[5], 5, 5000);
    EXPECT_EQ(bide__wheel_next_ms(&wheel), 1001);
    bide__wheel_advance(&wheel, 4999);
    EXPECT_EQ(nfired, 2);
    arm(&p[1], 1, 5000); /* directly into level 0, behind those that moved down */
    bide__wheel_advance(&wheel, 2000000);
    const int want[] = {1, 4, 0, 2, 5, 1, 3};
    EXPECT_EQ(nfired, 7);
    EXPECT_MEM(fired, want, sizeof want);
    EXPECT_EQ(bide__wheel_next_ms(&wheel), -1);
    EXPECT_EQ(wheel.count, 0);
}

UNIT(wheel_disarm_leaves_no_trace)
{
    struct probe p[100];
    bide__wheel_init(&wheel, 7);
    for (int i = 0; i < 100; i++)
        arm(&p[i], i, 8 + i * i * i);
    for (int i = 0; i < 100; i++)
        bide__wheel_disarm(&wheel, &p[i].timer);
    bide__wheel_disarm(&wheel, &p[0].timer);
    EXPECT_EQ(bide__wheel_next_ms(&wheel), -1);
    for (size_t i = 0; i < array_len(wheel.near_occupied); i++)
        EXPECT_EQ(wheel.near_occupied[i], 0);
    for (int level = 0; level < WHEEL_LEVELS; level++)
        EXPECT_EQ(wheel.far_occupied[level], 0);
}

/* Random arming, disarming and advancing: everything fires at its own millisecond, in order, exactly once. */
UNIT(wheel_agrees_with_a_simple_model)
{
    enum { N = 200 };
    static struct probe p[N];
    srand(42);
    bide__wheel_init(&wheel, 123456);
    for (int i = 0; i < N; i++)
        bide__timer_init(&p[i].timer, probe_fire);
    for (int round = 0; round < 20000; round++) {
        struct probe *q = &p[rand() % N];
        if (bide__timer_is_armed(&q->timer))
            bide__wheel_disarm(&wheel, &q->timer);
        else
            arm(q, (int)(q - p), wheel.now_ms + 1 + rand() % (1 << (rand() % 24)));
        if (round % 7)
            continue;
        int64_t to = wheel.now_ms + rand() % (1 << (rand() % 16)), next = bide__wheel_next_ms(&wheel);
        nfired = 0;
        int64_t earliest = INT64_MAX;
        for (int i = 0; i < N; i++)
            if (bide__timer_is_armed(&p[i].timer) && p[i].timer.when_ms < earliest)
                earliest = p[i].timer.when_ms;
        if (earliest != INT64_MAX)
            EXPECT_TRUE(next >= 0 && next <= earliest);
        bide__wheel_advance(&wheel, to);
        for (int i = 0; i < N; i++)
            if (bide__timer_is_armed(&p[i].timer))
                EXPECT_TRUE(p[i].timer.when_ms > to);
        for (int i = 0; i < nfired; i++) {
            EXPECT_EQ(p[fired[i]].fired_at, p[fired[i]].timer.when_ms);
            if (i > 0)
                EXPECT_TRUE(p[fired[i]].timer.when_ms > p[fired[i - 1]].timer.when_ms ||
                            (p[fired[i]].timer.when_ms == p[fired[i - 1]].timer.when_ms && p[fired[i]].armed > p[fired[i - 1]].armed));
        }
    }
}

/* A time is asked for long before, in the millisecond in which it comes near, and after that. */
UNIT(wheel_keeps_the_order_of_arming_when_far_timers_come_near)
{
    struct probe p[6];
    bide__wheel_init(&wheel, 0);
    arm(&p[0], 0, 2048 + 1023); /* the last of its block */
    arm(&p[1], 1, 2048);        /* the first */
    bide__wheel_advance(&wheel, 2047);
    arm(&p[2], 2, 2048);
    arm(&p[3], 3, 2048 + 1023); /* at a distance of 1,024 */
    EXPECT_EQ(bide__wheel_next_ms(&wheel), 2048);
    bide__wheel_advance(&wheel, 2048);
    arm(&p[4], 4, 2048 + 1023); /* near by now */
    arm(&p[5], 5, 2048 + 1024);
    EXPECT_EQ(nfired, 2);
    EXPECT_EQ(bide__wheel_next_ms(&wheel), 2048 + 1023);
    bide__wheel_advance(&wheel, 10000);
    const int want[] = {1, 2, 0, 3, 4, 5};
    EXPECT_EQ(nfired, 6);
    EXPECT_MEM(fired, want, sizeof want);
    EXPECT_EQ(wheel.count, 0);
}

static void ignore_fire(struct timer *t)
{
    (void)t;
}

/* Of many that are armed in one step only the first looks at the clock; none is early, and none overtakes another. */
UNIT(timers_armed_among_many_count_from_the_next_look_at_the_clock)
{
    bide_loop *loop = bide_loop_new();
    struct timer t[4];
    for (size_t i = 0; i < array_len(t); i++)
        bide__timer_init(&t[i], ignore_fire);

    bide__timer_arm_among_many(loop, &t[0], 100);
    int64_t first_ms = t[0].when_ms;
    bide__timer_arm_among_many(loop, &t[1], 98);
    bide__timer_arm_among_many(loop, &t[2], 99);
    EXPECT_EQ(loop->wheel.count, 3);
    EXPECT_EQ(t[1].when_ms, 98); /* not known yet */
    EXPECT_EQ(bide__wheel_next_ms(&loop->wheel), loop->wheel.now_ms);
    bide__timer_disarm(loop, &t[2]);
    loop->now_ns += 7000001; /* so long did the step go on */
    bide__timers_date(loop);
    EXPECT_EQ(t[0].when_ms, first_ms);
    EXPECT_TRUE(t[1].when_ms == first_ms - 100 + 98 + 7 || t[1].when_ms == first_ms - 100 + 98 + 8);
    EXPECT_EQ(loop->wheel.count, 2);

    bide__timer_arm_among_many(loop, &t[2], 1);
    bide__timer_arm(loop, &t[3], 1); /* behind it, if it is the same millisecond */
    EXPECT_TRUE(bide__list_is_empty(&loop->wheel.fresh));
    EXPECT_TRUE(t[3].when_ms >= t[2].when_ms);
    for (size_t i = 0; i < array_len(t); i++)
        bide__timer_disarm(loop, &t[i]);
    bide_release(loop);
}
