/* SPDX-License-Identifier: MIT */
/* test_watch.c - looking at a pool: figures, from inside and from outside, progress, and a stream of parts. */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "pool_test.h"

/* pool no. 57: queued, running, done, failed, retried, deaths, times, and each worker's share */
PROCESS_KINDS(stats_tell_what_happened)
{
    int burn = 60, third = 2;
    char gate[256];
    snprintf(gate, sizeof gate, "%s/gate", test_tmpdir());
    bide_pool_stats *s = malloc(sizeof *s);
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 2);
    bide_future *f[5];

    for (int i = 0; i < 5; i++)
        f[i] = bide_pool_submit(p, bide_job(job_until_file, gate));
    EXPECT_OK(bide_sleep_ms(60));
    bide_pool_stats_get(p, s);
    EXPECT_EQ(s->workers, 1);
    EXPECT_EQ(s->running, 2);
    EXPECT_EQ(s->queued, 3);
    EXPECT_EQ(s->worker[0].pid, bide_pool_pid(p, 0));
    EXPECT_EQ(mkdir(gate, 0700), 0);
    for (int i = 0; i < 5; i++) {
        EXPECT_OK(bide_await(f[i]));
        bide_release(f[i]);
    }
    EXPECT_ERR(CALL(p, bide_job(job_fail, "x")), -EIO);
    bide_error_clear();
    for (int i = 0; i < 5; i++)
        EXPECT_OK(CALL(p, bide_job(job_burn, &burn)));
    bide_pool_stats_get(p, s);
    EXPECT_EQ(s->done, 10);
    EXPECT_EQ(s->failed, 1);
    EXPECT_EQ(s->running + s->queued, 0);
    EXPECT_TRUE(s->worker[0].busy > 0.05f && s->worker[0].busy <= 1.05f);
    EXPECT_LE(50000000, s->run_p99_ns);
    EXPECT_LE(s->run_p50_ns, s->run_p99_ns);
    EXPECT_LE(50000000, s->wait_p99_ns); /* three had to wait */
    EXPECT_EQ(CALL(p, bide_job(job_attempts, &third), .idempotent = true), 2);
    bide_pool_stats_get(p, s);
    EXPECT_EQ(s->retried, 1);
    EXPECT_EQ(s->deaths, 1);
    EXPECT_EQ(s->spawned, 2);
    free(s);
}

static int program(int out)
{
    int ms = 1;
    bide_auto bide_pool *p = bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = 3);
    if (!p)
        return bide_raise();

    for (int i = 0; i < 20; i++)
        BIDE_TRY(CALL(p, bide_job(job_sleep, &ms)));
    BIDE_TRY(bide_sleep_ms(1100));
    BIDE_TRY(CALL(p, bide_job(job_sleep, &ms)));
    if (write(out, "!", 1) != 1)
        return -EIO;
    return bide_sleep_ms(60000);
}

/* pool no. 57: another program can look at them */
UNIT(stats_can_be_read_from_outside)
{
    int ends[2];
    char byte;
    bide_pool_stats *s = calloc(2, sizeof *s);
    EXPECT_EQ(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        BIDE_IGNORE(bide_run(bide_coro(program, ends[1])));
        _exit(1);
    }

    EXPECT_EQ(read(ends[0], &byte, 1), 1);
    EXPECT_EQ(bide_pool_inspect(pid, s, 2), 1);
    EXPECT_EQ(s[0].workers, 3);
    EXPECT_LE(20, s[0].done);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    EXPECT_ERR(bide_pool_inspect(pid, s, 2), -ESRCH);
    bide_error_clear();
    EXPECT_EQ(bide_pool_inspect(getpid(), s, 2), 0);
    close(ends[0]);
    close(ends[1]);
    free(s);
}

struct progress {
    uint64_t done, total;
    int calls, parts, last_part;
};

static void note_progress(bide_future *f, uint64_t done, uint64_t total, bide_bytes part, void *arg)
{
    struct progress *g = arg;
    (void)f;

    if (part.len == sizeof(int)) {
        memcpy(&g->last_part, part.data, sizeof(int));
        g->parts++;
        return;
    }
    EXPECT_EQ(done, g->done + 1);
    g->done = done;
    g->total = total;
    g->calls++;
}

/* pool no. 58: n of m, and parts of the result, while the job runs; more of them than the lane holds */
KINDS(progress_reaches_the_future, .seconds = 30)
{
    int n = 3000;
    struct progress g = {0};
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .ring_bytes = 64 << 10);

    EXPECT_OK(CALL(p, bide_job(job_progress, &n), .on_progress = note_progress, .arg = &g));
    EXPECT_EQ(g.calls, n);
    EXPECT_EQ(g.total, n);
    EXPECT_EQ(g.parts, n);
    EXPECT_EQ(g.last_part, n);
    EXPECT_OK(CALL(p, bide_job(job_progress, &n))); /* nobody listens */
}

UNIT(worker_calls_outside_a_worker_are_errors)
{
    EXPECT_ERR(bide_worker_reply("x", 1), BIDE_ESTATE);
    bide_error_clear();
    EXPECT_ERR(bide_worker_progress(1, 2), BIDE_ESTATE);
    bide_error_clear();
    EXPECT_NULL(bide_worker_state());
    EXPECT_EQ(bide_worker_index(), -1);
}
