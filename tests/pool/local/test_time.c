/* SPDX-License-Identifier: MIT */
/* test_time.c - deadlines, cancellation, stalls, and workers that are replaced in time. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "pool_test.h"

static int say_cancelled(const char *path)
{
    char begun[300];

    snprintf(begun, sizeof begun, "%s-begun", path);
    close(open(begun, O_CREAT | O_WRONLY, 0600));
    int code = bide_sleep_ms(10000);
    if (code == BIDE_ECANCELED)
        close(open(path, O_CREAT | O_WRONLY, 0600));
    return code;
}

static int job_say_cancelled(const char *path)
{
    return say_cancelled(path);
}
BIDE_POOL_TASK(job_say_cancelled);

static bool exists_soon(const char *path)
{
    struct stat st;

    for (int i = 0; i < 500; i++) {
        if (stat(path, &st) == 0)
            return true;
        BIDE_IGNORE(bide_sleep_ms(2));
    }
    return false;
}

/* Has the job that says it was cancelled at this path come to where it waits, or will it this moment? */
static bool begins_soon(const char *path)
{
    char begun[300];

    snprintf(begun, sizeof begun, "%s-begun", path);
    return exists_soon(begun);
}

/* pool no. 35: at its deadline a job is cancelled where it awaits */
KINDS(deadline_cancels_a_job_at_its_await)
{
    char path[256];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    int pid = CALL(p, bide_job(job_pid));

    snprintf(path, sizeof path, "%s/cancelled", test_tmpdir());
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_say_cancelled, path), .timeout_ms = 30);
    EXPECT_ERR(bide_await(f), BIDE_ETIMEDOUT);
    EXPECT_CONTAINS(bide_error_text(), "job_say_cancelled: timed out after 30 ms");
    bide_error_clear();
    EXPECT_TRUE(exists_soon(path));
    EXPECT_EQ(CALL(p, bide_job(job_pid)), pid); /* the worker lives */
}

/* pool no. 35: one that does not yield loses its worker after the grace; jobs lost with it fail, or run again */
PROCESS_KINDS(deadline_kills_a_worker_that_does_not_yield)
{
    int forever = 60000, ms = 60000;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .grace_ms = 50);
    bide_auto bide_future *beside = bide_pool_submit(p, bide_job(job_sleep, &ms));
    bide_auto bide_future *again = bide_pool_submit(p, bide_job(job_sleep, &(int){1500}), .idempotent = true);
    BIDE_IGNORE(bide_sleep_ms(30));
    int64_t start = now_us();
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_block, &forever), .timeout_ms = 50);

    EXPECT_ERR(bide_await(f), BIDE_ETIMEDOUT);
    EXPECT_CONTAINS(bide_error_text(), "did not yield");
    bide_error_clear();
    EXPECT_LT(now_us() - start, 1000000);
    EXPECT_ERR(bide_await(beside), BIDE_EWORKERLOST);
    EXPECT_STR(bide_pool_failure_of(beside)->culprit, "job_block");
    bide_error_clear();
    EXPECT_EQ(bide_await(again), 1500);
}

TEST(deadline_of_a_thread_that_does_not_yield_settles_the_future, .real_time = true)
{
    int ms = 400;
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1, .grace_ms = 50);

    EXPECT_ERR(CALL(p, bide_job(job_block, &ms), .timeout_ms = 20), BIDE_ETIMEDOUT);
    EXPECT_CONTAINS(bide_error_text(), "its thread goes on");
    bide_error_clear();
}

/* The pool's own deadline holds for all. */
KINDS(pool_wide_deadline_holds_for_every_job)
{
    int ms[3] = {1, 60000, 1}, codes[3];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .timeout_ms = 50);

    EXPECT_EQ(bide_pool_map(p, bide_jobs(job_sleep, ms), 3, .codes = codes, .collect = true), 1);
    EXPECT_EQ(codes[0], 1);
    EXPECT_EQ(codes[1], BIDE_ETIMEDOUT);
}

