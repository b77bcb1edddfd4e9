/* SPDX-License-Identifier: MIT */
/* test_gather.c - gather, gather_all, shield (checklist 6.7; where bide differs from asyncio the name says so). */
#include <stdlib.h>

#include "core/core.h"
#include "trace.h"

static int put(int64_t ms, int *slot, int value)
{
    int r = bide_sleep_ms(ms);
    if (r == 0)
        *slot = value;
    return r;
}

/* asyncio 86 */
TEST(gather_all_succeed_results_where_the_caller_said)
{
    int a = 0, b = 0, c = 0;
    EXPECT_EQ(bide_gather(bide_coro(put, (int64_t)30, &a, 1), bide_coro(put, (int64_t)10, &b, 2), bide_coro(put, (int64_t)20, &c, 3)), 0);
    EXPECT_EQ(a, 1);
    EXPECT_EQ(b, 2);
    EXPECT_EQ(c, 3);
}

/* asyncio 86 */
TEST(gather_of_nothing_is_done_and_duplicates_share_one_child)
{
    EXPECT_EQ(bide_gather_n(NULL, 0), 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(sleep_give, (int64_t)5, 0));
    EXPECT_EQ(bide_gather(t, t, t), 0);
}

/* asyncio 87 */
TEST(gather_differs_first_error_cancels_and_drains_the_others)
{
    EXPECT_ERR(bide_gather(bide_coro(sleep_give, (int64_t)1, -EIO), bide_coro(until_cancelled, "sibling")), -EIO);
    EXPECT_TRACE("sibling:cancelled");
}

static int two_errors(int64_t ms, int code, const char *text)
{
    BIDE_IGNORE(bide_sleep_ms(ms));
    return bide_fail(code, "%s", text);
}

TEST(gather_first_error_in_order_of_occurrence_with_its_story)
{
    EXPECT_ERR(bide_gather(bide_coro(two_errors, (int64_t)20, -EIO, "late"), bide_coro(two_errors, (int64_t)10, -EPERM, "early")), -EPERM);
    EXPECT_STR(bide_error_text(), "early");
}

/* asyncio 88 */
TEST(gather_all_errors_and_cancellations_become_codes)
{
    int codes[4] = {0};
    bide_auto bide_task *cancelled = bide_create_task(bide_coro(until_cancelled, "c"));
    bide_task_cancel(cancelled);
    EXPECT_EQ(bide_gather_all(codes, bide_coro(give, 1), bide_coro(give, -EIO), cancelled, bide_coro(sleep_give, (int64_t)5, 4)), 2);
    EXPECT_EQ(codes[0], 1);
    EXPECT_EQ(codes[1], -EIO);
    EXPECT_EQ(codes[2], BIDE_ECANCELED);
    EXPECT_EQ(codes[3], 4);
}

/* asyncio 89 */
TEST(gather_a_cancelled_child_makes_it_fail)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(until_cancelled, "c"));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(t);
    EXPECT_ERR(bide_gather(t, bide_coro(sleep_give, (int64_t)50, 0)), BIDE_ECANCELED);
    EXPECT_FALSE(bide_cancelling(bide_current_task()));
}

static int gathers_two(void)
{
    return bide_gather(bide_coro(until_cancelled, "a"), bide_coro(until_cancelled, "b"));
}

/* asyncio 90 */
TEST(gather_cancelled_cancels_all_children_and_ends_with_them)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(gathers_two));
    BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_TRUE(bide_task_cancel(t));
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRACE("a:cancelled b:cancelled");
}

static int swallow(void)
{
    BIDE_IGNORE(bide_sleep_ms(1000));
    return 0;
}

static int gathers_all_swallow(void)
{
    int codes[2];
    return bide_gather_all(codes, bide_coro(swallow), bide_coro(swallow));
}

/* asyncio 90 */
TEST(gather_all_cancelled_raises_even_if_the_children_swallow_it)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(gathers_all_swallow));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
}

/* asyncio 91 */
TEST(gather_of_two_loops_is_refused)
{
    bide_auto bide_loop *other = bide_loop_new();
    bide_loop *here = bide__loop_here;
    bide__loop_here = other;
    bide_auto bide_future *f = bide_future_new();
    bide__loop_here = here;
    EXPECT_ERR(bide_gather(f, bide_coro(until_cancelled, "never")), BIDE_ESTATE);
    EXPECT_TRACE("");
}

static int shields(bide_task *t)
{
    return bide_shield(t);
}

/* asyncio 92 */
TEST(shield_cancelling_the_waiter_leaves_the_task)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(sleep_give, (int64_t)50, 4));
    bide_auto bide_task *waiter = bide_create_task(bide_coro(shields, t));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(waiter);
    EXPECT_ERR(bide_await(waiter), BIDE_ECANCELED);
    EXPECT_EQ(bide_await(t), 4);
}

/* asyncio 92 */
TEST(shield_a_cancelled_inner_cancels_the_outer)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(until_cancelled, "t"));
    bide_auto bide_task *waiter = bide_create_task(bide_coro(shields, t));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(waiter), BIDE_ECANCELED);
    EXPECT_TRUE(bide_task_cancelled(waiter));
}

TEST(gather_mixes_coroutines_tasks_futures_generators_and_sleeps)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(sleep_give, (int64_t)5, 1));
    bide_auto bide_future *f = bide_future_new();
    BIDE_IGNORE(bide_future_set_result(f, 1));
    EXPECT_EQ(bide_gather(t, f, bide_coro(nop), bide_sleep_awaitable(10)), 0);
}

static int gather_many(int n)
{
    bide_awaitable *aws = calloc((size_t)n, sizeof *aws);
    for (int i = 0; i < n; i++)
        aws[i] = BIDE_AW(bide_coro(sleep_give, (int64_t)(i % 10), i));
    int r = bide_gather_n(aws, (size_t)n);
    free(aws);
    return r;
}

TEST(gather_10000)
{
    EXPECT_EQ(bide_await(bide_coro(gather_many, 10000)), 0);
}

/* Fail the n-th allocation until the whole call succeeds: nothing leaks, nothing hangs, and the error is said. */
TEST(gather_without_memory_is_an_error_that_is_returned)
{
    int failures = 0;
    for (long n = 0;; n++) {
        bide__alloc_fail_at(n);
        int r = bide_await(bide_coro(gather_many, 200));
        bide__alloc_fail_at(-1);
        if (r == 0)
            break;
        EXPECT_ERR(r, BIDE_ENOMEM);
        EXPECT_CONTAINS(bide_error_text(), "out of memory");
        failures++;
    }
    EXPECT_TRUE(failures > 0);
}

#define FOUR_NOPS bide_coro(nop), bide_coro(nop), bide_coro(nop), bide_coro(nop)

TEST(gather_takes_32_in_place)
{
    int codes[32];
    EXPECT_EQ(bide_gather(FOUR_NOPS, FOUR_NOPS, bide_coro(nop)), 0);
    EXPECT_EQ(bide_gather_all(codes, FOUR_NOPS, FOUR_NOPS, FOUR_NOPS, FOUR_NOPS, FOUR_NOPS, FOUR_NOPS, FOUR_NOPS, bide_coro(nop),
                              bide_coro(nop), bide_coro(give, 30), bide_coro(give, 31)), 0);
    EXPECT_EQ(codes[0], 0);
    EXPECT_EQ(codes[30], 30);
    EXPECT_EQ(codes[31], 31);
}
