/* SPDX-License-Identifier: MIT */
/* test_context.c - values that tasks inherit: bide_context_set. */
#include <stdlib.h>

#include <bide/context.h>

#include "core/core.h"
#include "core/threads/loop_thread.h"
#include "trace.h"

static char color, shape;

static const char *get(const void *key)
{
    const char *value = bide_context_get(key);
    return value ? value : "-";
}

static int sees(void)
{
    trace("%s/%s", get(&color), get(&shape));
    return 0;
}

static int changes(const char *to)
{
    BIDE_TRY(bide_context_set(&color, (void *)(uintptr_t)to));
    BIDE_TRY(bide_sleep_ms(1));
    return sees();
}

/* asyncio 46, asyncio-suite 47 */
TEST(context_is_inherited_as_it_was_when_the_task_was_made)
{
    EXPECT_EQ(bide_context_set(&color, "red"), 0);
    bide_auto bide_task *a = bide_create_task(bide_coro(sees)), *b = bide_create_task(bide_coro(changes, "blue"));
    EXPECT_EQ(bide_context_set(&color, "green"), 0);
    EXPECT_EQ(bide_context_set(&shape, "round"), 0);
    bide_auto bide_task *c = bide_create_task(bide_coro(sees));
    EXPECT_EQ(bide_gather(a, b, c), 0);
    EXPECT_EQ(sees(), 0);
    EXPECT_TRACE("red/- green/round blue/- green/round");
}

/* asyncio 46 */
TEST(context_of_an_awaited_coroutine_is_its_callers)
{
    EXPECT_EQ(bide_await(bide_coro(changes, "blue")), 0);
    EXPECT_EQ(sees(), 0);
    EXPECT_EQ(bide_context_set(&color, NULL), 0);
    EXPECT_EQ(sees(), 0);
    EXPECT_TRACE("blue/- blue/- -/-");
}

/* asyncio 106 */
TEST(context_of_an_eager_task_is_its_own)
{
    EXPECT_EQ(bide_context_set(&color, "red"), 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(changes, "blue"), .eager = true);
    EXPECT_EQ(sees(), 0);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_TRACE("red/- blue/-");
}

static bide_task *made;

static void sees_and_makes(void *unused)
{
    (void)unused;
    BIDE_IGNORE(sees());
    EXPECT_ERR(bide_context_set(&color, "no"), BIDE_ENOLOOP);
    made = bide_create_task(bide_coro(sees));
}

static bide_handle *itself;

static void cancels_itself(void *unused)
{
    (void)unused;
    bide_handle_cancel(itself);
    BIDE_IGNORE(sees());
}

TEST(context_goes_with_calls_for_the_loop)
{
    bide_loop *loop = bide_get_event_loop();
    EXPECT_EQ(bide_context_set_taking(&color, strdup("red"), free), 0);
    bide_loop_call_later(loop, 5, sees_and_makes, NULL);
    itself = bide_loop_call_soon(loop, cancels_itself, NULL);
    EXPECT_EQ(bide_context_set(&color, "green"), 0);
    BIDE_IGNORE(bide_sleep_ms(10));
    EXPECT_EQ(bide_await(made), 0);
    bide_release(made);
    EXPECT_TRACE("red/- red/- red/-");
}

static void sees_future(bide_future *f, void *arg)
{
    (void)f;
    (void)arg;
    BIDE_IGNORE(sees());
}

static int adds_a_callback(bide_future *f, void *value)
{
    EXPECT_EQ(bide_context_set(&color, value), 0);
    EXPECT_EQ(bide_future_add_done_callback(f, sees_future, value), 0);
    return bide_context_set(&color, "changed");
}

/* asyncio 46: a done callback has the context of who added it, not of who settles; one that is added late, too */
TEST(context_goes_with_done_callbacks)
{
    bide_auto bide_future *f = bide_future_new();
    EXPECT_EQ(bide_future_add_done_callback(f, sees_future, NULL), 0);
    EXPECT_EQ(bide_gather(bide_coro(adds_a_callback, f, "red"), bide_coro(adds_a_callback, f, "blue")), 0);
    EXPECT_EQ(bide_context_set(&color, "settles"), 0);
    EXPECT_EQ(bide_future_set_result(f, 0), 0);
    bide_auto bide_task *late = bide_create_task(bide_coro(adds_a_callback, f, "late"));
    EXPECT_EQ(bide_await(late), 0);
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRACE("-/- red/- blue/- late/-");
}

static int sees_in_thread(void)
{
    return get(&color)[0] == 'r' && bide_context_set(&color, "no") == BIDE_ENOLOOP;
}

TEST(context_is_seen_by_a_call_in_a_thread, .real_time = true)
{
    EXPECT_EQ(bide_context_set(&color, "red"), 0);
    EXPECT_EQ(bide_to_thread(bide_coro(sees_in_thread)), 1);
    EXPECT_EQ(bide_context_set(&color, NULL), 0);
    EXPECT_EQ(bide_to_thread(bide_coro(sees_in_thread)), 0); /* nothing stays in the thread */
}