/* A deadline runs from the start: one that only waits in the lane behind another job costs nobody a worker. */
PROCESS_KINDS(deadline_of_a_job_that_has_not_begun_harms_nobody)
{
    int ms = 400, forever = 60000;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 1, .prefetch = 4, .grace_ms = 40);
    int pid = CALL(p, bide_job(job_pid));
    bide_auto bide_future *slow = bide_pool_submit(p, bide_job(job_block, &ms));
    bide_auto bide_future *quick = bide_pool_submit(p, bide_job(job_nothing), .timeout_ms = 50);
    int64_t start = now_us();
    bide_auto bide_future *late = bide_pool_submit(p, bide_job(job_sleep, &forever), .timeout_ms = 150 * SLOW);

    EXPECT_EQ(bide_await(slow), 400);
    EXPECT_EQ(bide_await(quick), 0);
    EXPECT_ERR(bide_await(late), BIDE_ETIMEDOUT);
    bide_error_clear();
    EXPECT_LE(400 - 30 + 150 * SLOW, (now_us() - start) / 1000); /* from its start, not from the hand-over */
    EXPECT_EQ(CALL(p, bide_job(job_pid)), pid);
}

static int job_touch(const char *path)
{
    close(open(path, O_CREAT | O_WRONLY, 0600));
    return 0;
}
BIDE_POOL_TASK(job_touch);

/* pool no. 36: a queued job that is cancelled never runs; also one that lies in its worker's lane */
KINDS(cancelled_queued_job_never_runs)
{
    struct stat st;
    char path[256];
    int ms = 50;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 1, .prefetch = 1);
    bide_future *f[5];

    snprintf(path, sizeof path, "%s/touched", test_tmpdir());
    f[0] = bide_pool_submit(p, bide_job(job_block, &ms));
    for (int i = 1; i < 5; i++)
        f[i] = bide_pool_submit(p, bide_job(job_touch, path));
    BIDE_IGNORE(bide_sleep_ms(10));
    for (int i = 1; i < 5; i++)
        EXPECT_TRUE(bide_future_cancel(f[i]));
    EXPECT_EQ(bide_await(f[0]), 50);
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
    for (int i = 0; i < 5; i++)
        bide_release(f[i]);
    EXPECT_EQ(stat(path, &st), -1);
}

/* pool no. 36: one that runs is cancelled at its next await; its worker goes on */
KINDS(cancelled_running_job_sees_it_at_its_next_await)
{
    char path[256];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    snprintf(path, sizeof path, "%s/cancelled", test_tmpdir());
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_say_cancelled, path));
    EXPECT_TRUE(begins_soon(path));
    EXPECT_TRUE(bide_future_cancel(f));
    EXPECT_ERR(bide_await(f), BIDE_ECANCELED);
    EXPECT_TRUE(exists_soon(path));
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

/* Cancelling who waits for a call cancels the call; so does a timeout block, and dropping the future. */
KINDS(cancellation_of_the_caller_reaches_the_job)
{
    char path[3][256];
    int code = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    for (int i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s/%d", test_tmpdir(), i);

    bide_timeout(100) /* in which it surely begins */
        code = CALL(p, bide_job(job_say_cancelled, path[0]));
    EXPECT_ERR(code, BIDE_ETIMEDOUT);
    bide_error_clear();
    bide_future *f = bide_pool_submit(p, bide_job(job_say_cancelled, path[1]));
    EXPECT_TRUE(begins_soon(path[1]));
    bide_release(f);
    const char *texts[1] = {path[2]};
    bide_timeout(100)
        code = bide_pool_map(p, bide_jobs(job_say_cancelled, texts), 1);
    EXPECT_ERR(code, BIDE_ETIMEDOUT);
    bide_error_clear();
    for (int i = 0; i < 3; i++)
        EXPECT_TRUE(exists_soon(path[i]));
}

/* A job that nobody owns any more goes on. */
KINDS(detached_job_goes_on)
{
    char path[256];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    snprintf(path, sizeof path, "%s/touched", test_tmpdir());
    bide_pool_detach(bide_pool_submit(p, bide_job(job_touch, path)));
    EXPECT_TRUE(exists_soon(path));
}

struct seen {
    int stalled, recycled, died, started;
    char job[64];
    int64_t age_ms;
};

static void see(const bide_pool_event *e, void *arg)
{
    struct seen *s = arg;

    s->stalled += e->kind == BIDE_POOL_STALLED;
    s->recycled += e->kind == BIDE_POOL_RECYCLED;
    s->died += e->kind == BIDE_POOL_DIED;
    s->started += e->kind == BIDE_POOL_STARTED;
    if (e->kind == BIDE_POOL_STALLED) {
        snprintf(s->job, sizeof s->job, "%s", e->job ? e->job : "");
        s->age_ms = e->age_ms;
    }
}

/* pool no. 37: a worker whose loop does not turn is reported, once, with the job's name; one that sleeps is not */
KINDS(stall_is_reported_with_the_jobs_name)
{
    struct seen s = {0};
    int ms = 300, asleep = 300;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .stall_ms = 60 * SLOW, .on_event = see, .arg = &s);

    EXPECT_EQ(CALL(p, bide_job(job_sleep, &asleep)), 300);
    EXPECT_EQ(s.stalled, 0);
    ms *= SLOW;
    EXPECT_EQ(CALL(p, bide_job(job_block, &ms)), ms);
    EXPECT_EQ(s.stalled, 1);
    EXPECT_STR(s.job, "job_block");
    EXPECT_LE(60 * SLOW, s.age_ms);
}

