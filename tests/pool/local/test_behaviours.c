/* SPDX-License-Identifier: MIT */
/*
 * test_behaviours.c - what users of Python's pools rely on, by the numbers of ../shared/conformance/process-pool.
 *
 * 1 and 2 are the maps of jobs/test_call.c; 10 and 23 test_life.c's ends of workers; 11, 15 and 17 stand in test_life.c and
 * test_death.c.  The others are here.
 */
#include "pool_test.h"

struct errors {
    int n;
    char last[64];
};

static void note_error(bide_future *f, void *arg)
{
    struct errors *e = arg;

    e->n += bide_future_result(f) < 0;
    snprintf(e->last, sizeof e->last, "%s", bide_error_text());
}

/* behaviour 6: one handler sees the errors of all jobs */
KINDS(behaviour_handler_sees_the_errors)
{
    struct errors e = {0};
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    for (int i = 0; i < 4; i++) {
        bide_auto bide_future *f = i % 2 ? bide_pool_submit(p, bide_job(job_nothing)) : bide_pool_submit(p, bide_job(job_fail, "x"));
        EXPECT_OK(bide_future_add_done_callback(f, note_error, &e));
        BIDE_IGNORE(bide_await(f));
        bide_error_clear();
        BIDE_IGNORE(bide_sleep_ms(0));
    }
    EXPECT_EQ(e.n, 2);
}

/* Jobs stand among other awaitables, as futures or as calls to come, and end with them. */
KINDS(pool_awaitable_stands_among_others)
{
    int codes[3];
    struct pair in = {40, 2};
    struct sum out = {0};
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_fail, "x"));

    EXPECT_EQ(bide_gather_all(codes, bide_pool_awaitable(p, bide_job(job_add, &in, &out)), bide_sleep_awaitable(1), f), 1);
    EXPECT_EQ(codes[0], 7);
    EXPECT_EQ(out.sum, 42);
    EXPECT_EQ(codes[1], 0);
    EXPECT_LT(codes[2], 0);
    bide_error_clear();
    EXPECT_EQ(bide_wait(BIDE_AWAITABLES(bide_pool_awaitable(p, bide_job(job_add, &in, &out)), bide_sleep_awaitable(60000)),
                        .until = BIDE_FIRST_COMPLETED, .codes = codes), 1);
    EXPECT_EQ(codes[0], 7);
}

/* behaviour 18: very many jobs at once fill no pipe */
KINDS(behaviour_very_many_jobs_at_once, .seconds = 60)
{
    enum { N = 50000 };
    bide_future **f = malloc(N * sizeof(bide_future *));
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);

    for (int i = 0; i < N; i++)
        f[i] = bide_pool_submit(p, bide_job(job_return, &i));
    for (int i = 0; i < N; i++) {
        EXPECT_EQ(bide_await(f[i]), i);
        bide_release(f[i]);
    }
    free(f);
}

/* behaviour 21: closing in the background returns at once; the work is still done, and the workers go */
KINDS(behaviour_close_without_waiting)
{
    int ms = 100;
    bide_pool_counts counts = {0};
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_sleep, &ms));
    int64_t start = now_us();
    bide_auto bide_task *closing = bide_create_task(bide_coro(bide_pool_close, p, BIDE_FOREVER, &counts));

    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_LT(now_us() - start, 90000);
    EXPECT_NULL(bide_pool_submit(p, bide_job(job_nothing)));
    EXPECT_EQ(bide_error_code(), BIDE_ECLOSED);
    bide_error_clear();
    EXPECT_EQ(bide_await(f), 100);
    EXPECT_OK(bide_await(closing));
    EXPECT_EQ(counts.finished, 1);
    EXPECT_TRUE(bide__list_is_empty(&bide__local(p)->proxies));
}

/* behaviour 24, 25: idle workers are used before new ones are started, and never more than there may be */
KINDS(behaviour_idle_workers_are_used_first)
{
    int ms[12];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 3, .min_workers = 1, .idle_ms = 40, .concurrency = 1);
    const struct local_pool *l = bide__local(p);

    for (int i = 0; i < 300 && l->nspawned == 3 && !bide__list_is_empty(&l->proxies) && l->proxies.next->next != &l->proxies; i++)
        BIDE_IGNORE(bide_sleep_ms(10));
    for (int i = 0; i < 10; i++) /* one at a time: the one that is left is enough */
        EXPECT_OK(CALL(p, bide_job(job_nothing)));
    EXPECT_LE(l->nspawned, 4);
    for (int i = 0; i < 12; i++)
        ms[i] = 20;
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_sleep, ms), 12));
    int n = 0;
    for (struct list_node *x = l->proxies.next; x != &l->proxies; x = x->next)
        n++;
    EXPECT_LE(n, 3);
}

/* behaviour 27: a time limit over a map keeps the results that are there */
KINDS(behaviour_time_limit_over_a_map_keeps_what_is_there)
{
    int ms[3] = {1, 2, 60000}, codes[3], code = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    bide_timeout(200 * SLOW)
        code = bide_pool_map(p, bide_jobs(job_sleep, ms), 3, .codes = codes);
    EXPECT_ERR(code, BIDE_ETIMEDOUT);
    bide_error_clear();
    EXPECT_EQ(codes[0], 1);
    EXPECT_EQ(codes[1], 2);
    EXPECT_EQ(codes[2], BIDE_ECANCELED);
}
