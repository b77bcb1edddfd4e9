/* SPDX-License-Identifier: MIT */
/* test_shield.c - bide_shield_awaitable: a shield to be given to gather, wait, a group. */
#include "core/core.h"
#include "trace.h"

static int gives_late(int result)
{
    BIDE_TRY(bide_sleep_ms(50));
    trace("late");
    return result;
}

static int fails_soon(void)
{
    BIDE_TRY(bide_sleep_ms(5));
    return bide_fail(-EIO, "soon");
}

/* asyncio 92 */
TEST(shield_awaitable_in_a_gather_that_fails_lives_on)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(gives_late, 7));
    EXPECT_ERR(bide_gather(bide_shield_awaitable(t), bide_coro(fails_soon)), -EIO);
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_EQ(bide_cancelling(t), 0);
    EXPECT_EQ(bide_await(t), 7);
    EXPECT_TRACE("late");
}

/* asyncio 92: what is no task yet goes on without an owner */
TEST(shield_awaitable_of_a_coroutine_goes_on_alone)
{
    EXPECT_ERR(bide_gather(bide_shield_awaitable(bide_coro(gives_late, 7)), bide_coro(fails_soon)), -EIO);
    EXPECT_TRACE("");
    BIDE_IGNORE(bide_sleep_ms(100));
    EXPECT_TRACE("late");
}

TEST(shield_awaitable_gives_what_it_shields_gives)
{
    int codes[3] = {0};
    bide_auto bide_task *t = bide_create_task(bide_coro(gives_late, 7)), *failing = bide_create_task(bide_coro(fails_soon));
    bide_auto bide_future *done = bide_future_new();
    EXPECT_EQ(bide_future_set_result(done, 3), 0);
    EXPECT_EQ(bide_gather_all(codes, bide_shield_awaitable(t), bide_shield_awaitable(failing), bide_shield_awaitable(done)), 1);
    EXPECT_EQ(codes[0], 7);
    EXPECT_ERR(codes[1], -EIO);
    EXPECT_EQ(codes[2], 3);
    EXPECT_EQ(bide_await(bide_shield_awaitable(t)), 7);
    EXPECT_ERR(bide_await(bide_shield_awaitable(failing)), -EIO);
    EXPECT_STR(bide_error_text(), "soon");
    EXPECT_EQ(bide_shield(bide_shield_awaitable(t)), 7);
}

static int awaits_shielded(bide_task *t)
{
    return bide_await(bide_shield_awaitable(t));
}

/* asyncio 92 */
TEST(shield_awaitable_cancelling_the_waiter_leaves_the_task_and_cancelling_the_task_ends_the_waiter)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(gives_late, 7));
    bide_auto bide_task *a = bide_create_task(bide_coro(awaits_shielded, t)), *b = bide_create_task(bide_coro(awaits_shielded, t));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(a);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    EXPECT_FALSE(bide_task_done(t));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(b), BIDE_ECANCELED);
    EXPECT_EQ(bide_cancelling(b), 0);
}

/* 6.12: asyncio takes 3 turns */
TEST(shield_awaitable_takes_3_turns)
{
    turns_begin();
    EXPECT_EQ(bide_await(bide_shield_awaitable(bide_coro(nop))), 0);
    EXPECT_EQ(turns_end(), 3);
}

TEST(shield_awaitable_in_wait_as_completed_a_timeout_and_a_generator)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(gives_late, 7));
    bool done[2];
    EXPECT_EQ(bide_wait(BIDE_AWAITABLES(bide_shield_awaitable(t), bide_coro(nop)), .until = BIDE_FIRST_COMPLETED, .done = done), 1);
    EXPECT_TRUE(done[1] && !done[0]);
    EXPECT_ERR(bide_wait_for(bide_shield_awaitable(t), 5), BIDE_ETIMEDOUT);
    bide_auto bide_completed *c = bide_as_completed(BIDE_AWAITABLES(bide_shield_awaitable(t), bide_coro(nop)));
    size_t i = 9;
    EXPECT_EQ(bide_completed_next(c, &i), 1);
    EXPECT_EQ(i, 1);
    bide_release(bide_take(c));
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_EQ(bide_await(t), 7);
}

TEST(shield_awaitable_of_itself_or_nothing_is_refused)
{
    EXPECT_ERR(bide_await(bide_shield_awaitable(bide_current_task())), BIDE_EDEADLOCK);
    EXPECT_ERR(bide_gather(bide_shield_awaitable(bide_current_task()), bide_coro(nop)), BIDE_EDEADLOCK);
    EXPECT_ERR(bide_await(bide_shield_awaitable((bide_task *)NULL)), -EINVAL);
    EXPECT_ERR(bide_gather(bide_shield_awaitable((bide_future *)NULL)), -EINVAL);
}
