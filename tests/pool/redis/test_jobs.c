/* SPDX-License-Identifier: MIT */
/* test_jobs.c - the same calls over Redis, with a host in this program: results, errors, cancellation (pool no. 59).
 */
#include <signal.h>

#include "redis_test.h"

#define REDIS(name, ...) TEST(name, .real_time = true, .seconds = 30, ##__VA_ARGS__)

/* A host inside this program. */
struct inner_host {
    struct redis_server *server;
    bide_pool *pool;
    bide_task *task;
    int64_t lease_ms;
};

static int serve(struct inner_host *h)
{
    return bide_pool_serve(h->server->url, "t", .pool = h->pool, .lease_ms = h->lease_ms, .close_ms = 200);
}

static void host_here_for(struct inner_host *h, struct redis_server *s, bide_pool *pool, int64_t lease_ms)
{
    needs_processes();
    *h = (struct inner_host){.server = s, .pool = pool, .lease_ms = lease_ms};
    h->task = bide_create_task(bide_coro(serve, h), .name = "host");
    EXPECT_TRUE(h->task);
}
static void host_here(struct inner_host *h, struct redis_server *s, bide_pool *pool)
{
    host_here_for(h, s, pool, 600);
}

REDIS(redis_call_struct_text_bytes_round_trip)
{
    struct redis_server s;
    struct inner_host h;
    struct pair in = {40, 2};
    struct sum out = {0};
    redis_start(&s, NULL);
    bide_auto bide_pool *local = OPEN(.workers = 1);
    host_here(&h, &s, local);
    bide_auto bide_task *host = h.task;
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    EXPECT_EQ(CALL(pool, bide_job(job_add, &in, &out)), 7);
    EXPECT_EQ(out.sum, 42);
    EXPECT_EQ(out.pid, bide_pool_pid(local, 0));
    EXPECT_EQ(CALL(pool, bide_job(job_length, "hello")), 5);
    EXPECT_EQ(CALL(pool, bide_job(job_nothing)), 0);
    bide_auto bide_future *f = bide_pool_submit(pool, bide_job_bytes(job_echo, ((bide_bytes){"a\0b\r\nc", 6})));
    EXPECT_OK(bide_await(f));
    EXPECT_EQ(bide_pool_result(f).len, 6);
    EXPECT_TRUE(memcmp(bide_pool_result(f).data, "a\0b\r\nc", 6) == 0);
}

REDIS(redis_large_payloads_round_trip)
{
    struct redis_server s;
    struct inner_host h;
    size_t n = 3000000;
    redis_start(&s, NULL);
    bide_auto bide_pool *local = OPEN(.workers = 1);
    host_here(&h, &s, local);
    bide_auto bide_task *host = h.task;
    bide_auto bide_pool *pool = OPEN_REDIS(&s);
    char *big = malloc(n);
    for (size_t i = 0; i < n; i++)
        big[i] = (char)(i * 31 >> 3);

    bide_auto bide_future *f = bide_pool_submit(pool, bide_job_bytes(job_echo, ((bide_bytes){big, n})));
    EXPECT_OK(bide_await(f));
    EXPECT_EQ(bide_pool_result(f).len, n);
    EXPECT_TRUE(memcmp(bide_pool_result(f).data, big, n) == 0);
    free(big);
}

REDIS(redis_host_whose_pool_is_full_waits_for_room)
{
    struct redis_server s;
    struct inner_host h;
    enum { N = 20 };
    static char bytes[50000];
    bide_future *f[N];
    redis_start(&s, NULL);
    bide_auto bide_pool *local = OPEN(.workers = 1, .max_pending_bytes = 100000);
    host_here(&h, &s, local);
    bide_auto bide_task *host = h.task;
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    for (int i = 0; i < N; i++)
        f[i] = bide_pool_submit(pool, bide_job_bytes(job_echo_copy, ((bide_bytes){bytes, sizeof bytes})));
    for (int i = 0; i < N; i++) {
        EXPECT_OK(bide_await(f[i]));
        EXPECT_EQ(bide_pool_result(f[i]).len, sizeof bytes);
        bide_release(f[i]);
    }
}

REDIS(redis_map_keeps_order)
{
    struct redis_server s;
    struct inner_host h;
    enum { N = 2000 };
    static struct pair in[N];
    static struct sum out[N];
    static int codes[N];
    redis_start(&s, NULL);
    bide_auto bide_pool *local = OPEN(.workers = 2);
    host_here(&h, &s, local);
    bide_auto bide_task *host = h.task;
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    for (int i = 0; i < N; i++)
        in[i] = (struct pair){i, 1};
    EXPECT_OK(bide_pool_map(pool, bide_jobs(job_add, in, out), N, .codes = codes));
    for (int i = 0; i < N; i++) {
        EXPECT_EQ(out[i].sum, i + 1);
        EXPECT_EQ(codes[i], 7);
    }
    EXPECT_OK(bide_pool_close(pool, 1000, NULL));
    EXPECT_EQ(REDIS_SAY(&s, "XLEN", "bide:{t}:jobs"), 0); /* done jobs leave nothing behind */
    EXPECT_EQ(REDIS_SAY(&s, "KEYS", "bide:{t}:results:*"), 0);
}

