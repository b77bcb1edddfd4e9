/* SPDX-License-Identifier: MIT */
/*
 * queue_test.h - the queue by itself: a run, as far as it knows one, whose workers are the tests.  No request is made.
 */
#ifndef TESTS_CLI_QUEUE_TEST_H
#define TESTS_CLI_QUEUE_TEST_H

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

static inline void fail(void *arg, bool is_said)
{
    struct run_of_test *r = arg;

    (void)is_said;
    r->failed++;
    queue_stop(&r->queue);
}

static inline void grow(void *arg)
{
    ((struct run_of_test *)arg)->grown++;
}

static inline void source_ended(void *arg)
{
    ((struct run_of_test *)arg)->ended++;
}

static inline bool take(void *arg, struct job *job)
{
    struct run_of_test *r = arg;

    job->holds = true;
    return job == r->repeated;
}

static inline void release(void *arg, struct job *job)
{
    ((struct run_of_test *)arg)->released++;
    job->holds = false;
}

static inline void say_nothing(void *arg, bool is_failure, const char *text)
{
    (void)arg;
    (void)is_failure;
    FAIL("%s", text);
}

/* Of one pattern, or two. */
static inline struct run_of_test *open_run(const char *first, const char *second, struct queue_options o)
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

static inline void close_run(struct run_of_test *r)
{
    EXPECT_EQ(r->failed, 0);
    queue_free(&r->queue);
    glob_free(&r->globs[0]);
    glob_free(&r->globs[1]);
    free(r);
}

/* The URL that goes now, and the job behind it. */
static inline struct job *expect_job(struct run_of_test *r, const char *url)
{
    struct job *job = queue_take(&r->queue);

    EXPECT_NOT_NULL(job);
    EXPECT_STR(text_string(&job->url), url);
    return job;
}

/* The job's host answered, fast. */
static inline void answer(struct run_of_test *r, struct job *job)
{
    queue_answered(&r->queue, job, 1000);
    queue_done(&r->queue, job);
}

#endif
