/* SPDX-License-Identifier: MIT */
/* test_bindings.c - the functions under the macros, as a binding from another language calls them. */
#include <bide/loop.h>

#include "harness/harness.h"

static int three(void)
{
    return 3;
}

static int sleep_ms(int ms)
{
    return bide_sleep_ms(ms);
}

static bide_awaitable of_task(bide_task *t)
{
    return (bide_awaitable){.kind = BIDE_AW_TASK, .as.task = t};
}

TEST(ensure_future_with_takes_a_coroutine_a_task_and_a_future)
{
    bide_auto bide_future *begun = bide_ensure_future_with((bide_awaitable){.kind = BIDE_AW_COROUTINE, .as.coroutine = bide_coro(three)});
    bide_auto bide_future *task = bide_ensure_future_with(of_task(bide_future_task(begun)));
    bide_auto bide_future *future = bide_ensure_future_with((bide_awaitable){.kind = BIDE_AW_FUTURE, .as.future = begun});

    EXPECT_TRUE(begun && begun == task && begun == future);
    EXPECT_EQ(bide_await(begun), 3);
    EXPECT_NULL(bide_ensure_future_with((bide_awaitable){.kind = (enum bide_awaitable_kind)99}));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_NULL(bide_ensure_future_with(of_task(NULL)));
    EXPECT_ERR(bide_error_code(), -EINVAL);
}

TEST(shield_with_refuses_what_is_no_awaitable)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(three));

    EXPECT_EQ(bide_shield_with(of_task(t)), 3);
    EXPECT_ERR(bide_shield_with(of_task(NULL)), -EINVAL);
    EXPECT_ERR(bide_shield_with((bide_awaitable){.kind = (enum bide_awaitable_kind)99}), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "bide_shield: not an awaitable");
}

TEST(timeout_enter_bounds_what_is_awaited_until_leave)
{
    bide_timeout_scope block;

    EXPECT_TRUE(bide_timeout_enter(&block, 10) == &block);
    EXPECT_ERR(bide_await(bide_coro(sleep_ms, 1000)), BIDE_ETIMEDOUT);
    bide_timeout_leave(&block);
    EXPECT_EQ(bide_await(bide_coro(sleep_ms, 1)), 0);
}

/* As a library does that is loaded while the loop runs. */
TEST(cplusplus_is_here_said_in_a_task_changes_nothing_for_it)
{
    bide_cplusplus_is_here();
    EXPECT_EQ(bide_await(bide_coro(sleep_ms, 1)), 0);
}
