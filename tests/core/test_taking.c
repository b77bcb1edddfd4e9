/* SPDX-License-Identifier: MIT */
/* test_taking.c - callbacks with an argument of their own: it is freed exactly once, at each of the ends that there are. */
#include <pthread.h>

#include <bide/loop.h>

#include "harness/harness.h"

static int called, freed;

static void free_it(void *arg)
{
    freed += *(int *)arg;
    BIDE_IGNORE(bide_fail(-EDOM, "of no interest"));
}

static void call_it(void *arg)
{
    EXPECT_EQ(freed, 0);
    called += *(int *)arg;
}

static void call_future(bide_future *f, void *arg)
{
    (void)f;
    call_it(arg);
}

static void handle_it(bide_loop *loop, const char *message, void *arg)
{
    (void)loop;
    (void)message;
    call_it(arg);
}

static int one = 1;

static void expect_ended(int calls)
{
    EXPECT_EQ(called, calls);
    EXPECT_EQ(freed, 1);
}

/* The error on record is that of the call, not of arg_free. */
#define EXPECT_REFUSED(call, code)                \
    do {                                          \
        freed = 0;                                \
        EXPECT_ERR(call, code);                   \
        EXPECT_EQ(bide_error_code(), code);       \
        bide_error_clear();                       \
        expect_ended(0);                          \
    } while (0)

/* ---- done callbacks ---- */

static bide_future *future_with_callback(void)
{
    bide_future *f = bide_future_new();
    EXPECT_EQ(bide_future_add_done_callback_taking(f, call_future, &one, free_it), 0);
    return f;
}

TEST(taking_done_callback_frees_after_the_call)
{
    bide_auto bide_future *f = future_with_callback();

    EXPECT_EQ(bide_future_set_result(f, 1), 0);
    EXPECT_EQ(freed, 0);
    EXPECT_EQ(bide_sleep_ms(0), 0);
    expect_ended(1);
}

TEST(taking_done_callback_of_a_done_future_frees_after_the_call)
{
    bide_auto bide_future *f = bide_future_new();

    EXPECT_EQ(bide_future_set_result(f, 1), 0);
    EXPECT_EQ(bide_future_add_done_callback_taking(f, call_future, &one, free_it), 0);
    EXPECT_EQ(freed, 0);
    EXPECT_EQ(bide_sleep_ms(0), 0);
    expect_ended(1);
}

TEST(taking_done_callback_frees_when_removed)
{
    bide_auto bide_future *f = future_with_callback();

    EXPECT_EQ(bide_future_remove_done_callback(f, call_future, &one), 1);
    expect_ended(0);
    EXPECT_EQ(bide_future_set_result(f, 1), 0);
    EXPECT_EQ(bide_sleep_ms(0), 0);
    expect_ended(0);
}

TEST(taking_done_callback_frees_with_the_future)
{
    bide_release(future_with_callback());
    expect_ended(0);
}

TEST(taking_done_callback_frees_when_the_call_fails)
{
    bide_auto bide_future *f = bide_future_new();

    EXPECT_REFUSED(bide_future_add_done_callback_taking(f, NULL, &one, free_it), -EINVAL);
    EXPECT_REFUSED(bide_future_add_done_callback_taking(NULL, call_future, &one, free_it), -EINVAL);
}

static bide_future *left;

/* Done, but its loop is closed before the next turn. */
static int leaves_a_done_future(void)
{
    left = future_with_callback();
    return bide_future_set_result(left, 0);
}

UNIT(taking_done_callback_frees_when_the_loop_is_closed)
{
    bide_auto bide_loop *loop = bide_loop_new();
    bide_loop_stop(loop);
    BIDE_IGNORE(bide_run_until_complete(loop, bide_coro(leaves_a_done_future)));
    bide_error_clear();
    EXPECT_EQ(bide_loop_close(loop), 0);
    EXPECT_EQ(freed, 1);
    EXPECT_REFUSED(bide_future_add_done_callback_taking(left, call_future, &one, free_it), BIDE_ECLOSED);
    bide_release(left);
    expect_ended(0);
}

/* ---- calls from other threads ---- */

TEST(taking_call_soon_threadsafe_frees_after_the_call)
{
    EXPECT_EQ(bide_loop_call_soon_threadsafe_taking(bide_get_event_loop(), call_it, &one, free_it), 0);
    EXPECT_EQ(freed, 0);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(bide_error_code(), 0);
    expect_ended(1);
}

static void *call_from_thread(void *loop)
{
    EXPECT_EQ(bide_loop_call_soon_threadsafe_taking(loop, call_it, &one, free_it), 0);
    return NULL;
}

TEST(taking_call_of_another_thread_frees_after_the_call, .real_time = true)
{
    pthread_t thread;

    EXPECT_EQ(pthread_create(&thread, NULL, call_from_thread, bide_get_event_loop()), 0);
    pthread_join(thread, NULL);
    EXPECT_EQ(freed, 0);
    EXPECT_EQ(bide_sleep_ms(5), 0);
    expect_ended(1);
}

UNIT(taking_call_soon_threadsafe_frees_when_the_loop_is_closed_and_when_it_fails)
{
    bide_auto bide_loop *loop = bide_loop_new();

    EXPECT_EQ(bide_loop_call_soon_threadsafe_taking(loop, call_it, &one, free_it), 0);
    EXPECT_EQ(bide_loop_close(loop), 0);
    expect_ended(0);
    EXPECT_REFUSED(bide_loop_call_soon_threadsafe_taking(loop, call_it, &one, free_it), BIDE_ECLOSED);
    EXPECT_REFUSED(bide_loop_call_soon_threadsafe_taking(loop, NULL, &one, free_it), -EINVAL);
    EXPECT_REFUSED(bide_loop_call_soon_threadsafe_taking(NULL, call_it, &one, free_it), -EINVAL);
}

/* ---- the exception handler ---- */

static int fails(void)
{
    return bide_fail(-EIO, "torn");
}

TEST(taking_exception_handler_frees_when_it_is_replaced)
{
    bide_loop *loop = bide_get_event_loop();

    EXPECT_EQ(bide_loop_set_exception_handler_taking(loop, handle_it, &one, free_it), 0);
    bide_detach(bide_create_task(bide_coro(fails)));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(called, 1);
    EXPECT_EQ(freed, 0);
    bide_loop_set_exception_handler(loop, NULL, NULL);
    expect_ended(1);
}

static int leaves_a_failed_future(void)
{
    EXPECT_EQ(bide_loop_set_exception_handler_taking(bide_get_event_loop(), handle_it, &one, free_it), 0);
    left = bide_future_new();
    return bide_future_set_error(left, -EIO);
}

/* What is noticed after the close is reported to no handler: its argument is gone. */
UNIT(taking_exception_handler_frees_when_the_loop_is_closed)
{
    bide_auto bide_loop *loop = bide_loop_new();

    EXPECT_EQ(bide_run_until_complete(loop, bide_coro(leaves_a_failed_future)), 0);
    EXPECT_EQ(freed, 0);
    EXPECT_EQ(bide_loop_close(loop), 0);
    expect_ended(0);
    bide_release(left);
    expect_ended(0);
}

UNIT(taking_exception_handler_frees_when_the_call_fails)
{
    bide_auto bide_loop *loop = bide_loop_new();

    EXPECT_REFUSED(bide_loop_set_exception_handler_taking(NULL, handle_it, &one, free_it), -EINVAL);
    EXPECT_EQ(bide_loop_close(loop), 0);
    EXPECT_REFUSED(bide_loop_set_exception_handler_taking(loop, handle_it, &one, free_it), BIDE_ECLOSED);
}
