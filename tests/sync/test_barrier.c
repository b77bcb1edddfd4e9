/* SPDX-License-Identifier: MIT */
/* test_barrier.c - a number of tasks that go on together (asyncio checklist 6.10). */
#include <bide/several.h>
#include <bide/sync.h>

#include "../core/trace.h"

static void yields(int n)
{
    while (n-- > 0)
        BIDE_IGNORE(bide_sleep_ms(0));
}

static int party(bide_barrier *b, const char *name)
{
    int r = bide_barrier_wait(b);
    trace("%s%d", name, r);
    return r;
}

/* asyncio semantics 110 */
TEST(barrier_lets_all_through_when_the_last_arrives)
{
    bide_barrier b = BIDE_BARRIER(3);
    bide_auto bide_task *x = bide_create_task(bide_coro(party, &b, "x"));
    bide_auto bide_task *y = bide_create_task(bide_coro(party, &b, "y"));
    yields(5);
    EXPECT_EQ(bide_barrier_waiting(&b), 2);
    EXPECT_EQ(bide_barrier_wait(&b), 2);
    EXPECT_EQ(bide_await(x), 0);
    EXPECT_EQ(bide_await(y), 1);
    EXPECT_EQ(bide_barrier_waiting(&b), 0);
    bide_barrier one = BIDE_BARRIER(1);
    EXPECT_EQ(bide_barrier_wait(&one), 0);
    EXPECT_EQ(bide_barrier_wait(&one), 0);
}

/* asyncio semantics 112 */
TEST(barrier_keeps_who_comes_while_it_drains_for_the_next_round)
{
    bide_barrier b = BIDE_BARRIER(2);
    bide_auto bide_task *x = bide_create_task(bide_coro(party, &b, "x"));
    yields(3);
    EXPECT_EQ(bide_barrier_wait(&b), 1);
    bide_auto bide_task *y = bide_create_task(bide_coro(party, &b, "y"));
    bide_auto bide_task *z = bide_create_task(bide_coro(party, &b, "z"));
    EXPECT_EQ(bide_await(x), 0);
    EXPECT_EQ(bide_gather(y, z), 0);
    EXPECT_EQ(bide_await(y) + bide_await(z), 1);
}

/* asyncio 116: one that is cancelled does not count any longer */
TEST(barrier_without_one_that_was_cancelled)
{
    bide_barrier b = BIDE_BARRIER(2);
    bide_auto bide_task *x = bide_create_task(bide_coro(party, &b, "x"));
    yields(3);
    bide_task_cancel(x);
    EXPECT_ERR(bide_await(x), BIDE_ECANCELED);
    EXPECT_EQ(bide_barrier_waiting(&b), 0);
    bide_auto bide_task *y = bide_create_task(bide_coro(party, &b, "y"));
    yields(3);
    EXPECT_EQ(bide_barrier_wait(&b), 1);
    EXPECT_EQ(bide_await(y), 0);
}

/* asyncio 116; semantics 114 */
TEST(barrier_reset_breaks_the_present_round_alone)
{
    bide_barrier b = BIDE_BARRIER(2);
    bide_auto bide_task *x = bide_create_task(bide_coro(party, &b, "x"));
    yields(3);
    EXPECT_EQ(bide_barrier_reset(&b), 0);
    EXPECT_ERR(bide_await(x), BIDE_EBROKEN);
    EXPECT_FALSE(bide_barrier_is_broken(&b));
    bide_auto bide_task *y = bide_create_task(bide_coro(party, &b, "y"));
    yields(3);
    EXPECT_EQ(bide_barrier_wait(&b), 1);
    EXPECT_EQ(bide_await(y), 0);
    EXPECT_EQ(bide_barrier_reset(&b), 0);
}

/* asyncio 116; semantics 115 */
TEST(barrier_abort_breaks_it_until_a_reset)
{
    bide_barrier b = BIDE_BARRIER(2);
    bide_auto bide_task *x = bide_create_task(bide_coro(party, &b, "x"));
    yields(3);
    EXPECT_EQ(bide_barrier_abort(&b), 0);
    EXPECT_ERR(bide_await(x), BIDE_EBROKEN);
    EXPECT_TRUE(bide_barrier_is_broken(&b));
    EXPECT_ERR(bide_barrier_wait(&b), BIDE_EBROKEN);
    EXPECT_CONTAINS(bide_error_text(), "aborted or reset");
    EXPECT_EQ(bide_barrier_reset(&b), 0);
    EXPECT_FALSE(bide_barrier_is_broken(&b));
    bide_auto bide_task *y = bide_create_task(bide_coro(party, &b, "y"));
    yields(3);
    EXPECT_EQ(bide_barrier_wait(&b), 1);
    EXPECT_EQ(bide_await(y), 0);
}

TEST(barrier_of_nobody_is_an_error)
{
    bide_barrier b = BIDE_BARRIER(0);
    EXPECT_ERR(bide_barrier_wait(&b), -EINVAL);
    EXPECT_ERR(bide_barrier_abort(&b), -EINVAL);
    EXPECT_ERR(bide_barrier_wait(NULL), -EINVAL);
    EXPECT_ERR(bide_barrier_reset(NULL), -EINVAL);
    EXPECT_EQ(bide_barrier_waiting(NULL), 0);
}

TEST(barrier_out_of_time_leaves_it_in_order)
{
    bide_barrier b = BIDE_BARRIER(2);
    int code = 0;
    bide_timeout(5)
        code = bide_barrier_wait(&b);
    EXPECT_ERR(code, BIDE_ETIMEDOUT);
    bide_auto bide_task *y = bide_create_task(bide_coro(party, &b, "y"));
    yields(3);
    EXPECT_EQ(bide_barrier_wait(&b), 1);
    EXPECT_EQ(bide_await(y), 0);
}
