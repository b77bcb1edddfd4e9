/* SPDX-License-Identifier: MIT */
/* test_cancel.c - cancellation: a request, counted, delivered once (checklist 6.4). */
#include "core/core.h"
#include "trace.h"

static void settle(void)
{
    for (int i = 0; i < 5; i++)
        BIDE_IGNORE(bide_sleep_ms(0));
}

static int ignores_cancel(void)
{
    int r = bide_sleep_ms(1000);
    trace("%d", r == BIDE_ECANCELED);
    return 4;
}

/* asyncio 52, 59 */
TEST(cancel_is_a_request_that_may_be_declined)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(ignores_cancel));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRUE(bide_task_cancel(t));
    EXPECT_EQ(bide_await(t), 4);
    EXPECT_FALSE(bide_task_cancelled(t));
    EXPECT_TRACE("1");
}

/* asyncio 53 */
TEST(cancel_requests_are_counted_and_a_done_task_says_false)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(until_cancelled, "t"));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_EQ(bide_cancelling(t), 0);
    EXPECT_TRUE(bide_task_cancel(t));
    EXPECT_TRUE(bide_task_cancel(t));
    EXPECT_TRUE(bide_task_cancel(t));
    EXPECT_EQ(bide_cancelling(t), 3);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRUE(bide_task_cancelled(t));
    EXPECT_FALSE(bide_task_cancel(t));
    EXPECT_EQ(bide_cancelling(t), 3);
}

static int await_future(bide_future *f)
{
    return bide_await(f);
}

/* asyncio 54 */
TEST(cancel_goes_to_the_awaited_future_first)
{
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(await_future, f));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(t);
    EXPECT_TRUE(bide_future_cancelled(f));
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
}

static int await_task(bide_task *t)
{
    int r = bide_await(t);
    trace("outer:%d", r);
    return r;
}

/* asyncio 54, 60 */
TEST(cancel_passes_through_nested_awaits_to_the_innermost)
{
    bide_auto bide_task *inner = bide_create_task(bide_coro(until_cancelled, "inner"));
    bide_auto bide_task *middle = bide_create_task(bide_coro(await_task, inner));
    bide_auto bide_task *outer = bide_create_task(bide_coro(await_task, middle));
    settle();
    bide_task_cancel(outer);
    EXPECT_ERR(bide_await(outer), BIDE_ECANCELED);
    EXPECT_TRUE(bide_task_cancelled(inner));
    EXPECT_TRUE(bide_task_cancelled(middle));
}

/* asyncio 54 */
TEST(cancel_the_inner_task_may_answer_instead)
{
    bide_auto bide_task *inner = bide_create_task(bide_coro(ignores_cancel));
    bide_auto bide_task *outer = bide_create_task(bide_coro(await_task, inner));
    settle();
    bide_task_cancel(outer);
    EXPECT_EQ(bide_await(outer), 4);
    EXPECT_EQ(bide_cancelling(outer), 1);
    EXPECT_TRACE("1 outer:4");
}

static int yields(void)
{
    int r = bide_sleep_ms(0);
    trace("first:%d", r == BIDE_ECANCELED);
    r = bide_sleep_ms(0);
    trace("second:%d", r == BIDE_ECANCELED);
    return 0;
}

/* asyncio 55 */
TEST(cancel_of_a_runnable_task_is_delivered_at_its_next_step_once)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(yields));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(t);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_TRACE("first:1 second:0");
}

/* asyncio 56 */
TEST(cancel_before_the_first_step_the_body_never_runs)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(until_cancelled, "never"));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRUE(bide_task_cancelled(t));
    EXPECT_TRACE("");
}

static int cancels_itself_then_awaits(bide_future *f)
{
    bide_task_cancel(bide_current_task());
    trace("on");
    int r = bide_await(f);
    trace("%d", r == BIDE_ECANCELED);
    return 0;
}

/* asyncio 57 */
TEST(cancel_self_cancel_takes_effect_at_the_next_await_and_cancels_that)
{
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(cancels_itself_then_awaits, f));
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_TRUE(bide_future_cancelled(f));
    EXPECT_TRACE("on 1");
}

static int cancels_itself_and_returns(void)
{
    bide_task_cancel(bide_current_task());
    return 5;
}

/* asyncio 58 */
TEST(cancel_self_cancel_then_return_ends_cancelled)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(cancels_itself_and_returns));
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRUE(bide_task_cancelled(t));
}

static int goes_on_after_cancel(void)
{
    int r = bide_sleep_ms(1000);
    trace("a%d", r == BIDE_ECANCELED);
    r = bide_sleep_ms(20);
    trace("b%d", r);
    return 9;
}

/* asyncio 59 */
TEST(cancel_a_task_may_go_on_awaiting)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(goes_on_after_cancel));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(t);
    EXPECT_EQ(bide_await(t), 9);
    EXPECT_TRACE("a1 b0");
}

/* asyncio 61 */
TEST(uncancel_counts_down_to_zero_and_clears_the_request)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(yields));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_EQ(bide_uncancel(t), 0);
    bide_task_cancel(t);
    bide_task_cancel(t);
    EXPECT_EQ(bide_uncancel(t), 1);
    EXPECT_EQ(bide_uncancel(t), 0);
    EXPECT_EQ(bide_uncancel(t), 0);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_TRACE("first:0 second:0");
}

