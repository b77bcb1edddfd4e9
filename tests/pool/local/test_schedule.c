/* SPDX-License-Identifier: MIT */
/* test_schedule.c - who gets which job, and when: dispatch, limits, keys, sizes, processors. */
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "pool_test.h"

/* pool no. 13: four jobs that compute, on two workers, use both */
KINDS(jobs_that_compute_are_spread_over_all_workers, .seconds = 30)
{
    int ms[4] = {250, 250, 250, 250}, codes[4];
    int64_t best = INT64_MAX;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);

    for (int try = 0; try < 6 && best > 625000; try++) {
        int64_t start = now_us();
        EXPECT_OK(bide_pool_map(p, bide_jobs(job_burn, ms), 4, .codes = codes));
        int64_t took = now_us() - start;
        best = took < best ? took : best;
        EXPECT_EQ(codes[0] + codes[1], 1); /* the first two at once, in different workers */
    }
    EXPECT_LE(best, 625000); /* bench/pool.c has 1.03 times the ideal, where nobody else runs; 3 of 4 in a row take 750 ms */
}

/* pool no. 13: a job never waits behind one that computes while another worker is idle */
KINDS(long_job_does_not_hoard_others)
{
    int long_ms = 400, short_ms[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_block, &long_ms));
    int64_t start = now_us();

    EXPECT_OK(bide_pool_map(p, bide_jobs(job_block, short_ms), 8));
    EXPECT_LT(now_us() - start, 300000);
    EXPECT_EQ(bide_await(f), 400);
}

/* pool no. 14: a worker with a free place starts a new job within 1 ms while its others sleep */
KINDS(new_job_starts_at_once_beside_sleeping_ones)
{
    int ms = 600;
    int64_t best = INT64_MAX;
    bide_future *f[10];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 16);

    for (int i = 0; i < 10; i++)
        f[i] = bide_pool_submit(p, bide_job(job_sleep, &ms));
    BIDE_IGNORE(bide_sleep_ms(50));
    for (int i = 0; i < 20; i++) {
        int64_t start = now_us();
        EXPECT_OK(CALL(p, bide_job(job_nothing)));
        int64_t took = now_us() - start;
        best = took < best ? took : best;
    }
    EXPECT_LE(best, 1000 * SLOW);
    for (int i = 0; i < 10; i++) {
        EXPECT_FALSE(bide_future_done(f[i]));
        bide_release(f[i]);
    }
}

static int running_now, running_most;

static int job_count_running(const int *ms)
{
    if (++running_now > running_most)
        running_most = running_now;
    int code = bide_sleep_ms(*ms);
    running_now--;
    return code < 0 ? code : running_most;
}
BIDE_POOL_TASK(job_count_running);

static int watch_load(bide_pool *p, unsigned *most)
{
    bide_pool_stats *s = malloc(sizeof *s);

    for (int i = 0; i < 40; i++) {
        bide_pool_stats_get(p, s);
        if (s->worker[0].running > *most)
            *most = s->worker[0].running;
        if (bide_sleep_ms(2) < 0)
            break;
    }
    free(s);
    return 0;
}

/* pool no. 15: a worker never holds more than concurrency + prefetch, nor runs more than concurrency */
KINDS(worker_never_holds_more_than_it_may)
{
    int ms[20], codes[20];
    unsigned most = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 3, .prefetch = 2);
    bide_auto bide_task *t = bide_create_task(bide_coro(watch_load, p, &most));

    for (int i = 0; i < 20; i++)
        ms[i] = 10;
    running_now = running_most = 0;
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_count_running, ms), 20, .codes = codes));
    for (int i = 0; i < 20; i++)
        EXPECT_LE(codes[i], 3);
    EXPECT_EQ(codes[19], 3);
    EXPECT_LE(most, 5);
    EXPECT_LE(4, most);
}

