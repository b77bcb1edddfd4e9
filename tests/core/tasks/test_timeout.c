/* SPDX-License-Identifier: MIT */
/* test_timeout.c - bide_wait_for and bide_timeout (checklist 6.6). */
#include "core/core.h"
#include "trace.h"

static int64_t now_ms(void)
{
    return bide_loop_time_ms(bide_get_event_loop());
}

/* asyncio 72 */
TEST(wait_for_cancels_waits_for_the_end_then_times_out)
{
    int64_t begin = now_ms();
    EXPECT_ERR(bide_wait_for(bide_coro(until_cancelled, "x"), 50), BIDE_ETIMEDOUT);
    EXPECT_EQ(now_ms() - begin, 50);
}

static int slow_to_end(void)
{
    int r = bide_sleep_ms(1000);
    BIDE_IGNORE(bide_sleep_ms(30));
    trace("ended");
    return r;
}

/* asyncio 72 */
TEST(wait_for_waits_for_the_cancelled_task)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(slow_to_end));
    EXPECT_ERR(bide_wait_for(t, 10), BIDE_ETIMEDOUT);
    EXPECT_TRUE(bide_task_done(t));
    EXPECT_TRUE(bide_task_cancelled(t));
    EXPECT_TRACE("ended");
}

/* asyncio 73 */
TEST(wait_for_for_ever_is_a_plain_await)
{
    EXPECT_EQ(bide_wait_for(bide_coro(sleep_give, (int64_t)100000, 3), BIDE_FOREVER), 3);
}

/* asyncio 74 */
TEST(wait_for_no_time_gives_a_done_result_or_cancels_without_starting)
{
    bide_auto bide_future *done = bide_future_new();
    BIDE_IGNORE(bide_future_set_result(done, 6));
    EXPECT_EQ(bide_wait_for(done, 0), 6);
    EXPECT_ERR(bide_wait_for(bide_coro(until_cancelled, "never"), 0), BIDE_ETIMEDOUT);
    bide_auto bide_task *t = bide_create_task(bide_coro(until_cancelled, "never"));
    EXPECT_ERR(bide_wait_for(t, -1), BIDE_ETIMEDOUT); /* what is left of a deadline that has passed is not "forever" */
    EXPECT_TRUE(bide_task_cancelled(t));
    EXPECT_TRACE("");
}

static int swallows(void)
{
    BIDE_IGNORE(bide_sleep_ms(1000));
    return 12;
}

/* asyncio 75 */
TEST(wait_for_an_inner_that_swallows_the_cancel_gives_its_value)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(swallows));
    EXPECT_EQ(bide_wait_for(t, 10), 12);
    EXPECT_EQ(bide_wait_for(bide_coro(swallows), 10), 12);
}

static int fails_while_cancelled(void)
{
    BIDE_IGNORE(bide_sleep_ms(1000));
    return bide_fail(-EIO, "cleanup broke");
}

/* asyncio 76 */
TEST(wait_for_an_inner_that_fails_while_being_cancelled_gives_that_error)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(fails_while_cancelled));
    EXPECT_ERR(bide_wait_for(t, 10), -EIO);
    EXPECT_STR(bide_error_text(), "cleanup broke");
}

static int waits_for(bide_task *t)
{
    return bide_wait_for(t, 100000);
}

/* asyncio 77 */
TEST(wait_for_cancelled_cancels_inner_and_waits_for_it)
{
    bide_auto bide_task *inner = bide_create_task(bide_coro(slow_to_end));
    bide_auto bide_task *outer = bide_create_task(bide_coro(waits_for, inner));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(outer);
    EXPECT_ERR(bide_await(outer), BIDE_ECANCELED);
    EXPECT_TRUE(bide_task_cancelled(inner));
    EXPECT_TRACE("ended");
}

static int waits_for_future(bide_future *f)
{
    return bide_wait_for(f, 100000);
}

/* asyncio 78 */
TEST(wait_for_a_cancel_when_inner_has_just_finished_still_cancels)
{
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(waits_for_future, f));
    BIDE_IGNORE(bide_sleep_ms(0));
    BIDE_IGNORE(bide_future_set_result(f, 1));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
}

static int shields(bide_task *t)
{
    return bide_shield(t);
}

/* asyncio 79 */
TEST(wait_for_a_shield_inside_is_given_up_and_the_task_lives)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(sleep_give, (int64_t)100, 5));
    EXPECT_ERR(bide_wait_for(bide_coro(shields, t), 10), BIDE_ETIMEDOUT);
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_EQ(bide_await(t), 5);
}

/* asyncio 80 */
TEST(timeout_ends_every_wait_inside_and_none_after)
{
    int first = 0, second = 0;
    bide_timeout(20) {
        first = bide_sleep_ms(1000);
        second = bide_sleep_ms(1000);
        EXPECT_TRUE(bide_timeout_expired());
    }
    EXPECT_ERR(first, BIDE_ETIMEDOUT);
    EXPECT_ERR(second, BIDE_ETIMEDOUT);
    EXPECT_EQ(bide_sleep_ms(5), 0);
    EXPECT_EQ(bide_cancelling(bide_current_task()), 0);
}

