/* SPDX-License-Identifier: MIT */
/*
 * test_kill.c - hosts, connections and Redis itself are killed, and no job is lost (pool no. 59).
 *
 * Each job leaves a line in a file, so that a test sees how often it ran; the future says how it ended.
 */
#include <fcntl.h>
#include <signal.h>

#include "redis_test.h"

#define REDIS(name, ...) TEST(name, .real_time = true, .seconds = 60, ##__VA_ARGS__)

struct note {
    int number, ms;
    char path[256];
};

/* Takes a while, then leaves a line. */
static int note_down(const struct note *n)
{
    char line[16];

    BIDE_TRY(bide_sleep_ms(n->ms));
    int fd = open(n->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600),
        len = snprintf(line, sizeof line, "%d\n", n->number);
    if (fd < 0)
        return bide_fail(-errno, "%s", n->path);
    ssize_t put = write(fd, line, (size_t)len);
    close(fd);
    return put == len ? n->number : -EIO;
}
BIDE_POOL_TASK(note_down, const struct note *);

/* Leaves its line at once, and goes on. */
static int note_and_stay(const struct note *n)
{
    struct note now = *n;

    now.ms = 0;
    BIDE_TRY(note_down(&now));
    return bide_sleep_ms(n->ms);
}
BIDE_POOL_TASK(note_and_stay, const struct note *);

enum { N = 300 };

struct notes {
    struct note in[N];
    int codes[N];
    unsigned ran[N];
    char path[256];
};

static struct notes *notes_new(const struct redis_server *s, int ms)
{
    static struct notes notes;

    snprintf(notes.path, sizeof notes.path, "%s/notes", s->dir);
    for (int i = 0; i < N; i++) {
        notes.in[i] = (struct note){.number = i, .ms = ms};
        snprintf(notes.in[i].path, sizeof notes.in[i].path, "%s", notes.path);
    }
    return &notes;
}

static unsigned count(struct notes *n)
{
    FILE *f = fopen(n->path, "r");
    unsigned lines = 0;
    int number;

    memset(n->ran, 0, sizeof n->ran);
    for (; f && fscanf(f, "%d", &number) == 1; lines++)
        n->ran[number]++;
    if (f)
        fclose(f);
    return lines;
}

static int map_all(bide_pool *pool, struct notes *n)
{
    return bide_pool_map(pool, bide_jobs(note_down, n->in), N, .codes = n->codes);
}

/* Every job has its result, and did run. */
static void check_all(struct notes *n)
{
    count(n);
    for (int i = 0; i < N; i++) {
        EXPECT_EQ(n->codes[i], i);
        EXPECT_TRUE(n->ran[i] >= 1);
    }
}

static void wait_until_some_ran(struct notes *n, unsigned some)
{
    while (count(n) < some)
        EXPECT_OK(bide_sleep_ms(5));
}

static void wait_for_jobs_in(const struct redis_server *s, long long n)
{
    while (REDIS_SAY(s, "XLEN", "bide:{t}:jobs") != n)
        EXPECT_OK(bide_sleep_ms(5));
}

static int lost, regained;
static char lost_text[400];

static void note_event(const bide_pool_event *e, void *arg)
{
    (void)arg;
    if (e->kind == BIDE_POOL_LOST) {
        lost++;
        snprintf(lost_text, sizeof lost_text, "%s", e->text);
    }
    regained += e->kind == BIDE_POOL_REGAINED;
}

/* ---- hosts ---- */

REDIS(redis_killed_hosts_lose_no_job)
{
    struct redis_server s;
    redis_start(&s, NULL);
    struct notes *n = notes_new(&s, 20);
    pid_t a = host_start(&s, (const char *[]){"HOST_SLOTS=20", NULL}),
          b = host_start(&s, (const char *[]){"HOST_SLOTS=20", NULL});
    bide_auto bide_pool *pool = OPEN_REDIS(&s);
    bide_auto bide_task *map = bide_create_task(bide_coro(map_all, pool, n));

    wait_until_some_ran(n, 40);
    host_kill(a); /* with 20 jobs in hand */
    wait_until_some_ran(n, 100);
    host_kill(b);
    a = host_start(&s, NULL);
    EXPECT_OK(bide_await(map));
    check_all(n);
    EXPECT_EQ(host_stop(a), 0);
    EXPECT_EQ(REDIS_SAY(&s, "XLEN", "bide:{t}:jobs"), 0);
}