/* pool no. 16: submit waits for room, in jobs and in bytes; nowait says -EAGAIN */
KINDS(submit_waits_when_the_pool_is_full)
{
    int ms = 40;
    static char bytes[1000];
    bide_bytes in = {bytes, sizeof bytes};
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .max_pending = 2);
    bide_auto bide_future *a = bide_pool_submit(p, bide_job(job_sleep, &ms));
    bide_auto bide_future *b = bide_pool_submit(p, bide_job(job_sleep, &ms));

    EXPECT_NULL(bide_pool_submit(p, bide_job(job_nothing), .nowait = true));
    EXPECT_EQ(bide_error_code(), -EAGAIN);
    bide_error_clear();
    bide_auto bide_future *c = bide_pool_submit(p, bide_job(job_nothing));
    EXPECT_NOT_NULL(c);
    EXPECT_TRUE(bide_future_done(a) || bide_future_done(b));
    EXPECT_OK(bide_await(c));

    bide_auto bide_pool *q = OPEN(.kind = kind, .workers = 1, .max_pending_bytes = 1500);
    bide_auto bide_future *d = bide_pool_submit(q, bide_job_bytes(job_echo, in), .nowait = true);
    bide_auto bide_future *e = bide_pool_submit(q, bide_job_bytes(job_echo, in), .nowait = true);
    EXPECT_NOT_NULL(e);
    EXPECT_NULL(bide_pool_submit(q, bide_job_bytes(job_echo, in), .nowait = true));
    bide_error_clear();
    EXPECT_OK(bide_await(d));
    EXPECT_OK(bide_await(e));
}

/* pool no. 16: a submit that waits for room can be cancelled, and passes its turn on */
TEST(submit_that_waits_for_room_can_be_cancelled, .real_time = true)
{
    int ms = 60, code = 0;
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1, .max_pending = 1);
    bide_auto bide_future *a = bide_pool_submit(p, bide_job(job_sleep, &ms));

    bide_timeout(10)
        code = CALL(p, bide_job(job_nothing));
    EXPECT_ERR(code, BIDE_ETIMEDOUT);
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
    EXPECT_OK(bide_await(a));
}

/* pool no. 17: equal keys go to one worker that lives */
KINDS(equal_keys_go_to_the_same_worker)
{
    int first[16], seen = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 3);

    for (int k = 0; k < 16; k++) {
        first[k] = CALL(p, bide_job(job_index), .key = (uint64_t)k + 1);
        seen |= 1 << first[k];
    }
    EXPECT_NE(seen & (seen - 1), 0); /* more than one of them */
    for (int round = 0; round < 5; round++)
        for (int k = 0; k < 16; k++)
            EXPECT_EQ(CALL(p, bide_job(job_index), .key = (uint64_t)k + 1), first[k]);
}

/* pool no. 18: affinity and quota, or $BIDE_WORKERS, or the option */
TEST(number_of_workers_comes_from_affinity_quota_and_wish, .real_time = true)
{
    cpu_set_t one;
    char path[256];
    CPU_ZERO(&one);
    CPU_SET((unsigned)sched_getcpu(), &one);

    unsetenv("BIDE_WORKERS");
    EXPECT_LE(1, bide_pool_default_workers());
    EXPECT_LE(bide_pool_default_workers(), sysconf(_SC_NPROCESSORS_ONLN));
    EXPECT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(bide_pool_default_workers(), 1);
    setenv("BIDE_WORKERS", "5", 1);
    EXPECT_EQ(bide_pool_default_workers(), 5);
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD);
    EXPECT_EQ(bide_pool_size(p), 5);
    unsetenv("BIDE_WORKERS");

    const struct {
        const char *text;
        int cpus;
    } quotas[] = {{"max 100000\n", 0}, {"150000 100000\n", 2}, {"50000 100000\n", 1}, {"400000 100000\n", 4}, {"nonsense", 0}};
    snprintf(path, sizeof path, "%s/cpu.max", test_tmpdir());
    for (size_t i = 0; i < array_len(quotas); i++) {
        FILE *f = fopen(path, "w");
        fputs(quotas[i].text, f);
        fclose(f);
        EXPECT_EQ(bide__cpu_quota(test_tmpdir()), quotas[i].cpus);
    }
    unlink(path);
    const char *old[][2] = {{"cpu.cfs_quota_us", "250000\n"}, {"cpu.cfs_period_us", "100000\n"}}; /* the old hierarchy */
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", test_tmpdir(), old[i][0]);
        FILE *f = fopen(path, "w");
        fputs(old[i][1], f);
        fclose(f);
    }
    EXPECT_EQ(bide__cpu_quota(test_tmpdir()), 3);
    EXPECT_EQ(bide__cpu_quota("/nowhere"), 0);
}

