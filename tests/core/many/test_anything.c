/* SPDX-License-Identifier: MIT */
/* test_anything.c - all that can be awaited, in each function that waits for several, or that makes it a task. */
#include "harness/harness.h"

#include <pthread.h>

#include <bide/loop.h>

static bool was_cancelled;

static int give(int64_t ms, int result)
{
    BIDE_TRY(bide_sleep_ms(ms));
    return result;
}

static int wait_long(void)
{
    int code = bide_sleep_ms(100000);

    was_cancelled = code == BIDE_ECANCELED;
    return code;
}

static int thread_answer(int n)
{
    return n;
}

struct late {
    bide_generator generator;
    int result;
};

static int late_step(bide_generator *g, int outcome, bide_awaitable *next)
{
    BIDE_GENERATOR_BEGIN(g);
    BIDE_GENERATOR_AWAIT(g, bide_sleep_awaitable(20));
    BIDE_TRY(outcome);
    BIDE_GENERATOR_END();
    return ((struct late *)g)->result;
}

static int object_await(bide_awaitable_object *o)
{
    (void)o;
    return give(30, 3);
}

static int settle(bide_future *f)
{
    BIDE_TRY(bide_sleep_ms(40));
    return bide_future_set_result(f, 4);
}

TEST(wait_all_kinds_at_once_gives_their_outcomes)
{
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(settle, f));
    struct late late = {{late_step, 0}, 2};
    bide_awaitable_object object = {object_await};
    int codes[7];
    bool done[7];

    EXPECT_EQ(bide_wait(BIDE_AWAITABLES(bide_coro(give, (int64_t)10, 1), &late.generator, &object, f, t,
                                        bide_to_thread_awaitable(bide_coro(thread_answer, 6)), bide_sleep_awaitable(5)),
                        .codes = codes, .done = done), 7);
    const int expected[7] = {1, 2, 3, 4, 0, 6, 0};
    for (int i = 0; i < 7; i++) {
        EXPECT_EQ(codes[i], expected[i]);
        EXPECT_TRUE(done[i]);
    }
}

TEST(wait_first_completed_ends_the_coroutines_but_not_the_tasks)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(give, (int64_t)50, 7));
    bool done[3];
    was_cancelled = false;

    EXPECT_EQ(bide_wait(BIDE_AWAITABLES(bide_coro(wait_long), t, bide_coro(give, (int64_t)10, 1)),
                        .until = BIDE_FIRST_COMPLETED, .done = done), 1);
    EXPECT_TRUE(was_cancelled);
    EXPECT_TRUE(!done[0] && !done[1] && done[2]);
    EXPECT_TRUE(!bide_task_done(t));
    EXPECT_EQ(bide_await(t), 7);
}

TEST(wait_out_of_time_ends_the_coroutines)
{
    was_cancelled = false;
    EXPECT_EQ(bide_wait(BIDE_AWAITABLES(bide_coro(wait_long), bide_coro(wait_long)), .timeout_ms = 10), 0);
    EXPECT_TRUE(was_cancelled);
}

static int wait_for_long(void)
{
    return bide_wait(BIDE_AWAITABLES(bide_coro(wait_long), bide_coro(wait_long)));
}

TEST(wait_cancelled_ends_the_coroutines_first)
{
    was_cancelled = false;
    bide_auto bide_task *t = bide_create_task(bide_coro(wait_for_long));
    EXPECT_EQ(bide_sleep_ms(5), 0);
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRUE(was_cancelled);
}

TEST(wait_takes_an_array_of_futures)
{
    bide_auto bide_future *a = bide_future_new(), *b = bide_future_new();
    bide_future *both[] = {a, b};

    EXPECT_EQ(bide_future_set_result(b, 1), 0);
    EXPECT_EQ(bide_wait(both, 2, .until = BIDE_FIRST_COMPLETED), 1);
    EXPECT_TRUE(!bide_future_done(a));
}

