/* SPDX-License-Identifier: MIT */
/* test_recycle.c - max_jobs: no worker runs more, its successor changes neither how many run at once nor what is done. */
#include "pool_test.h"

#define N 100

static int highest(const int *codes)
{
    int most = 0;

    for (int i = 0; i < N; i++) {
        EXPECT_LT(0, codes[i]);
        most = codes[i] > most ? codes[i] : most;
    }
    return most;
}

static void expect_at_most(enum bide_pool_kind kind, int max, int us, int concurrency, int prefetch)
{
    int in[N], codes[N];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2, .max_jobs = (uint32_t)max, .concurrency = concurrency, .prefetch = prefetch);

    for (int i = 0; i < N; i++)
        in[i] = us;
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_nth, in), N, .codes = codes));
    EXPECT_LE(highest(codes), max);
}

/* pool no. 38 */
KINDS(max_jobs_is_never_exceeded, .seconds = 60)
{
    for (int max = 1; max <= 5; max += 4)
        for (int us = 0; us <= 1000; us += 500) {
            expect_at_most(kind, max, us, 1, -1);
            expect_at_most(kind, max, us, 16, 0);
            expect_at_most(kind, max, us, 4, 1000);
        }
}

/* The old and the new worker of a place are one for what may run at once: jobs that block follow each other. */
static void expect_one_at_a_time(enum bide_pool_kind kind, int concurrency)
{
    int ms[10];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .max_jobs = 1, .concurrency = concurrency);
    int64_t start = now_us();

    for (int i = 0; i < 10; i++)
        ms[i] = 20;
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_block, ms), 10));
    EXPECT_LE(200000, now_us() - start);
}

KINDS(recycled_worker_does_not_run_beside_its_successor, .seconds = 30)
{
    expect_one_at_a_time(kind, 1);
    expect_one_at_a_time(kind, 16);
}

/* One that awaits is in nobody's way: the place has room for as many jobs as without recycling. */
KINDS(recycled_worker_that_awaits_leaves_room, .seconds = 30)
{
    int ms[32];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .max_jobs = 4, .concurrency = 8);
    int64_t start = now_us();

    for (int i = 0; i < 32; i++)
        ms[i] = 200;
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_sleep, ms), 32));
    EXPECT_LE(4 * 200000, now_us() - start);       /* never more than 8 */
    EXPECT_LT(now_us() - start, 8 * 200000 * SLOW); /* nor 4 */
}

/* Successors are born as long as jobs are queued, also while the pool closes. */
KINDS(max_jobs_pool_closes_with_a_full_queue, .seconds = 60)
{
    bide_future *f[N];
    bide_pool_counts counts;
    int us = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2, .max_jobs = 1, .concurrency = 1);

    for (int i = 0; i < N; i++)
        f[i] = bide_pool_submit(p, bide_job(job_nth, &us));
    EXPECT_OK(bide_pool_close(p, 50000, &counts));
    EXPECT_EQ(counts.finished, N);
    for (int i = 0; i < N; i++) {
        EXPECT_EQ(bide_future_result(f[i]), 1);
        bide_release(f[i]);
    }
}

/* Smaller while old ones still have jobs, larger again: nobody is looked for in a place that is gone. */
KINDS(recycled_workers_survive_a_resize, .seconds = 60)
{
    bide_future *f[20];
    int ms = 30;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 4, .max_jobs = 2, .concurrency = 4);

    for (int i = 0; i < 20; i++)
        f[i] = bide_pool_submit(p, bide_job(job_sleep, &ms));
    EXPECT_OK(bide_sleep_ms(10));
    EXPECT_OK(bide_pool_resize(p, 1));
    EXPECT_OK(bide_pool_resize(p, 3));
    for (int i = 0; i < 20; i++) {
        EXPECT_EQ(bide_await(f[i]), ms);
        bide_release(f[i]);
    }
}

/* One that was asked to stop waits for its jobs asleep. */
PROCESS_KINDS(recycled_worker_that_awaits_uses_no_processor)
{
    int ms = 400;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .max_jobs = 1);

    EXPECT_LT(CALL(p, bide_job(job_cpu_of_sleep, &ms)), 100);
}