/* asyncio 80 */
TEST(timeout_not_expired_changes_nothing)
{
    int r = -1;
    bide_timeout(20)
        r = bide_sleep_ms(10);
    EXPECT_EQ(r, 0);
    EXPECT_EQ(bide_sleep_ms(100), 0);
}

/* asyncio 81 */
TEST(timeout_nested_the_outer_one_is_seen_inside_too)
{
    int in = 0, between = 0;
    bide_timeout(10) {
        bide_timeout(1000)
            in = bide_sleep_ms(5000);
        between = bide_sleep_ms(1);
    }
    EXPECT_ERR(in, BIDE_ETIMEDOUT);
    EXPECT_ERR(between, BIDE_ETIMEDOUT);
    EXPECT_EQ(bide_sleep_ms(1), 0);
}

/* asyncio 81 */
TEST(timeout_nested_the_inner_one_does_not_leak_out)
{
    int in = 0, between = -1;
    bide_timeout(1000) {
        bide_timeout(10)
            in = bide_sleep_ms(5000);
        between = bide_sleep_ms(1);
    }
    EXPECT_ERR(in, BIDE_ETIMEDOUT);
    EXPECT_EQ(between, 0);
}

/* asyncio 82 */
TEST(timeout_already_past_even_sleep_0_times_out)
{
    int r = 0;
    bide_timeout(0)
        r = bide_sleep_ms(0);
    EXPECT_ERR(r, BIDE_ETIMEDOUT);
    bide_timeout(-7)
        r = bide_sleep_ms(0);
    EXPECT_ERR(r, BIDE_ETIMEDOUT);
}

/* asyncio 84 */
UNIT(timeout_outside_a_task_bounds_nothing_and_runs_the_block)
{
    int ran = 0;
    bide_timeout(10)
        ran++;
    bide_timeout_at(10)
        ran++;
    EXPECT_EQ(ran, 2);
    bide_timeout_scope s;
    EXPECT_TRUE(bide_timeout_enter_at(&s, 1) == &s);
    bide_timeout_leave(&s);
}

static int after_a_caught_cancel(void)
{
    int r = bide_sleep_ms(1000);
    trace("%d", r == BIDE_ECANCELED);
    bide_timeout(10)
        r = bide_sleep_ms(1000);
    trace("%d", r == BIDE_ETIMEDOUT);
    return 0;
}

/* asyncio 85 */
TEST(timeout_works_after_a_caught_cancel)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(after_a_caught_cancel));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(t);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_TRACE("1 1");
}

static int leaves_by_return(void)
{
    bide_timeout(10)
        return 3;
    return 0;
}

TEST(timeout_left_by_return_break_and_continue_is_disarmed)
{
    bide_loop *loop = bide_get_event_loop();
    size_t before = loop->wheel.count;
    EXPECT_EQ(bide_await(bide_coro(leaves_by_return)), 3);
    for (int i = 0; i < 2; i++) {
        bide_timeout(10) {
            if (i == 0)
                continue; /* of the block: the block ends */
            break;
        }
    }
    EXPECT_EQ(loop->wheel.count, before);
    EXPECT_EQ(bide_sleep_ms(100), 0);
}

TEST(timeout_bounds_an_awaited_task_and_cancels_it)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(until_cancelled, "t"));
    int r = 0;
    bide_timeout(10)
        r = bide_await(t);
    EXPECT_ERR(r, BIDE_ETIMEDOUT);
    EXPECT_TRUE(bide_task_cancelled(t));
}

/* Time-outs and cancellations of what is awaited, once tasks carry the state of another runtime (C++: see carry.c). */
static int nested_sleep(int depth)
{
    if (depth == 0)
        return bide_sleep_ms(1000);
    bide_auto bide_task *t = bide_create_task(bide_coro(nested_sleep, depth - 1)); /* awaited as it is, it would run in this one */
    return bide_await(t);
}

/* How long it took. */
static int bounded_sleep(int depth)
{
    int64_t begin = now_ms();
    int code = 0;

    bide_timeout(10) {
        code = bide_await(bide_coro(nested_sleep, depth));
    }
    EXPECT_ERR(code, BIDE_ETIMEDOUT);
    return (int)(now_ms() - begin);
}

UNIT(timeout_of_an_await_where_tasks_carry_state_ends_it)
{
    bide__tasks_carry_state(); /* from the first step of the loop on */
    for (int depth = 1; depth < 4; depth++) {
        int took = bide_run(bide_coro(bounded_sleep, depth));
        EXPECT_LE(10, took);
        EXPECT_LT(took, 900); /* what was awaited would have taken 1000 */
    }
}

