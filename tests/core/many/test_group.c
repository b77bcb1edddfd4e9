/* SPDX-License-Identifier: MIT */
/* test_group.c - bide_task_group: tasks that end together (checklist 6.8). */
#include <bide/group.h>

#include "core/core.h"
#include "trace.h"

static int64_t now_ms(void)
{
    return bide_loop_time_ms(bide_get_event_loop());
}

static int fail_after(int64_t ms, int code)
{
    BIDE_TRY(bide_sleep_ms(ms));
    return bide_fail(code, "failed after %d", (int)ms);
}

static int says(const char *word, int64_t ms)
{
    int r = bide_sleep_ms(ms);
    trace("%s%s", word, r == BIDE_ECANCELED ? ":cancelled" : "");
    return r;
}

/* asyncio 95 */
TEST(group_wait_waits_for_all)
{
    bide_auto bide_task_group *g = bide_task_group_new();
    bide_auto bide_task *t = NULL;
    EXPECT_EQ(bide_task_group_start(g, bide_coro(says, "b", (int64_t)20)), 0);
    EXPECT_EQ(bide_task_group_start(g, bide_coro(says, "a", (int64_t)10), .name = "named", .task = &t), 0);
    EXPECT_STR(bide_task_name(t), "named");
    EXPECT_EQ(bide_task_group_len(g), 2);
    EXPECT_EQ(bide_task_group_wait(g), 0);
    EXPECT_TRACE("a b");
    EXPECT_EQ(bide_task_group_len(g), 0);
    EXPECT_EQ(bide_task_result(t), 0);
    EXPECT_EQ(bide_task_group_error_count(g), 0);
}

static int starts_more(bide_task_group *g, int depth)
{
    BIDE_TRY(bide_sleep_ms(1));
    trace("%d", depth);
    if (depth > 0)
        BIDE_TRY(bide_task_group_start(g, bide_coro(starts_more, g, depth - 1)));
    return 0;
}

/* asyncio 95 */
TEST(group_wait_waits_for_those_that_children_start)
{
    bide_auto bide_task_group *g = bide_task_group_new();
    EXPECT_EQ(bide_task_group_start(g, bide_coro(starts_more, g, 3)), 0);
    EXPECT_EQ(bide_task_group_wait(g), 0);
    EXPECT_TRACE("3 2 1 0");
}

/* asyncio 96 */
TEST(group_a_child_that_is_cancelled_alone_is_no_failure)
{
    bide_auto bide_task_group *g = bide_task_group_new();
    bide_auto bide_task *t = NULL;
    EXPECT_EQ(bide_task_group_start(g, bide_coro(says, "a", (int64_t)10), .task = &t), 0);
    EXPECT_EQ(bide_task_group_start(g, bide_coro(says, "b", (int64_t)20)), 0);
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t);
    EXPECT_EQ(bide_task_group_wait(g), 0);
    EXPECT_TRACE("a:cancelled b");
}

static int fails_in_cleanup(void)
{
    int r = bide_sleep_ms(1000);
    return r == BIDE_ECANCELED ? bide_fail(-EPIPE, "cleanup broke") : 0;
}

/* asyncio 97 */
TEST(group_first_failure_cancels_the_others_and_all_errors_are_collected)
{
    bide_auto bide_task_group *g = bide_task_group_new();
    EXPECT_EQ(bide_task_group_start(g, bide_coro(says, "a", (int64_t)100)), 0);
    EXPECT_EQ(bide_task_group_start(g, bide_coro(fails_in_cleanup)), 0);
    EXPECT_EQ(bide_task_group_start(g, bide_coro(fail_after, (int64_t)10, -EIO)), 0);
    int64_t begin = now_ms();
    EXPECT_ERR(bide_task_group_wait(g), -EIO);
    EXPECT_STR(bide_error_text(), "failed after 10");
    EXPECT_EQ(now_ms() - begin, 10);
    EXPECT_TRACE("a:cancelled");
    EXPECT_EQ(bide_task_group_error_count(g), 2);
    EXPECT_ERR(bide_task_group_error(g, 1), -EPIPE);
    EXPECT_STR(bide_error_text(), "cleanup broke");
    EXPECT_ERR(bide_task_group_error(g, 0), -EIO);
    EXPECT_ERR(bide_task_group_error(g, 2), -ERANGE);
    EXPECT_EQ(bide_cancelling(bide_current_task()), 0);
    EXPECT_EQ(bide_sleep_ms(1), 0);
}

