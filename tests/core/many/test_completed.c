/* SPDX-License-Identifier: MIT */
/* test_completed.c - bide_as_completed (checklist 6.7 no. 93). */
#include "core/core.h"
#include "trace.h"

enum { N = 4 };

static void start(bide_task **tasks, const int64_t *ms)
{
    for (int i = 0; i < N; i++)
        tasks[i] = bide_create_task(bide_coro(sleep_give, ms[i], i));
}

static void release_all(bide_task **tasks)
{
    for (int i = 0; i < N; i++)
        bide_release(tasks[i]);
}

/* asyncio 93 */
TEST(as_completed_gives_each_once_in_the_order_of_their_ends)
{
    bide_task *tasks[N], *t = NULL;
    start(tasks, (const int64_t[]){30, 10, 40, 20});
    bide_auto bide_completed *c = bide_as_completed(tasks, N);
    while (bide_completed_next(c, &t) == 1) {
        EXPECT_TRUE(bide_task_done(t) && t == tasks[bide_task_result(t)]);
        trace("%d", bide_task_result(t));
    }
    EXPECT_EQ(bide_completed_next(c, &t), 0);
    EXPECT_TRACE("1 3 0 2");
    release_all(tasks);
}

/* asyncio 93 */
TEST(as_completed_errors_and_cancellations_come_as_tasks)
{
    bide_task *tasks[] = {bide_create_task(bide_coro(sleep_give, (int64_t)5, -EIO)),
                          bide_create_task(bide_coro(until_cancelled, "c"))};
    bide_task *t;
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(tasks[1]);
    bide_auto bide_completed *c = bide_as_completed(tasks, 2);
    EXPECT_EQ(bide_completed_next(c, &t), 1);
    EXPECT_TRUE(bide_task_cancelled(t));
    EXPECT_EQ(bide_completed_next(c, &t), 1);
    EXPECT_ERR(bide_task_result(t), -EIO);
    bide_release(tasks[0]);
    bide_release(tasks[1]);
}

/* asyncio 93 */
TEST(as_completed_goes_on_after_a_timeout)
{
    bide_task *tasks[N], *t = NULL;
    start(tasks, (const int64_t[]){30, 10, 40, 20});
    bide_auto bide_completed *c = bide_as_completed(tasks, N);
    int r = 1;
    bide_timeout(25)
        while (r == 1)
            r = bide_completed_next(c, &t);
    EXPECT_ERR(r, BIDE_ETIMEDOUT);
    EXPECT_TRUE(t == tasks[3]);
    EXPECT_EQ(bide_completed_next(c, &t), 1);
    EXPECT_TRUE(t == tasks[0]);
    release_all(tasks); /* c shares the last one, so it runs on */
    EXPECT_EQ(bide_completed_next(c, &t), 1);
    EXPECT_EQ(bide_task_result(t), 2);
}

/* asyncio 93 */
TEST(as_completed_with_a_time_gives_what_ended_and_then_times_out)
{
    bide_task *tasks[N], *t = NULL;
    start(tasks, (const int64_t[]){30, 10, 40, 20});
    bide_auto bide_completed *c = bide_as_completed(tasks, N, .timeout_ms = 25);
    EXPECT_EQ(bide_sleep_ms(27), 0); /* the time counts from the call; two have ended */
    EXPECT_EQ(bide_completed_next(c, &t), 1);
    EXPECT_TRUE(t == tasks[1]);
    EXPECT_EQ(bide_completed_next(c, &t), 1);
    EXPECT_TRUE(t == tasks[3]);
    EXPECT_ERR(bide_completed_next(c, &t), BIDE_ETIMEDOUT);
    EXPECT_CONTAINS(bide_error_text(), "bide_completed_next: timed out: 2 of 4 had not ended");
    EXPECT_EQ(bide_await(tasks[0]), 0); /* nobody was cancelled */
    EXPECT_EQ(bide_await(tasks[2]), 2);
    EXPECT_ERR(bide_completed_next(c, &t), BIDE_ETIMEDOUT); /* what ends later does not come */
    release_all(tasks);
}

static int take_one(bide_completed *c)
{
    bide_task *t;
    return bide_completed_next(c, &t);
}

