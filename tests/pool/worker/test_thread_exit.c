/* SPDX-License-Identifier: MIT */
/*
 * test_thread_exit.c - a job that ends the thread it runs in (BIDE_POOL_THREAD): it is lost with its worker, as in a process
 * that is killed, another thread takes its place, and nobody waits forever.
 */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool_test.h"

/* ThreadSanitizer takes no pthread_exit on a stack that is not the thread's own. */
#ifdef BIDE_TSAN
#define NEEDS_EXIT() SKIP("ThreadSanitizer stops a program that ends a thread in a coroutine")
#else
#define NEEDS_EXIT() ((void)0)
#endif

static int four(void)
{
    return 4;
}

static int exits(void)
{
    pthread_exit(NULL);
}

static int is_cancelled(void)
{
    pthread_cancel(pthread_self());
    pause();
    return 0;
}

/* There is no cancellation point: it ends when it has returned. */
static int is_cancelled_at_its_end(void)
{
    pthread_cancel(pthread_self());
    return 0;
}

static int exits_deep_inside(void)
{
    bide_timeout(5000)
        bide_timeout(50) {
            BIDE_TRY(bide_sleep_ms(1));
            exits();
        }
    return 0;
}

static int exits_in_a_coroutine(void)
{
    BIDE_TRY(bide_sleep_ms(1));
    return bide_await(bide_coro(exits));
}

static int (*const ways[])(void) = {exits, is_cancelled, is_cancelled_at_its_end, exits_deep_inside, exits_in_a_coroutine};

static int call(bide_pool *p, int (*fn)(void))
{
    int code = BIDE_ETIMEDOUT;

    bide_timeout(8000)
        code = bide_pool_call(p, bide_job(fn));
    return code;
}

static unsigned deaths;

static void note_death(const bide_pool_event *e, void *arg)
{
    (void)arg;
    deaths += e->kind == BIDE_POOL_DIED;
}

TEST(thread_exit_of_a_job_is_its_error_and_another_thread_goes_on, .real_time = true, .seconds = 60)
{
    NEEDS_EXIT();
    bide_auto bide_pool *p = bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = 1, .on_event = note_death, .restart_max = BIDE_UNLIMITED);
    EXPECT_NOT_NULL(p);
    for (size_t i = 0; i < array_len(ways); i++) {
        EXPECT_ERR(call(p, ways[i]), BIDE_EWORKER);
        EXPECT_CONTAINS(bide_error_text(), "lost its thread: it was ended by pthread_exit or pthread_cancel");
        EXPECT_EQ(call(p, four), 4);
        EXPECT_EQ(deaths, i + 1);
    }
}

TEST(thread_exit_as_the_last_thing_does_not_hold_the_release, .real_time = true, .seconds = 60)
{
    NEEDS_EXIT();
    for (size_t i = 0; i < array_len(ways); i++) {
        bide_auto bide_pool *p = bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = 2);
        EXPECT_ERR(call(p, ways[i]), BIDE_EWORKER);
    }
}

TEST(thread_exit_again_and_again_is_too_much_for_the_pool, .real_time = true, .seconds = 60)
{
    NEEDS_EXIT();
    bide_auto bide_pool *p = bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = 1, .restart_max = 1);
    EXPECT_ERR(call(p, exits), BIDE_EWORKER);
    EXPECT_ERR(call(p, exits), BIDE_EWORKER);
    EXPECT_ERR(call(p, four), BIDE_EPOOL);
}

/* ---- beside others ---- */

static _Atomic int cleaned_up, begun;

static int stands_by(void)
{
    begun++;
    int code = bide_sleep_ms(60000);
    BIDE_IGNORE(bide_sleep_ms(5));
    cleaned_up++;
    return code;
}

static int exits_when_others_have_begun(void)
{
    while (begun < 3)
        BIDE_TRY(bide_sleep_ms(1));
    pthread_exit(NULL);
}

TEST(thread_exit_takes_the_jobs_beside_it_along_and_moves_the_others, .real_time = true, .seconds = 60)
{
    NEEDS_EXIT();
    bide_future *by[3], *next[4];
    bide_auto bide_pool *p = bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = 1, .concurrency = 4, .prefetch = 4);
    bide_auto bide_future *culprit = bide_pool_submit(p, bide_job(exits_when_others_have_begun));
    for (size_t i = 0; i < array_len(by); i++)
        EXPECT_NOT_NULL(by[i] = bide_pool_submit(p, bide_job(stands_by)));
    for (size_t i = 0; i < array_len(next); i++)
        EXPECT_NOT_NULL(next[i] = bide_pool_submit(p, bide_job(four)));
    bide_timeout(8000)
        EXPECT_ERR(bide_await(culprit), BIDE_EWORKER);
    for (size_t i = 0; i < array_len(by); i++) {
        EXPECT_ERR(bide_await(by[i]), BIDE_EWORKERLOST);
        EXPECT_CONTAINS(bide_error_text(), "exits_when_others_have_begun");
        bide_release(by[i]);
    }
    bide_timeout(8000)
        for (size_t i = 0; i < array_len(next); i++) {
            EXPECT_EQ(bide_await(next[i]), 4);
            bide_release(next[i]);
        }
    EXPECT_EQ(cleaned_up, 3);
}

static int passes(void)
{
    return begun++ == 0 ? exits() : 7;
}

TEST(thread_exit_of_an_idempotent_job_is_tried_again, .real_time = true, .seconds = 60)
{
    NEEDS_EXIT();
    bide_auto bide_pool *p = bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = 1, .retries = 2);
    EXPECT_EQ(bide_pool_call(p, bide_job(passes), .idempotent = true), 7);
}

/* ---- init and fini ---- */

TEST(thread_exit_of_init_fails_the_pool, .real_time = true, .seconds = 60)
{
    NEEDS_EXIT();
    EXPECT_NULL(bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = 1, .init = bide_job(exits)));
    EXPECT_EQ(bide_error_code(), BIDE_EWORKER);
    EXPECT_CONTAINS(bide_error_text(), "ended its thread");
}

TEST(thread_exit_of_fini_does_not_hold_the_release, .real_time = true, .seconds = 60)
{
    NEEDS_EXIT();
    bide_auto bide_pool *p = bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = 1, .fini = bide_job(exits));
    EXPECT_EQ(call(p, four), 4);
}

/* ---- where nobody sees it coming: what the thread had is lost, but no more ---- */

static int in_a_task(void)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(exits));
    return bide_await(t);
}

static int end_in_a_task(void)
{
    bide_auto bide_pool *p = bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = 1);
    int code = call(p, in_a_task);

    return code == BIDE_EWORKER && call(p, four) == 4 ? 0 : code;
}

UNIT(thread_exit_in_a_task_of_a_job_is_its_error, .seconds = 60)
{
    NEEDS_EXIT();
    if (BIDE_IS_ASAN)
        SKIP("the memory of the thread's loop is lost");
    pid_t pid = fork();
    if (pid == 0)
        _exit(bide_run(bide_coro(end_in_a_task)) == 0 ? 42 : 1);
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WEXITSTATUS(status), 42);
}
