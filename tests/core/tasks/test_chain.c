/* SPDX-License-Identifier: MIT */
/*
 * test_chain.c - tasks that await each other, a hundred thousand deep or in a circle: nothing recurses with them, no
 * walk is quadratic, and a circle ends.
 */
#include <stdlib.h>

#include "core/core.h"
#include "trace.h"

enum { DEEP = 100000, LEFT = 20000 };

static bide_task *chain[DEEP];
static int chain_length;
static bide_future *chain_end;

static int await_next(int i)
{
    return i + 1 < chain_length ? bide_await(chain[i + 1]) : bide_await(chain_end);
}

static int await_next_in_time(int i)
{
    int r = BIDE_ESTATE;

    bide_timeout(100)
        r = await_next(i);
    return r;
}

/* Each awaits the next, the last a future. */
static void chain_make(int n, int (*link)(int))
{
    chain_length = n;
    chain_end = bide_future_new();
    for (int i = 0; i < n; i++) {
        chain[i] = bide_create_task(bide_coro(link, i), .stack_size = 16384);
        if (!chain[i] && strstr(bide_error_text(), "vm.max_map_count")) /* a kernel, or an emulator, without guards in the page table */
            SKIP("no room for so many stacks");
        EXPECT_NOT_NULL(chain[i]);
    }
    BIDE_IGNORE(bide_sleep_ms(0));
    BIDE_IGNORE(bide_sleep_ms(0));
}

static void chain_release(void)
{
    for (int i = 0; i < chain_length; i++) {
        EXPECT_TRUE(bide_task_done(chain[i]));
        BIDE_IGNORE(bide_task_result(chain[i]));
        bide_error_clear();
        bide_release(chain[i]);
    }
    bide_release(chain_end);
}

TEST(chain_of_100000_tasks_cancelled_at_its_head_ends)
{
    chain_make(DEEP, await_next);
    bide_task_cancel(chain[0]);
    EXPECT_TRUE(bide_future_cancelled(chain_end));
    EXPECT_EQ(bide_cancelling(chain[DEEP - 1]), 1);
    EXPECT_ERR(bide_await(chain[0]), BIDE_ECANCELED);
    chain_release();
}

TEST(chain_of_100000_tasks_failed_at_its_end_fails_all)
{
    chain_make(DEEP, await_next);
    EXPECT_EQ(bide_future_set_error(chain_end, -EIO), 0);
    EXPECT_ERR(bide_await(chain[0]), -EIO);
    chain_release();
}

TEST(chain_of_100000_tasks_released_at_its_head_ends)
{
    chain_make(DEEP, await_next);
    for (int i = DEEP - 1; i > 0; i--)
        bide_release(chain[i]);
    bide_release(chain[0]);
    EXPECT_TRUE(bide_future_cancelled(chain_end));
    bide_release(chain_end);
}

TEST(chain_of_100000_tasks_each_cancelled_is_walked_once)
{
    chain_make(DEEP, await_next);
    for (int i = 0; i < DEEP; i++)
        bide_task_cancel(chain[i]);
    EXPECT_EQ(bide_cancelling(chain[DEEP - 1]), 2); /* by the first walk, and for itself */
    EXPECT_ERR(bide_await(chain[0]), BIDE_ECANCELED);
    chain_release();
}

TEST(chain_of_100000_tasks_each_out_of_time_is_walked_once)
{
    chain_make(DEEP, await_next_in_time);
    EXPECT_ERR(bide_await(chain[0]), BIDE_ETIMEDOUT);
    chain_release();
}

static int leave_chain(void)
{
    chain_make(LEFT, await_next);
    return 0;
}

static int leave_chain_from_its_end(void)
{
    chain_length = LEFT;
    chain_end = bide_future_new();
    for (int i = LEFT - 1; i >= 0; i--)
        chain[i] = bide_create_task(bide_coro(await_next, i), .stack_size = 16384);
    return bide_sleep_ms(1);
}

