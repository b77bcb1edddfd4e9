/* SPDX-License-Identifier: MIT */
/* test_future.c - futures and their done callbacks (checklist 6.2). */
#include "core/core.h"
#include "trace.h"

static void said(bide_future *f, void *arg)
{
    (void)f;
    trace("%s", (const char *)arg);
}

static void add(bide_future *f, const char *word)
{
    EXPECT_EQ(bide_future_add_done_callback(f, said, (void *)(uintptr_t)word), 0);
}

/* asyncio 24 */
TEST(future_settles_once)
{
    bide_auto bide_future *f = bide_future_new();
    EXPECT_FALSE(bide_future_done(f));
    EXPECT_EQ(bide_future_set_result(f, 3), 0);
    EXPECT_TRUE(bide_future_done(f));
    EXPECT_EQ(bide_future_result(f), 3);
    EXPECT_ERR(bide_future_set_result(f, 4), BIDE_ESTATE);
    EXPECT_ERR(bide_future_set_error(f, -EIO), BIDE_ESTATE);
    EXPECT_EQ(bide_future_result(f), 3);
}

TEST(future_result_and_error_must_have_their_sign)
{
    bide_auto bide_future *f = bide_future_new();
    EXPECT_ERR(bide_future_set_result(f, -1), -EINVAL);
    bide_error_clear();
    EXPECT_ERR(bide_future_set_error(f, 1), -EINVAL);
    EXPECT_FALSE(bide_future_done(f));
}

/* asyncio 25 */
TEST(future_result_while_pending_is_an_error_and_cancelled_is_cancelled)
{
    bide_auto bide_future *f = bide_future_new();
    EXPECT_ERR(bide_future_result(f), BIDE_ESTATE);
    EXPECT_TRUE(bide_future_cancel(f));
    EXPECT_TRUE(bide_future_cancelled(f));
    EXPECT_ERR(bide_future_result(f), BIDE_ECANCELED);
}

/* asyncio 26 */
TEST(future_cancel_of_a_done_one_is_false)
{
    bide_auto bide_future *f = bide_future_new();
    add(f, "called");
    EXPECT_TRUE(bide_future_cancel(f));
    EXPECT_FALSE(bide_future_cancel(f));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRACE("called");
}

static int story(bide_future *f)
{
    bide_fail(-EIO, "the disk is full of water");
    return bide_future_set_error(f, -EIO);
}

TEST(future_error_keeps_its_story)
{
    bide_auto bide_future *f = bide_future_new();
    EXPECT_EQ(bide_await(bide_coro(story, f)), 0);
    bide_error_clear();
    EXPECT_ERR(bide_await(f), -EIO);
    EXPECT_STR(bide_error_text(), "the disk is full of water");
}

/* asyncio 28 */
TEST(callbacks_never_inline_in_order_of_registration)
{
    bide_auto bide_future *f = bide_future_new();
    add(f, "c0");
    add(f, "c1");
    add(f, "c2");
    BIDE_IGNORE(bide_future_set_result(f, 0));
    trace("set");
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRACE("set c0 c1 c2");
}

/* asyncio 28 */
TEST(callbacks_run_after_an_error_as_after_a_result)
{
    bide_auto bide_future *f = bide_future_new();
    add(f, "c0");
    add(f, "c1");
    BIDE_IGNORE(bide_future_set_error(f, -EIO));
    trace("set");
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRACE("set c0 c1");
    EXPECT_ERR(bide_future_result(f), -EIO);
}

/* asyncio 28, 29 */
TEST(callbacks_trace_of_the_tick_table)
{
    bide_loop *loop = bide_get_event_loop();
    bide_auto bide_future *f = bide_future_new();
    add(f, "c0");
    add(f, "c1");
    add(f, "c2");
    bide_loop_call_soon(loop, trace_call, "before");
    BIDE_IGNORE(bide_future_set_result(f, 0));
    bide_loop_call_soon(loop, trace_call, "after");
    add(f, "late");
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRACE("before c0 c1 c2 after late");
}

/* asyncio 30 */
TEST(callbacks_removal_after_settling_does_not_unschedule)
{
    bide_auto bide_future *f = bide_future_new();
    add(f, "c0");
    BIDE_IGNORE(bide_future_set_result(f, 0));
    EXPECT_EQ(bide_future_remove_done_callback(f, said, "c0"), 0);
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRACE("c0");
}

/* asyncio 31 */
TEST(callbacks_remove_takes_every_equal_one)
{
    bide_auto bide_future *f = bide_future_new();
    static char a[] = "a", b[] = "b";
    BIDE_IGNORE(bide_future_add_done_callback(f, said, a));
    BIDE_IGNORE(bide_future_add_done_callback(f, said, b));
    BIDE_IGNORE(bide_future_add_done_callback(f, said, a));
    EXPECT_EQ(bide_future_remove_done_callback(f, said, a), 2);
    EXPECT_EQ(bide_future_remove_done_callback(f, said, a), 0);
    BIDE_IGNORE(bide_future_set_result(f, 0));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRACE("b");
}

static void remove_other(bide_future *f, void *arg)
{
    trace("removed%d", bide_future_remove_done_callback(f, said, arg));
}

/* asyncio 32 */
TEST(callbacks_removal_from_a_callback)
{
    bide_auto bide_future *f = bide_future_new();
    static char word[] = "later";
    BIDE_IGNORE(bide_future_add_done_callback(f, remove_other, word));
    BIDE_IGNORE(bide_future_add_done_callback(f, said, word));
    BIDE_IGNORE(bide_future_set_result(f, 0));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRACE("removed0 later");
}