REDIS(redis_errors_come_with_their_story)
{
    struct redis_server s;
    struct inner_host h;
    int sig = SIGKILL;
    redis_start(&s, NULL);
    bide_auto bide_pool *local = OPEN(.workers = 1);
    host_here(&h, &s, local);
    bide_auto bide_task *host = h.task;
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    bide_auto bide_future *f = bide_pool_submit(pool, bide_job(job_fail, "page 7"));
    EXPECT_EQ(bide_await(f), -EIO);
    EXPECT_STR(bide_error_text(), "job_fail: reading: page 7");
    EXPECT_TRUE(strstr(bide_pool_failure_of(f)->trace, "job_fail"));

    /* a job that kills its worker fails alone; the host goes on */
    bide_auto bide_future *g = bide_pool_submit(pool, bide_job(job_die, &sig));
    EXPECT_EQ(bide_await(g), BIDE_EWORKER);
    EXPECT_EQ(bide_pool_failure_of(g)->signal, SIGKILL);
    EXPECT_EQ(CALL(pool, bide_job(job_length, "abc")), 3);
}

REDIS(redis_timeout_is_kept_by_the_host)
{
    struct redis_server s;
    struct inner_host h;
    int ms = 60000;
    redis_start(&s, NULL);
    bide_auto bide_pool *local = OPEN(.workers = 1);
    host_here(&h, &s, local);
    bide_auto bide_task *host = h.task;
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    EXPECT_EQ(CALL(pool, bide_job(job_sleep, &ms), .timeout_ms = 50), BIDE_ETIMEDOUT);
    bide_error_clear();
}

static int npart, last_part;
static uint64_t last_done;

static void note_progress(bide_future *f, uint64_t done, uint64_t total, bide_bytes part, void *arg)
{
    (void)f;
    (void)total;
    (void)arg;
    if (part.len == sizeof last_part) {
        memcpy(&last_part, part.data, sizeof last_part);
        npart++;
    } else {
        last_done = done;
    }
}

REDIS(redis_progress_arrives)
{
    struct redis_server s;
    struct inner_host h;
    int n = 5;
    redis_start(&s, NULL);
    bide_auto bide_pool *local = OPEN(.workers = 1);
    host_here(&h, &s, local);
    bide_auto bide_task *host = h.task;
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    EXPECT_OK(CALL(pool, bide_job(job_progress, &n), .on_progress = note_progress));
    EXPECT_EQ(npart, 5);
    EXPECT_EQ(last_part, 5);
    EXPECT_EQ(last_done, 5);
}

REDIS(redis_cancel_waiting_job_never_runs)
{
    struct redis_server s;
    redis_start(&s, NULL);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    bide_auto bide_future *f = bide_pool_submit(pool, bide_job(job_length, "abc"));
    while (REDIS_SAY(&s, "XLEN", "bide:{t}:jobs") == 0)
        EXPECT_OK(bide_sleep_ms(5));
    bide_future_cancel(f);
    EXPECT_EQ(bide_await(f), BIDE_ECANCELED);
    for (int i = 0; i < 200 && REDIS_SAY(&s, "XLEN", "bide:{t}:jobs") > 0; i++)
        EXPECT_OK(bide_sleep_ms(5));
    EXPECT_EQ(REDIS_SAY(&s, "XLEN", "bide:{t}:jobs"), 0);
    bide_error_clear();
}

REDIS(redis_closed_pool_takes_its_jobs_back)
{
    struct redis_server s;
    bide_pool_counts counts;
    redis_start(&s, NULL);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    for (int i = 0; i < 20; i++)
        bide_pool_detach(bide_pool_submit(pool, bide_job(job_length, "abc")));
    while (REDIS_SAY(&s, "XLEN", "bide:{t}:jobs") != 20)
        EXPECT_OK(bide_sleep_ms(5));
    EXPECT_OK(bide_pool_close(pool, 0, &counts));
    EXPECT_EQ(counts.cancelled, 20);
    EXPECT_EQ(REDIS_SAY(&s, "XLEN", "bide:{t}:jobs"), 0);
}

static void wait_until_running(bide_pool *local, uint64_t n)
{
    bide_pool_stats stats;

    do {
        EXPECT_OK(bide_sleep_ms(10));
        bide_pool_stats_get(local, &stats);
    } while (stats.running != n);
}

