/* SPDX-License-Identifier: MIT */
/* test_loop.c - the loop and its callbacks, as asyncio orders them (checklist 6.1). */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/core.h"
#include "trace.h"

static void soon(const char *word)
{
    EXPECT_NOT_NULL(bide_loop_call_soon(bide_get_event_loop(), trace_call, (void *)(uintptr_t)word));
}

static void later(int64_t ms, const char *word)
{
    EXPECT_NOT_NULL(bide_loop_call_later(bide_get_event_loop(), ms, trace_call, (void *)(uintptr_t)word));
}

/* asyncio 1 */
TEST(call_soon_runs_in_order_and_once)
{
    soon("a");
    soon("b");
    soon("c");
    BIDE_IGNORE(bide_sleep_ms(0));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRACE("a b c");
}

static void add_another(void *arg)
{
    (void)arg;
    trace("first");
    soon("added");
}

/* asyncio 2 */
TEST(turn_runs_only_what_was_ready_when_it_began)
{
    bide_loop_call_soon(bide_get_event_loop(), add_another, NULL);
    soon("second");
    BIDE_IGNORE(bide_sleep_ms(0));
    trace("main");
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRACE("first second main added");
}

/* ---- a turn ends where it should, also when the queue moves its entries meanwhile ---- */

static bide_loop *moving;
static bide_handle *doomed[10];

/* The last turn: ten of its calls are taken out, and then others are added until the queue has moved its entries. */
static void thin_out(void *grow)
{
    struct ring before;

    bide_loop_stop(moving);
    for (int i = 0; i < 10; i++)
        bide_handle_cancel(doomed[i]);
    do {
        before = moving->ring;
        bide_handle *h = bide_loop_call_soon(moving, trace_call, "too early");
        if (!grow)
            bide_handle_cancel(h); /* a hole */
    } while (moving->ring.slots == before.slots && bide__ring_count(&moving->ring) > bide__ring_count(&before));
    EXPECT_EQ(moving->ring.slots != before.slots, grow != NULL);
    for (int i = 0; i < 20; i++)
        bide_loop_call_soon(moving, trace_call, "too early");
}

static void move_the_queue(const char *grow)
{
    moving = bide_loop_new();
    bide_loop_call_soon(moving, thin_out, (void *)(uintptr_t)grow);
    for (int i = 0; i < 10; i++)
        doomed[i] = bide_loop_call_soon(moving, trace_call, "never");
    bide_loop_call_soon(moving, trace_call, "same turn");
    EXPECT_EQ(bide_run_forever(moving), 0);
    EXPECT_TRACE("same turn");
    bide_release(moving);
}

/* asyncio 2 */
UNIT(turn_ends_where_it_should_when_the_queue_closes_its_ranks)
{
    move_the_queue(NULL);
}

/* asyncio 2 */
UNIT(turn_ends_where_it_should_when_the_queue_grows)
{
    move_the_queue("grow");
}

/* asyncio 3 */
TEST(turn_due_timers_run_after_what_is_ready)
{
    later(0, "later0");
    soon("soon");
    BIDE_IGNORE(bide_sleep_ms(0));
    trace("main");
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRACE("soon main later0");
}

/* asyncio 4 */
TEST(poll_waits_for_the_first_timer)
{
    int64_t begin = bide_loop_time_ms(bide_get_event_loop());
    later(500, "b");
    later(20, "a");
    BIDE_IGNORE(bide_sleep_ms(30));
    EXPECT_TRACE("a");
    BIDE_IGNORE(bide_sleep_ms(600));
    EXPECT_TRACE("a b");
    EXPECT_EQ(bide_loop_time_ms(bide_get_event_loop()) - begin, 630);
}

static bool was_late, came;
static const struct poller_ops *poller_before;

/* The process is stopped once, after the kernel was asked; something comes meanwhile. */
static int wait_and_be_late(void *poller, int64_t timeout_ns)
{
    if (came) {
        came = false;
        soon("came");
    } else if (!was_late && timeout_ns > 0) {
        was_late = came = true;
        usleep(700000);
        return 0;
    }
    return poller_before->wait(poller, timeout_ns);
}

