/* SPDX-License-Identifier: MIT */
/* test_task.c - tasks: birth, names, results, release (checklist 6.3). */
#include "core/core.h"
#include "trace.h"

static int say(const char *word)
{
    trace("%s", word);
    return 0;
}

/* asyncio 39 */
TEST(task_first_step_is_queued_not_run)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(say, "body"));
    trace("created");
    BIDE_IGNORE(bide_await(t));
    EXPECT_TRACE("created body");
}

/* asyncio 40 */
TEST(task_cannot_be_settled_from_outside)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(nop));
    EXPECT_ERR(bide_future_set_result(bide_task_future(t), 1), BIDE_ESTATE);
    bide_error_clear();
    EXPECT_ERR(bide_future_set_error(bide_task_future(t), -EIO), BIDE_ESTATE);
    EXPECT_EQ(bide_await(t), 0);
}

TEST(task_as_a_future_and_back_is_the_same_task)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(nop));
    bide_auto bide_future *f = bide_future_new();

    EXPECT_TRUE(bide_future_task(bide_task_future(t)) == t);
    EXPECT_NULL(bide_future_task(f));
    EXPECT_EQ(bide_await(t), 0);
}

/* asyncio 41 */
TEST(ensure_future_leaves_tasks_and_futures_as_they_are)
{
    bide_auto bide_task *t = bide_ensure_future(bide_coro(give, 1));
    bide_auto bide_task *same = bide_ensure_future(t);
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_future *same_f = bide_ensure_future(f);
    EXPECT_TRUE(t == same);
    EXPECT_TRUE(f == same_f);
    EXPECT_EQ(bide_await(t), 1);
}

static int await_self(void)
{
    return bide_await(bide_current_task());
}

/* asyncio 42 */
TEST(task_cannot_await_itself)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(await_self));
    EXPECT_ERR(bide_await(t), BIDE_EDEADLOCK);
    EXPECT_CONTAINS(bide_error_text(), "cannot await itself");
}

static int nothing(void)
{
    return 0;
}

TEST(task_with_a_stack_out_of_bounds_is_refused)
{
    const size_t bad[] = {1, 16383, ((size_t)64 << 20) + 1, SIZE_MAX};

    for (size_t i = 0; i < array_len(bad); i++) {
        bide_error_clear();
        EXPECT_NULL(bide_create_task(bide_coro(nothing), .stack_size = bad[i]));
        EXPECT_EQ(bide_error_code(), -EINVAL);
        EXPECT_CONTAINS(bide_error_text(), "at least 16384 (16 KiB), at most 67108864 (64 MiB), or 0");
    }
    bide_auto bide_task *least = bide_create_task(bide_coro(nothing), .stack_size = 16384);
    bide_auto bide_task *usual = bide_create_task(bide_coro(nothing), .stack_size = 0);
    EXPECT_EQ(bide_gather(least, usual), 0);
}

static int check_current(bide_task **slot)
{
    for (int i = 0; i < 3; i++) {
        if (bide_current_task() != *slot)
            return -EINVAL;
        BIDE_IGNORE(bide_sleep_ms(0));
    }
    return 0;
}

static void current_in_callback(void *arg)
{
    *(bool *)arg = bide_current_task() == NULL;
}

/* asyncio 43 */
TEST(current_task_is_right_when_interleaved_and_null_outside)
{
    bide_task *a = NULL, *b = NULL;
    bool null_in_callback = false;
    a = bide_create_task(bide_coro(check_current, &a));
    b = bide_create_task(bide_coro(check_current, &b));
    bide_loop_call_soon(bide_get_event_loop(), current_in_callback, &null_in_callback);
    EXPECT_EQ(bide_gather(a, b), 0);
    EXPECT_TRUE(null_in_callback);
    bide_release(a);
    bide_release(b);
}

static int count_tasks(bide_loop *loop)
{
    int n = 0;
    for (struct list_node *node = loop->tasks.next; node != &loop->tasks; node = node->next)
        n++;
    return n;
}

/* asyncio 44 */
TEST(tasks_of_a_loop_are_those_not_done)
{
    bide_loop *loop = bide_get_event_loop();
    EXPECT_EQ(count_tasks(loop), 1);
    bide_auto bide_task *t = bide_create_task(bide_coro(nop));
    EXPECT_EQ(count_tasks(loop), 2);
    BIDE_IGNORE(bide_await(t));
    EXPECT_EQ(count_tasks(loop), 1);
}

/* asyncio 45 */
TEST(task_names)
{
    char name[] = "mine";
    bide_auto bide_task *a = bide_create_task(bide_coro(nop));
    bide_auto bide_task *b = bide_create_task(bide_coro(nop));
    bide_auto bide_task *c = bide_create_task(bide_coro(nop), .name = name);
    name[0] = 'x';
    EXPECT_CONTAINS(bide_task_name(a), "Task-");
    EXPECT_TRUE(bide_task_id(a) < bide_task_id(b));
    EXPECT_STR(bide_task_name(c), "mine");
    BIDE_IGNORE(bide_gather(a, b, c));
}

/* asyncio 47 */
TEST(sleep_of_nothing_yields_exactly_one_turn)
{
    turns_begin();
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_EQ(turns, 1);
    BIDE_IGNORE(bide_sleep_ms(-5));
    EXPECT_EQ(turns_end(), 2);
}

/* asyncio 48 */
TEST(sleep_cancelled_leaves_no_timer)
{
    bide_loop *loop = bide_get_event_loop();
    size_t before = loop->wheel.count;
    bide_task *t = bide_create_task(bide_coro(until_cancelled, "t"));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_EQ(loop->wheel.count, before + 1);
    bide_release(t);
    EXPECT_EQ(loop->wheel.count, before);
    EXPECT_TRACE("t:cancelled");
}

