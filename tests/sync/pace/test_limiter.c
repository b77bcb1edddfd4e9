/* SPDX-License-Identifier: MIT */
/* So many per second: in order, exact over a long time, and nothing is lost by those who give up. */
#include "harness/harness.h"

#include <math.h>
#include <stdlib.h>

#include <bide/bide.h>
#include <bide/limiter.h>

static int64_t now(void)
{
    return bide_loop_time_ms(bide_get_event_loop());
}

TEST(limiter_a_burst_goes_at_once_and_the_rest_at_the_rate)
{
    bide_limiter l = BIDE_LIMITER(10, 3);
    int64_t begin = now();

    for (int i = 0; i < 3; i++)
        EXPECT_EQ(bide_limiter_acquire(&l, 1), 0);
    EXPECT_EQ(now() - begin, 0);
    for (int i = 1; i <= 5; i++) {
        EXPECT_EQ(bide_limiter_acquire(&l, 1), 0);
        EXPECT_EQ(now() - begin, i * 100);
    }
    EXPECT_EQ(bide_sleep_ms(10000), 0); /* no more than a burst is saved up */
    begin = now();
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(bide_limiter_acquire(&l, 1), 0);
    EXPECT_EQ(now() - begin, 100);
}

TEST(limiter_is_exact_over_a_long_time_at_rates_beyond_the_timers)
{
    bide_limiter l = BIDE_LIMITER(3000, 0);
    int64_t begin = now();

    for (int i = 0; i < 30000; i++)
        EXPECT_EQ(bide_limiter_acquire(&l, 1), 0);
    EXPECT_LE(9970, now() - begin);
    EXPECT_LE(now() - begin, 10000);
}

TEST(limiter_more_than_the_burst_waits_until_so_many_have_come)
{
    bide_limiter l = BIDE_LIMITER(100, 10);
    int64_t begin = now();

    EXPECT_EQ(bide_limiter_acquire(&l, 60), 0);
    EXPECT_EQ(now() - begin, 500);
    EXPECT_EQ(bide_limiter_acquire(&l, 1), 0);
    EXPECT_EQ(now() - begin, 510);
}

static char order[16];
static int64_t times[16];

static int acquire(bide_limiter *l, size_t n, int name)
{
    int64_t begin = now();
    BIDE_TRY(bide_limiter_acquire(l, n));
    times[strlen(order)] = now() - begin;
    order[strlen(order)] = (char)name;
    return 0;
}

/* a wants much; b and c little, and do not overtake it. */
TEST(limiter_goes_in_order_of_arrival)
{
    bide_limiter l = BIDE_LIMITER(10, 1);
    EXPECT_EQ(bide_limiter_acquire(&l, 1), 0);
    bide_auto bide_task *a = bide_create_task(bide_coro(acquire, &l, 5, 'a'));
    bide_auto bide_task *b = bide_create_task(bide_coro(acquire, &l, 1, 'b'));
    bide_auto bide_task *c = bide_create_task(bide_coro(acquire, &l, 2, 'c'));

    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_FALSE(bide_limiter_try(&l, 1));
    EXPECT_EQ(bide_gather(a, b, c), 0);
    EXPECT_STR(order, "abc");
    EXPECT_EQ(times[0], 500);
    EXPECT_EQ(times[1], 600);
    EXPECT_EQ(times[2], 800);
}

TEST(limiter_cancelled_waiter_takes_nothing_and_those_behind_go_earlier)
{
    bide_limiter l = BIDE_LIMITER(10, 1);
    EXPECT_EQ(bide_limiter_acquire(&l, 1), 0);
    bide_auto bide_task *a = bide_create_task(bide_coro(acquire, &l, 5, 'a'));
    bide_auto bide_task *b = bide_create_task(bide_coro(acquire, &l, 1, 'b'));
    bide_auto bide_task *c = bide_create_task(bide_coro(acquire, &l, 2, 'c'));

    BIDE_IGNORE(bide_sleep_ms(50));
    bide_task_cancel(a);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    EXPECT_EQ(bide_gather(b, c), 0);
    EXPECT_STR(order, "bc");
    EXPECT_EQ(times[0], 100);
    EXPECT_EQ(times[1], 300);
}