TEST(poll_after_a_pause_sees_what_came_before_timers_that_are_due, .real_time = true)
{
    bide_loop *loop = bide_get_event_loop();
    poller_before = loop->poller_ops;
    struct poller_ops ops = *poller_before;
    ops.wait = wait_and_be_late;
    loop->poller_ops = &ops;

    later(300, "timer"); /* not due before the kernel is asked, however slow the machine is */
    BIDE_IGNORE(bide_sleep_ms(310));
    loop->poller_ops = poller_before;
    EXPECT_TRUE(was_late);
    EXPECT_TRACE("came timer");
}

static int64_t asked_ns[8];
static int times_asked;

static int note_timeout(void *poller, int64_t timeout_ns)
{
    (void)poller;
    if (times_asked < 8)
        asked_ns[times_asked++] = timeout_ns;
    return 0;
}

/* What the kernel is asked for in one turn of a loop that is new; then that loop is closed. */
static int64_t timeout_of_a_turn(bide_loop *loop)
{
    const struct poller_ops *own = loop->poller_ops;
    struct poller_ops ops = *own;
    ops.wait = note_timeout;
    loop->poller_ops = &ops;
    bide__loop_set_virtual_time(loop, false);
    times_asked = 0;
    /* Not bide_loop_stop(): it would ask for no wait at all. */
    BIDE_IGNORE(bide_loop_call_soon_threadsafe(loop, (bide_callback *)(void (*)(void))bide_loop_stop, loop));
    EXPECT_EQ(bide_run_forever(loop), 0);
    loop->poller_ops = own;
    EXPECT_EQ(bide_loop_close(loop), 0);
    EXPECT_TRUE(times_asked >= 1);
    return asked_ns[0];
}

/* asyncio 4 */
UNIT(poll_timeout_is_0_if_something_is_ready_else_to_the_first_timer_at_most_a_day)
{
    bide_auto bide_loop *ready = bide_loop_new(), *idle = bide_loop_new(), *soon_due = bide_loop_new(),
                        *far_off = bide_loop_new(), *centuries = bide_loop_new(), *stopped = bide_loop_new();
    const int64_t ms = 1000000, day = 24 * 3600 * 1000 * ms;

    bide_loop_call_soon(ready, trace_call, "x");
    ready->budget = 0; /* time to ask the kernel */
    EXPECT_EQ(timeout_of_a_turn(ready), 0);

    EXPECT_EQ(timeout_of_a_turn(idle), -1);

    bide_loop_call_later(soon_due, 5000, trace_call, "x");
    int64_t ns = timeout_of_a_turn(soon_due);
    EXPECT_TRUE(ns > 0 && ns <= 5001 * ms); /* to where the wheel looks closer, or to the timer */

    bide_loop_call_later(far_off, 100 * day / ms, trace_call, "x");
    EXPECT_EQ(timeout_of_a_turn(far_off), day);

    bide_loop_call_later(centuries, INT64_MAX, trace_call, "x"); /* in nanoseconds: beyond 64 bits */
    bide_loop_call_at(centuries, INT64_MAX, trace_call, "x");
    EXPECT_EQ(timeout_of_a_turn(centuries), day);

    bide_loop_stop(stopped);
    EXPECT_EQ(timeout_of_a_turn(stopped), 0);
}

/* asyncio 5 */
TEST(call_later_negative_delays_run_next_turn_in_order_of_time)
{
    later(-10, "-10");
    later(-30, "-30");
    later(-20, "-20");
    BIDE_IGNORE(bide_sleep_ms(0));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRACE("-30 -20 -10");
}

static void note_time(void *at_ns)
{
    *(int64_t *)at_ns = bide__clock_ns();
}

/* asyncio 6 */
TEST(call_at_is_never_early, .real_time = true)
{
    bide_loop *loop = bide_get_event_loop();
    for (int i = 0; i < 5; i++) {
        int64_t begin = bide__clock_ns();
        BIDE_IGNORE(bide_sleep_ms(3));
        EXPECT_TRUE(bide__clock_ns() - begin >= 3000000);
    }
    int64_t when = bide_loop_time_ms(loop) + 10, called_ns = 0;
    EXPECT_NOT_NULL(bide_loop_call_at(loop, when, note_time, &called_ns));
    while (called_ns == 0)
        BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_TRUE(called_ns >= when * 1000000);
}