/* asyncio 97, 100 */
TEST(group_failure_ends_the_owners_wait_once_and_says_why)
{
    bide_auto bide_task_group *g = bide_task_group_new();
    EXPECT_EQ(bide_task_group_start(g, bide_coro(fail_after, (int64_t)10, -EIO), .name = "worker"), 0);
    EXPECT_ERR(bide_sleep_ms(1000), BIDE_ECANCELED);
    EXPECT_STR(bide_error_text(), "cancelled: worker of its group failed: failed after 10");
    EXPECT_EQ(bide_cancelling(bide_current_task()), 1);
    EXPECT_EQ(bide_sleep_ms(1), 0); /* cleanup may wait */
    EXPECT_ERR(bide_task_group_wait(g), -EIO);
    EXPECT_EQ(bide_cancelling(bide_current_task()), 0);
}

static int has_a_failing_child(void)
{
    bide_auto bide_task_group *g = BIDE_TRY_PTR(bide_task_group_new());
    BIDE_TRY(bide_task_group_start(g, bide_coro(fail_after, (int64_t)10, -EIO)));
    BIDE_TRY(bide_task_group_start(g, bide_coro(says, "other", (int64_t)100)));
    BIDE_TRY(bide_sleep_ms(1000));
    return bide_task_group_wait(g);
}

static int restores(void)
{
    int r = bide_await(bide_coro(has_a_failing_child));
    trace("%d", bide_cancelling(bide_current_task()));
    BIDE_TRY(bide_sleep_ms(0));
    return r;
}

/* asyncio 99, 100: the body fails, so the group is released before it was waited for */
TEST(group_released_is_aborted_and_drained_and_the_count_is_as_before)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(restores));
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRACE("other:cancelled 0");
}

static int body_fails(void)
{
    bide_auto bide_task_group *g = BIDE_TRY_PTR(bide_task_group_new());
    BIDE_TRY(bide_task_group_start(g, bide_coro(says, "child", (int64_t)100)));
    BIDE_TRY(bide_sleep_ms(1));
    return bide_fail(-EDOM, "the body");
}

/* asyncio 99 */
TEST(group_the_bodys_error_ends_its_children_and_stays)
{
    int64_t begin = now_ms();
    EXPECT_ERR(bide_await(bide_coro(body_fails)), -EDOM);
    EXPECT_STR(bide_error_text(), "the body");
    EXPECT_EQ(now_ms() - begin, 1);
    EXPECT_TRACE("child:cancelled");
}

static int slow_end(const char *word)
{
    int r = bide_sleep_ms(1000);
    BIDE_IGNORE(bide_sleep_ms(20));
    trace("%s", word);
    return r;
}

static int waits_for_a_group(bide_coroutine *child)
{
    bide_auto bide_task_group *g = BIDE_TRY_PTR(bide_task_group_new());
    BIDE_TRY(bide_task_group_start(g, *child));
    int r = bide_task_group_wait(g);
    trace("wait:%s", r == BIDE_ECANCELED ? "cancelled" : r == BIDE_ETIMEDOUT ? "timeout" : r < 0 ? "error" : "0");
    trace("then:%d", bide_sleep_ms(0) == BIDE_ECANCELED);
    return r;
}

