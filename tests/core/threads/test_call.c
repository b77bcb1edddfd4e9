/* SPDX-License-Identifier: MIT */
/* test_call.c - coroutines for the loop of another thread. */
#include <stdlib.h>
#include <unistd.h>

#include "core/threads/loop_thread.h"
#include "core/trace.h"

static int where_and(pthread_t *thread, int result)
{
    *thread = pthread_self();
    BIDE_TRY(bide_sleep_ms(1));
    return result;
}

/* asyncio 124 */
TEST(call_in_loop_runs_in_the_thread_of_that_loop_and_gives_the_result, .real_time = true)
{
    struct loop_thread other;
    pthread_t where = pthread_self();
    loop_thread_start(&other);
    EXPECT_EQ(bide_call_in_loop(other.loop, bide_coro(where_and, &where, 42)), 42);
    EXPECT_TRUE(pthread_equal(where, other.id));
    loop_thread_end(&other);
}

static int fails(void)
{
    return bide_fail(-EIO, "the story of the other thread");
}

/* asyncio 124 */
TEST(call_in_loop_brings_the_error_and_its_story, .real_time = true)
{
    struct loop_thread other;
    loop_thread_start(&other);
    EXPECT_ERR(bide_call_in_loop(other.loop, bide_coro(fails)), -EIO);
    EXPECT_STR(bide_error_text(), "the story of the other thread");
    loop_thread_end(&other);
}

static int ticks;

static int tick(bool *stop)
{
    while (!*stop) {
        ticks++;
        BIDE_TRY(bide_sleep_ms(1));
    }
    return 0;
}

TEST(call_in_loop_suspends_the_calling_task_alone, .real_time = true)
{
    bool stop = false;
    struct loop_thread other;
    loop_thread_start(&other);
    bide_auto bide_task *beside = bide_create_task(bide_coro(tick, &stop));
    EXPECT_EQ(bide_call_in_loop(other.loop, bide_coro(bide_sleep_ms, (int64_t)30)), 0);
    EXPECT_LE(3, ticks);
    stop = true;
    EXPECT_EQ(bide_await(beside), 0);
    loop_thread_end(&other);
}

TEST(call_in_loop_of_ones_own_loop_is_an_await)
{
    pthread_t where;
    EXPECT_EQ(bide_call_in_loop(bide_get_event_loop(), bide_coro(where_and, &where, 3)), 3);
}

UNIT(call_in_loop_blocks_a_thread_without_a_loop)
{
    struct loop_thread other;
    pthread_t where;
    loop_thread_start(&other);
    for (int i = 0; i < 20; i++)
        EXPECT_EQ(bide_call_in_loop(other.loop, bide_coro(where_and, &where, i)), i);
    EXPECT_ERR(bide_call_in_loop(other.loop, bide_coro(fails)), -EIO);
    EXPECT_STR(bide_error_text(), "the story of the other thread");
    loop_thread_end(&other);
}

/* ---- cancellation ---- */

static sem_t begun;
static atomic_bool cancelled_there;

static int wait_long(void)
{
    sem_post(&begun);
    int code = bide_sleep_ms(60000);
    atomic_store(&cancelled_there, code == BIDE_ECANCELED);
    return code;
}

static int call_wait_long(bide_loop *loop)
{
    return bide_call_in_loop(loop, bide_coro(wait_long));
}

static void wait_until_begun(void)
{
    while (sem_trywait(&begun) < 0)
        BIDE_IGNORE(bide_sleep_ms(1));
}

/* asyncio 124 */
TEST(call_in_loop_cancelled_caller_cancels_the_task_there_and_waits_for_it, .real_time = true)
{
    struct loop_thread other;
    loop_thread_start(&other);
    bide_auto bide_task *t = bide_create_task(bide_coro(call_wait_long, other.loop));
    wait_until_begun();
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRUE(bide_task_cancelled(t));
    EXPECT_TRUE(atomic_load(&cancelled_there));
    loop_thread_end(&other);
}

/* asyncio 124 */
TEST(call_in_loop_out_of_time_cancels_the_task_there, .real_time = true)
{
    struct loop_thread other;
    loop_thread_start(&other);
    EXPECT_ERR(bide_call_in_loop(other.loop, bide_coro(wait_long), .timeout_ms = 1000), BIDE_ETIMEDOUT);
    EXPECT_TRUE(atomic_load(&cancelled_there));
    EXPECT_EQ(bide_sleep_ms(0), 0);
    loop_thread_end(&other);
}