/* asyncio 7 */
TEST(call_later_equal_times_in_the_order_asked_for)
{
    later(10, "a");
    later(10, "b");
    later(5, "c");
    later(10, "d");
    BIDE_IGNORE(bide_sleep_ms(20));
    EXPECT_TRACE("c a b d");
}

/* asyncio 8 */
TEST(handle_cancelled_timers_leave_nothing)
{
    bide_loop *loop = bide_get_event_loop();
    size_t before = loop->wheel.count;
    for (int i = 0; i < 1000; i++)
        bide_handle_cancel(bide_loop_call_later(loop, 1000 + i, trace_call, "never"));
    EXPECT_EQ(loop->wheel.count, before);
    BIDE_IGNORE(bide_sleep_ms(5000));
    EXPECT_TRACE("");
}

/* asyncio 9 */
TEST(handle_cancel_is_idempotent)
{
    bide_loop *loop = bide_get_event_loop();
    bide_auto bide_handle *h = bide_retain(bide_loop_call_soon(loop, trace_call, "never"));
    EXPECT_FALSE(bide_handle_cancelled(h));
    bide_handle_cancel(h);
    bide_handle_cancel(h);
    EXPECT_TRUE(bide_handle_cancelled(h));
    BIDE_IGNORE(bide_sleep_ms(0));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRACE("");
}

static char reported[512];

static void on_exception(bide_loop *loop, const char *message, void *arg)
{
    (void)loop;
    (void)arg;
    snprintf(reported, sizeof reported, "%s", message);
}

static int fail_with_story(void)
{
    return bide_fail(-EIO, "reading the tape: %s", "torn");
}

/* asyncio 10 */
TEST(exception_handler_is_called_for_unretrieved_errors_and_the_loop_goes_on)
{
    bide_loop_set_exception_handler(bide_get_event_loop(), on_exception, NULL);
    bide_release(bide_create_task(bide_coro(nop)));
    bide_task *t = bide_create_task(bide_coro(fail_with_story), .name = "reader");
    bide_detach(t);
    BIDE_IGNORE(bide_sleep_ms(0));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_CONTAINS(reported, "task reader: its error was never retrieved: reading the tape: torn");
}

static void *post_from_thread(void *loop)
{
    for (int i = 0; i < 3; i++)
        BIDE_IGNORE(bide_loop_call_soon_threadsafe(loop, trace_call, (void *)(uintptr_t)(i == 0 ? "x" : i == 1 ? "y" : "z")));
    return NULL;
}

/* asyncio 14 */
TEST(call_soon_threadsafe_wakes_the_poll, .real_time = true)
{
    pthread_t thread;
    EXPECT_EQ(pthread_create(&thread, NULL, post_from_thread, bide_get_event_loop()), 0);
    for (int i = 0; i < 1000 && strcmp(trace_text, "x y z") != 0; i++)
        BIDE_IGNORE(bide_sleep_ms(5));
    pthread_join(thread, NULL);
    EXPECT_TRACE("x y z");
}

/* asyncio 15 */
UNIT(stop_before_run_forever_makes_exactly_one_turn)
{
    bide_auto bide_loop *loop = bide_loop_new();
    bide_loop_call_soon(loop, trace_call, "one");
    bide_loop_call_later(loop, 100000, trace_call, "never");
    bide_loop_stop(loop);
    EXPECT_EQ(bide_run_forever(loop), 0);
    EXPECT_TRACE("one");
    EXPECT_FALSE(bide_loop_is_running(loop));
}

static void stop_loop(void *loop)
{
    trace("stop");
    bide_loop_stop(loop);
}

/* asyncio 15 */
UNIT(stop_ends_after_the_turn)
{
    bide_auto bide_loop *loop = bide_loop_new();
    bide_loop_call_soon(loop, stop_loop, loop);
    bide_loop_call_soon(loop, trace_call, "same turn");
    EXPECT_EQ(bide_run_forever(loop), 0);
    EXPECT_TRACE("stop same turn");
}

/* asyncio 16, 17, 121 */
TEST(run_inside_a_running_loop_is_refused)
{
    bide_auto bide_loop *other = bide_loop_new();
    EXPECT_ERR(bide_run_forever(bide_get_event_loop()), BIDE_ERUNNING);
    EXPECT_ERR(bide_run_forever(other), BIDE_ERUNNING);
    EXPECT_ERR(bide_run(bide_coro(nop)), BIDE_ERUNNING);
    EXPECT_ERR(bide_run_until_complete(other, bide_coro(nop)), BIDE_ERUNNING);
    EXPECT_CONTAINS(bide_error_text(), "running in this thread already");
}