/* asyncio 98 */
TEST(group_owner_cancelled_children_are_cancelled_and_awaited)
{
    bide_coroutine child = bide_coro(slow_end, "child");
    bide_auto bide_task *t = bide_create_task(bide_coro(waits_for_a_group, &child));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t);
    BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRACE("child wait:cancelled then:0");
}

/* asyncio 98, 100: errors go before a cancellation, which comes with the next wait */
TEST(group_owner_cancelled_an_error_goes_first_and_the_cancel_is_not_lost)
{
    bide_coroutine child = bide_coro(fails_in_cleanup);
    bide_auto bide_task *t = bide_create_task(bide_coro(waits_for_a_group, &child));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), -EPIPE);
    EXPECT_TRACE("wait:error then:1");
    EXPECT_EQ(bide_cancelling(t), 1);
}

/* asyncio-suite 163 */
TEST(group_in_a_timeout_its_children_are_cancelled_and_errors_go_first)
{
    bide_coroutine quiet = bide_coro(slow_end, "child"), loud = bide_coro(fails_in_cleanup);
    int r = 0;
    bide_timeout(10)
        r = waits_for_a_group(&quiet);
    EXPECT_ERR(r, BIDE_ETIMEDOUT);
    bide_timeout(10)
        r = waits_for_a_group(&loud);
    EXPECT_ERR(r, -EPIPE);
    EXPECT_TRACE("child wait:timeout then:0 wait:error then:0");
}

static int inner_group(void)
{
    bide_auto bide_task_group *g = BIDE_TRY_PTR(bide_task_group_new());
    BIDE_TRY(bide_task_group_start(g, bide_coro(says, "inner", (int64_t)100)));
    int r = bide_task_group_wait(g);
    trace("inner-wait:%d", r == BIDE_ECANCELED);
    return r;
}

/* asyncio-suite 140: nested by tasks */
TEST(group_nested_the_outer_ones_failure_ends_the_inner_one_quietly)
{
    bide_auto bide_task_group *g = bide_task_group_new();
    EXPECT_EQ(bide_task_group_start(g, bide_coro(inner_group)), 0);
    EXPECT_EQ(bide_task_group_start(g, bide_coro(fail_after, (int64_t)10, -EIO)), 0);
    EXPECT_ERR(bide_task_group_wait(g), -EIO);
    EXPECT_EQ(bide_task_group_error_count(g), 1);
    EXPECT_TRACE("inner:cancelled inner-wait:1");
}

/* asyncio-suite 140: nested in one task */
TEST(group_nested_in_one_task_the_outer_ones_failure_ends_the_inner_wait)
{
    bide_auto bide_task_group *outer = bide_task_group_new();
    EXPECT_EQ(bide_task_group_start(outer, bide_coro(fail_after, (int64_t)10, -EIO)), 0);
    EXPECT_ERR(inner_group(), BIDE_ECANCELED);
    EXPECT_ERR(bide_task_group_wait(outer), -EIO);
    EXPECT_EQ(bide_cancelling(bide_current_task()), 0);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_TRACE("inner:cancelled inner-wait:1");
}

/* asyncio-suite 150, 141 */
TEST(group_nested_both_fail_at_once_the_inner_error_comes_then_the_outer)
{
    bide_auto bide_task_group *outer = bide_task_group_new();
    bide_auto bide_task_group *inner = bide_task_group_new();
    EXPECT_EQ(bide_task_group_start(outer, bide_coro(fail_after, (int64_t)10, -EIO)), 0);
    EXPECT_EQ(bide_task_group_start(inner, bide_coro(fail_after, (int64_t)10, -EDOM)), 0);
    EXPECT_ERR(bide_task_group_wait(inner), -EDOM);
    EXPECT_ERR(bide_sleep_ms(100), BIDE_ECANCELED); /* the outer one's cancellation, kept until now */
    EXPECT_ERR(bide_task_group_wait(outer), -EIO);
    EXPECT_EQ(bide_cancelling(bide_current_task()), 0);
    EXPECT_EQ(bide_sleep_ms(1), 0);
}

