/* SPDX-License-Identifier: MIT */
/* test_queue.c - the queue by itself, on virtual time: no request is made, and the tests are its workers. */
#include <harness/harness.h>

#include <bide/error.h>
#include <bide/loop.h>

#include "cli/schedule/queue.h"

/* A run, as far as the queue knows one. */
struct run_of_test {
    struct glob globs[2];
    struct source source;
    struct request request;
    struct queue_user user;
    struct queue queue;
    int ended, failed, grown, released;
    struct job *repeated; /* what take says is asked for by another one */
};

static void fail(void *arg, bool is_said)
{
    struct run_of_test *r = arg;

    (void)is_said;
    r->failed++;
    queue_stop(&r->queue);
}

static void grow(void *arg)
{
    ((struct run_of_test *)arg)->grown++;
}

static void source_ended(void *arg)
{
    ((struct run_of_test *)arg)->ended++;
}

static bool take(void *arg, struct job *job)
{
    struct run_of_test *r = arg;

    job->holds = true;
    return job == r->repeated;
}

static void release(void *arg, struct job *job)
{
    ((struct run_of_test *)arg)->released++;
    job->holds = false;
}

static void say_nothing(void *arg, bool is_failure, const char *text)
{
    (void)arg;
    (void)is_failure;
    FAIL("%s", text);
}

/* Of one pattern, or two. */
static struct run_of_test *open_run(const char *first, const char *second, struct queue_options o)
{
    struct run_of_test *r = calloc(1, sizeof *r);
    struct text why = {0};

    EXPECT_NOT_NULL(r);
    EXPECT_EQ(glob_parse(&r->globs[0], first, false, &why), 0);
    if (second)
        EXPECT_EQ(glob_parse(&r->globs[1], second, false, &why), 0);
    r->source = (struct source){.globs = r->globs, .nglobs = second ? 2 : 1, .say = say_nothing};
    r->user = (struct queue_user){
        .arg = r, .fail = fail, .grow = grow, .source_ended = source_ended, .take = take, .release = release};
    o.request = &r->request;
    o.wanted = o.concurrency;
    EXPECT_EQ(queue_open(&r->queue, &o, &r->source, &r->user), 0);
    return r;
}

static void close_run(struct run_of_test *r)
{
    EXPECT_EQ(r->failed, 0);
    queue_free(&r->queue);
    glob_free(&r->globs[0]);
    glob_free(&r->globs[1]);
    free(r);
}

/* The URL that goes now, and the job behind it. */
static struct job *expect_job(struct run_of_test *r, const char *url)
{
    struct job *job = queue_take(&r->queue);

    EXPECT_NOT_NULL(job);
    EXPECT_STR(text_string(&job->url), url);
    return job;
}

/* The job's host answered, fast. */
static void answer(struct run_of_test *r, struct job *job)
{
    queue_answered(&r->queue, job, 1000);
    queue_done(&r->queue, job);
}

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
    EXPECT_EQ((bide_loop_time_ms(r->queue.loop) - began) / 100, 10);
    r->repeated = NULL;
    queue_done(&r->queue, job);
    answer(r, expect_job(r, "http://a/3"));
    EXPECT_EQ((bide_loop_time_ms(r->queue.loop) - began) / 100, 10); /* the second one took no turn */
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