/* asyncio 93 */
TEST(as_completed_with_a_time_wakes_all_who_wait)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(until_cancelled, "t"));
    bide_auto bide_completed *c = bide_as_completed(&t, 1, .timeout_ms = 20);
    bide_auto bide_task *a = bide_create_task(bide_coro(take_one, c)), *b = bide_create_task(bide_coro(take_one, c));
    int64_t before = bide_loop_time_ms(bide_get_event_loop());
    EXPECT_ERR(bide_await(a), BIDE_ETIMEDOUT);
    EXPECT_ERR(bide_await(b), BIDE_ETIMEDOUT);
    EXPECT_EQ(bide_loop_time_ms(bide_get_event_loop()) - before, 20);
    EXPECT_TRACE("");
    EXPECT_TRUE(!bide_task_done(t));
}

TEST(as_completed_with_a_time_that_all_keep)
{
    bide_task *tasks[N], *t = NULL;
    start(tasks, (const int64_t[]){30, 10, 40, 20});
    bide_auto bide_completed *c = bide_as_completed(tasks, N, .timeout_ms = 41);
    for (int i = 0; i < N; i++)
        EXPECT_EQ(bide_completed_next(c, &t), 1);
    EXPECT_EQ(bide_sleep_ms(100), 0);
    EXPECT_EQ(bide_completed_next(c, &t), 0);
    bide_auto bide_completed *none = bide_as_completed(tasks, 0, .timeout_ms = 1);
    EXPECT_EQ(bide_sleep_ms(2), 0);
    EXPECT_EQ(bide_completed_next(none, &t), 0);
    bide_auto bide_completed *late = bide_as_completed(tasks, N, .timeout_ms = 1); /* all had ended: none is lost */
    EXPECT_EQ(bide_sleep_ms(2), 0);
    for (int i = 0; i < N; i++)
        EXPECT_EQ(bide_completed_next(late, &t), 1);
    EXPECT_EQ(bide_completed_next(late, &t), 0);
    release_all(tasks);
}

TEST(as_completed_with_a_time_may_be_released_before_it)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(until_cancelled, "t"));
    bide_completed *c = bide_as_completed(&t, 1, .timeout_ms = 20);
    bide_release(c);
    EXPECT_EQ(bide_sleep_ms(40), 0);
    EXPECT_TRUE(!bide_task_done(t));
}

TEST(as_completed_with_a_time_cancelled_waiter_loses_nothing)
{
    bide_task *tasks[N], *t = NULL;
    start(tasks, (const int64_t[]){10, 30, 30, 30});
    bide_auto bide_completed *c = bide_as_completed(tasks, N, .timeout_ms = 20);
    bide_auto bide_task *waiter = bide_create_task(bide_coro(take_one, c));
    BIDE_IGNORE(bide_sleep_ms(5));
    bide_task_cancel(waiter);
    EXPECT_ERR(bide_await(waiter), BIDE_ECANCELED);
    EXPECT_EQ(bide_completed_next(c, &t), 1);
    EXPECT_TRUE(t == tasks[0]);
    EXPECT_ERR(bide_completed_next(c, &t), BIDE_ETIMEDOUT);
    release_all(tasks);
}

static int take_own(bide_completed **c)
{
    bide_task *t;
    return bide_completed_next(*c, &t);
}

/* Who takes itself from the list waits forever, unless there is a time. */
TEST(as_completed_with_a_time_is_no_circle)
{
    bide_completed *c = NULL;
    bide_task *t = bide_create_task(bide_coro(take_own, &c));
    c = bide_as_completed(&t, 1, .timeout_ms = 20);
    EXPECT_ERR(bide_await(t), BIDE_ETIMEDOUT);
    bide_release(c);
    bide_release(t);
}

TEST(as_completed_with_a_bad_time_is_refused)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(sleep_give, (int64_t)1, 0));
    EXPECT_TRUE(bide_as_completed(&t, 1, .timeout_ms = -7) == NULL);
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "bide_as_completed: timeout_ms");
}