static int cancels_itself_and_waits(void)
{
    bide_auto bide_task_group *g = BIDE_TRY_PTR(bide_task_group_new());
    BIDE_TRY(bide_task_group_start(g, bide_coro(says, "begun", (int64_t)0)));
    bide_task_cancel(bide_current_task());
    return bide_task_group_wait(g);
}

/* asyncio 57, 98 */
TEST(group_a_cancel_still_to_be_delivered_lets_those_begin_that_were_started)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(cancels_itself_and_waits));
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRACE("begun:cancelled");
}

static int cancelled_before(void)
{
    EXPECT_ERR(bide_sleep_ms(1000), BIDE_ECANCELED);
    bide_auto bide_task_group *g = bide_task_group_new();
    EXPECT_EQ(bide_task_group_start(g, bide_coro(fail_after, (int64_t)10, -EIO)), 0);
    EXPECT_ERR(bide_task_group_wait(g), -EIO);
    EXPECT_EQ(bide_cancelling(bide_current_task()), 1);
    return bide_sleep_ms(1);
}

static int fails_in_a_group_when_cancelled_before(void)
{
    bide_task_cancel(bide_current_task());
    bide_auto bide_task_group *g = BIDE_TRY_PTR(bide_task_group_new());
    EXPECT_ERR(bide_sleep_ms(10), BIDE_ECANCELED);
    BIDE_TRY(bide_task_group_start(g, bide_coro(fail_after, (int64_t)1, -EIO)));
    EXPECT_ERR(bide_task_group_wait(g), -EIO);
    return bide_sleep_ms(1);
}

/* asyncio 98, 100: one that was still to be delivered came inside of the group, whose error goes first */
TEST(group_a_cancel_delivered_inside_is_delivered_again_behind_an_error)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(fails_in_a_group_when_cancelled_before));
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
}

static int yields_and_fails(void)
{
    BIDE_TRY(bide_sleep_ms(0));
    return bide_fail(-EIO, "failed");
}

static int yields_twice(void)
{
    BIDE_TRY(bide_sleep_ms(0));
    return bide_sleep_ms(0);
}

/* asyncio 97: the first failure wakes the owner, who sees what else has ended in that turn */
TEST(group_failure_wakes_the_owner_that_waits)
{
    bide_auto bide_task_group *g = bide_task_group_new();
    EXPECT_EQ(bide_task_group_start(g, bide_coro(yields_twice)), 0);
    EXPECT_EQ(bide_task_group_start(g, bide_coro(yields_and_fails)), 0);
    turns_begin();
    EXPECT_ERR(bide_task_group_wait(g), -EIO);
    EXPECT_EQ(turns_end(), 3);
}

/* asyncio 100 */
TEST(group_counts_requests_made_before_it_as_before)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(cancelled_before));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t);
    EXPECT_EQ(bide_await(t), 0);
}

static int cannot_start(bide_task_group *g)
{
    EXPECT_ERR(bide_sleep_ms(1000), BIDE_ECANCELED);
    EXPECT_ERR(bide_task_group_start(g, bide_coro(nop)), BIDE_ESTATE);
    EXPECT_STR(bide_error_text(), "bide_task_group_start: the group is ending");
    trace("refused");
    return BIDE_ECANCELED;
}

/* asyncio 102 */
TEST(group_start_while_it_ends_or_after_that_is_an_error)
{
    bide_auto bide_task_group *g = bide_task_group_new();
    EXPECT_EQ(bide_task_group_start(g, bide_coro(cannot_start, g)), 0);
    EXPECT_EQ(bide_task_group_start(g, bide_coro(fail_after, (int64_t)1, -EIO)), 0);
    EXPECT_ERR(bide_task_group_wait(g), -EIO);
    EXPECT_TRACE("refused");
    EXPECT_ERR(bide_task_group_start(g, bide_coro(nop)), BIDE_ESTATE);
    EXPECT_STR(bide_error_text(), "bide_task_group_start: the group has ended");
    EXPECT_ERR(bide_task_group_wait(g), BIDE_ESTATE);
}

