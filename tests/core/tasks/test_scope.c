/* SPDX-License-Identifier: MIT */
/* test_scope.c - bide_scope: blocks that are cancelled, and blocks that shield. */
#include <bide/scope.h>

#include "core/core.h"
#include "trace.h"

static int64_t now_ms(void)
{
    return bide_loop_time_ms(bide_get_event_loop());
}

static int cancel_after(bide_cancel_scope *s, int64_t ms)
{
    BIDE_TRY(bide_sleep_ms(ms));
    return bide_scope_cancel(s);
}

TEST(scope_cancelled_every_wait_inside_fails_until_it_is_left)
{
    int first = 0, second = 0, third = 0;
    bide_auto bide_task *t = NULL;
    bide_scope(s) {
        t = bide_create_task(bide_coro(cancel_after, s, (int64_t)10));
        first = bide_sleep_ms(1000);
        EXPECT_STR(bide_error_text(), "cancelled, with the bide_scope around it");
        EXPECT_TRUE(bide_was_cancelled());
        second = bide_sleep_ms(0);
        bide_timeout(5)
            third = bide_sleep_ms(1000);
        EXPECT_TRUE(bide_scope_cancelled(s));
        EXPECT_FALSE(bide_scope_cancel(s)); /* it was */
    }
    EXPECT_ERR(first, BIDE_ECANCELED);
    EXPECT_ERR(second, BIDE_ECANCELED);
    EXPECT_ERR(third, BIDE_ECANCELED); /* it outranks the time-out */
    EXPECT_TRUE(bide_scope_cancelled(NULL));
    EXPECT_FALSE(bide_timeout_expired());
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(bide_cancelling(bide_current_task()), 0);
    EXPECT_EQ(bide_await(t), 1);
}

TEST(scope_not_cancelled_changes_nothing)
{
    int r = -1;
    bide_scope(s) {
        r = bide_sleep_ms(10);
        EXPECT_FALSE(bide_scope_cancelled(s));
    }
    EXPECT_EQ(r, 0);
    EXPECT_FALSE(bide_scope_cancelled(NULL));
}

TEST(scope_cancelled_by_its_own_task_ends_its_next_wait)
{
    int r = 0;
    bide_scope(s) {
        EXPECT_TRUE(bide_scope_cancel(s));
        r = bide_sleep_ms(1000);
    }
    EXPECT_ERR(r, BIDE_ECANCELED);
}

TEST(scope_nested_the_outer_one_reaches_in_the_inner_one_does_not_reach_out)
{
    int inner = 0, between = 0;
    bide_scope(outer) {
        bide_scope(s) {
            bide_scope_cancel(s);
            inner = bide_sleep_ms(1);
        }
        between = bide_sleep_ms(1);
        bide_scope_cancel(outer);
        bide_scope(s) {
            EXPECT_ERR(bide_sleep_ms(1), BIDE_ECANCELED);
            EXPECT_FALSE(bide_scope_cancelled(s));
        }
        EXPECT_FALSE(bide_scope_cancelled(NULL));
    }
    EXPECT_ERR(inner, BIDE_ECANCELED);
    EXPECT_EQ(between, 0);
    EXPECT_TRUE(bide_scope_cancelled(NULL));
}

TEST(scope_deadline_is_a_timeout)
{
    int r = 0;
    int64_t begin = now_ms();
    bide_scope(s, .timeout_ms = 20) {
        r = bide_sleep_ms(1000);
        EXPECT_FALSE(bide_scope_cancelled(s));
        EXPECT_FALSE(bide_scope_cancel(s)); /* too late */
    }
    EXPECT_ERR(r, BIDE_ETIMEDOUT);
    EXPECT_TRUE(bide_timeout_expired());
    EXPECT_EQ(now_ms() - begin, 20);

    bide_scope(s, .timeout_ms = 20) {
        EXPECT_EQ(bide_timeout_reschedule(BIDE_FOREVER), 0);
        r = bide_sleep_ms(100);
        bide_scope_cancel(s);
        EXPECT_ERR(bide_timeout_reschedule(1), BIDE_ESTATE);
    }
    EXPECT_EQ(r, 0);
}

TEST(scope_cancelled_cancels_what_is_awaited_once)
{
    bide_auto bide_task *inner = bide_create_task(bide_coro(until_cancelled, "inner"));
    bide_auto bide_task *other = bide_create_task(bide_coro(sleep_give, (int64_t)20, 7));
    bide_auto bide_task *canceller = NULL;
    bide_scope(s) {
        canceller = bide_create_task(bide_coro(cancel_after, s, (int64_t)5));
        EXPECT_ERR(bide_await(inner), BIDE_ECANCELED);
        EXPECT_TRUE(bide_was_cancelled());
    }
    EXPECT_TRACE("inner:cancelled");
    EXPECT_EQ(bide_cancelling(inner), 1);
    EXPECT_EQ(bide_await(other), 7); /* what was not awaited goes on */
}

/* ---- shields ---- */

static int says_goodbye(int64_t ms)
{
    int r = bide_sleep_ms(100000);
    trace("%s", r == BIDE_ECANCELED ? "cancelled" : "woke");
    bide_scope(cleanup, .shield = true, .timeout_ms = 100)
        trace("%s", bide_sleep_ms(ms) == 0 ? "said" : "not said");
    trace("%d", bide_sleep_ms(0) == BIDE_ECANCELED);
    return r;
}