REDIS(redis_long_job_keeps_its_lease_and_runs_once)
{
    struct redis_server s;
    redis_start(&s, NULL);
    struct notes *n = notes_new(&s, 1500); /* five leases */
    const char *const env[] = {"HOST_LEASE=300", NULL};
    host_start(&s, env);
    host_start(&s, env);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    EXPECT_EQ(CALL(pool, bide_job(note_down, &n->in[7])), 7);
    EXPECT_OK(bide_sleep_ms(700));
    EXPECT_EQ(count(n), 1);
}

REDIS(redis_frozen_host_is_overtaken_and_its_result_dropped)
{
    struct redis_server s;
    redis_start(&s, NULL);
    struct notes *n = notes_new(&s, 200);
    const char *const env[] = {"HOST_LEASE=300", "HOST_KIND=2", NULL}; /* THREAD: the stop holds the worker, too */
    pid_t a = host_start(&s, env);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);
    bide_auto bide_future *f = bide_pool_submit(pool, bide_job(note_down, &n->in[3]));

    while (REDIS_SAY(&s, "XPENDING", "bide:{t}:jobs", "w", "-", "+", "10") == 0)
        EXPECT_OK(bide_sleep_ms(5));
    kill(a, SIGSTOP);
    pid_t b = host_start(&s, env);
    EXPECT_EQ(bide_await(f), 3);
    EXPECT_EQ(pool->done, 1);
    kill(a, SIGCONT);
    EXPECT_OK(bide_sleep_ms(500)); /* it ends the job, or finds out in time that it is another's */
    EXPECT_EQ(CALL(pool, bide_job(note_down, &n->in[4])), 4);
    EXPECT_EQ(pool->done, 2);
    EXPECT_EQ(host_stop(b), 0);
}

REDIS(redis_poison_job_fails_and_is_kept_among_the_dead)
{
    struct redis_server s;
    int sig = SIGKILL;
    /* THREAD: it kills the host */
    const char *const env[] = {"HOST_LEASE=200", "HOST_KIND=2", "HOST_DELIVERIES=2", NULL};
    redis_start(&s, NULL);
    host_start(&s, env);
    host_start(&s, env);
    host_start(&s, env);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    bide_auto bide_future *f = bide_pool_submit(pool, bide_job(job_die, &sig));
    EXPECT_ERR(bide_await(f), BIDE_EWORKER);
    EXPECT_STR(bide_error_text(), "job_die: 2 hosts took it and vanished; it is kept in bide:{t}:dead");
    EXPECT_EQ(bide_pool_failure_of(f)->attempt, 3);
    EXPECT_EQ(REDIS_SAY(&s, "XLEN", "bide:{t}:dead"), 1);
    EXPECT_EQ(REDIS_SAY(&s, "XLEN", "bide:{t}:jobs"), 0);
    EXPECT_EQ(CALL(pool, bide_job(job_length, "alive")), 5); /* the third host lives */
}

REDIS(redis_host_asked_to_stop_gives_back_what_waits)
{
    struct redis_server s;
    redis_start(&s, NULL);
    struct notes *n = notes_new(&s, 50);
    /* a lease so long that only giving back helps */
    const char *const env[] = {"HOST_LEASE=600000", "HOST_SLOTS=200", "HOST_CLOSE=200", NULL};
    pid_t a = host_start(&s, env);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);
    bide_auto bide_task *map = bide_create_task(bide_coro(map_all, pool, n));

    wait_until_some_ran(n, 20);
    EXPECT_EQ(host_stop(a), 0);
    EXPECT_EQ(REDIS_SAY(&s, "XPENDING", "bide:{t}:jobs", "w", "-", "+", "1000", "-") > 0, true);
    EXPECT_EQ(REDIS_SAY(&s, "XINFO", "CONSUMERS", "bide:{t}:jobs", "w"), 1); /* its own name has gone */
    a = host_start(&s, env);
    EXPECT_OK(bide_await(map));
    check_all(n);
    EXPECT_EQ(host_stop(a), 0);
}