UNIT(call_in_loop_of_a_thread_out_of_time_cancels_the_task_there)
{
    struct loop_thread other;
    loop_thread_start(&other);
    EXPECT_ERR(bide_call_in_loop(other.loop, bide_coro(wait_long), .timeout_ms = 1000), BIDE_ETIMEDOUT);
    EXPECT_STR(bide_error_text(), "bide_call_in_loop: it had not ended after 1000 ms");
    EXPECT_TRUE(atomic_load(&cancelled_there));
    loop_thread_end(&other);
}

static atomic_bool has_begun;

static int swallows(int result)
{
    atomic_store(&has_begun, true);
    BIDE_IGNORE(bide_sleep_ms(60000));
    return result;
}

static int call_swallows(bide_loop *loop)
{
    return bide_call_in_loop(loop, bide_coro(swallows, 9));
}

TEST(call_in_loop_task_that_swallows_its_cancellation_gives_its_result, .real_time = true)
{
    struct loop_thread other;
    loop_thread_start(&other);
    bide_auto bide_task *t = bide_create_task(bide_coro(call_swallows, other.loop));
    while (!atomic_load(&has_begun))
        EXPECT_EQ(bide_sleep_ms(1), 0);
    bide_task_cancel(t);
    EXPECT_EQ(bide_await(t), 9);
    loop_thread_end(&other);
}

static int cancel_itself(void)
{
    bide_task_cancel(bide_current_task());
    return bide_sleep_ms(10);
}

TEST(call_in_loop_task_that_is_cancelled_there_is_an_error_and_no_cancellation_here, .real_time = true)
{
    struct loop_thread other;
    loop_thread_start(&other);
    EXPECT_ERR(bide_call_in_loop(other.loop, bide_coro(cancel_itself)), BIDE_ECANCELED);
    EXPECT_CONTAINS(bide_error_text(), "cancel_itself was cancelled in its event loop");
    EXPECT_EQ(bide_cancelling(bide_current_task()), 0);
    loop_thread_end(&other);
}

/* ---- a loop that closes ---- */

TEST(call_in_loop_that_closes_meanwhile_cancels_the_task_there, .real_time = true)
{
    struct loop_thread other;
    loop_thread_start(&other);
    bide_auto bide_task *t = bide_create_task(bide_coro(call_wait_long, other.loop));
    wait_until_begun();
    loop_thread_end(&other);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
}

static int call_nop(bide_loop *loop)
{
    return bide_call_in_loop(loop, bide_coro(nop));
}

/* It is in the inbox of a loop that never runs. */
TEST(call_in_loop_closed_before_it_took_the_call_is_an_error, .real_time = true)
{
    bide_loop *never = bide_loop_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(call_nop, never));
    BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_EQ(bide_loop_close(never), 0);
    EXPECT_ERR(bide_await(t), BIDE_ECLOSED);
    EXPECT_CONTAINS(bide_error_text(), "closed before it took the call");
    EXPECT_ERR(call_nop(never), BIDE_ECLOSED);
    bide_release(never);
}

TEST(call_in_loop_cancelled_before_it_has_begun_never_does, .real_time = true)
{
    bide_loop *never = bide_loop_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(call_nop, never));
    BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_ERR(bide_call_in_loop(never, bide_coro(fails), .timeout_ms = 5), BIDE_ETIMEDOUT);
    bide_auto bide_future *f = bide_submit_to_loop(never, bide_coro(fails));
    bide_future_cancel(f);
    bide_release(never);
}

UNIT(call_in_loop_of_the_threads_own_loop_that_does_not_run_is_a_deadlock)
{
    EXPECT_ERR(bide_call_in_loop(bide_get_event_loop(), bide_coro(nop)), BIDE_EDEADLOCK);
}

static void must_not_run(void *arg)
{
    (void)arg;
    FAIL("the loop never runs");
}

static int submit_many(bide_loop *loop)
{
    for (int i = 0; i < BIDE_CALLS_WAITING_MAX; i++)
        EXPECT_EQ(bide_loop_call_soon_threadsafe(loop, must_not_run, NULL), 0);
    EXPECT_ERR(bide_call_in_loop(loop, bide_coro(nop)), BIDE_ELIMIT);
    EXPECT_NULL(bide_submit_to_loop(loop, bide_coro(nop)));
    return 0;
}

static int call_gives(bide_loop *loop)
{
    return bide_call_in_loop(loop, bide_coro(give, 5));
}