static int timeout_in_cancelled(void)
{
    int r = 0;
    bide_timeout(10)
        r = bide_sleep_ms(1000);
    trace(r == BIDE_ETIMEDOUT ? "timeout" : r == BIDE_ECANCELED ? "cancelled" : "?");
    return r;
}

/* asyncio 62 */
TEST(cancel_a_foreign_cancel_outranks_a_timeout_that_expired_too)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(timeout_in_cancelled));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRACE("cancelled");
}

static char report[512];

static void on_exception(bide_loop *loop, const char *message, void *arg)
{
    (void)loop;
    (void)arg;
    snprintf(report, sizeof report, "%s", message);
}

/* asyncio 64 */
TEST(cancel_of_a_failed_task_silences_the_report)
{
    bide_loop_set_exception_handler(bide_get_event_loop(), on_exception, NULL);
    bide_task *t = bide_create_task(bide_coro(give, -EIO));
    settle();
    EXPECT_FALSE(bide_task_cancel(t));
    bide_release(t);
    EXPECT_STR(report, "");
}

static int cleanup_still_awaits(void)
{
    int r = bide_sleep_ms(1000);
    BIDE_IGNORE(bide_sleep_ms(50));
    trace("cleaned");
    return r;
}

TEST(release_waits_for_the_cleanup_of_a_cancelled_task)
{
    bide_task *t = bide_create_task(bide_coro(cleanup_still_awaits));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_release(t);
    trace("released");
    EXPECT_TRACE("cleaned released");
}

static int release_a_slow_one(void)
{
    bide_task *t = bide_create_task(bide_coro(cleanup_still_awaits));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_release(t);
    trace("released");
    int r = bide_sleep_ms(1000);
    trace("%d", r == BIDE_ECANCELED);
    return r;
}

TEST(cancel_during_release_is_not_lost)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(release_a_slow_one));
    settle();
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRACE("cleaned released 1");
}

TEST(cancel_just_when_the_awaited_finished_still_cancels)
{
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(await_future, f));
    BIDE_IGNORE(bide_sleep_ms(0));
    BIDE_IGNORE(bide_future_set_result(f, 1));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_EQ(bide_future_result(f), 1);
}

/* ---- with a reason ---- */

static int awaits_task(bide_task *t)
{
    int r = bide_await(t);
    trace("[%s]", bide_error_text());
    return r;
}

static int sleeps_long(void)
{
    int r = bide_sleep_ms(100000);
    trace("[%s]", bide_error_text());
    return r;
}

/* asyncio 27, asyncio-suite 19 */
TEST(cancel_because_the_reason_reaches_the_wait_and_who_awaits)
{
    bide_auto bide_task *inner = bide_create_task(bide_coro(sleeps_long), .name = "inner");
    bide_auto bide_task *outer = bide_create_task(bide_coro(awaits_task, inner), .name = "outer");
    BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_TRUE(bide_task_cancel_because(outer, "the disk is full"));
    EXPECT_ERR(bide_await(outer), BIDE_ECANCELED);
    EXPECT_CONTAINS(bide_error_text(), "the disk is full");
    EXPECT_TRACE("[cancelled: the disk is full] [inner: cancelled: the disk is full]");
    EXPECT_ERR(bide_task_result(inner), BIDE_ECANCELED);
    EXPECT_CONTAINS(bide_error_text(), "the disk is full");
}

/* asyncio-suite 32 */
TEST(cancel_because_before_its_first_step_has_the_reason_too)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(sleeps_long), .name = "t");
    bide_task_cancel_because(t, "never mind");
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_STR(bide_error_text(), "t: cancelled: never mind");
    EXPECT_FALSE(bide_task_cancel_because(t, "again"));
    EXPECT_TRACE("");
}

TEST(cancel_because_the_last_reason_counts_and_a_long_one_is_cut)
{
    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    bide_auto bide_task *t = bide_create_task(bide_coro(sleep_give, (int64_t)1000, 1), .name = "t");
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel_because(t, "first");
    bide_task_cancel_because(t, longer);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_EQ(strlen(bide_error_text()), strlen("t: cancelled: ") + BIDE_CANCEL_REASON_MAX - 1);

    bide_auto bide_task *none = bide_create_task(bide_coro(sleep_give, (int64_t)1000, 1), .name = "none");
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel_because(none, "a reason");
    bide_task_cancel(none);
    EXPECT_ERR(bide_await(none), BIDE_ECANCELED);
    EXPECT_FALSE(strstr(bide_error_text(), "reason") != NULL);
}

TEST(cancel_because_taken_back_has_no_reason)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(sleeps_long), .name = "t");
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel_because(t, "a mistake");
    EXPECT_EQ(bide_uncancel(t), 0);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED); /* its sleep has ended for it already */
    EXPECT_TRACE("[cancelled]");
}

/* Without memory for the reason the request is made. */
TEST(cancel_because_without_memory_is_a_cancel)
{
    for (long n = 0; n < 3; n++) {
        bide_auto bide_task *t = bide_create_task(bide_coro(sleep_give, (int64_t)1000, 1));
        BIDE_IGNORE(bide_sleep_ms(1));
        bide__alloc_fail_at(n);
        EXPECT_TRUE(bide_task_cancel_because(t, "a reason"));
        BIDE_IGNORE(bide_sleep_ms(1));
        bide__alloc_fail_at(-1);
        EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    }
}