/* It still has jobs that run for long, and all the time in the world. */
REDIS(redis_host_asked_to_stop_gives_back_at_once_what_had_not_begun)
{
    struct redis_server s;
    enum { LONG = 16 }; /* as many as run at once */
    bide_future *f[LONG];
    int ms = 600000;
    const char *const env[] = {"HOST_LEASE=600000", "HOST_SLOTS=200", "HOST_CLOSE=600000", NULL};
    redis_start(&s, NULL);
    struct notes *n = notes_new(&s, 0);
    pid_t a = host_start(&s, env);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    for (int i = 0; i < LONG; i++)
        f[i] = bide_pool_submit(pool, bide_job(job_sleep, &ms));
    bide_auto bide_task *map = bide_create_task(bide_coro(map_all, pool, n));
    while (REDIS_SAY(&s, "XPENDING", "bide:{t}:jobs", "w", "-", "+", "1000") < 200)
        EXPECT_OK(bide_sleep_ms(5));
    kill(a, SIGTERM);
    pid_t b = host_start(&s, env);
    EXPECT_OK(bide_await(map));
    EXPECT_EQ(count(n), N); /* each once */
    for (int i = 0; i < LONG; i++) {
        EXPECT_FALSE(bide_future_done(f[i]));
        bide_release(f[i]);
    }
    wait_for_jobs_in(&s, 0); /* cancelled */
    EXPECT_EQ(host_wait(a), 0);
    EXPECT_EQ(host_stop(b), 0);
}

REDIS(redis_host_asked_to_stop_twice_ends_at_once)
{
    struct redis_server s;
    redis_start(&s, NULL);
    struct notes *n = notes_new(&s, 600000);
    pid_t host = host_start(&s, (const char *[]){"HOST_CLOSE=600000", NULL});
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    bide_auto bide_future *f = bide_pool_submit(pool, bide_job(note_and_stay, &n->in[0]));
    wait_until_some_ran(n, 1);
    EXPECT_TRUE(host_said(&s, "bide worker: serving t at Redis at 127.0.0.1:"));
    kill(host, SIGTERM);
    while (!host_said(&s, "bide worker: stopping: 1 job still runs, for at most 600000 ms"))
        EXPECT_OK(bide_sleep_ms(5));
    EXPECT_EQ(host_stop(host), 128 + SIGTERM);
    EXPECT_FALSE(bide_future_done(f));
}

/* ---- Redis ---- */

REDIS(redis_server_killed_and_started_again_loses_no_job)
{
    struct redis_server s;
    redis_start(&s, NULL);
    struct notes *n = notes_new(&s, 20);
    host_start(&s, (const char *[]){"HOST_SLOTS=20", NULL});
    host_start(&s, (const char *[]){"HOST_SLOTS=20", NULL});
    bide_auto bide_pool *pool = OPEN_REDIS(&s, .on_event = note_event);
    bide_auto bide_task *map = bide_create_task(bide_coro(map_all, pool, n));

    for (unsigned i = 1; i <= 2; i++) {
        wait_until_some_ran(n, 80 * i);
        redis_kill(&s);
        EXPECT_OK(bide_sleep_ms(150));
        redis_restart(&s);
        while (regained < (int)i) /* or the second death would find us still without a connection, and be no news */
            EXPECT_OK(bide_sleep_ms(10));
    }
    EXPECT_OK(bide_await(map));
    check_all(n);
    EXPECT_EQ(lost, 2);
    EXPECT_CONTAINS(lost_text, "Redis at 127.0.0.1:");
}

REDIS(redis_server_that_forgets_everything_gets_its_jobs_again)
{
    struct redis_server s;
    char command[512];
    redis_start(&s, NULL);
    struct notes *n = notes_new(&s, 20);
    host_start(&s, (const char *[]){"HOST_SLOTS=20", NULL});
    bide_auto bide_pool *pool = OPEN_REDIS(&s);
    bide_auto bide_task *map = bide_create_task(bide_coro(map_all, pool, n));

    wait_until_some_ran(n, 60);
    redis_kill(&s);
    snprintf(command, sizeof command, "rm -rf %s/appendonlydir %s/*.aof", s.dir, s.dir);
    EXPECT_EQ(system(command), 0);
    redis_restart(&s);
    EXPECT_OK(bide_await(map));
    check_all(n);
    EXPECT_TRUE(pool->retried > 0);
}