/* Those of the other loop fail in turn as well. */
TEST(call_in_loop_fails_the_nth_allocation, .real_time = true, .seconds = 20)
{
    int in_a_row = 0, failed = 0;
    struct loop_thread other;
    loop_thread_start(&other);
    for (long n = 0; in_a_row < 10; n++) {
        EXPECT_LT(n, 200);
        bide__alloc_fail_at(n);
        int code = call_gives(other.loop);
        bool enough = bide__alloc_fail_at(-1);
        if (code != 5) {
            EXPECT_ERR(code, BIDE_ENOMEM);
            EXPECT_CONTAINS(bide_error_text(), "emory");
            failed++;
        }
        in_a_row = code == 5 && enough ? in_a_row + 1 : 0;
        bide_error_clear();
    }
    EXPECT_LT(0, failed);
    EXPECT_EQ(call_gives(other.loop), 5);
    loop_thread_end(&other);
}

TEST(call_in_loop_has_a_ceiling)
{
    bide_loop *never = bide_loop_new();
    EXPECT_EQ(submit_many(never), 0);
    bide_release(never);
}

/* ---- a future in place of waiting ---- */

TEST(submit_to_loop_settles_a_future_of_this_loop, .real_time = true)
{
    struct loop_thread other;
    pthread_t where;
    loop_thread_start(&other);
    bide_auto bide_future *a = bide_submit_to_loop(other.loop, bide_coro(where_and, &where, 5));
    bide_auto bide_future *b = bide_submit_to_loop(other.loop, bide_coro(fails));
    EXPECT_EQ(bide_await(a), 5);
    EXPECT_ERR(bide_await(b), -EIO);
    EXPECT_STR(bide_error_text(), "the story of the other thread");
    loop_thread_end(&other);
}

/* asyncio 37 */
TEST(submit_to_loop_cancelled_future_cancels_the_task_there, .real_time = true)
{
    struct loop_thread other;
    loop_thread_start(&other);
    bide_auto bide_future *f = bide_submit_to_loop(other.loop, bide_coro(wait_long));
    wait_until_begun();
    EXPECT_TRUE(bide_future_cancel(f));
    while (!atomic_load(&cancelled_there))
        BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_TRUE(bide_future_cancelled(f)); /* the task's end changes nothing */
    loop_thread_end(&other);
}

/* asyncio 37 */
TEST(submit_to_loop_task_that_is_cancelled_there_cancels_the_future, .real_time = true)
{
    struct loop_thread other;
    loop_thread_start(&other);
    bide_auto bide_future *f = bide_submit_to_loop(other.loop, bide_coro(cancel_itself));
    EXPECT_ERR(bide_await(f), BIDE_ECANCELED);
    EXPECT_TRUE(bide_future_cancelled(f));
    loop_thread_end(&other);
}

static int leave_behind(bide_loop *loop)
{
    bide_auto bide_future *f = bide_submit_to_loop(loop, bide_coro(wait_long));
    EXPECT_TRUE(f != NULL);
    wait_until_begun();
    return 0;
}

UNIT(submit_to_loop_is_cancelled_when_the_callers_loop_closes)
{
    struct loop_thread other;
    loop_thread_start(&other);
    EXPECT_EQ(bide_run(bide_coro(leave_behind, other.loop)), 0);
    for (int i = 0; i < 5000 && !atomic_load(&cancelled_there); i++)
        usleep(1000);
    EXPECT_TRUE(atomic_load(&cancelled_there));
    loop_thread_end(&other);
}

/* ---- two loops that call each other, with cancellations at random ---- */

struct pair {
    bide_loop *here, *there;
};

static int bounce(struct pair *p, int depth)
{
    BIDE_TRY(bide_sleep_ms(0));
    if (depth == 0)
        return 1;
    bide_loop *to = bide_get_event_loop() == p->here ? p->there : p->here;
    return bide_call_in_loop(to, bide_coro(bounce, p, depth - 1));
}

TEST(call_in_loop_back_and_forth_under_random_cancellation, .real_time = true, .seconds = 20)
{
    enum { N = 50, ROUNDS = 20 };
    unsigned seed = 7;
    struct loop_thread other;
    loop_thread_start(&other);
    struct pair p = {bide_get_event_loop(), other.loop};
    for (int round = 0; round < ROUNDS; round++) {
        bide_task *t[N];
        for (int i = 0; i < N; i++)
            t[i] = bide_create_task(bide_coro(bounce, &p, i % 6));
        for (int i = 0; i < N / 2; i++) {
            bide_task_cancel(t[(unsigned)rand_r(&seed) % N]);
            BIDE_IGNORE(bide_sleep_ms(0));
        }
        for (int i = 0; i < N; i++) {
            int code = bide_await(t[i]);
            EXPECT_TRUE(code == 1 || code == BIDE_ECANCELED);
            bide_release(t[i]);
        }
    }
    loop_thread_end(&other);
}