/* pool no. 37: off costs nothing: no timer runs */
TEST(watchdog_that_is_off_has_no_timer, .real_time = true)
{
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1);

    EXPECT_FALSE(bide__timer_is_armed(&bide__local(p)->upkeep));
    EXPECT_FALSE(bide__timer_is_armed(&bide__local(p)->retry));
}

/* pool no. 38: after max_jobs a new worker takes over, and no job is lost */
KINDS(worker_is_recycled_after_max_jobs)
{
    struct seen s = {0};
    int n[300], codes[300];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2, .max_jobs = 40, .on_event = see, .arg = &s);

    for (int i = 0; i < 300; i++)
        n[i] = i % 3;
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_sleep, n), 300, .codes = codes));
    for (int i = 0; i < 300; i++)
        EXPECT_EQ(codes[i], i % 3);
    for (int i = 0; i < 100 && s.started < 3; i++)
        BIDE_IGNORE(bide_sleep_ms(5));
    EXPECT_LT(0, s.recycled);
    EXPECT_LT(2, s.started);
    EXPECT_EQ(s.died, 0);
}

/* pool no. 38: by age; the replacement is ready before the old one goes */
KINDS(worker_is_recycled_by_age_without_a_gap)
{
    struct seen s = {0};
    int64_t longest = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .max_age_ms = 150, .on_event = see, .arg = &s);
    int64_t end = now_us() + 800000;

    while (now_us() < end) {
        int64_t start = now_us();
        EXPECT_OK(CALL(p, bide_job(job_nothing)));
        if (now_us() - start > longest)
            longest = now_us() - start;
        BIDE_IGNORE(bide_sleep_ms(1));
        EXPECT_TRUE(bide__local(p)->slots[0].proxy != NULL);
    }
    EXPECT_LT(1, s.recycled);
    EXPECT_EQ(s.died, 0);
}

static int job_leak(const int *mib)
{
    static char *kept;
    size_t n = (size_t)*mib << 20;

    if (kept)
        free(kept);
    kept = malloc(n);
    if (!kept)
        return -ENOMEM;
    memset(kept, 1, n);
    return getpid();
}
BIDE_POOL_TASK(job_leak);

/* pool no. 38: by size */
PROCESS_KINDS(worker_is_recycled_by_size)
{
    struct seen s = {0};
    int mib = 1, much = 600;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .max_rss = (size_t)400 << 20, .on_event = see, .arg = &s);
    int pid = CALL(p, bide_job(job_leak, &mib));

    BIDE_IGNORE(bide_sleep_ms(250));
    EXPECT_EQ(CALL(p, bide_job(job_pid)), pid);
    EXPECT_EQ(CALL(p, bide_job(job_leak, &much)), pid);
    for (int i = 0; i < 300 && s.started < 2; i++)
        BIDE_IGNORE(bide_sleep_ms(10));
    EXPECT_NE(CALL(p, bide_job(job_pid)), pid);
    EXPECT_EQ(s.recycled, 1);
}

static int workers_there(bide_pool *p)
{
    int n = 0;
    for (int i = 0; i < bide__local(p)->nslots; i++)
        n += bide__local(p)->slots[i].proxy != NULL;
    return n;
}

/* pool no. 39: idle workers above the minimum go, and come back when there is work */
KINDS(idle_workers_go_and_come_back)
{
    int ms[8], codes[8];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 3, .min_workers = 1, .idle_ms = 60, .concurrency = 1);

    EXPECT_EQ(workers_there(p), 3);
    for (int i = 0; i < 300 && workers_there(p) > 1; i++)
        BIDE_IGNORE(bide_sleep_ms(10));
    EXPECT_EQ(workers_there(p), 1);
    BIDE_IGNORE(bide_sleep_ms(150));
    EXPECT_EQ(workers_there(p), 1);
    for (int i = 0; i < 8; i++)
        ms[i] = 40;
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_sleep, ms), 8, .codes = codes));
    EXPECT_LT(1, bide__local(p)->nspawned - 3);
}
