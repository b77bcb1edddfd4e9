/* SPDX-License-Identifier: MIT */
/* test_progress.c - what a job sends while it runs: progress, parts, a reply that grows; and that it is still cancelled in time. */
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "pool_test.h"

static uint64_t deaths_of(const bide_pool *p)
{
    bide_pool_stats *s = malloc(sizeof *s);

    bide_pool_stats_get(p, s);
    uint64_t n = s->deaths;
    free(s);
    return n;
}

/* ---- cancellation and deadline ---- */

static int job_emit_on_and_on(void)
{
    static const char part[16000];

    for (;;)
        BIDE_TRY(bide_worker_emit(part, sizeof part));
}
BIDE_POOL_TASK(job_emit_on_and_on);

static int job_progress_on_and_on(void)
{
    for (;;)
        BIDE_TRY(bide_worker_progress(1, 2));
}
BIDE_POOL_TASK(job_progress_on_and_on);

/* There is always room for the next word: it never has to wait for us. */
static int job_tell_slowly(void)
{
    int pause_ms = 1;

    for (;;) {
        BIDE_TRY(bide_worker_progress(1, 2));
        job_block(&pause_ms);
    }
}
BIDE_POOL_TASK(job_tell_slowly);

static void expect_call_within(bide_pool *p, int64_t ms)
{
    int code = BIDE_ETIMEDOUT;

    bide_timeout(ms) {
        code = CALL(p, bide_job(job_nothing));
    }
    EXPECT_OK(code);
}

/* pool no. 36: it may wait for room when it is cancelled; its worker lives, and has a place free soon */
KINDS(job_that_only_emits_gets_its_cancellation, .seconds = 20)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 1, .ring_bytes = 64 << 10, .grace_ms = 30000 * SLOW);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_emit_on_and_on));

    BIDE_IGNORE(bide_sleep_ms(50));
    usleep(50000); /* nobody reads: the lane is full */
    EXPECT_TRUE(bide_future_cancel(f));
    expect_call_within(p, 8000);
    EXPECT_EQ(deaths_of(p), 0);
}

/* pool no. 35: a deadline is enough, and no worker is killed for it */
KINDS(job_that_only_reports_progress_gets_its_deadline, .seconds = 20)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .ring_bytes = 1 << 20, .grace_ms = 8000 * SLOW);

    EXPECT_ERR(CALL(p, bide_job(job_tell_slowly), .timeout_ms = 50), BIDE_ETIMEDOUT);
    bide_error_clear();
    EXPECT_ERR(CALL(p, bide_job(job_progress_on_and_on), .timeout_ms = 50), BIDE_ETIMEDOUT);
    bide_error_clear();
    EXPECT_EQ(deaths_of(p), 0);
}

/* pool no. 14: one that tells now and then lets the others of its worker run */
KINDS(job_that_only_reports_progress_lets_others_run, .seconds = 20)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 2, .prefetch = 8, .ring_bytes = 1 << 20);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_tell_slowly));

    BIDE_IGNORE(bide_sleep_ms(50));
    expect_call_within(p, 8000);
    EXPECT_FALSE(bide_future_done(f));
    EXPECT_TRUE(bide_future_cancel(f));
}

static void compute(int64_t us)
{
    for (int64_t end = bide__clock_ns() + us * 1000; bide__clock_ns() < end;)
        ;
}

static void listen_slowly(bide_future *f, uint64_t done, uint64_t total, bide_bytes part, void *arg)
{
    (void)f, (void)done, (void)total, (void)part;
    compute(60);
    ++*(int *)arg;
}

static int job_tell_steadily(void)
{
    for (;;) {
        BIDE_TRY(bide_worker_progress(1, 2));
        compute(50);
    }
}
BIDE_POOL_TASK(job_tell_steadily);

/* A worker that always has one more word before we have heard the last one: our loop turns even so. */
KINDS(job_that_tells_faster_than_we_listen_does_not_hold_the_loop, .seconds = 20)
{
    int heard = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .ring_bytes = 4 << 20);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_tell_steadily), .on_progress = listen_slowly, .arg = &heard);

    BIDE_IGNORE(bide_sleep_ms(100));
    EXPECT_LT(0, heard);
    EXPECT_LT(heard, 60000); /* that is 3 s; the lane holds 87,000 */
    EXPECT_TRUE(bide_future_cancel(f));
    expect_call_within(p, 8000);
}

/* ---- many orders at once ---- */

static _Atomic int nheard, enough;

static int job_go_on_when_cancelled(void)
{
    if (bide_sleep_ms(60000) != BIDE_ECANCELED)
        return -EINVAL;
    atomic_fetch_add(&nheard, 1);
    bide_error_clear();
    while (!atomic_load(&enough))
        BIDE_TRY(bide_sleep_ms(50));
    return 0;
}

static _Atomic enum { TURNS, IS_TO_STOP, STOPS } worker; /* does it read its orders? */

static int job_wait_until_heard(const int *n)
{
    while (atomic_load(&nheard) < *n) {
        BIDE_TRY(bide_sleep_ms(10));
        if (atomic_load(&worker) == IS_TO_STOP) {
            atomic_store(&worker, STOPS);
            usleep(200000); /* we are asleep by then */
        }
    }
    return 0;
}