TEST(scope_shielded_a_cancel_waits_for_its_end)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(says_goodbye, (int64_t)50));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t);
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t); /* while it is shielded */
    EXPECT_EQ(bide_cancelling(t), 2);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRACE("cancelled said 1");
}

TEST(scope_shielded_ends_at_its_own_limit)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(says_goodbye, (int64_t)5000));
    int64_t begin = now_ms();
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_EQ(now_ms() - begin, 101);
    EXPECT_TRACE("cancelled not said 0"); /* the one cancel was delivered before */
}

TEST(scope_shielded_has_a_limit_if_none_is_given)
{
    int64_t begin = now_ms();
    bide_scope(s, .shield = true)
        EXPECT_ERR(bide_sleep_ms(100000), BIDE_ETIMEDOUT);
    EXPECT_EQ(now_ms() - begin, BIDE_SCOPE_SHIELD_MS);
    bide_scope(s, .shield = true, .timeout_ms = BIDE_FOREVER)
        EXPECT_EQ(bide_sleep_ms(100000), 0);
}

TEST(scope_shielded_hides_timeouts_and_scopes_around_it)
{
    int inside = -1, behind = 0, late = -1;
    bide_timeout(10) {
        EXPECT_ERR(bide_sleep_ms(100), BIDE_ETIMEDOUT);
        bide_scope(cleanup, .shield = true) {
            inside = bide_sleep_ms(20);
            bide_timeout(5)
                EXPECT_ERR(bide_sleep_ms(20), BIDE_ETIMEDOUT); /* one inside works */
        }
        behind = bide_sleep_ms(0);
    }
    EXPECT_EQ(inside, 0);
    EXPECT_ERR(behind, BIDE_ETIMEDOUT);

    bide_scope(outer) {
        bide_scope(cleanup, .shield = true) {
            bide_scope_cancel(outer); /* comes while it is hidden */
            late = bide_sleep_ms(1);
        }
        behind = bide_sleep_ms(0);
    }
    EXPECT_EQ(late, 0);
    EXPECT_ERR(behind, BIDE_ECANCELED);
    EXPECT_EQ(bide_sleep_ms(1), 0);
}

TEST(scope_shielded_its_own_cancel_works_and_nested_shields_end_one_by_one)
{
    bide_timeout(0) {
        BIDE_IGNORE(bide_sleep_ms(0));
        bide_scope(a, .shield = true) {
            bide_scope(b, .shield = true) {
                bide_scope_cancel(a);
                EXPECT_EQ(bide_sleep_ms(1), 0);
            }
            EXPECT_ERR(bide_sleep_ms(1), BIDE_ECANCELED); /* a's own */
        }
        EXPECT_ERR(bide_sleep_ms(1), BIDE_ETIMEDOUT);
    }
}

static int uncancels_inside(void)
{
    bide_scope(s, .shield = true) {
        EXPECT_EQ(bide_sleep_ms(10), 0);
        EXPECT_EQ(bide_uncancel(bide_current_task()), 0);
    }
    return bide_sleep_ms(1);
}

static int awaits_inside(bide_task *t)
{
    int r = 0;
    bide_scope(s, .shield = true, .timeout_ms = 20)
        r = bide_await(t);
    trace("%s", r == BIDE_ETIMEDOUT ? "timeout" : "other");
    return bide_sleep_ms(1);
}

TEST(scope_shielded_a_cancel_that_is_taken_back_never_was)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(uncancels_inside));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t);
    EXPECT_EQ(bide_await(t), 0);
}

TEST(scope_shielded_a_held_cancel_does_not_hide_its_timeout)
{
    bide_auto bide_task *inner = bide_create_task(bide_coro(until_cancelled, "inner"));
    bide_auto bide_task *t = bide_create_task(bide_coro(awaits_inside, inner));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t);
    EXPECT_FALSE(bide_task_done(inner)); /* nothing was passed on */
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRACE("inner:cancelled timeout");
}

TEST(scope_shielded_release_of_its_task_waits_for_the_cleanup)
{
    int64_t begin = now_ms();
    bide_task *t = bide_create_task(bide_coro(says_goodbye, (int64_t)50));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_release(t);
    EXPECT_EQ(now_ms() - begin, 51);
    EXPECT_TRACE("cancelled said 0");
}

/* ---- bad use ---- */

static int cancel_in_thread(bide_cancel_scope *s)
{
    bool cancelled = bide_scope_cancel(s);
    return cancelled ? 1 : bide_error_code();
}

TEST(scope_of_another_thread_is_refused)
{
    bide_scope(s) {
        EXPECT_ERR(bide_to_thread(bide_coro(cancel_in_thread, s)), BIDE_ESTATE);
        EXPECT_EQ(bide_sleep_ms(1), 0);
    }
    EXPECT_FALSE(bide_scope_cancel(NULL));
    EXPECT_ERR(bide_error_code(), -EINVAL);
}

TEST(scope_with_an_option_without_its_name_does_not_let_wait)
{
    bide_cancel_scope s;
    bide_scope_args args = {.size = sizeof args, .guard_ = (struct bide_use_named_options *)&s};
    EXPECT_TRUE(bide_scope_enter(&s, &args) == &s);
    EXPECT_ERR(bide_sleep_ms(1), -EINVAL);
    bide_scope_leave(&s);
    EXPECT_EQ(bide_sleep_ms(1), 0);
}

UNIT(scope_outside_a_task_runs_the_block)
{
    int ran = 0;
    bide_scope(s) {
        ran++;
        EXPECT_FALSE(bide_scope_cancel(s));
    }
    EXPECT_EQ(ran, 1);
}
