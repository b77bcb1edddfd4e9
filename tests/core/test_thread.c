/* SPDX-License-Identifier: MIT */
/* test_thread.c - blocking calls in threads. */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "core/core.h"
#include "trace.h"

static int where(pthread_t *thread)
{
    *thread = pthread_self();
    return 11;
}

TEST(to_thread_runs_elsewhere_and_gives_the_result, .real_time = true)
{
    pthread_t thread = pthread_self();
    EXPECT_EQ(bide_to_thread(bide_coro(where, &thread)), 11);
    EXPECT_FALSE(pthread_equal(thread, pthread_self()));
}

static int fails(void)
{
    return bide_fail(-EIO, "the thread's own story");
}

TEST(to_thread_brings_the_error_back, .real_time = true)
{
    EXPECT_ERR(bide_to_thread(bide_coro(fails)), -EIO);
    EXPECT_STR(bide_error_text(), "the thread's own story");
}

static int nap(int ms)
{
    usleep((useconds_t)ms * 1000);
    return 0;
}

static int thread_nap(int ms)
{
    return bide_to_thread(bide_coro(nap, ms));
}

TEST(to_thread_many_at_once_do_not_block_the_loop, .real_time = true)
{
    bide_awaitable naps[64];
    for (int i = 0; i < 64; i++)
        naps[i] = BIDE_AW(bide_coro(thread_nap, 2));
    EXPECT_EQ(bide_gather_n(naps, 64), 0);
}

static atomic_bool begun, ended;

static int nap_and_tell(void)
{
    atomic_store(&begun, true);
    usleep(50000);
    atomic_store(&ended, true);
    return 0;
}

static int thread_nap_and_tell(void)
{
    return bide_to_thread(bide_coro(nap_and_tell));
}

TEST(to_thread_cancelled_after_it_began_ends_when_the_call_has_ended, .real_time = true)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(thread_nap_and_tell));
    while (!atomic_load(&begun))
        BIDE_IGNORE(bide_sleep_ms(1));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRUE(atomic_load(&ended));
}

TEST(to_thread_cancelled_while_queued_never_runs, .real_time = true)
{
    enum { N = 80 }; /* more than there are threads */
    bide_task *t[N];
    for (int i = 0; i < N; i++)
        t[i] = bide_create_task(bide_coro(thread_nap, 20));
    BIDE_IGNORE(bide_sleep_ms(5));
    bide_task_cancel(t[N - 1]);
    BIDE_IGNORE(bide_sleep_ms(0));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_TRUE(bide_task_cancelled(t[N - 1]));
    for (int i = 0; i < N; i++)
        bide_release(t[i]);
}

static atomic_int inside;

/* Ends when two are in it at once. */
static int meet(void)
{
    atomic_fetch_add(&inside, 1);
    for (int i = 0; i < 5000 && atomic_load(&inside) < 2; i++)
        usleep(1000);
    return atomic_load(&inside) < 2 ? -ETIMEDOUT : 0;
}

static int thread_meet(void)
{
    return bide_to_thread(bide_coro(meet));
}

TEST(to_thread_two_at_once_do_not_share_the_one_that_is_idle, .real_time = true)
{
    EXPECT_EQ(thread_nap(1), 0); /* now there is one */
    EXPECT_EQ(bide_gather(bide_coro(thread_meet), bide_coro(thread_meet)), 0);
}

static int blocked_signals(sigset_t *set)
{
    return -pthread_sigmask(SIG_BLOCK, NULL, set);
}

TEST(to_thread_leaves_signals_to_the_program, .real_time = true)
{
    sigset_t in_thread, here;
    EXPECT_EQ(bide_to_thread(bide_coro(blocked_signals, &in_thread)), 0);
    EXPECT_EQ(blocked_signals(&here), 0);
    EXPECT_TRUE(sigismember(&in_thread, SIGINT) && sigismember(&in_thread, SIGTERM));
    EXPECT_FALSE(sigismember(&in_thread, SIGSEGV));
    EXPECT_FALSE(sigismember(&here, SIGTERM));
}

TEST(to_thread_6_12_takes_2_turns_at_least, .real_time = true)
{
    turns_begin();
    EXPECT_EQ(bide_to_thread(bide_coro(nop)), 0);
    EXPECT_LE(2, turns_end());
}
