/* SPDX-License-Identifier: MIT */
/* test_wait.c - bide_wait: it cancels nothing (checklist 6.5). */
#include "core/core.h"
#include "trace.h"

#define START(...) bide_create_task(bide_coro(__VA_ARGS__))

static void release_all(bide_task **tasks, int n)
{
    for (int i = 0; i < n; i++)
        bide_release(tasks[i]);
}

/* asyncio 65 */
TEST(wait_a_timeout_is_no_error_and_cancels_nothing)
{
    bide_task *tasks[] = {START(sleep_give, 10, 1), START(sleep_give, 100, 2)};
    EXPECT_EQ(bide_wait(tasks, 2, .timeout_ms = 50), 1);
    EXPECT_TRUE(bide_task_done(tasks[0]));
    EXPECT_FALSE(bide_task_done(tasks[1]));
    EXPECT_EQ(bide_await(tasks[1]), 2);
    release_all(tasks, 2);
}

/* asyncio 66 */
TEST(wait_of_nothing_is_an_error)
{
    EXPECT_ERR(bide_wait(NULL, 0), -EINVAL);
}

/* asyncio 67 */
TEST(wait_the_same_task_twice)
{
    bide_task *t = START(sleep_give, 10, 1);
    bide_task *tasks[] = {t, t};
    EXPECT_EQ(bide_wait(tasks, 2), 2);
    bide_release(t);
}

/* asyncio 68 */
TEST(wait_first_completed_counts_at_wake_up)
{
    bide_task *tasks[] = {START(nop), START(nop), START(sleep_give, 100, 0)};
    EXPECT_EQ(bide_wait(tasks, 3, .until = BIDE_FIRST_COMPLETED), 2);
    release_all(tasks, 3);
}

/* asyncio 69 */
TEST(wait_first_error_ends_it_and_a_cancelled_child_is_none)
{
    bide_task *tasks[] = {START(sleep_give, 10, -EIO), START(until_cancelled, "c"), START(sleep_give, 50, 0)};
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(tasks[1]);
    EXPECT_EQ(bide_wait(tasks, 3, .until = BIDE_FIRST_ERROR), 2);
    EXPECT_TRUE(bide_task_done(tasks[0]));
    EXPECT_FALSE(bide_task_done(tasks[2]));
    release_all(tasks, 3);
}

/* asyncio 69 */
TEST(wait_without_an_error_all_are_awaited)
{
    bide_task *tasks[] = {START(sleep_give, 10, 0), START(sleep_give, 20, 0)};
    EXPECT_EQ(bide_wait(tasks, 2, .until = BIDE_FIRST_ERROR), 2);
    release_all(tasks, 2);
}

/* asyncio 70 */
TEST(wait_all_completed_reports_failures_only_by_the_tasks)
{
    bide_task *tasks[] = {START(give, -EIO), START(give, 3)};
    EXPECT_EQ(bide_wait(tasks, 2), 2);
    EXPECT_ERR(bide_task_result(tasks[0]), -EIO);
    EXPECT_EQ(bide_task_result(tasks[1]), 3);
    release_all(tasks, 2);
}

static int waits(bide_task **tasks)
{
    return bide_wait(tasks, 1);
}

/* asyncio 71 */
TEST(wait_cancelled_leaves_the_children_running)
{
    bide_task *tasks[] = {START(sleep_give, 50, 6)};
    bide_auto bide_task *waiter = START(waits, tasks);
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(waiter);
    EXPECT_ERR(bide_await(waiter), BIDE_ECANCELED);
    EXPECT_FALSE(bide_task_done(tasks[0]));
    EXPECT_EQ(bide_await(tasks[0]), 6);
    release_all(tasks, 1);
}

TEST(wait_of_many)
{
    enum { N = 1000 };
    bide_task *tasks[N];
    for (int i = 0; i < N; i++)
        tasks[i] = START(sleep_give, (int64_t)(i % 17), i);
    EXPECT_EQ(bide_wait(tasks, N), N);
    for (int i = 0; i < N; i++)
        EXPECT_EQ(bide_task_result(tasks[i]), i);
    release_all(tasks, N);
}

TEST(wait_until_what_is_no_condition_is_refused)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(bide_sleep_ms, 1));
    const int bad[] = {44, -1, 3};

    for (size_t i = 0; i < array_len(bad); i++) {
        EXPECT_ERR(bide_wait(&t, 1, .until = (enum bide_until)bad[i]), -EINVAL);
        EXPECT_CONTAINS(bide_error_text(), "until is ");
    }
    EXPECT_EQ(bide_wait(&t, 1, .until = BIDE_FIRST_ERROR), 1);
}