UNIT(chain_of_20000_tasks_left_behind_ends_with_the_loop)
{
    EXPECT_EQ(bide_run(bide_coro(leave_chain)), 0);
    chain_release();
    EXPECT_EQ(bide_run(bide_coro(leave_chain_from_its_end)), 0);
    chain_release();
}

static int swallows_one(bide_future *f)
{
    int r = bide_await(f);
    trace("%d", r == BIDE_ECANCELED);
    return bide_sleep_ms(1000);
}

static int await_task(bide_task *t)
{
    return bide_await(t);
}

/* A walk stops where another has gone on, but only if nobody has run in between. */
TEST(cancel_again_reaches_a_task_that_swallowed_the_first_one)
{
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_task *inner = bide_create_task(bide_coro(swallows_one, f));
    bide_auto bide_task *outer = bide_create_task(bide_coro(await_task, inner));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(outer);
    BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_TRACE("1");
    EXPECT_FALSE(bide_task_done(inner));
    bide_task_cancel(outer);
    EXPECT_ERR(bide_await(outer), BIDE_ECANCELED);
    EXPECT_TRUE(bide_task_cancelled(inner));
}

TEST(cancel_again_after_uncancel_reaches_what_is_awaited)
{
    bide_auto bide_task *inner = bide_create_task(bide_coro(until_cancelled, "inner"));
    bide_auto bide_task *outer = bide_create_task(bide_coro(await_task, inner)); /* awaits it before it has begun */
    bide_task_cancel(outer);
    EXPECT_EQ(bide_uncancel(outer), 0);
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_FALSE(bide_task_done(outer));
    bide_task_cancel(outer);
    bide_uncancel(inner);
    bide_task_cancel(outer);
    EXPECT_ERR(bide_await(outer), BIDE_ECANCELED);
    EXPECT_TRUE(bide_task_cancelled(inner));
}

/* Each of a layer gathers the two of the next: paths double with every layer. */
enum { LAYERS = 40 };
static bide_task *layers[LAYERS][2];

static int gather_next(int layer)
{
    if (layer + 1 == LAYERS)
        return bide_sleep_ms(1000);
    return bide_gather(layers[layer + 1][0], layers[layer + 1][1]);
}

TEST(cancel_of_many_paths_goes_through_each_task_once)
{
    for (int i = 0; i < LAYERS; i++)
        for (int j = 0; j < 2; j++)
            layers[i][j] = bide_create_task(bide_coro(gather_next, i));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(layers[0][0]);
    EXPECT_ERR(bide_await(layers[0][0]), BIDE_ECANCELED);
    for (int i = 0; i < LAYERS; i++)
        for (int j = 0; j < 2; j++)
            bide_release(layers[i][j]);
}

/* ---- generators ---- */

struct deep {
    bide_generator base;
    struct deep *next;
    int result;
};

static int deep_step(bide_generator *g, int outcome, bide_awaitable *next)
{
    struct deep *d = (struct deep *)g;

    BIDE_GENERATOR_BEGIN(g);
    if (d->next)
        BIDE_GENERATOR_AWAIT(g, &d->next->base);
    else
        BIDE_GENERATOR_AWAIT(g, bide_sleep_awaitable(10));
    BIDE_GENERATOR_END();
    return outcome < 0 ? outcome : outcome + 1;
}

static struct deep *deep_make(int n)
{
    struct deep *d = calloc((size_t)n, sizeof *d);

    for (int i = 0; i < n; i++)
        d[i] = (struct deep){.base.step = deep_step, .next = i + 1 < n ? &d[i + 1] : NULL};
    return d;
}

TEST(generators_100000_deep_awaited_in_place_do_not_use_the_stack)
{
    struct deep *d = deep_make(DEEP);

    EXPECT_EQ(bide_await(&d->base), DEEP);
    free(d);
}

