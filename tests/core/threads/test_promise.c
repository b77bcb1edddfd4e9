/* SPDX-License-Identifier: MIT */
/* test_promise.c - futures that other threads settle. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/core.h"
#include "core/trace.h"

struct work {
    bide_promise *promise;
    int result, code;
};

static void *keep(void *arg)
{
    struct work *w = arg;

    w->code = w->result < 0 ? bide_promise_set_error(w->promise, w->result) : bide_promise_set_result(w->promise, w->result);
    bide_release(w->promise);
    return NULL;
}

static int kept_by_a_thread(int result)
{
    pthread_t t;
    bide_auto bide_future *f = NULL;
    struct work w = {.promise = bide_promise_new(&f), .result = result};
    EXPECT_EQ(pthread_create(&t, NULL, keep, &w), 0);
    int code = bide_await(f);
    pthread_join(t, NULL);
    EXPECT_EQ(w.code, 0);
    return code;
}

TEST(promise_kept_in_another_thread_settles_the_future, .real_time = true)
{
    for (int i = 0; i < 50; i++)
        EXPECT_EQ(kept_by_a_thread(i), i);
    EXPECT_ERR(kept_by_a_thread(-EIO), -EIO);
}

static void *fail_with_story(void *promise)
{
    bide_fail(-EDOM, "%s", "out of the domain");
    BIDE_IGNORE(bide_promise_set_error(promise, -EDOM));
    bide_release(promise);
    return NULL;
}

TEST(promise_brings_the_story_of_an_error, .real_time = true)
{
    pthread_t t;
    bide_auto bide_future *f = NULL;
    bide_promise *p = bide_promise_new(&f);
    EXPECT_EQ(pthread_create(&t, NULL, fail_with_story, p), 0);
    EXPECT_ERR(bide_await(f), -EDOM);
    EXPECT_STR(bide_error_text(), "out of the domain");
    pthread_join(t, NULL);
}

TEST(promise_kept_twice_is_refused)
{
    bide_auto bide_future *f = NULL;
    bide_auto bide_promise *p = bide_promise_new(&f);
    EXPECT_EQ(bide_promise_set_result(p, 3), 0);
    EXPECT_ERR(bide_promise_set_result(p, 4), BIDE_ESTATE);
    EXPECT_STR(bide_error_text(), "bide_promise_set_result: the promise was kept already");
    EXPECT_EQ(bide_await(f), 3);
}

TEST(promise_bad_results_are_refused)
{
    bide_auto bide_future *f = NULL;
    bide_auto bide_promise *p = bide_promise_new(&f);
    EXPECT_ERR(bide_promise_set_result(p, -1), -EINVAL);
    EXPECT_ERR(bide_promise_set_error(p, 0), -EINVAL);
    EXPECT_ERR(bide_promise_set_result(NULL, 0), -EINVAL);
    EXPECT_NULL(bide_promise_new(NULL));
    EXPECT_EQ(bide_promise_set_error(p, BIDE_ECANCELED), 0);
    EXPECT_ERR(bide_await(f), BIDE_ECANCELED);
    EXPECT_TRUE(bide_future_cancelled(f));
}

TEST(promise_released_before_it_was_kept_fails_its_future)
{
    bide_auto bide_future *f = NULL;
    bide_release(bide_promise_new(&f));
    EXPECT_ERR(bide_await(f), BIDE_ECLOSED);
    EXPECT_STR(bide_error_text(), "the promise was released before it was kept");
}

TEST(promise_kept_for_a_future_that_was_cancelled_or_released_is_no_error)
{
    bide_auto bide_future *f = NULL;
    bide_auto bide_promise *a = bide_promise_new(&f);
    bide_future_cancel(f);
    EXPECT_EQ(bide_promise_set_result(a, 1), 0);
    bide_future *g = NULL;
    bide_auto bide_promise *b = bide_promise_new(&g);
    bide_release(g);
    EXPECT_EQ(bide_promise_set_result(b, 1), 0);
    BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_TRUE(bide_future_cancelled(f));
}

static int freed;

static void count_free(void *pointer)
{
    free(pointer);
    freed++;
}

TEST(promise_pointer_is_destroyed_once_whatever_happens)
{
    bide_future *f = NULL;
    bide_promise *p = bide_promise_new(&f);
    EXPECT_EQ(bide_promise_set_pointer(p, malloc(3), count_free), 0);
    EXPECT_ERR(bide_promise_set_pointer(p, malloc(3), count_free), BIDE_ESTATE);
    EXPECT_EQ(freed, 1);
    EXPECT_EQ(bide_await(f), 0);
    EXPECT_TRUE(bide_future_pointer(f) != NULL);
    bide_release(f);
    bide_release(p);
    EXPECT_EQ(freed, 2);
    p = bide_promise_new(&f);
    bide_future_cancel(f);
    EXPECT_EQ(bide_promise_set_pointer(p, malloc(3), count_free), 0);
    BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_EQ(freed, 3);
    bide_release(p);
    bide_release(f);
}

/* ---- after its loop ---- */