static int stop_then_go_on(bide_loop *loop)
{
    bide_loop_stop(loop);
    BIDE_IGNORE(bide_sleep_ms(0));
    BIDE_IGNORE(bide_sleep_ms(0));
    return 7;
}

/* asyncio 18 */
UNIT(run_until_complete_stopped_early_leaves_the_task_pending)
{
    bide_auto bide_loop *loop = bide_loop_new();
    bide__loop_here = loop; /* so that the task is made on this loop */
    bide_task *t = bide_create_task(bide_coro(stop_then_go_on, loop));
    bide__loop_here = NULL;
    EXPECT_ERR(bide_run_until_complete(loop, t), BIDE_ESTOPPED);
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_EQ(bide_run_until_complete(loop, t), 7);
    bide_release(t);
}

/* asyncio 19 */
UNIT(run_until_complete_leaves_no_callback_behind)
{
    bide_auto bide_loop *loop = bide_loop_new();
    bide__loop_here = loop;
    bide_task *t = bide_create_task(bide_coro(stop_then_go_on, loop));
    bide__loop_here = NULL;
    EXPECT_ERR(bide_run_until_complete(loop, t), BIDE_ESTOPPED);
    EXPECT_TRUE(bide__list_is_empty(&bide_task_future(t)->clauses));
    EXPECT_EQ(bide_run_until_complete(loop, t), 7);
    bide_release(t);
}

/* asyncio 20 */
UNIT(close_twice_is_once_and_use_after_is_an_error)
{
    bide_auto bide_loop *loop = bide_loop_new();
    EXPECT_EQ(bide_loop_close(loop), 0);
    EXPECT_EQ(bide_loop_close(loop), 0);
    EXPECT_TRUE(bide_loop_is_closed(loop));
    EXPECT_ERR(bide_run_forever(loop), BIDE_ECLOSED);
    bide_error_clear();
    EXPECT_NULL(bide_loop_call_soon(loop, trace_call, "x"));
    EXPECT_EQ(bide_error_code(), BIDE_ECLOSED);
    EXPECT_ERR(bide_loop_call_soon_threadsafe(loop, trace_call, "x"), BIDE_ECLOSED);
}

/* asyncio 20 */
TEST(close_of_a_running_loop_is_refused)
{
    EXPECT_ERR(bide_loop_close(bide_get_event_loop()), BIDE_ERUNNING);
}

UNIT(close_frees_calls_that_were_never_made)
{
    bide_auto bide_loop *loop = bide_loop_new();
    bide_loop_call_soon(loop, trace_call, "x");
    bide_loop_call_later(loop, 10, trace_call, "y");
    BIDE_IGNORE(bide_loop_call_soon_threadsafe(loop, trace_call, "z"));
    EXPECT_EQ(bide_loop_close(loop), 0);
    EXPECT_TRACE("");
}

static void call_again(bide_future *f, void *arg)
{
    (void)arg;
    trace("again");
    EXPECT_EQ(bide_future_add_done_callback(f, call_again, NULL), 0); /* for a turn that will not come */
}

static int add_to_self(void)
{
    return bide_future_add_done_callback(bide_task_future(bide_current_task()), call_again, NULL);
}

static void trace_nothing(void *arg)
{
    (void)arg;
}

static void *call_until_closed(void *arg)
{
    int code;

    while ((code = bide_loop_call_soon_threadsafe(arg, trace_nothing, NULL)) == 0)
        ;
    return (void *)(intptr_t)code;
}

/* Each call is made, or refused; none meets a loop that is half gone. */
UNIT(close_while_another_thread_calls)
{
    for (int round = 0; round < 50; round++) {
        bide_auto bide_loop *loop = bide_loop_new();
        pthread_t thread;
        void *code;
        EXPECT_EQ(pthread_create(&thread, NULL, call_until_closed, loop), 0);
        if (round % 2)
            usleep(100);
        EXPECT_EQ(bide_loop_close(loop), 0);
        EXPECT_EQ(pthread_join(thread, &code), 0);
        EXPECT_EQ((int)(intptr_t)code, BIDE_ECLOSED);
        EXPECT_TRUE(bide__list_is_empty(&loop->inbox));
    }
}