static int starts_two_turns_later(bide_task_group *g)
{
    BIDE_TRY(bide_sleep_ms(0));
    EXPECT_ERR(bide_task_group_start(g, bide_coro(nop)), BIDE_ESTATE);
    EXPECT_STR(bide_error_text(), "bide_task_group_start: the group has ended");
    trace("refused");
    return 0;
}

/* asyncio 102: its last child has ended, and its owner has not run since */
TEST(group_start_between_the_last_end_and_the_owners_turn_is_an_error)
{
    bide_auto bide_task_group *g = bide_task_group_new();
    EXPECT_EQ(bide_task_group_start(g, bide_coro(nop)), 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(starts_two_turns_later, g));
    EXPECT_EQ(bide_task_group_wait(g), 0);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_TRACE("refused");
}

/* It makes its group end inside of its own beginning. */
static int cancels_its_group(bide_task_group *g)
{
    EXPECT_TRUE(bide_task_group_cancel(g));
    return says("eager", 100);
}

/* asyncio 103, 104 */
TEST(group_eager_child_that_ends_the_group_is_cancelled_too)
{
    bide_auto bide_task_group *g = bide_task_group_new();
    EXPECT_EQ(bide_task_group_start(g, bide_coro(says, "first", (int64_t)100)), 0);
    BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_EQ(bide_task_group_start(g, bide_coro(cancels_its_group, g), .eager = true), 0);
    EXPECT_EQ(bide_task_group_wait(g), 0); /* that is no error */
    EXPECT_TRACE("first:cancelled eager:cancelled");
    EXPECT_FALSE(bide_task_group_cancel(g));
}

/* asyncio-suite 144 */
TEST(group_forgets_children_that_have_ended)
{
    bide_auto bide_task_group *g = bide_task_group_new();
    size_t before = 0;
    for (int i = 0; i < 1000; i++) {
        EXPECT_EQ(bide_task_group_start(g, bide_coro(nop)), 0);
        BIDE_IGNORE(bide_sleep_ms(1));
        EXPECT_EQ(bide_task_group_len(g), 0);
        if (i == 10)
            before = bide__alloc_live();
    }
    EXPECT_EQ(bide__alloc_live(), before);
    EXPECT_EQ(bide_task_group_wait(g), 0);
}

TEST(group_keeps_so_many_errors_and_counts_the_rest)
{
    bide_auto bide_task_group *g = bide_task_group_new();
    for (int i = 0; i < BIDE_GROUP_ERRORS_MAX + 10; i++)
        EXPECT_EQ(bide_task_group_start(g, bide_coro(fails_in_cleanup)), 0);
    EXPECT_EQ(bide_task_group_start(g, bide_coro(fail_after, (int64_t)1, -EIO)), 0);
    EXPECT_ERR(bide_task_group_wait(g), -EIO);
    EXPECT_EQ(bide_task_group_error_count(g), BIDE_GROUP_ERRORS_MAX + 11);
    EXPECT_ERR(bide_task_group_error(g, BIDE_GROUP_ERRORS_MAX - 1), -EPIPE);
    EXPECT_ERR(bide_task_group_error(g, BIDE_GROUP_ERRORS_MAX), -ERANGE);
}