TEST(generators_100000_deep_as_tasks_are_cancelled)
{
    struct deep *d = deep_make(DEEP);
    bide_auto bide_task *t = bide_ensure_future(&d->base);

    for (int i = 0; i <= DEEP; i++)
        BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    free(d);
}

/* ---- circles ---- */

enum { ROUND = 100 }; /* more than an await looks for */
static bide_task *ring[ROUND];

static int await_neighbour(int i, int n)
{
    return bide_await(ring[(i + 1) % n]);
}

/* From the last to the first, so that the last await closes the circle. */
static void ring_make(int n)
{
    for (int i = 0; i < n; i++)
        ring[i] = bide_create_task(bide_coro(await_neighbour, i, n));
    BIDE_IGNORE(bide_sleep_ms(1));
}

static void ring_release(int n)
{
    for (int i = 0; i < n; i++)
        bide_release(ring[i]);
}

TEST(circle_of_three_is_an_error_of_the_await_that_closes_it)
{
    ring_make(3);
    for (int i = 0; i < 3; i++)
        EXPECT_TRUE(bide_task_done(ring[i]));
    EXPECT_ERR(bide_task_result(ring[2]), BIDE_EDEADLOCK);
    EXPECT_CONTAINS(bide_error_text(), "would wait for itself");
    ring_release(3);
}

TEST(circle_of_a_hundred_ends_when_one_is_cancelled)
{
    ring_make(ROUND);
    EXPECT_FALSE(bide_task_done(ring[0]));
    bide_task_cancel(ring[50]);
    EXPECT_ERR(bide_await(ring[0]), BIDE_ECANCELED);
    EXPECT_ERR(bide_await(ring[50]), BIDE_ECANCELED);
    EXPECT_EQ(bide_cancelling(ring[50]), 1);
    ring_release(ROUND);
}

TEST(circle_of_a_hundred_ends_when_one_is_out_of_time)
{
    ring_make(ROUND);
    EXPECT_ERR(bide_wait_for(ring[7], 50), BIDE_ETIMEDOUT);
    BIDE_IGNORE(bide_sleep_ms(1));
    for (int i = 0; i < ROUND; i++)
        EXPECT_TRUE(bide_task_done(ring[i]));
    ring_release(ROUND);
}

TEST(circle_of_a_hundred_ends_when_one_is_released)
{
    ring_make(ROUND);
    bide_release(ring[0]); /* its neighbour has a share of it */
    bide_task_cancel(ring[1]);
    BIDE_IGNORE(bide_sleep_ms(1));
    for (int i = 1; i < ROUND; i++) {
        EXPECT_TRUE(bide_task_done(ring[i]));
        bide_release(ring[i]);
    }
}

static void note_message(bide_loop *loop, const char *message, void *arg)
{
    (void)loop;
    (void)arg;
    trace("%s", message);
}

static int leave_ring(void)
{
    bide_loop_set_exception_handler(bide_get_event_loop(), note_message, NULL);
    for (int i = 0; i < ROUND; i++)
        ring[i] = bide_create_task(bide_coro(await_neighbour, i, ROUND), .name = "r");
    BIDE_IGNORE(bide_sleep_ms(1));
    return 0;
}

UNIT(circle_of_a_hundred_left_behind_is_reported_and_ends_with_the_loop)
{
    EXPECT_EQ(bide_run(bide_coro(leave_ring)), 0);
    EXPECT_CONTAINS(trace_text, "circle");
    EXPECT_CONTAINS(trace_text, "r -> ");
    for (int i = 0; i < ROUND; i++)
        EXPECT_TRUE(bide_task_done(ring[i]));
    ring_release(ROUND);
}

/* A circle with a gather in it, and with more tasks than are looked for: else it would be refused (test_circle.c). */
static bide_task *parent, *child;

static int gathers_child(void)
{
    return bide_gather(child, bide_coro(until_cancelled, "other"));
}

static int gathers_child_all(void)
{
    int codes[2], failed = bide_gather_all(codes, child, bide_coro(give, 3));
    trace("%d:%d,%d", failed, codes[0], codes[1]);
    return failed;
}