/* Of many that give up at random the others get just what the rate gives. */
TEST(limiter_random_cancellation_loses_and_makes_nothing)
{
    enum { N = 200 };
    bide_limiter l = BIDE_LIMITER(100, 5);
    bide_task *tasks[N];
    int done = 0, largest = 0;
    unsigned seed = 7;
    int64_t begin = now();

    for (int i = 0; i < N; i++)
        tasks[i] = bide_create_task(bide_coro(bide_limiter_acquire, &l, 1));
    for (int i = 0; i < N; i++) {
        BIDE_IGNORE(bide_sleep_ms(rand_r(&seed) % 3));
        if (rand_r(&seed) % 3 == 0)
            bide_task_cancel(tasks[rand_r(&seed) % N]);
    }
    for (int i = 0; i < N; i++) {
        int code = bide_await(tasks[i]);
        EXPECT_TRUE(code == 0 || code == BIDE_ECANCELED);
        done += code == 0;
        bide_release(tasks[i]);
    }
    largest = 5 + (int)((now() - begin) / 10);
    EXPECT_LE(done, largest);
    EXPECT_LE(largest - 1, done);
}

TEST(limiter_loses_nothing_in_a_choice)
{
    bide_limiter l = BIDE_LIMITER(10, 1);
    EXPECT_EQ(bide_limiter_acquire(&l, 1), 0);
    int64_t begin = now();

    for (int i = 0; i < 20; i++)
        EXPECT_EQ(bide_select(NULL, bide_limiter_awaitable(&l, 1), bide_sleep_awaitable(4)), 1);
    EXPECT_EQ(bide_limiter_acquire(&l, 1), 0);
    EXPECT_EQ(now() - begin, 100);
}

TEST(limiter_try_charge_and_give_back)
{
    bide_limiter l = BIDE_LIMITER(10, 2);

    EXPECT_EQ(bide_limiter_delay_ms(&l, 2), 0);
    EXPECT_EQ(bide_limiter_delay_ms(&l, 3), 100);
    EXPECT_TRUE(bide_limiter_try(&l, 2));
    EXPECT_FALSE(bide_limiter_try(&l, 1));
    EXPECT_EQ(bide_limiter_charge(&l, 3), 0);
    EXPECT_EQ(bide_limiter_delay_ms(&l, 1), 400);
    EXPECT_EQ(bide_limiter_give_back(&l, 4), 0);
    EXPECT_TRUE(bide_limiter_try(&l, 1));
    EXPECT_FALSE(bide_limiter_try(&l, 1));
}

TEST(limiter_give_back_lets_who_waits_go)
{
    bide_limiter l = BIDE_LIMITER(1, 1);
    EXPECT_TRUE(bide_limiter_try(&l, 1));
    bide_auto bide_task *t = bide_create_task(bide_coro(acquire, &l, 1, 'a'));

    BIDE_IGNORE(bide_sleep_ms(100));
    EXPECT_EQ(bide_limiter_give_back(&l, 1), 0);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_EQ(times[0], 100);
}

TEST(limiter_bad_use_gets_a_sentence)
{
    bide_limiter none = BIDE_LIMITER(0, 1), negative = BIDE_LIMITER(-1, 1), nan = BIDE_LIMITER(NAN, 1);

    EXPECT_ERR(bide_limiter_acquire(NULL, 1), -EINVAL);
    EXPECT_ERR(bide_limiter_acquire(&none, 1), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "bide_limiter_acquire: a rate of 0 is not above 0");
    EXPECT_ERR(bide_limiter_charge(&negative, 1), -EINVAL);
    EXPECT_FALSE(bide_limiter_try(&nan, 1));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_limiter half = BIDE_LIMITER(10, 0.5), less = BIDE_LIMITER(10, -1), no_burst = BIDE_LIMITER(10, NAN);
    EXPECT_ERR(bide_limiter_acquire(&half, 1), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "bide_limiter_acquire: a burst of 0.5 is neither 0 nor 1 or more");
    EXPECT_ERR(bide_limiter_acquire(&less, 1), -EINVAL);
    EXPECT_ERR(bide_limiter_acquire(&no_burst, 1), -EINVAL);
    EXPECT_ERR(bide_limiter_give_back(NULL, 1), -EINVAL);
    EXPECT_ERR(bide_limiter_delay_ms(NULL, 1), -EINVAL);
}

TEST(limiter_of_so_much_that_no_clock_counts_it_waits)
{
    bide_limiter l = BIDE_LIMITER(1e-9, 1);
    EXPECT_EQ(bide_limiter_acquire(&l, 1), 0);
    bide_timeout(1000)
        EXPECT_ERR(bide_limiter_acquire(&l, SIZE_MAX), BIDE_ETIMEDOUT);
    EXPECT_TRUE(bide_limiter_delay_ms(&l, SIZE_MAX) > 0);
}
