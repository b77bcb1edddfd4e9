/* SPDX-License-Identifier: MIT */
/* Intervals, and what happens to ticks that were missed. */
#include "harness/harness.h"

#include <bide/bide.h>
#include <bide/interval.h>

static int64_t begin;

static int64_t elapsed(void)
{
    return bide_loop_time_ms(bide_get_event_loop()) - begin;
}

/* Work of 250 ms in the second of six ticks, 100 ms apart: when each comes, and how late. */
static void expect_ticks(enum bide_missed missed, const int times[6], const int late[6])
{
    bide_interval i = BIDE_INTERVAL(100, missed);

    begin = bide_loop_time_ms(bide_get_event_loop());
    for (int n = 0; n < 6; n++) {
        EXPECT_EQ(bide_interval_tick(&i), late[n]);
        EXPECT_EQ(elapsed(), times[n]);
        if (n == 1)
            EXPECT_EQ(bide_sleep_ms(250), 0);
    }
}

TEST(interval_burst_makes_up_for_what_was_missed)
{
    expect_ticks(BIDE_MISSED_BURST, (int[]){0, 100, 350, 350, 400, 500}, (int[]){0, 0, 1, 0, 0, 0});
}

TEST(interval_delay_begins_anew_after_the_late_one)
{
    expect_ticks(BIDE_MISSED_DELAY, (int[]){0, 100, 350, 450, 550, 650}, (int[]){0, 0, 1, 0, 0, 0});
}

TEST(interval_skip_goes_on_at_the_old_times)
{
    expect_ticks(BIDE_MISSED_SKIP, (int[]){0, 100, 350, 400, 500, 600}, (int[]){0, 0, 1, 0, 0, 0});
}

static int tick(bide_interval *i, int *when)
{
    BIDE_TRY(bide_interval_tick(i));
    *when = (int)elapsed();
    return 0;
}

TEST(interval_each_tick_is_for_one_who_waits)
{
    bide_interval i = BIDE_INTERVAL(100, BIDE_MISSED_SKIP);
    int a_at = 0, b_at = 0, c_at = 0;
    begin = bide_loop_time_ms(bide_get_event_loop());
    EXPECT_EQ(bide_interval_tick(&i), 0);
    bide_auto bide_task *a = bide_create_task(bide_coro(tick, &i, &a_at));
    bide_auto bide_task *b = bide_create_task(bide_coro(tick, &i, &b_at));
    bide_auto bide_task *c = bide_create_task(bide_coro(tick, &i, &c_at));

    BIDE_IGNORE(bide_sleep_ms(50));
    bide_task_cancel(a);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    EXPECT_EQ(bide_gather(b, c), 0);
    EXPECT_EQ(b_at, 100);
    EXPECT_EQ(c_at, 200);
}

TEST(interval_loses_no_tick_in_a_choice)
{
    bide_interval i = BIDE_INTERVAL(100, BIDE_MISSED_BURST);
    int ticks = 0;
    begin = bide_loop_time_ms(bide_get_event_loop());

    while (elapsed() < 1000)
        ticks += bide_select(NULL, bide_interval_awaitable(&i), bide_sleep_awaitable(30)) == 0;
    EXPECT_EQ(ticks, 11); /* at 0, 100 ... 1000 */
}

TEST(interval_reset_moves_the_next_tick_also_of_who_waits)
{
    bide_interval i = BIDE_INTERVAL(100, BIDE_MISSED_BURST);
    int at = 0;
    begin = bide_loop_time_ms(bide_get_event_loop());
    EXPECT_EQ(bide_interval_tick(&i), 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(tick, &i, &at));

    BIDE_IGNORE(bide_sleep_ms(70));
    i.every_ms = 200;
    EXPECT_EQ(bide_interval_reset(&i), 0);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_EQ(at, 270);
}

static int one_tick(bide_interval *i)
{
    return bide_interval_tick(i);
}

/* A static one: the first tick of each loop comes at once. */
UNIT(interval_begins_anew_in_the_next_loop)
{
    static bide_interval i = BIDE_INTERVAL(1000000, BIDE_MISSED_SKIP);

    EXPECT_EQ(bide_run(bide_coro(one_tick, &i)), 0);
    EXPECT_EQ(bide_run(bide_coro(one_tick, &i)), 0);
}

TEST(interval_bad_use_gets_a_sentence)
{
    bide_interval never = BIDE_INTERVAL(0, BIDE_MISSED_SKIP), odd = BIDE_INTERVAL(1, (enum bide_missed)7),
                  endless = BIDE_INTERVAL(BIDE_FOREVER, BIDE_MISSED_SKIP);

    EXPECT_ERR(bide_interval_tick(NULL), -EINVAL);
    EXPECT_ERR(bide_interval_tick(&never), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "bide_interval_tick: every 0 ms");
    EXPECT_ERR(bide_interval_tick(&odd), -EINVAL);
    EXPECT_ERR(bide_interval_tick(&endless), -EINVAL);
    EXPECT_ERR(bide_interval_reset(NULL), -EINVAL);
}