UNIT(close_frees_done_callbacks_that_got_no_turn)
{
    EXPECT_EQ(bide_run(bide_coro(add_to_self)), 0);
    EXPECT_CONTAINS(trace_text, "again");
}

static int child_answer(void)
{
    bool clean = !bide__loop_here && !bide_current_task() && bide_sleep_ms(0) == BIDE_ENOLOOP;
    return clean && bide_run(bide_coro(give, 7)) == 7 ? 23 : 1;
}

/* asyncio 23 */
TEST(fork_leaves_the_child_without_loop_and_task, .real_time = true)
{
    pid_t pid = fork();
    EXPECT_TRUE(pid >= 0);
    if (pid == 0)
        _exit(child_answer());
    int status;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 23);
    EXPECT_TRUE(bide_current_task() != NULL);
    EXPECT_EQ(bide_sleep_ms(1), 0);
}

static int leave_one_behind(void)
{
    bide_detach(bide_create_task(bide_coro(until_cancelled, "left")));
    return bide_sleep_ms(1);
}

/* asyncio 122 */
UNIT(run_cancels_and_awaits_what_is_left)
{
    EXPECT_EQ(bide_run(bide_coro(leave_one_behind)), 0);
    EXPECT_TRACE("left:cancelled");
}

UNIT(run_gives_result_or_error)
{
    EXPECT_EQ(bide_run(bide_coro(give, 42)), 42);
    EXPECT_ERR(bide_run(bide_coro(fail_with_story)), -EIO);
    EXPECT_STR(bide_error_text(), "reading the tape: torn");
}

UNIT(get_event_loop_is_the_same_until_closed)
{
    bide_loop *a = bide_get_event_loop();
    EXPECT_NOT_NULL(a);
    EXPECT_TRUE(bide_get_event_loop() == a);
    EXPECT_EQ(bide_run_until_complete(a, bide_coro(give, 5)), 5);
    EXPECT_EQ(bide_run_until_complete(a, bide_coro(give, 6)), 6);
    EXPECT_EQ(bide_loop_close(a), 0);
    EXPECT_FALSE(bide_loop_is_closed(bide_get_event_loop()));
    EXPECT_EQ(bide_loop_close(bide_get_event_loop()), 0);
}

static void *whole_program(void *arg)
{
    *(int *)arg = bide_run_until_complete(bide_get_event_loop(), bide_coro(sleep_give, (int64_t)2, 9));
    return NULL;
}

UNIT(each_thread_has_a_loop_that_ends_with_it)
{
    pthread_t threads[4];
    int results[4] = {0};
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, whole_program, &results[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        EXPECT_EQ(results[i], 9);
    }
}

UNIT(await_outside_a_task_is_an_error_not_a_crash)
{
    EXPECT_ERR(bide_sleep_ms(1), BIDE_ENOLOOP);
    bide_error_clear();
    EXPECT_ERR(bide_await(bide_coro(nop)), BIDE_ENOLOOP);
    EXPECT_CONTAINS(bide_error_text(), "not inside a task");
}

/* ---- stacks beyond those that are kept ---- */

static int stays(void)
{
    return bide_sleep_ms(5);
}

TEST(stacks_of_a_crowd_go_back_when_it_was_gone_for_a_second)
{
    struct stack_pool *pool = &bide_get_event_loop()->stacks;
    bide_task *crowd[100];
    pool->classes[2].keep = 10;

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < array_len(crowd); i++)
            crowd[i] = bide_create_task(bide_coro(stays));
        for (size_t i = 0; i < array_len(crowd); i++) {
            EXPECT_EQ(bide_await(crowd[i]), 0);
            bide_release(crowd[i]);
        }
        EXPECT_EQ(bide_sleep_ms(100), 0);
        EXPECT_TRUE(bide__stack_pool_cached(pool) >= array_len(crowd)); /* the next crowd finds them warm */
    }
    EXPECT_EQ(bide_sleep_ms(2500), 0);
    EXPECT_EQ(bide__stack_pool_cached(pool), 10);
    EXPECT_TRUE(!pool->has_excess);
}