static int make_promise(bide_promise **p, bide_future **f)
{
    *p = bide_promise_new(f);
    return *p ? 0 : bide_raise();
}

UNIT(promise_kept_after_its_loop_was_closed_says_so)
{
    bide_promise *p;
    bide_future *f;
    EXPECT_EQ(bide_run(bide_coro(make_promise, &p, &f)), 0);
    EXPECT_TRUE(bide_future_cancelled(f));
    EXPECT_ERR(bide_promise_set_result(p, 1), BIDE_ECLOSED);
    EXPECT_ERR(bide_promise_set_pointer(p, malloc(3), count_free), BIDE_ECLOSED);
    EXPECT_EQ(freed, 1);
    bide_release(p);
    bide_release(f);
}

static int keep_and_leave(bide_future **f)
{
    bide_auto bide_promise *p = bide_promise_new(f);
    return bide_promise_set_pointer(p, malloc(3), count_free);
}

UNIT(promise_kept_just_before_its_loop_closes_leaks_nothing)
{
    bide_future *f;
    EXPECT_EQ(bide_run(bide_coro(keep_and_leave, &f)), 0);
    bide_release(f);
    EXPECT_EQ(freed, 1);
}

/* The loop closes while threads keep promises of it. */
static int race(pthread_t *threads, struct work *work, int n)
{
    for (int i = 0; i < n; i++) {
        bide_future *f;
        work[i] = (struct work){.promise = bide_promise_new(&f), .result = i};
        bide_release(f);
        EXPECT_EQ(pthread_create(&threads[i], NULL, keep, &work[i]), 0);
    }
    return 0;
}

UNIT(promise_kept_while_its_loop_closes_is_safe, .seconds = 20)
{
    enum { N = 8 };
    for (int round = 0; round < 50; round++) {
        pthread_t threads[N];
        struct work work[N];
        EXPECT_EQ(bide_run(bide_coro(race, threads, work, N)), 0);
        for (int i = 0; i < N; i++) {
            pthread_join(threads[i], NULL);
            EXPECT_TRUE(work[i].code == 0 || work[i].code == BIDE_ECLOSED);
        }
    }
}

UNIT(promise_of_a_parent_is_inert_in_a_forked_child)
{
    bide_promise *p;
    bide_future *f;
    p = bide_promise_new(&f);
    pid_t child = fork();
    if (child == 0) {
        int code = bide_promise_set_result(p, 1);
        bide_release(p);
        _exit(code == BIDE_ESTATE ? 0 : 1);
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(bide_promise_set_result(p, 6), 0);
    EXPECT_EQ(bide_run_until_complete(bide_get_event_loop(), f), 6);
    bide_release(p);
    bide_release(f);
}