/* More cancellations than the lane of orders holds, of jobs that do not answer: those that follow later come all the same. */
TEST(orders_without_room_follow_although_nobody_answers, .real_time = true, .seconds = 20)
{
    enum { N = 1000 };
    int n = N, code = 0;
    bide_future *f[N];
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1, .concurrency = N + 1);
    bide_auto bide_future *all_heard = bide_pool_submit(p, bide_job(job_wait_until_heard, &n));

    for (int i = 0; i < N; i++)
        f[i] = bide_pool_submit(p, bide_job(job_go_on_when_cancelled));
    for (int i = 0; i < 400 && bide__local(p)->slots[0].proxy->nbegun < N + 1; i++)
        BIDE_IGNORE(bide_sleep_ms(10));
    EXPECT_EQ(bide__local(p)->slots[0].proxy->nbegun, N + 1);
    atomic_store(&worker, IS_TO_STOP);
    while (atomic_load(&worker) != STOPS)
        usleep(1000);
    for (int i = 0; i < N; i++) {
        bide_future_cancel(f[i]);
        bide_release(f[i]);
    }
    bide_timeout(5000 * SLOW) {
        code = bide_await(all_heard); /* in one go: nothing but the worker wakes us */
    }
    atomic_store(&enough, 1);
    EXPECT_OK(code);
}

/* ---- a reply that is interrupted while it grows ---- */

#define SMALL 20000
#define LARGE (1 << 20)

/* 1, 2: the first, the second part is in the reply */
static int job_reply_interrupted(void)
{
    char *part = malloc(LARGE);
    int first = -1, second, before_ms = 20, busy_ms = 200;

    job_block(&before_ms);
    bide_timeout(5) {
        first = bide_worker_reply(memset(part, 's', SMALL), SMALL);
    }
    bide_error_clear();
    job_block(&busy_ms); /* the program answers meanwhile */
    second = bide_worker_reply(memset(part, 'L', LARGE), LARGE);
    bide_error_clear();
    free(part);
    return (first == 0 ? 1 : 0) | (second == 0 ? 2 : 0);
}
BIDE_POOL_TASK(job_reply_interrupted);

static void expect_all(bide_bytes b, size_t from, size_t n, char c)
{
    EXPECT_LE(from + n, b.len);
    for (size_t i = from; i < from + n; i++)
        if (((const char *)b.data)[i] != c)
            FAIL("byte %zu is %c", i, ((const char *)b.data)[i]);
}

static int job_fill_with(const int *c)
{
    char *to = bide_worker_reserve(SMALL);
    if (!to)
        return bide_raise();
    memset(to, *c, SMALL);
    return 0;
}
BIDE_POOL_TASK(job_fill_with);

/* The answer to a wish for memory that was given up is not taken for that to the next: nobody else's bytes are touched. */
KINDS(reply_that_is_interrupted_stays_whole, .seconds = 20)
{
    enum { N = 20 };
    bide_future *f[N];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    for (int i = 0; i < N; i++) {
        int c = 'a' + i;
        f[i] = bide_pool_submit(p, bide_job(job_fill_with, &c));
    }
    for (int i = 0; i < N; i++)
        EXPECT_OK(bide_await(f[i]));
    bide_release(f[5]); /* the next block of this size has neighbours */
    f[5] = NULL;

    bide_auto bide_future *v = bide_pool_submit(p, bide_job(job_reply_interrupted));
    BIDE_IGNORE(bide_sleep_ms(5));
    usleep(100000); /* its wish lies there unread */
    int said = bide_await(v);
    EXPECT_OK(said);
    bide_bytes b = bide_pool_result(v);
    size_t small = said & 1 ? SMALL : 0, large = said & 2 ? LARGE : 0;
    EXPECT_EQ(b.len, small + large);
    expect_all(b, 0, small, 's');
    expect_all(b, small, large, 'L');
    for (int i = 0; i < N; i++) {
        if (f[i])
            expect_all(bide_pool_result(f[i]), 0, SMALL, (char)('a' + i));
        bide_release(f[i]);
    }
}

static int job_want_too_much(void)
{
    char part[SMALL];

    BIDE_TRY(bide_worker_reply("abc", 3));
    for (size_t n = SIZE_MAX; n > SIZE_MAX - 4; n--)
        if (bide_worker_reserve(n) || bide_error_code() != -E2BIG)
            return -EINVAL;
    bide_error_clear();
    BIDE_TRY(bide_worker_reply(memset(part, 'x', sizeof part), sizeof part));
    if (bide_worker_reserve(SIZE_MAX - 100) || bide_worker_reserve(64 << 20))
        return -EINVAL;
    bide_error_clear();
    return 0;
}
BIDE_POOL_TASK(job_want_too_much);

/* pool no. 8: what cannot be had is an error, and what was replied before stands */
KINDS(reply_that_cannot_grow_keeps_what_it_has)
{
    struct rlimit old, tight;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = old;
    tight.rlim_cur = 16 << 20; /* of the arena, too */
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_want_too_much));
    EXPECT_OK(bide_await(f));
    setrlimit(RLIMIT_FSIZE, &old);
    bide_bytes b = bide_pool_result(f);
    EXPECT_EQ(b.len, 3 + SMALL);
    EXPECT_MEM(b.data, "abcxxx", 6);
}