TEST(context_is_seen_by_a_call_in_a_thread_of_a_pool, .real_time = true)
{
    bide_auto bide_thread_pool *pool = bide_thread_pool_new(.threads = 1);
    EXPECT_EQ(bide_context_set(&color, "red"), 0);
    EXPECT_EQ(bide_to_thread(bide_coro(sees_in_thread), .pool = pool), 1);
    EXPECT_EQ(bide_context_set(&color, NULL), 0);
    EXPECT_EQ(bide_to_thread(bide_coro(sees_in_thread), .pool = pool), 0);
}

static bide_task *made_there;

static void makes_there(void *unused)
{
    (void)unused;
    trace("%s", get(&color));
    made_there = bide_create_task(bide_coro(sees), .name = "there");
}

static int app_there(void)
{
    BIDE_TRY(bide_context_set(&shape, "round"));
    BIDE_TRY(bide_loop_call_soon_threadsafe(bide_get_event_loop(), makes_there, NULL));
    BIDE_TRY(bide_sleep_ms(1));
    bide_auto bide_task *t = made_there;
    return bide_await(t);
}

static int runs_a_loop(void)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(sees), .name = "made before this thread's loop runs");
    BIDE_TRY(bide_run_until_complete(bide_get_event_loop(), t));
    BIDE_TRY(bide_run(bide_coro(app_there)));
    trace("%s", get(&color));
    return 0;
}

TEST(context_of_a_call_in_a_thread_is_not_that_of_the_tasks_of_a_loop_there, .real_time = true)
{
    EXPECT_EQ(bide_context_set_taking(&color, strdup("red"), free), 0);
    EXPECT_EQ(bide_to_thread(bide_coro(runs_a_loop)), 0);
    EXPECT_TRACE("-/- - -/- red");
}

TEST(context_of_a_task_for_the_loop_of_another_thread_is_empty, .real_time = true)
{
    struct loop_thread other;
    loop_thread_start(&other);
    EXPECT_EQ(bide_context_set(&color, "red"), 0);
    EXPECT_EQ(bide_call_in_loop(other.loop, bide_coro(sees)), 0);
    bide_auto bide_future *f = bide_submit_to_loop(other.loop, bide_coro(sees));
    EXPECT_EQ(bide_await(f), 0);
    EXPECT_EQ(bide_call_in_loop(bide_get_event_loop(), bide_coro(sees)), 0); /* no other task */
    EXPECT_TRACE("-/- -/- red/-");
    loop_thread_end(&other);
}

static int freed;

static void count(void *value)
{
    (void)value;
    freed++;
}

static int holds(int64_t ms)
{
    BIDE_TRY(bide_sleep_ms(ms));
    return sees();
}

TEST(context_value_is_freed_when_no_task_has_it)
{
    char mine[] = "mine";
    EXPECT_EQ(bide_context_set_taking(&color, mine, count), 0);
    bide_task *t = bide_create_task(bide_coro(holds, (int64_t)10));
    EXPECT_EQ(bide_context_set(&color, "green"), 0);
    EXPECT_EQ(bide_context_set(&shape, "round"), 0);
    EXPECT_EQ(freed, 0);
    EXPECT_EQ(bide_await(t), 0);
    bide_release(t);
    EXPECT_EQ(freed, 1);
    EXPECT_TRACE("mine/-");
}

TEST(context_has_a_limit_and_refuses_bad_keys)
{
    static char keys[BIDE_CONTEXT_MAX];
    char mine[] = "mine";
    for (size_t i = 0; i < BIDE_CONTEXT_MAX; i++)
        EXPECT_EQ(bide_context_set(&keys[i], mine), 0);
    EXPECT_ERR(bide_context_set_taking(&color, mine, count), BIDE_ELIMIT);
    EXPECT_EQ(freed, 1);
    EXPECT_EQ(bide_context_set(&keys[5], "other"), 0);
    EXPECT_STR(get(&keys[5]), "other");
    EXPECT_ERR(bide_context_set_taking(NULL, mine, count), -EINVAL);
    EXPECT_EQ(freed, 2);
    EXPECT_TRUE(bide_context_get(NULL) == NULL);
    EXPECT_STR(get(&color), "-");
}

struct two_steps {
    bide_generator g;
    int n;
};

static int step(bide_generator *g, int outcome, bide_awaitable *next)
{
    struct two_steps *s = (struct two_steps *)g;
    if (outcome < 0 || s->n++ > 0)
        return outcome < 0 ? outcome : sees();
    BIDE_TRY(bide_context_set(&shape, "flat"));
    *next = bide_sleep_awaitable(1);
    return BIDE_YIELD;
}

TEST(context_of_stackless_tasks)
{
    struct two_steps s = {.g.step = step};
    EXPECT_EQ(bide_context_set(&color, "red"), 0);
    bide_auto bide_task *t = bide_create_task((bide_coroutine){0}, .generator = &s.g);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_TRACE("red/flat");
    EXPECT_STR(get(&shape), "-");
}