/* The connection stays, everything else goes, the results' stream and the scripts too. */
REDIS(redis_flushed_gets_its_jobs_again)
{
    struct redis_server s;
    redis_start(&s, NULL);
    struct notes *n = notes_new(&s, 20);
    host_start(&s, (const char *[]){"HOST_SLOTS=20", NULL});
    bide_auto bide_pool *pool = OPEN_REDIS(&s);
    bide__redis_client(pool)->check_ns = 300000000;
    bide_auto bide_task *map = bide_create_task(bide_coro(map_all, pool, n));

    wait_until_some_ran(n, 60);
    redis_command(&s, (const char *[]){"SCRIPT", "FLUSH", NULL});
    redis_command(&s, (const char *[]){"FLUSHALL", NULL});
    EXPECT_OK(bide_await(map));
    check_all(n);
    EXPECT_TRUE(pool->retried > 0);
}

/* Somebody takes one job out, and results of others keep coming. */
REDIS(redis_trimmed_job_is_found_missing_among_others)
{
    struct redis_server s;
    redis_start(&s, NULL);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);
    bide__redis_client(pool)->check_ns = 300000000;

    bide_auto bide_future *f = bide_pool_submit(pool, bide_job(job_length, "seven"));
    wait_for_jobs_in(&s, 1);
    redis_command(&s, (const char *[]){"XTRIM", "bide:{t}:jobs", "MAXLEN", "0", NULL});
    host_start(&s, NULL);
    while (!bide_future_done(f))
        EXPECT_EQ(CALL(pool, bide_job(job_length, "four")), 4);
    EXPECT_EQ(bide_await(f), 5);
    EXPECT_EQ(pool->retried, 1);
}

/* ---- what grows ---- */

/* A program that does not read: its stream is full of a job's progress, and takes its result alone. */
REDIS(redis_progress_that_nobody_reads_has_an_end)
{
    struct redis_server s;
    static const char *const of_nobody = "bide:{t}:results:0123456789abcdef0123456789abcdef";
    redis_start(&s, NULL);
    pid_t host = host_start(&s, NULL);

    REDIS_SAY(&s, "EVAL", "for i = 1, 10000 do redis.call('XADD', KEYS[1], '*', 'm', '1 p 1 1') end", "1", of_nobody);
    REDIS_SAY(&s, "EVAL", "redis.call('XADD', KEYS[1], '*', 'f', 'job_progress', 'm', ARGV[1], 'a', '\\5\\0\\0\\0')", "1",
              "bide:{t}:jobs", "0123456789abcdef0123456789abcdef 1 1 0 0 4");
    wait_for_jobs_in(&s, 0);
    EXPECT_EQ(REDIS_SAY(&s, "XLEN", of_nobody), 10001);
    EXPECT_EQ(host_stop(host), 0);
}

REDIS(redis_list_of_the_dead_has_an_end)
{
    struct redis_server s;
    redis_start(&s, NULL);
    pid_t host = host_start(&s, NULL);

    REDIS_SAY(&s, "EVAL", "for i = 1, 10300 do redis.call('XADD', KEYS[1], '*', 'm', 'x') end", "1", "bide:{t}:dead");
    REDIS_SAY(&s, "XADD", "bide:{t}:jobs", "*", "f", "job_length", "m", "nonsense");
    wait_for_jobs_in(&s, 0);
    EXPECT_LT(REDIS_SAY(&s, "XLEN", "bide:{t}:dead"), 10200); /* trimmed by whole nodes of 100 */
    EXPECT_EQ(host_stop(host), 0);
}