static int resize_to_and_fro(bide_pool *p)
{
    const int sizes[] = {4, 1, 3, 2, 5, 1, 2};

    for (size_t i = 0; i < array_len(sizes); i++) {
        BIDE_TRY(bide_pool_resize(p, sizes[i]));
        BIDE_TRY(bide_sleep_ms(10));
    }
    return 0;
}

/* pool no. 19: more and fewer workers while jobs run, and no job is lost */
KINDS(resizing_loses_no_job, .seconds = 30)
{
    enum { N = 400 };
    int n[N], codes[N];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2, .concurrency = 4);
    bide_auto bide_task *t = bide_create_task(bide_coro(resize_to_and_fro, p));

    for (int i = 0; i < N; i++)
        n[i] = i % 5;
    while (!bide_task_done(t)) {
        EXPECT_OK(bide_pool_map(p, bide_jobs(job_sleep, n), N, .codes = codes));
        for (int i = 0; i < N; i++)
            EXPECT_EQ(codes[i], n[i]);
    }
    EXPECT_OK(bide_await(t));
    EXPECT_EQ(bide_pool_size(p), 2);
    EXPECT_ERR(bide_pool_resize(p, 0), -EINVAL);
    bide_error_clear();
}

static int job_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return -errno;
    int n = CPU_COUNT(&set);
    for (int i = 0; n == 1 && i < CPU_SETSIZE; i++)
        if (CPU_ISSET((unsigned)i, &set))
            return i;
    return 1000 + n;
}
BIDE_POOL_TASK(job_cpus);

/* pool no. 20: none, spread, or a list */
KINDS(workers_are_pinned_as_asked)
{
    cpu_set_t mine;
    int codes[2];
    EXPECT_EQ(sched_getaffinity(0, sizeof mine, &mine), 0);
    int n = CPU_COUNT(&mine), first = 0;
    while (!CPU_ISSET((unsigned)first, &mine))
        first++;

    bide_auto bide_pool *none = OPEN(.kind = kind, .workers = 1);
    EXPECT_EQ(CALL(none, bide_job(job_cpus)), n == 1 ? first : 1000 + n);
    bide_auto bide_pool *spread = OPEN(.kind = kind, .workers = 2, .pin = BIDE_PIN_SPREAD);
    EXPECT_OK(bide_pool_each(spread, bide_job(job_cpus), .codes = codes));
    EXPECT_EQ(codes[0], first);
    if (n > 1)
        EXPECT_NE(codes[1], codes[0]);
    const int list[] = {first, -1};
    bide_auto bide_pool *listed = OPEN(.kind = kind, .workers = 2, .cpus = list);
    EXPECT_OK(bide_pool_each(listed, bide_job(job_cpus), .codes = codes));
    EXPECT_EQ(codes[0], first);
    EXPECT_EQ(codes[1], first);
}

/* Each side says that it sleeps, and looks again: no bell is missed, however the two meet. */
KINDS(no_bell_is_missed_when_both_fall_asleep, .seconds = 60)
{
    int ms[16], none[1] = {0};
    int64_t longest = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 16, .prefetch = BIDE_NONE);

    for (int i = 0; i < 16; i++)
        ms[i] = 1;
    for (int round = 0; round < (BIDE_SANITIZED ? 100 : 500); round++) {
        int64_t start = now_us();
        EXPECT_OK(bide_pool_map(p, bide_jobs(job_sleep, ms), 16));
        EXPECT_OK(bide_pool_map(p, bide_jobs(job_return, none), 1));
        if (now_us() - start > longest)
            longest = now_us() - start;
    }
    EXPECT_LT(longest, 2000000); /* a missed one waits forever: nothing else would wake them */
}