TEST(as_completed_released_ends_the_tasks_that_nobody_else_has)
{
    bide_task *t = bide_create_task(bide_coro(until_cancelled, "t"));
    bide_completed *c = bide_as_completed(&t, 1);
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_release(t);
    BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_TRACE("");
    bide_release(c);
    EXPECT_TRACE("t:cancelled");
}

/* asyncio 57, 93 */
TEST(as_completed_cancel_of_oneself_takes_its_turn_and_loses_nothing)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(sleep_give, (int64_t)1, 7)), *taken = NULL;
    bide_auto bide_completed *c = bide_as_completed(&t, 1);
    turns_begin();
    bide_task_cancel(bide_current_task());
    EXPECT_ERR(bide_completed_next(c, &taken), BIDE_ECANCELED);
    EXPECT_EQ(turns_end(), 1);
    EXPECT_EQ(bide_uncancel(bide_current_task()), 0);
    EXPECT_EQ(bide_completed_next(c, &taken), 1);
    EXPECT_TRUE(taken == t);
    taken = NULL;
}

TEST(as_completed_cancelled_waiter_loses_nothing)
{
    bide_task *tasks[N], *t = NULL;
    start(tasks, (const int64_t[]){10, 10, 10, 10});
    bide_auto bide_completed *c = bide_as_completed(tasks, N);
    bide_auto bide_task *waiter = bide_create_task(bide_coro(take_one, c));
    BIDE_IGNORE(bide_sleep_ms(10));
    bide_task_cancel(waiter);
    EXPECT_ERR(bide_await(waiter), BIDE_ECANCELED);
    int n = 0;
    while (bide_completed_next(c, &t) == 1)
        n++;
    EXPECT_EQ(n, N);
    release_all(tasks);
}

static int await_end(bide_future *end)
{
    return bide_await(end);
}

/* Both wait for the same end; the first is cancelled so many turns after it. */
static void cancel_first_of_two(int turns_later)
{
    bide_auto bide_future *end = bide_future_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(await_end, end));
    bide_auto bide_completed *c = bide_as_completed(&t, 1);
    bide_auto bide_task *a = bide_create_task(bide_coro(take_one, c)), *b = bide_create_task(bide_coro(take_one, c));
    int code = -1;

    BIDE_IGNORE(bide_sleep_ms(1));
    BIDE_IGNORE(bide_future_set_result(end, 0));
    for (int i = 0; i < turns_later; i++)
        BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(a);
    bide_timeout(100)
        code = bide_await(b);
    EXPECT_EQ(code, bide_task_cancelled(a));
}

TEST(as_completed_waiter_cancelled_as_it_is_woken_wakes_the_other)
{
    for (int turns_later = 0; turns_later < 6; turns_later++)
        cancel_first_of_two(turns_later);
}

TEST(as_completed_two_waiters_share_the_tasks)
{
    bide_task *t = bide_create_task(bide_coro(sleep_give, (int64_t)5, 0));
    bide_auto bide_completed *c = bide_as_completed(&t, 1);
    bide_auto bide_task *a = bide_create_task(bide_coro(take_one, c)), *b = bide_create_task(bide_coro(take_one, c));
    EXPECT_EQ(bide_await(a), 1);
    EXPECT_EQ(bide_await(b), 0);
    EXPECT_EQ(bide_await(bide_coro(take_one, c)), 0);
    bide_release(t);
}

TEST(as_completed_of_nothing_ends_at_once)
{
    bide_task *t = NULL;
    bide_auto bide_completed *c = bide_as_completed(NULL, 0);
    EXPECT_EQ(bide_completed_next(c, &t), 0);
    EXPECT_NULL(t);
}

static int two_of_two(void)
{
    bide_task *tasks[] = {bide_create_task(bide_coro(nop)), bide_create_task(bide_coro(nop))}, *t;
    bide_auto bide_completed *c = bide_as_completed(tasks, 2);
    int n = 0;
    while (bide_completed_next(c, &t) == 1)
        n++;
    bide_release(tasks[0]);
    bide_release(tasks[1]);
    return n;
}

TEST(ticks_as_completed_of_2_takes_3)
{
    turns_begin();
    EXPECT_EQ(two_of_two(), 2);
    EXPECT_EQ(turns_end(), 3);
}
