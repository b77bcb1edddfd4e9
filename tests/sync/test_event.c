/* SPDX-License-Identifier: MIT */
/* test_event.c - a flag that tasks wait for (asyncio checklist 6.10). */
#include <bide/select.h>
#include <bide/sync.h>

#include "../core/trace.h"

static int waiter(bide_event *e, const char *name)
{
    int r = bide_event_wait(e);
    trace("%s%d", name, r);
    return r;
}

/* asyncio semantics 91 */
TEST(event_that_is_set_does_not_suspend)
{
    bide_event e = {0};
    EXPECT_FALSE(bide_event_is_set(&e));
    EXPECT_EQ(bide_event_set(&e), 0);
    EXPECT_TRUE(bide_event_is_set(&e));
    turns_begin();
    EXPECT_EQ(bide_event_wait(&e), 0);
    EXPECT_EQ(turns_end(), 0);
}

/* asyncio 111; semantics 92 */
TEST(event_set_and_cleared_at_once_wakes_all_that_waited)
{
    bide_event e = {0};
    bide_auto bide_task *a = bide_create_task(bide_coro(waiter, &e, "a"));
    bide_auto bide_task *b = bide_create_task(bide_coro(waiter, &e, "b"));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_event_set(&e);
    bide_event_clear(&e);
    EXPECT_EQ(bide_gather(a, b), 0);
    EXPECT_TRACE("a0 b0");
    EXPECT_FALSE(bide_event_is_set(&e));
    EXPECT_ERR(bide_wait_for(bide_event_awaitable(&e), 5), BIDE_ETIMEDOUT);
}

/* asyncio semantics 93 */
TEST(event_cancelled_waiter_leaves_and_a_later_set_works)
{
    bide_event e = {0};
    bide_auto bide_task *a = bide_create_task(bide_coro(waiter, &e, "a"));
    bide_auto bide_task *b = bide_create_task(bide_coro(waiter, &e, "b"));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(a);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    bide_event_set(&e);
    EXPECT_EQ(bide_await(b), 0);
}

TEST(event_is_one_of_several_to_choose_from)
{
    bide_event e = {0}, stop = {0};
    EXPECT_EQ(bide_select(NULL, bide_event_awaitable(&stop), bide_event_awaitable(&e), bide_sleep_awaitable(10)), 2);
    bide_event_set(&e);
    EXPECT_EQ(bide_select(NULL, bide_event_awaitable(&stop), bide_event_awaitable(&e), bide_sleep_awaitable(10)), 1);
}

static bide_event shared;

static int uses(void)
{
    EXPECT_ERR(bide_wait_for(bide_event_awaitable(&shared), 1), BIDE_ETIMEDOUT);
    return bide_event_set(&shared) + bide_event_wait(&shared) + bide_event_clear(&shared);
}

UNIT(event_of_a_closed_loop_is_free_for_the_next)
{
    EXPECT_EQ(bide_run(bide_coro(uses)), 0);
    EXPECT_EQ(bide_run(bide_coro(uses)), 0);
    EXPECT_EQ(bide_event_set(&shared), 0); /* where no loop runs */
    EXPECT_TRUE(bide_event_is_set(&shared));
    EXPECT_ERR(bide_event_wait(&shared), BIDE_ENOLOOP);
}