TEST(completed_of_all_kinds_comes_by_index)
{
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(settle, f));
    struct late late = {{late_step, 0}, 2};
    bide_auto bide_completed *c = bide_as_completed(BIDE_AWAITABLES(f, &late.generator, bide_coro(give, (int64_t)10, 1)));
    size_t order[3] = {9, 9, 9}, i;

    for (int n = 0; bide_completed_next(c, &i) > 0; n++)
        order[n] = i;
    EXPECT_TRUE(order[0] == 2 && order[1] == 1 && order[2] == 0);
}

TEST(completed_gives_a_future_that_is_no_task)
{
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_completed *c = bide_as_completed(&f, 1);
    bide_future *next = NULL;

    EXPECT_EQ(bide_future_set_result(f, 5), 0);
    EXPECT_EQ(bide_completed_next(c, &next), 1);
    EXPECT_TRUE(next == f && !bide_future_task(next));
    EXPECT_EQ(bide_completed_next(c, &next), 0);
}

TEST(completed_released_ends_its_coroutines)
{
    was_cancelled = false;
    {
        bide_auto bide_completed *c = bide_as_completed(BIDE_AWAITABLES(bide_coro(wait_long), bide_coro(give, (int64_t)1, 1)));
        size_t i;
        EXPECT_EQ(bide_completed_next(c, &i), 1);
        EXPECT_EQ(i, 1);
    }
    EXPECT_TRUE(was_cancelled);
}

static int finished;

static int finish_later(void)
{
    BIDE_TRY(bide_sleep_ms(20));
    return ++finished;
}

static int shield_it(void)
{
    return bide_shield(bide_coro(finish_later));
}

TEST(shield_coroutine_goes_on_when_the_caller_is_cancelled)
{
    finished = 0;
    EXPECT_EQ(bide_shield(bide_coro(finish_later)), 1);
    bide_auto bide_task *t = bide_create_task(bide_coro(shield_it));
    EXPECT_EQ(bide_sleep_ms(5), 0);
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_EQ(finished, 1);
    EXPECT_EQ(bide_sleep_ms(50), 0);
    EXPECT_EQ(finished, 2);
}

TEST(ensure_future_makes_an_object_and_a_call_for_a_thread_tasks)
{
    bide_awaitable_object object = {object_await};
    bide_auto bide_task *t = bide_ensure_future(&object);
    bide_auto bide_future *f = bide_ensure_future(bide_to_thread_awaitable(bide_coro(thread_answer, 8)));

    EXPECT_EQ(bide_await(t), 3);
    EXPECT_EQ(bide_await(f), 8);
}

static int other_thread(pthread_t *caller)
{
    return !pthread_equal(*caller, pthread_self());
}

TEST(to_thread_awaitable_runs_in_a_thread_wherever_it_is_awaited, .real_time = true)
{
    pthread_t self = pthread_self();
    int codes[2];

    EXPECT_EQ(bide_await(bide_to_thread_awaitable(bide_coro(other_thread, &self))), 1);
    EXPECT_EQ(bide_wait_for(bide_to_thread_awaitable(bide_coro(other_thread, &self)), 5000), 1);
    EXPECT_EQ(bide_gather_all(codes, bide_to_thread_awaitable(bide_coro(other_thread, &self)),
                              bide_to_thread_awaitable(bide_coro(other_thread, &self))), 0);
    EXPECT_TRUE(codes[0] == 1 && codes[1] == 1);
    EXPECT_ERR(bide_await(bide_to_thread_awaitable((bide_coroutine){0})), -EINVAL);
}

static int thread_is_called(const char *name)
{
    char is[16];

    EXPECT_EQ(pthread_getname_np(pthread_self(), is, sizeof is), 0);
    return strcmp(is, name) == 0;
}

