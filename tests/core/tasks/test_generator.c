/* SPDX-License-Identifier: MIT */
/* test_generator.c - stackless coroutines and awaitable objects. */
#include <stdlib.h>

#include "core/core.h"
#include "trace.h"

struct counter {
    bide_generator base;
    const char *name;
    int i, n;
    bide_future *future;
};

static int count_step(bide_generator *g, int outcome, bide_awaitable *next)
{
    struct counter *c = (struct counter *)g;

    BIDE_GENERATOR_BEGIN(g);
    for (c->i = 0; c->i < c->n; c->i++) {
        trace("%s%d", c->name, c->i);
        BIDE_GENERATOR_AWAIT(g, bide_sleep_awaitable(10));
        if (outcome < 0)
            return outcome;
    }
    BIDE_GENERATOR_END();
    return c->n;
}

TEST(generator_awaited_in_place_by_a_stackful_task)
{
    struct counter c = {.base.step = count_step, .name = "a", .n = 3};
    int64_t begin = bide_loop_time_ms(bide_get_event_loop());
    EXPECT_EQ(bide_await(&c.base), 3);
    EXPECT_EQ(bide_loop_time_ms(bide_get_event_loop()) - begin, 30);
    EXPECT_TRACE("a0 a1 a2");
}

TEST(generator_as_tasks_interleave)
{
    struct counter a = {.base.step = count_step, .name = "a", .n = 2}, b = {.base.step = count_step, .name = "b", .n = 2};
    EXPECT_EQ(bide_gather(&a.base, &b.base), 0);
    EXPECT_TRACE("a0 b0 a1 b1");
}

TEST(generator_cancelled_sees_it_once)
{
    struct counter c = {.base.step = count_step, .name = "c", .n = 5};
    bide_auto bide_task *t = bide_ensure_future(&c.base);
    BIDE_IGNORE(bide_sleep_ms(15));
    EXPECT_TRUE(bide_task_cancel(t));
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRUE(bide_task_cancelled(t));
    EXPECT_TRACE("c0 c1");
}

TEST(generator_cancelled_before_it_starts_never_runs)
{
    struct counter c = {.base.step = count_step, .name = "c", .n = 5};
    bide_auto bide_task *t = bide_ensure_future(&c.base);
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRACE("");
}

static int future_step(bide_generator *g, int outcome, bide_awaitable *next)
{
    struct counter *c = (struct counter *)g;

    BIDE_GENERATOR_BEGIN(g);
    BIDE_GENERATOR_AWAIT(g, c->future);
    trace("got%d", outcome);
    BIDE_GENERATOR_AWAIT(g, bide_coro(sleep_give, (int64_t)5, 6));
    trace("got%d", outcome);
    BIDE_GENERATOR_END();
    return outcome + 1;
}

TEST(generator_awaits_futures_and_coroutines)
{
    bide_auto bide_future *f = bide_future_new();
    struct counter c = {.base.step = future_step, .future = f};
    bide_auto bide_task *t = bide_ensure_future(&c.base);
    BIDE_IGNORE(bide_sleep_ms(1));
    BIDE_IGNORE(bide_future_set_result(f, 4));
    EXPECT_EQ(bide_await(t), 7);
    EXPECT_TRACE("got4 got6");
}

TEST(generator_cancel_goes_to_the_awaited_future)
{
    bide_auto bide_future *f = bide_future_new();
    struct counter c = {.base.step = future_step, .future = f};
    bide_auto bide_task *t = bide_ensure_future(&c.base);
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t);
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRUE(bide_future_cancelled(f));
    BIDE_IGNORE(bide_sleep_ms(20));
    EXPECT_TRUE(bide_task_done(t));
}

static int failing_step(bide_generator *g, int outcome, bide_awaitable *next)
{
    (void)g;
    (void)outcome;
    (void)next;
    return bide_fail(-EIO, "the generator broke");
}

TEST(generator_error_keeps_its_story)
{
    bide_generator g = {.step = failing_step};
    bide_auto bide_task *t = bide_ensure_future(&g);
    EXPECT_ERR(bide_await(t), -EIO);
    EXPECT_STR(bide_error_text(), "the generator broke");
}

static int waiting_step(bide_generator *g, int outcome, bide_awaitable *next)
{
    (void)g;
    (void)outcome;
    (void)next;
    return bide_sleep_ms(1);
}

TEST(generator_that_waits_instead_of_yielding_gets_an_error)
{
    bide_generator g = {.step = waiting_step};
    bide_auto bide_task *t = bide_ensure_future(&g);
    EXPECT_TRUE(bide_await(t) < 0);
}

TEST(generator_100000_at_once)
{
    /* Each awaits a task with a stack in the end, and valgrind looks for a stack in a list. */
    const int n = bide__valgrind_runs() ? 2000 : 100000;
    struct counter *cs = calloc((size_t)n, sizeof *cs);
    bide_task **ts = calloc((size_t)n, sizeof *ts);
    for (int i = 0; i < n; i++) {
        cs[i] = (struct counter){.base.step = future_step, .future = NULL};
        cs[i].future = bide_future_new();
        ts[i] = bide_ensure_future(&cs[i].base);
    }
    BIDE_IGNORE(bide_sleep_ms(0));
    for (int i = 0; i < n; i++)
        bide_task_cancel(ts[i]);
    for (int i = 0; i < n; i++) {
        BIDE_IGNORE(bide_await(ts[i]));
        bide_release(ts[i]);
        bide_release(cs[i].future);
    }
    free(cs);
    free(ts);
}

struct twice {
    bide_awaitable_object base;
    bide_task *task;
};

static int await_twice(bide_awaitable_object *o)
{
    struct twice *t = (struct twice *)o;
    int r = bide_await(t->task);
    return r < 0 ? r : 2 * r;
}

TEST(object_with_an_await_operation)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(sleep_give, (int64_t)5, 21));
    struct twice w = {{await_twice}, t};
    EXPECT_EQ(bide_await(&w.base), 42);
    EXPECT_EQ(bide_gather(&w.base, bide_coro(nop)), 0);
}