static int awaits_parent_from(int i)
{
    return bide_await(i + 1 < ROUND ? ring[i + 1] : parent);
}

static void gather_circle_make(int (*gathers)(void))
{
    parent = bide_create_task(bide_coro(gathers));
    for (int i = 0; i < ROUND; i++)
        ring[i] = bide_create_task(bide_coro(awaits_parent_from, i));
    child = ring[0];
    BIDE_IGNORE(bide_sleep_ms(1));
}

static void gather_circle_release(void)
{
    BIDE_IGNORE(bide_sleep_ms(1));
    for (int i = 0; i < ROUND; i++)
        EXPECT_TRUE(bide_task_done(ring[i]));
    ring_release(ROUND);
    bide_release(parent);
}

TEST(circle_through_gather_ends_when_the_gather_is_cancelled)
{
    gather_circle_make(gathers_child);
    bide_task_cancel(parent);
    EXPECT_ERR(bide_await(parent), BIDE_ECANCELED);
    EXPECT_ERR(bide_await(child), BIDE_ECANCELED);
    EXPECT_TRACE("other:cancelled");
    gather_circle_release();
}

TEST(circle_through_gather_ends_when_the_other_task_is_cancelled)
{
    gather_circle_make(gathers_child);
    bide_task_cancel(child);
    EXPECT_ERR(bide_await(child), BIDE_ECANCELED);
    EXPECT_ERR(bide_await(parent), BIDE_ECANCELED);
    EXPECT_TRACE("other:cancelled");
    gather_circle_release();
}

TEST(circle_through_gather_all_gives_that_one_as_cancelled)
{
    gather_circle_make(gathers_child_all);
    bide_task_cancel(child);
    BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_TRUE(bide_task_done(parent));
    EXPECT_TRUE(bide_task_done(child));
    EXPECT_TRACE("-125:-125,3");
    gather_circle_release();
}

static int awaits_main(bide_task *t)
{
    int r = bide_await(t);
    trace("%d", r);
    return r;
}

TEST(circle_of_a_task_that_releases_what_awaits_it_ends)
{
    bide_task *t = bide_create_task(bide_coro(awaits_main, bide_current_task()));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_release(t);
    EXPECT_EQ(bide_cancelling(bide_current_task()), 0);
}

static int cleans_up_by_awaiting(bide_task *t)
{
    EXPECT_ERR(bide_sleep_ms(1000), BIDE_ECANCELED);
    bide_error_clear();
    EXPECT_ERR(bide_await(t), BIDE_EDEADLOCK);
    return 0;
}

TEST(await_of_a_task_that_waits_for_our_end_is_an_error)
{
    bide_task *t = bide_create_task(bide_coro(cleans_up_by_awaiting, bide_current_task()));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_release(t);
}

struct mutual {
    bide_generator base;
    bide_task **other;
};

static int mutual_step(bide_generator *g, int outcome, bide_awaitable *next)
{
    struct mutual *m = (struct mutual *)g;

    BIDE_GENERATOR_BEGIN(g);
    BIDE_GENERATOR_AWAIT(g, *m->other);
    BIDE_GENERATOR_END();
    return outcome;
}

TEST(circle_of_generators_ends_when_one_is_cancelled)
{
    static struct mutual all[ROUND];

    for (int i = 0; i < ROUND; i++) {
        all[i] = (struct mutual){{.step = mutual_step}, &ring[(i + 1) % ROUND]};
        ring[i] = bide_ensure_future(&all[i].base);
    }
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(ring[0]);
    EXPECT_ERR(bide_await(ring[0]), BIDE_ECANCELED);
    BIDE_IGNORE(bide_sleep_ms(1));
    for (int i = 0; i < ROUND; i++)
        EXPECT_ERR(bide_task_result(ring[i]), BIDE_ECANCELED);
    ring_release(ROUND);
}