TEST(to_thread_awaitable_takes_a_pool_wherever_it_is_awaited, .real_time = true)
{
    bide_auto bide_thread_pool *pool = bide_thread_pool_new(.threads = 1, .name = "mine");
    bide_awaitable call = bide_to_thread_awaitable(bide_coro(thread_is_called, "mine"), .pool = pool);
    bide_auto bide_future *f = bide_ensure_future(call);
    int codes[2];

    EXPECT_EQ(bide_await(call), 1);
    EXPECT_EQ(bide_await(f), 1);
    EXPECT_EQ(bide_wait_for(call, 5000), 1);
    EXPECT_EQ(bide_gather_all(codes, call, bide_to_thread_awaitable(bide_coro(thread_is_called, "mine"))), 0);
    EXPECT_EQ(codes[0], 1);
    EXPECT_EQ(codes[1], 0); /* that of the loop */
    EXPECT_EQ(bide_shield(call), 1);
}

/* ---- what a future carries ---- */

static int destroyed;

static void destroy(void *pointer)
{
    destroyed += *(int *)pointer;
}

TEST(future_with_a_pointer_destroys_it_with_its_last_share)
{
    int value = 1;
    destroyed = 0;
    {
        bide_auto bide_future *f = bide_future_new();
        EXPECT_TRUE(!bide_future_pointer(f));
        EXPECT_EQ(bide_future_set_pointer(f, &value, destroy), 0);
        EXPECT_EQ(bide_await(f), 0);
        EXPECT_TRUE(bide_future_pointer(f) == &value);
        EXPECT_TRUE(!bide_future_bytes(f).data);
        EXPECT_EQ(destroyed, 0);
    }
    EXPECT_EQ(destroyed, 1);
}

TEST(future_with_bytes_has_a_copy_and_64_bits_fit)
{
    int64_t big = INT64_C(1) << 40, back = 0;
    char text[] = "hello";
    bide_auto bide_future *line = bide_future_new(), *number = bide_future_new();

    EXPECT_EQ(bide_future_set_bytes(line, text, 5), 0);
    memset(text, 'x', 5);
    EXPECT_STR(bide_future_bytes(line).data, "hello");
    EXPECT_EQ(bide_future_bytes(line).len, 5);
    EXPECT_TRUE(!bide_future_pointer(line));
    EXPECT_EQ(bide_future_set_bytes(number, &big, sizeof big), 0);
    memcpy(&back, bide_future_bytes(number).data, sizeof back);
    EXPECT_EQ(back, big);
}

TEST(future_that_is_settled_or_a_task_takes_no_value_and_destroys_it)
{
    int value = 1;
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(give, (int64_t)0, 1));
    destroyed = 0;

    EXPECT_EQ(bide_future_set_result(f, 1), 0);
    EXPECT_ERR(bide_future_set_pointer(f, &value, destroy), BIDE_ESTATE);
    EXPECT_ERR(bide_future_set_pointer(bide_task_future(t), &value, destroy), BIDE_ESTATE);
    EXPECT_ERR(bide_future_set_bytes(f, "x", 1), BIDE_ESTATE);
    EXPECT_ERR(bide_future_set_bytes(f, NULL, 1), -EINVAL);
    EXPECT_EQ(destroyed, 2);
}

TEST(gather_n_takes_arrays_of_tasks_and_of_futures)
{
    int codes[2];
    bide_task *tasks[2] = {bide_create_task(bide_coro(give, (int64_t)1, 1)), bide_create_task(bide_coro(give, (int64_t)2, 2))};
    bide_future *futures[2] = {bide_task_future(tasks[1]), bide_task_future(tasks[0])};

    EXPECT_EQ(bide_gather_n(tasks, 2), 0);
    EXPECT_EQ(bide_gather_all_n(codes, futures, 2), 0);
    EXPECT_EQ(codes[0], 2);
    EXPECT_EQ(codes[1], 1);
    bide_release(tasks[0]);
    bide_release(tasks[1]);
}