static char report[512];

static void on_exception(bide_loop *loop, const char *message, void *arg)
{
    (void)loop;
    (void)arg;
    snprintf(report, sizeof report, "%s", message);
}

/* asyncio 33 */
TEST(future_never_retrieved_error_is_reported_when_dropped)
{
    bide_loop_set_exception_handler(bide_get_event_loop(), on_exception, NULL);
    bide_future *f = bide_future_new();
    BIDE_IGNORE(bide_await(bide_coro(story, f)));
    bide_release(f);
    EXPECT_CONTAINS(report, "never retrieved: the disk is full of water");

    report[0] = '\0';
    f = bide_future_new();
    BIDE_IGNORE(bide_await(bide_coro(story, f)));
    BIDE_IGNORE(bide_future_result(f));
    bide_release(f);
    EXPECT_STR(report, "");
}

/* asyncio 34 */
TEST(future_cancel_of_a_failed_one_silences_the_report)
{
    bide_loop_set_exception_handler(bide_get_event_loop(), on_exception, NULL);
    bide_future *f = bide_future_new();
    BIDE_IGNORE(bide_await(bide_coro(story, f)));
    EXPECT_FALSE(bide_future_cancel(f));
    bide_release(f);
    EXPECT_STR(report, "");
}

/* asyncio 33 */
TEST(future_a_cancelled_one_is_not_reported)
{
    bide_loop_set_exception_handler(bide_get_event_loop(), on_exception, NULL);
    bide_future *f = bide_future_new();
    bide_future_cancel(f);
    bide_release(f);
    EXPECT_STR(report, "");
}

/* asyncio 36 */
TEST(future_awaiting_a_done_one_does_not_yield_and_works_twice)
{
    bide_auto bide_future *f = bide_future_new();
    BIDE_IGNORE(bide_future_set_result(f, 8));
    turns_begin();
    EXPECT_EQ(bide_await(f), 8);
    EXPECT_EQ(bide_await(f), 8);
    EXPECT_EQ(turns_end(), 0);
}

/* asyncio 38 */
TEST(future_of_another_loop_is_refused)
{
    bide_auto bide_loop *other = bide_loop_new();
    bide_loop *here = bide__loop_here;
    bide__loop_here = other;
    bide_auto bide_future *f = bide_future_new();
    bide__loop_here = here;
    EXPECT_ERR(bide_await(f), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "another event loop");
}

static int await_other(bide_future *f, bide_task *t)
{
    bide_task *tasks[] = {t};
    struct {
        const char *name;
        int code;
    } tries[] = {{"bide_shield", bide_shield(f)},
                 {"bide_wait_for", bide_wait_for(f, 0)},
                 {"bide_wait_for", bide_wait_for(f, 10)},
                 {"bide_wait", bide_wait(tasks, 1)},
                 {"bide_gather", bide_gather(f)}};
    for (size_t i = 0; i < array_len(tries); i++)
        EXPECT_ERR(tries[i].code, BIDE_ESTATE);
    return 0;
}

/* asyncio 38 */
TEST(future_of_another_loop_is_refused_by_every_way_to_wait)
{
    bide_auto bide_loop *other = bide_loop_new();
    bide_loop *here = bide__loop_here;
    bide__loop_here = other;
    bide_auto bide_future *f = bide_future_new();
    bide_task *t = bide_create_task(bide_coro(nop));
    bide__loop_here = here;
    EXPECT_EQ(await_other(f, t), 0);
    EXPECT_FALSE(bide_future_done(f));
    bide_detach(t); /* the other loop's close ends it, while this one stands still */
}

static int wait_for_self(void)
{
    bide_task *self = bide_current_task();
    EXPECT_ERR(bide_wait(&self, 1), BIDE_EDEADLOCK);
    EXPECT_ERR(bide_shield(self), BIDE_EDEADLOCK);
    EXPECT_ERR(bide_wait_for(self, 0), BIDE_EDEADLOCK);
    EXPECT_ERR(bide_wait_for(self, 10), BIDE_EDEADLOCK);
    EXPECT_ERR(bide_gather(self), BIDE_EDEADLOCK);
    EXPECT_NULL(bide_as_completed(&self, 1));
    EXPECT_EQ(bide_error_code(), BIDE_EDEADLOCK);
    return 3;
}

/* asyncio 42 */
TEST(task_cannot_wait_for_itself_in_any_way)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(wait_for_self));
    EXPECT_EQ(bide_await(t), 3);
}

TEST(future_dropped_while_pending_frees_its_callbacks_uncalled)
{
    bide_future *f = bide_future_new();
    add(f, "never");
    bide_release(f);
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRACE("");
}

static int await_it(bide_future *f, int number)
{
    int r = bide_await(f);
    trace("%d:%d", number, r);
    return r;
}

TEST(future_wakes_all_waiters_in_order)
{
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_task *a = bide_create_task(bide_coro(await_it, f, 1));
    bide_auto bide_task *b = bide_create_task(bide_coro(await_it, f, 2));
    BIDE_IGNORE(bide_sleep_ms(0));
    BIDE_IGNORE(bide_future_set_result(f, 5));
    BIDE_IGNORE(bide_gather(a, b));
    EXPECT_TRACE("1:5 2:5");
}