/* The lease will not be renewed while the test lasts: the host must have heard of it. */
REDIS(redis_cancel_running_job_frees_its_worker)
{
    struct redis_server s;
    struct inner_host h;
    int ms = 60000;
    redis_start(&s, NULL);
    bide_auto bide_pool *local = OPEN(.workers = 1);
    host_here_for(&h, &s, local, 600000);
    bide_auto bide_task *host = h.task;
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    bide_auto bide_future *f = bide_pool_submit(pool, bide_job(job_sleep, &ms));
    bide_auto bide_future *other = bide_pool_submit(pool, bide_job(job_sleep, &ms));
    wait_until_running(local, 2);
    bide_future_cancel(f);
    wait_until_running(local, 1);
    EXPECT_FALSE(bide_future_done(other));
    EXPECT_EQ(REDIS_SAY(&s, "XPENDING", "bide:{t}:jobs", "w", "-", "+", "10"), 1); /* nobody holds it any more */
    EXPECT_EQ(REDIS_SAY(&s, "XLEN", "bide:{t}:jobs"), 1);
}

/* What was said is not heard: the renewal finds out. */
REDIS(redis_cancel_that_no_host_receives_comes_with_the_lease)
{
    struct redis_server s;
    struct inner_host h;
    int ms = 60000;
    redis_start(&s, NULL);
    bide_auto bide_pool *local = OPEN(.workers = 1);
    host_here_for(&h, &s, local, 300);
    bide_auto bide_task *host = h.task;
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    bide_auto bide_future *f = bide_pool_submit(pool, bide_job(job_sleep, &ms));
    wait_until_running(local, 1);
    snprintf(bide__redis_client(pool)->cancelled_key, sizeof bide__redis_client(pool)->cancelled_key, "bide:{t}:elsewhere");
    bide_future_cancel(f);
    wait_until_running(local, 0);
}

/* A host of another build: it knows the name, but not this struct. */
REDIS(redis_call_made_for_another_struct_is_refused)
{
    struct redis_server s;
    struct inner_host h;
    struct pair in[2] = {{40, 2}};
    struct sum out[2];
    redis_start(&s, NULL);
    bide_auto bide_pool *local = OPEN(.workers = 1);
    host_here(&h, &s, local);
    bide_auto bide_task *host = h.task;
    bide_auto bide_pool *pool = OPEN_REDIS(&s);
    bide_job good = bide_job(job_add, in, out), larger = good, text = good, wide = good;

    larger.in_len = 2 * sizeof *in;
    EXPECT_EQ(bide_pool_call(pool, larger), BIDE_EFUNCTION);
    EXPECT_STR(bide_error_text(), "job_add: called as job_add(32 bytes, 16 bytes), but its worker has "
                                  "job_add(16 bytes, 16 bytes): two builds with different declarations");
    text.shape = BIDE_JOB_TEXT;
    text.in = "forty and two";
    EXPECT_EQ(bide_pool_call(pool, text), BIDE_EFUNCTION);
    EXPECT_CONTAINS(bide_error_text(), "called as job_add(a text, 16 bytes), but");
    wide.out_len = sizeof out;
    EXPECT_EQ(bide_pool_call(pool, wide), BIDE_EFUNCTION);
    EXPECT_EQ(bide_pool_call(pool, good), 7);
    EXPECT_EQ(out[0].sum, 42);
}

static int not_registered(void)
{
    return 0;
}

/* The host is a program without what this one registers only now. */
REDIS(redis_unknown_function_is_named)
{
    struct redis_server s;
    static bide_pool_named late = {.name = "job_of_a_newer_build", .fn = (void (*)(void))not_registered};
    redis_start(&s, NULL);
    pid_t host = host_start(&s, NULL);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    bide_pool_register(&late);
    EXPECT_EQ(CALL(pool, bide_job(not_registered)), BIDE_EFUNCTION);
    EXPECT_CONTAINS(bide_error_text(), "not_registered: host ");
    EXPECT_CONTAINS(bide_error_text(), "does not know it: write BIDE_POOL_TASK(job_of_a_newer_build);");
    EXPECT_EQ(host_stop(host), 0);
}

/* It is sent by the name that it is registered under. */
REDIS(redis_function_is_found_whatever_it_is_called_here)
{
    struct redis_server s;
    struct inner_host h;
    int (*a_pointer)(const char *) = job_length;
    redis_start(&s, NULL);
    bide_auto bide_pool *local = OPEN(.workers = 1);
    host_here(&h, &s, local);
    bide_auto bide_task *host = h.task;
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    EXPECT_EQ(CALL(pool, bide_job(a_pointer, "abc")), 3);
    EXPECT_EQ(CALL(pool, bide_job(a_pointer, "abcd")), 4);
}

