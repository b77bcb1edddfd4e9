/* SPDX-License-Identifier: MIT */
/* test_call.c - jobs that a pool runs: one, an array of them, one in each worker; handed over, and typed. */
#include "pool_test.h"

/* pool no. 1: results in input order; nothing to do is done at once */
KINDS(map_keeps_the_order_of_its_arguments)
{
    int n[200], codes[200];
    for (int i = 0; i < 200; i++)
        n[i] = i;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);

    EXPECT_OK(bide_pool_map(p, bide_jobs(job_return, n), 200, .codes = codes));
    for (int i = 0; i < 200; i++)
        EXPECT_EQ(codes[i], i);
    EXPECT_EQ(bide_pool_map(p, bide_jobs(job_return, n), 0), 0);
}

/* pool no. 1, 12: typed results in order; pool no. 4: call and submit */
KINDS(typed_structs_cross_and_come_back)
{
    struct pair in[50];
    struct sum out[50];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);

    for (int i = 0; i < 50; i++)
        in[i] = (struct pair){i, 1000};
    EXPECT_EQ(CALL(p, bide_job(job_add, &in[5], &out[5])), 7);
    EXPECT_EQ(out[5].sum, 1005);
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_add, in, out), 50));
    for (int i = 0; i < 50; i++)
        EXPECT_EQ(out[i].sum, 1000 + i);
    EXPECT_EQ(CALL(p, bide_job(job_length, "twelve chars")), 12);
    EXPECT_EQ(kind == BIDE_POOL_THREAD, out[0].pid == getpid());
}

/* pool no. 21: code, text, function, pid, attempt, trace */
KINDS(error_of_a_job_reaches_its_future_with_its_story)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_fail, "no such page"));

    EXPECT_NOT_NULL(f);
    EXPECT_ERR(bide_await(f), -EIO);
    EXPECT_STR(bide_error_text(), "job_fail: reading: no such page");
    const bide_pool_failure *why = bide_pool_failure_of(f);
    EXPECT_NOT_NULL(why);
    EXPECT_EQ(why->code, -EIO);
    EXPECT_STR(why->job, "job_fail");
    EXPECT_EQ(why->attempt, 1);
    EXPECT_EQ(why->pid, bide_pool_pid(p, 0));
    EXPECT_CONTAINS(why->trace, "in job_fail (");
}

static void count_call(bide_future *f, void *arg)
{
    (void)f;
    ++*(int *)arg;
}

/* pool no. 4: await, poll, cancel, callback */
KINDS(submit_returns_a_future_like_any_other)
{
    int ms = 30, called = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_sleep, &ms));

    EXPECT_OK(bide_future_add_done_callback(f, count_call, &called));
    EXPECT_FALSE(bide_future_done(f));
    EXPECT_EQ(bide_await(f), 30);
    EXPECT_TRUE(bide_future_done(f));
    EXPECT_EQ(bide_future_result(f), 30);
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_EQ(called, 1);

    bide_auto bide_future *g = bide_pool_submit(p, bide_job(job_sleep, &ms));
    EXPECT_TRUE(bide_future_cancel(g));
    EXPECT_ERR(bide_await(g), BIDE_ECANCELED);
}

/* pool no. 4: each runs once in every worker */
KINDS(each_runs_once_in_every_worker)
{
    int codes[3] = {-1, -1, -1};
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 3);

    EXPECT_OK(bide_pool_each(p, bide_job(job_index), .codes = codes));
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(codes[i], i);
}

/* pool no. 5: up to `concurrency` jobs at once in one worker */
KINDS(jobs_of_one_worker_wait_at_the_same_time)
{
    int ms[16], codes[16];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 16);

    for (int i = 0; i < 16; i++)
        ms[i] = 100;
    int64_t start = now_us();
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_sleep, ms), 16, .codes = codes));
    EXPECT_LT(now_us() - start, 400000 * SLOW);
    EXPECT_LE(100000, now_us() - start);
}

static int serve_hello(bide_stream *s)
{
    BIDE_TRY(bide_write(s, "hello", 5));
    return bide_drain(s);
}

static int hello_for(bide_stream *s, void *arg)
{
    (void)arg;
    return serve_hello(s);
}

static int job_connect(const int *port)
{
    char buf[8];
    bide_auto bide_stream *s = bide_connect("127.0.0.1", *port);
    return s ? (int)bide_read_exactly(s, buf, 5) : bide_raise();
}
BIDE_POOL_TASK(job_connect);

/* pool no. 5: jobs may await sockets */
KINDS(jobs_may_await_sockets)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_auto bide_listener *l = bide_listen_with(BIDE__ARGS(bide_listen_args, .host = "127.0.0.1"));
    bide_auto bide_task *t = bide_create_task(bide_coro(bide_serve, l, hello_for, (void *)NULL));
    int port[8], codes[8];

    for (int i = 0; i < 8; i++)
        port[i] = bide_listener_port(l);
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_connect, port), 8, .codes = codes));
    for (int i = 0; i < 8; i++)
        EXPECT_EQ(codes[i], 5);
}
