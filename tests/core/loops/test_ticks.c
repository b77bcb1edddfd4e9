/* SPDX-License-Identifier: MIT */
/* test_ticks.c - how many turns of the loop each expression takes: asyncio's numbers (checklist 6.12). */
#include "core/core.h"
#include "trace.h"

#define EXPECT_TURNS(n, expression) \
    do {                            \
        turns_begin();              \
        BIDE_IGNORE(expression);    \
        EXPECT_EQ(turns_end(), (n)); \
    } while (0)

TEST(ticks_coroutine_and_done_future_0)
{
    bide_auto bide_future *f = bide_future_new();
    BIDE_IGNORE(bide_future_set_result(f, 0));
    EXPECT_TURNS(0, bide_await(bide_coro(nop)));
    EXPECT_TURNS(0, bide_await(f));
    EXPECT_TURNS(0, bide_wait_for(bide_coro(nop), 10000));
}

TEST(ticks_sleep_0_1)
{
    EXPECT_TURNS(1, bide_sleep_ms(0));
}

static int spawn_and_await(void)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(nop));
    return bide_await(t);
}

TEST(ticks_task_2)
{
    EXPECT_TURNS(2, bide_await(bide_coro(spawn_and_await)));
}

static void set_it(void *f)
{
    BIDE_IGNORE(bide_future_set_result(f, 0));
}

static int await_set_soon(void)
{
    bide_auto bide_future *f = bide_future_new();
    bide_loop_call_soon(bide_get_event_loop(), set_it, f);
    return bide_await(f);
}

TEST(ticks_future_set_by_call_soon_2)
{
    EXPECT_TURNS(2, bide_await(bide_coro(await_set_soon)));
}

static int timeout_0(void)
{
    bide_timeout(0)
        return bide_sleep_ms(1);
    return 0;
}

TEST(ticks_timeout_0_2)
{
    EXPECT_TURNS(2, bide_await(bide_coro(timeout_0)));
}

static int gather_3(void)
{
    return bide_gather(bide_coro(nop), bide_coro(nop), bide_coro(nop));
}

static int wait_3(void)
{
    bide_task *t[] = {bide_create_task(bide_coro(nop)), bide_create_task(bide_coro(nop)), bide_create_task(bide_coro(nop))};
    int r = bide_wait(t, 3);
    for (int i = 0; i < 3; i++)
        bide_release(t[i]);
    return r;
}

static int shield_nop(void)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(nop));
    return bide_shield(t);
}

TEST(ticks_gather_wait_shield_3)
{
    EXPECT_TURNS(3, bide_await(bide_coro(gather_3)));
    EXPECT_TURNS(3, bide_await(bide_coro(wait_3)));
    EXPECT_TURNS(3, bide_await(bide_coro(shield_nop)));
}

static int cancel_sleeping(void)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(until_cancelled, "t"));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(t);
    return bide_await(t);
}

static int cancel_unstarted(void)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(until_cancelled, "t"));
    bide_task_cancel(t);
    return bide_await(t);
}

TEST(ticks_cancel_sleeping_3_unstarted_2)
{
    EXPECT_TURNS(3, bide_await(bide_coro(cancel_sleeping)));
    EXPECT_TURNS(2, bide_await(bide_coro(cancel_unstarted)));
}