REDIS(redis_what_cannot_cross_is_refused)
{
    struct redis_server s;
    int code;
    redis_start(&s, NULL);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    EXPECT_ERR(CALL(pool, bide_job(not_registered)), BIDE_EFUNCTION);
    EXPECT_CONTAINS(bide_error_text(), "write BIDE_POOL_TASK(not_registered);");
    bide_error_clear();
    EXPECT_ERR(CALL(pool, bide_job(job_nothing), .fds = (int[]){0}, .nfds = 1), -ENOTSUP);
    EXPECT_STR(bide_error_text(), "job_nothing: descriptors cannot go to other machines");
    bide_error_clear();
    EXPECT_ERR(bide_pool_each(pool, bide_job(job_nothing), .codes = &code), -ENOTSUP);
    EXPECT_CONTAINS(bide_error_text(), "bide_pool_each: over Redis, hosts come and go: nobody knows all workers");
    bide_error_clear();
    EXPECT_ERR(bide_pool_resize(pool, 3), -ENOTSUP);
    EXPECT_CONTAINS(bide_error_text(), "bide_pool_resize: over Redis, the pool has the workers of the hosts that serve it");
    bide_error_clear();
    EXPECT_ERR(bide_pool_serve(s.url, "t", .pool = pool), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "bide_pool_serve: .pool is over Redis itself");
    bide_error_clear();
    bide_auto bide_pool *with_init = bide_pool_new(.redis = s.url, .name = "t", .init = bide_job(job_nothing));
    EXPECT_NULL(with_init);
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "init and fini belong to the pools of the worker hosts");
    bide_error_clear();
}

REDIS(redis_second_result_is_dropped)
{
    struct redis_server s;
    struct inner_host h;
    int ms = 300;
    char key[REDIS_KEY_MAX], meta[64];
    redis_start(&s, NULL);
    bide_auto bide_pool *local = OPEN(.workers = 1);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    /* what a host that comes too late would write, once before and once after the true result */
    bide_auto bide_future *f = bide_pool_submit(pool, bide_job(job_sleep, &ms));
    struct job *j = bide__job_of(f);
    snprintf(key, sizeof key, "%s", bide__redis_client(pool)->results_key);
    snprintf(meta, sizeof meta, "%llu r 5 0 1 0 0 0", (unsigned long long)(j->id + ((uint64_t)1 << 32)));
    EXPECT_OK(bide_sleep_ms(100));
    REDIS_SAY(&s, "XADD", key, "NOMKSTREAM", "*", "m", meta, "a", "");
    host_here(&h, &s, local);
    bide_auto bide_task *host = h.task;
    EXPECT_EQ(bide_await(f), 300);
    snprintf(meta, sizeof meta, "%llu r 5 0 1 0 0 0", (unsigned long long)j->id);
    REDIS_SAY(&s, "XADD", key, "NOMKSTREAM", "*", "m", meta, "a", "");
    REDIS_SAY(&s, "XADD", key, "NOMKSTREAM", "*", "m", "not ours", "a", "");
    EXPECT_EQ(CALL(pool, bide_job(job_length, "four")), 4);
    EXPECT_EQ(pool->done, 2);
}

static void release_it(bide_future *f, uint64_t done, uint64_t total, bide_bytes part, void *arg)
{
    bide_pool **pool = arg;

    (void)f, (void)done, (void)total, (void)part;
    if (!*pool)
        return;
    EXPECT_ERR(bide_pool_close(*pool, 0, NULL), BIDE_ESTATE); /* it would wait for whom it is called by */
    bide_error_clear();
    bide_release(*pool);
    *pool = NULL;
}

REDIS(redis_pool_is_released_by_on_progress)
{
    struct redis_server s;
    redis_start(&s, NULL);
    host_start(&s, NULL);
    bide_pool *pool = OPEN_REDIS(&s);
    int ms = 500; /* a job that is over at once may have its result before its progress is looked at */
    bide_auto bide_future *f =
        bide_pool_submit(pool, bide_job(job_progress_and_sleep, &ms), .on_progress = release_it, .arg = &pool);

    EXPECT_TRUE(bide_await(f) < 0);
    EXPECT_NULL(pool);
    bide_error_clear();
    BIDE_IGNORE(bide_sleep_ms(500)); /* it says good-bye in a task of its own */
}

REDIS(redis_pool_that_is_closed_at_once_leaves_nothing)
{
    struct redis_server s;
    char key[200];
    redis_start(&s, NULL);
    bide_pool *pool = OPEN_REDIS(&s);

    snprintf(key, sizeof key, "%s", bide__redis_client(pool)->results_key);
    bide_release(pool);
    EXPECT_EQ(REDIS_SAY(&s, "EXISTS", key), 0);
}