REDIS(redis_connections_cut_lose_no_job)
{
    struct redis_server s;
    redis_start(&s, NULL);
    struct notes *n = notes_new(&s, 5);
    host_start(&s, (const char *[]){"HOST_SLOTS=20", NULL});
    bide_auto bide_pool *pool = OPEN_REDIS(&s, .on_event = note_event);
    bide_auto bide_task *map = bide_create_task(bide_coro(map_all, pool, n));

    for (unsigned i = 1; i <= 5; i++) {
        wait_until_some_ran(n, 40 * i);
        REDIS_SAY(&s, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    }
    EXPECT_OK(bide_await(map));
    check_all(n);
    EXPECT_TRUE(lost > 0);
}

/* Until then the answer to "is it there?" may get lost, and a job be added twice. */
static bool all_added(bide_pool *pool)
{
    unsigned n = 0;

    for (struct list_node *at = pool->jobs.next; at != &pool->jobs; at = at->next)
        n += container_of(at, struct job, all)->redis.state == REDIS_ADDED;
    return n == N;
}

/* Whatever is killed, in whatever order. */
REDIS(redis_random_kills_lose_no_job)
{
    struct redis_server s;
    const char *const env[] = {"HOST_SLOTS=16", "HOST_LEASE=300", "HOST_DELIVERIES=1000", NULL};
    pid_t hosts[2];
    uint32_t random;
    redis_start(&s, NULL);
    struct notes *n = notes_new(&s, 25);
    for (int i = 0; i < 2; i++)
        hosts[i] = host_start(&s, env);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);
    bide_auto bide_task *map = bide_create_task(bide_coro(map_all, pool, n));

    for (int i = 0; i < 12 && !bide_task_done(map); i++) {
        bide__random_bytes(&random, sizeof random);
        fprintf(stderr, "kill %d: %u\n", i, random % 4);
        EXPECT_OK(bide_sleep_ms(20 + random / 4 % 100));
        if (random % 4 == 0) {
            redis_kill(&s);
            EXPECT_OK(bide_sleep_ms(random / 512 % 100));
            redis_restart(&s);
        } else if (random % 4 == 1) {
            REDIS_SAY(&s, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        } else {
            host_kill(hosts[random % 2]);
            hosts[random % 2] = host_start(&s, env);
        }
    }
    EXPECT_OK(bide_await(map));
    check_all(n);
}

/* A Redis that has just been started answers LOADING for a while: that is no reason to give up. */
REDIS(redis_host_waits_while_redis_loads)
{
    struct redis_server s;
    redis_start(&s, (const char *[]){"--key-load-delay", "500", NULL});
    struct notes *n = notes_new(&s, 0);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);
    bide_auto bide_task *map = bide_create_task(bide_coro(map_all, pool, n));

    while (!all_added(pool))
        EXPECT_OK(bide_sleep_ms(5));
    /* It listens to anybody once in 1024 commands, half a millisecond each. */
    REDIS_SAY(&s, "EVAL", "for i = 1, 4000 do redis.call('SET', 'x' .. i, i) end", "0");
    redis_kill(&s);
    redis_restart(&s);
    host_start(&s, NULL);
    EXPECT_OK(bide_await(map));
    check_all(n);
}

/* Or a Redis that is killed could keep jobs and have lost where their results go: they would run twice. */
REDIS(redis_has_a_place_for_results_before_jobs)
{
    struct redis_server s;
    redis_start(&s, NULL);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    EXPECT_EQ(REDIS_SAY(&s, "EXISTS", bide__redis_client(pool)->results_key), 1);
}

REDIS(redis_jobs_wait_for_the_first_host)
{
    struct redis_server s;
    redis_start(&s, NULL);
    struct notes *n = notes_new(&s, 0);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);
    bide_auto bide_task *map = bide_create_task(bide_coro(map_all, pool, n));

    while (!all_added(pool))
        EXPECT_OK(bide_sleep_ms(5));
    redis_kill(&s); /* what waits survives */
    redis_restart(&s);
    host_start(&s, NULL);
    EXPECT_OK(bide_await(map));
    check_all(n);
    EXPECT_EQ(count(n), N);
}

/* Nothing happens for longer than a server may be silent. */
REDIS(redis_quiet_connection_is_kept)
{
    struct redis_server s;
    redis_start(&s, NULL);
    host_start(&s, NULL);
    bide_auto bide_pool *pool = OPEN_REDIS(&s, .on_event = note_event);

    EXPECT_EQ(CALL(pool, bide_job(job_length, "four")), 4);
    EXPECT_OK(bide_sleep_ms(REDIS_QUIET_MS + 2000));
    EXPECT_EQ(CALL(pool, bide_job(job_length, "four")), 4);
    EXPECT_EQ(lost, 0);
}

/* It is there, but does not answer: as good as gone. */
REDIS(redis_frozen_server_is_reported_and_regained)
{
    struct redis_server s;
    redis_start(&s, NULL);
    host_start(&s, NULL);
    bide_auto bide_pool *pool = OPEN_REDIS(&s, .on_event = note_event);

    EXPECT_EQ(CALL(pool, bide_job(job_length, "four")), 4);
    kill(s.pid, SIGSTOP);
    bide_auto bide_future *f = bide_pool_submit(pool, bide_job(job_length, "seven"));
    while (lost == 0)
        EXPECT_OK(bide_sleep_ms(50));
    EXPECT_CONTAINS(lost_text, "it has not answered for 10 s");
    kill(s.pid, SIGCONT);
    EXPECT_EQ(bide_await(f), 5);
    while (regained == 0)
        EXPECT_OK(bide_sleep_ms(50));
}
