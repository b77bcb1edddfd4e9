/* SPDX-License-Identifier: MIT */
/* test_queue.c - the queue by itself, on virtual time: no request is made, and the tests are its workers. */
#include "queue_test.h"

TEST(queue_gives_each_url_once_and_then_none)
{
    struct run_of_test *r = open_run("http://a/[1-3]", NULL, (struct queue_options){.concurrency = 1});

    answer(r, expect_job(r, "http://a/1"));
    answer(r, expect_job(r, "http://a/2"));
    EXPECT_EQ(r->ended, 0);
    answer(r, expect_job(r, "http://a/3"));
    EXPECT_NULL(queue_take(&r->queue));
    EXPECT_EQ(r->ended, 1);
    EXPECT_EQ(r->queue.live, 0);
    close_run(r);
}

TEST(queue_host_with_no_place_free_lets_others_go)
{
    struct queue_options o = {.concurrency = 4, .per_host = 1, .no_adaptive = true};
    struct run_of_test *r = open_run("http://a/[1-9]", "http://b/", o);

    answer(r, expect_job(r, "http://a/1")); /* it is known to be fast: nothing but its places limits it */
    struct job *a = expect_job(r, "http://a/2");
    answer(r, expect_job(r, "http://b/"));
    answer(r, a);
    answer(r, expect_job(r, "http://a/3"));
    queue_stop(&r->queue);
    close_run(r);
}

TEST(queue_job_to_be_tried_again_waits_for_its_time)
{
    struct run_of_test *r = open_run("http://a/", NULL, (struct queue_options){.concurrency = 1});
    int64_t began = bide_loop_time_ms(r->queue.loop);
    struct job *job = expect_job(r, "http://a/");

    queue_answered(&r->queue, job, 1000);
    queue_retry(&r->queue, job, 5000);
    /* The alarm makes a worker, if none waits; here one does. */
    EXPECT_TRUE(expect_job(r, "http://a/") == job);
    EXPECT_EQ(bide_loop_time_ms(r->queue.loop) - began, 5000);
    answer(r, job);
    EXPECT_NULL(queue_take(&r->queue));
    close_run(r);
}

TEST(queue_rate_holds_back_what_is_asked_for_and_not_what_is_repeated)
{
    struct run_of_test *r = open_run("http://a/[1-3]", NULL, (struct queue_options){.concurrency = 1, .rate = 1});
    int64_t began = bide_loop_time_ms(r->queue.loop);
    struct job *job = expect_job(r, "http://a/1");

    r->repeated = job; /* its memory is that of the next job, too */
    answer(r, job);
    job = expect_job(r, "http://a/2");
    EXPECT_EQ((bide_loop_time_ms(r->queue.loop) - began + 20) / 100, 10); /* what may be caught up on is not held back */
    r->repeated = NULL;
    queue_done(&r->queue, job);
    answer(r, expect_job(r, "http://a/3"));
    EXPECT_EQ((bide_loop_time_ms(r->queue.loop) - began + 20) / 100, 10); /* the second one took no turn */
    close_run(r);
}

TEST(queue_job_that_is_put_back_gives_up_its_url)
{
    struct run_of_test *r = open_run("http://a/[1-2]", NULL, (struct queue_options){.concurrency = 2});
    struct job *job = expect_job(r, "http://a/1");

    EXPECT_EQ(r->released, 0);
    queue_put_back(&r->queue, job);
    EXPECT_EQ(r->released, 1);
    answer(r, expect_job(r, "http://a/1"));
    answer(r, expect_job(r, "http://a/2"));
    close_run(r);
}

TEST(queue_reads_no_more_while_too_many_are_set_aside)
{
    struct run_of_test *r = open_run("http://a/[1-100000]", NULL, (struct queue_options){.concurrency = 4});
    struct job *first = expect_job(r, "http://a/1"), *aside = NULL;
    size_t n = 0;

    answer(r, first);
    while (!queue_aside_is_full(&r->queue)) {
        struct job *job = queue_take(&r->queue);
        EXPECT_NOT_NULL(job);
        queue_set_aside(&r->queue, job);
        job->next = aside;
        aside = job;
        n++;
    }
    EXPECT_EQ(r->queue.naside, n);
    EXPECT_EQ(n, 16384);
    for (struct job *job = aside, *next; job; job = next) {
        next = job->next;
        queue_take_back(&r->queue, job);
        queue_drop(&r->queue, job);
    }
    EXPECT_EQ(r->queue.naside, 0);
    EXPECT_FALSE(queue_aside_is_full(&r->queue));
    queue_stop(&r->queue);
    close_run(r);
}