/* asyncio 83 */
TEST(timeout_rescheduled_moves_the_end_of_the_block_both_ways)
{
    int64_t begin = now_ms();
    int r = 0;
    bide_timeout(10) {
        EXPECT_EQ(bide_timeout_reschedule(50), 0);
        r = bide_sleep_ms(1000);
    }
    EXPECT_ERR(r, BIDE_ETIMEDOUT);
    EXPECT_EQ(now_ms() - begin, 50);

    bide_timeout(1000) {
        EXPECT_EQ(bide_timeout_reschedule(5), 0);
        r = bide_sleep_ms(100);
    }
    EXPECT_ERR(r, BIDE_ETIMEDOUT);
    EXPECT_EQ(now_ms() - begin, 55);

    bide_timeout(10) {
        EXPECT_EQ(bide_timeout_reschedule(BIDE_FOREVER), 0);
        r = bide_sleep_ms(100);
    }
    EXPECT_EQ(r, 0);
    EXPECT_FALSE(bide_timeout_expired());

    bide_timeout(BIDE_FOREVER) {
        EXPECT_EQ(bide_timeout_reschedule(-1), 0);
        r = bide_sleep_ms(0);
    }
    EXPECT_ERR(r, BIDE_ETIMEDOUT);
}

/* asyncio 83 */
TEST(timeout_rescheduled_moves_the_innermost_block_alone)
{
    int inner = 0, outer = 0;
    bide_timeout(50) {
        bide_timeout(1000) {
            EXPECT_EQ(bide_timeout_reschedule(10), 0);
            inner = bide_sleep_ms(100);
        }
        outer = bide_sleep_ms(20);
        EXPECT_EQ(bide_timeout_reschedule(1), 0); /* the outer one */
        EXPECT_ERR(bide_sleep_ms(5), BIDE_ETIMEDOUT);
    }
    EXPECT_ERR(inner, BIDE_ETIMEDOUT);
    EXPECT_EQ(outer, 0);
}

/* asyncio 83 */
TEST(timeout_rescheduled_where_there_is_none_or_it_is_over_is_an_error)
{
    EXPECT_ERR(bide_timeout_reschedule(10), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "bide_timeout_reschedule");
    bide_timeout(1) {
        EXPECT_ERR(bide_sleep_ms(10), BIDE_ETIMEDOUT);
        EXPECT_ERR(bide_timeout_reschedule(10), BIDE_ESTATE);
        EXPECT_STR(bide_error_text(), "bide_timeout_reschedule: the time is over");
    }
    EXPECT_ERR(bide_timeout_reschedule(10), BIDE_ESTATE);
}

/* The time is over and the block's turn has not come: it can be moved still, as asyncio's can before its callback ran. */
TEST(timeout_rescheduled_before_its_turn_is_not_over)
{
    int r = -1;
    bide_timeout(0) {
        EXPECT_EQ(bide_timeout_reschedule(100), 0);
        r = bide_sleep_ms(10);
    }
    EXPECT_EQ(r, 0);
}

/* asyncio 82 */
TEST(timeout_at_is_a_time_of_the_clock_that_several_blocks_may_share)
{
    int64_t deadline = now_ms() + 30;
    int first = 0, second = 0;
    bide_timeout_at(deadline)
        first = bide_sleep_ms(20);
    bide_timeout_at(deadline)
        second = bide_sleep_ms(20);
    EXPECT_EQ(first, 0);
    EXPECT_ERR(second, BIDE_ETIMEDOUT);
    EXPECT_EQ(now_ms(), deadline);

    bide_timeout_at(deadline)
        second = bide_sleep_ms(0); /* passed already */
    EXPECT_ERR(second, BIDE_ETIMEDOUT);
    bide_timeout_at(BIDE_FOREVER)
        second = bide_sleep_ms(1000);
    EXPECT_EQ(second, 0);
}

/* asyncio 81 */
TEST(timeout_expired_tells_behind_its_block_which_one_it_was)
{
    bide_timeout(100) {
        bide_timeout(10)
            EXPECT_ERR(bide_sleep_ms(1000), BIDE_ETIMEDOUT);
        EXPECT_TRUE(bide_timeout_expired()); /* of the inner one */
        EXPECT_EQ(bide_sleep_ms(1), 0);
    }
    EXPECT_FALSE(bide_timeout_expired()); /* of the outer one */

    bide_timeout(10) {
        bide_timeout(100)
            EXPECT_ERR(bide_sleep_ms(1000), BIDE_ETIMEDOUT);
        EXPECT_FALSE(bide_timeout_expired());
    }
    EXPECT_TRUE(bide_timeout_expired());
    bide_timeout(10)
        EXPECT_FALSE(bide_timeout_expired()); /* another one has begun */
    EXPECT_FALSE(bide_timeout_expired());
}

/* Those of the library's own functions do not count. */
TEST(timeout_expired_does_not_speak_of_the_blocks_of_wait_for)
{
    bide_timeout(100) {
        EXPECT_ERR(bide_wait_for(bide_sleep_awaitable(50), 10), BIDE_ETIMEDOUT);
        EXPECT_FALSE(bide_timeout_expired());
        EXPECT_EQ(bide_timeout_reschedule(5), 0);
        EXPECT_ERR(bide_sleep_ms(50), BIDE_ETIMEDOUT);
    }
    EXPECT_EQ(bide_wait_for(bide_sleep_awaitable(50), 100000), 0);
    EXPECT_TRUE(bide_timeout_expired());
}