/* asyncio 49 */
TEST(task_dropped_while_running_is_cancelled_and_awaited)
{
    bool wrote = false;
    {
        bide_auto bide_task *t = bide_create_task(bide_coro(until_cancelled, "child"));
        BIDE_IGNORE(bide_sleep_ms(0));
        wrote = true;
    }
    trace("after");
    EXPECT_TRUE(wrote);
    EXPECT_TRACE("child:cancelled after");
}

static char reported[512];

static void on_exception(bide_loop *loop, const char *message, void *arg)
{
    (void)loop;
    (void)arg;
    snprintf(reported, sizeof reported, "%s", message);
}

/* asyncio 49 */
TEST(task_dropped_where_nobody_can_wait_is_cancelled_and_reported)
{
    bide_loop_set_exception_handler(bide_get_event_loop(), on_exception, NULL);
    bide_task *t = bide_create_task(bide_coro(until_cancelled, "child"), .name = "orphan");
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_loop_call_soon(bide_get_event_loop(), bide_release, t);
    BIDE_IGNORE(bide_sleep_ms(5));
    EXPECT_TRACE("child:cancelled");
    EXPECT_STR(reported, "task orphan was dropped while it ran, where nobody can wait for its end");
}

TEST(task_interleaving_is_first_in_first_out)
{
    bide_auto bide_task *a = bide_create_task(bide_coro(say, "a"));
    bide_auto bide_task *b = bide_create_task(bide_coro(say, "b"));
    bide_auto bide_task *c = bide_create_task(bide_coro(say, "c"));
    BIDE_IGNORE(bide_gather(c, b, a));
    EXPECT_TRACE("a b c");
}

static int start_sleep_end(int i)
{
    trace("s%d", i);
    BIDE_IGNORE(bide_sleep_ms(0));
    trace("e%d", i);
    return 0;
}

TEST(task_trace_of_three_tasks)
{
    bide_auto bide_task *t0 = bide_create_task(bide_coro(start_sleep_end, 0));
    bide_auto bide_task *t1 = bide_create_task(bide_coro(start_sleep_end, 1));
    bide_auto bide_task *t2 = bide_create_task(bide_coro(start_sleep_end, 2));
    trace("created");
    BIDE_IGNORE(bide_gather(t0, t1, t2));
    EXPECT_TRACE("created s0 s1 s2 e0 e1 e2");
}

static int six(int a, long b, const char *c, char d, unsigned e, int *out)
{
    *out = a + (int)b + (int)strlen(c) + d + (int)e;
    return a;
}

TEST(coroutine_takes_six_arguments)
{
    int out = 0;
    EXPECT_EQ(bide_await(bide_coro(six, 1, 20L, "abc", 'A', 1000u, &out)), 1);
    EXPECT_EQ(out, 1 + 20 + 3 + 'A' + 1000);
}

TEST(coroutine_dropped_does_nothing)
{
    bide_coroutine c = bide_coro(say, "never");
    EXPECT_STR(c.name, "say");
    EXPECT_TRACE("");
}

static void got_result(bide_task *t, void *arg)
{
    *(int *)arg = bide_task_result(t);
}

TEST(task_done_callback_gets_the_task_and_its_result)
{
    int result = 0;
    bide_auto bide_task *t = bide_create_task(bide_coro(give, 77));
    EXPECT_EQ(bide_task_add_done_callback(t, got_result, &result), 0);
    EXPECT_ERR(bide_task_result(t), BIDE_ESTATE);
    BIDE_IGNORE(bide_await(t));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_EQ(result, 77);
    EXPECT_TRUE(bide_task_done(t));
    EXPECT_FALSE(bide_task_cancelled(t));
}

static int inner(void)
{
    return bide_fail(-ECONNREFUSED, "connect example.com:443: connection refused");
}

static int outer(void)
{
    BIDE_TRY(bide_await(bide_coro(inner)));
    return 0;
}

TEST(error_carries_its_story_across_tasks_with_a_trace)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(outer));
    EXPECT_ERR(bide_await(t), -ECONNREFUSED);
    const struct error_record *e = bide__error_current();
    EXPECT_TRUE(e->ntrace >= 1);
    EXPECT_STR(e->trace[0].function, "outer");
    EXPECT_STR(bide_error_text(), "connect example.com:443: connection refused");
}

TEST(task_result_outlives_its_loop)
{
    bide_auto bide_loop *loop = bide_loop_new();
    bide_loop *here = bide__loop_here;
    bide__loop_here = NULL;
    bide__loop_here = loop;
    bide_task *t = bide_create_task(bide_coro(give, 3));
    bide__loop_here = NULL;
    EXPECT_EQ(bide_run_until_complete(loop, t), 3);
    BIDE_IGNORE(bide_loop_close(loop));
    EXPECT_EQ(bide_task_result(t), 3);
    EXPECT_CONTAINS(bide_task_name(t), "Task-");
    bide_release(t);
    bide__loop_here = here;
}

static int use_much_stack(size_t bytes)
{
    volatile char big[bytes];
    memset((char *)big, 1, bytes);
    return big[bytes / 2];
}

TEST(task_stack_size_is_settable)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(use_much_stack, (size_t)400 * 1024), .stack_size = 512 * 1024);
    EXPECT_EQ(bide_await(t), 1);
    EXPECT_NULL(bide_create_task(bide_coro(nop), .stack_size = (size_t)1 << 40));
    EXPECT_TRUE(bide_error_text()[0] != '\0');
}