TEST(group_takes_tasks_futures_and_whatever_can_be_awaited)
{
    bide_auto bide_task_group *g = bide_task_group_new();
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(says, "task", (int64_t)10)), *same = NULL, *none = t;
    EXPECT_EQ(bide_task_group_start(g, t, .task = &same), 0);
    EXPECT_TRUE(same == t);
    EXPECT_EQ(bide_task_group_start(g, f, .task = &none), 0);
    EXPECT_TRUE(none == NULL);
    EXPECT_EQ(bide_task_group_start(g, bide_sleep_awaitable(20)), 0);
    EXPECT_EQ(bide_task_group_start(g, bide_to_thread_awaitable(bide_coro(give, 3)), .eager = true), 0);
    EXPECT_EQ(bide_future_set_result(f, 1), 0);
    EXPECT_EQ(bide_task_group_wait(g), 0);
    EXPECT_TRACE("task");
}

/* 6.12: asyncio takes 3 turns for a group of two that do nothing, and none for an empty one */
TEST(group_of_two_takes_3_turns_and_an_empty_one_none)
{
    bide_auto bide_task_group *g = bide_task_group_new(), *empty = bide_task_group_new();
    turns_begin();
    EXPECT_EQ(bide_task_group_wait(empty), 0);
    EXPECT_EQ(turns, 0);
    EXPECT_EQ(bide_task_group_start(g, bide_coro(nop)), 0);
    EXPECT_EQ(bide_task_group_start(g, bide_coro(nop)), 0);
    EXPECT_EQ(bide_task_group_wait(g), 0);
    EXPECT_EQ(turns_end(), 3);
}

/* ---- bad use ---- */

static int waits_for(bide_task_group *g)
{
    return bide_task_group_wait(g);
}

TEST(group_is_waited_for_by_its_own_task_alone)
{
    bide_auto bide_task_group *g = bide_task_group_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(waits_for, g));
    EXPECT_ERR(bide_await(t), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "belongs to another task");
    EXPECT_ERR(bide_task_group_start(g, bide_current_task()), BIDE_EDEADLOCK);
    EXPECT_ERR(bide_task_group_start(g, (bide_task *)NULL), -EINVAL);
    EXPECT_ERR(bide_task_group_start(NULL, bide_coro(nop)), -EINVAL);
    EXPECT_ERR(bide_task_group_start(g, bide_coro(nop), .stack_size = 1), -EINVAL);
    EXPECT_ERR(bide_task_group_wait(NULL), -EINVAL);
    EXPECT_ERR(bide_task_group_error(NULL, 0), -EINVAL);
    EXPECT_FALSE(bide_task_group_cancel(NULL));
    EXPECT_EQ(bide_task_group_len(NULL) + bide_task_group_error_count(NULL), 0);
    EXPECT_EQ(bide_task_group_wait(g), 0);
}

UNIT(group_outside_a_task_is_refused)
{
    EXPECT_TRUE(bide_task_group_new() == NULL);
    EXPECT_ERR(bide_error_code(), BIDE_ENOLOOP);
}

static bide_task_group *left;

static int leaves_its_group(void)
{
    left = BIDE_TRY_PTR(bide_task_group_new());
    return bide_task_group_start(left, bide_coro(fail_after, (int64_t)10, -EIO));
}

/* The owner ended before its group did: nobody is cancelled in its place, and who releases the group waits. */
TEST(group_may_outlive_its_task)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(leaves_its_group));
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_EQ(bide_sleep_ms(20), 0);
    EXPECT_EQ(bide_task_group_error_count(left), 1);
    EXPECT_ERR(bide_task_group_wait(left), BIDE_ESTATE);
    bide_release(left);
}

static void release_group(void *group)
{
    (bide_release)(group);
}

TEST(group_released_in_a_callback_cancels_and_the_last_child_frees_it)
{
    bide_task_group *g = bide_task_group_new();
    EXPECT_EQ(bide_task_group_start(g, bide_coro(slow_end, "child")), 0);
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_loop_call_soon(bide_get_event_loop(), release_group, g);
    BIDE_IGNORE(bide_sleep_ms(5));
    EXPECT_TRACE("");
    BIDE_IGNORE(bide_sleep_ms(50));
    EXPECT_TRACE("child");
}
