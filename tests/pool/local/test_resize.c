/* SPDX-License-Identifier: MIT */
/* test_resize.c - slots without a worker: after idling, after a start that failed, while the pool ends. */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "pool_test.h"

static void wait_until_stopped(bide_pool *p, int worker)
{
    for (int i = 0; i < 400 && bide__local(p)->slots[worker].proxy; i++)
        BIDE_IGNORE(bide_sleep_ms(5));
    EXPECT_NULL(bide__local(p)->slots[worker].proxy);
}

/* A worker that was stopped because it was idle comes back for the jobs that only it may run. */
KINDS(jobs_for_an_idle_stopped_worker_bring_it_back)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2, .idle_ms = 30);

    wait_until_stopped(p, 1);
    int code = 0, seen = 0;
    bide_timeout(3000 * SLOW) {
        for (uint64_t key = 1; code >= 0 && key <= 8; key++) {
            code = CALL(p, bide_job(job_index), .key = key);
            seen |= code >= 0 ? 1 << code : 0;
        }
    }
    EXPECT_OK(code);
    EXPECT_EQ(seen, 3);

    int codes[2];
    wait_until_stopped(p, 1);
    bide_timeout(3000 * SLOW) {
        code = bide_pool_each(p, bide_job(job_index), .codes = codes);
    }
    EXPECT_OK(code);
    EXPECT_EQ(codes[1], 1);
}

/* No descriptor for one more worker: an error, and the pool has the size that it had. */
PROCESS_KINDS(resize_that_fails_leaves_the_pool_as_it_was)
{
    struct rlimit old, tight;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    int top = dup(0), code = 0;

    close(top);
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
    tight = old;
    tight.rlim_cur = (rlim_t)top + 1;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
    int resized = bide_pool_resize(p, 4);
    setrlimit(RLIMIT_NOFILE, &old);
    EXPECT_ERR(resized, -EMFILE);
    bide_error_clear();
    EXPECT_EQ(bide_pool_size(p), 1);
    bide_timeout(3000 * SLOW) {
        for (uint64_t key = 1; code == 0 && key <= 8; key++)
            code = CALL(p, bide_job(job_index), .key = key);
        if (code == 0)
            code = bide_pool_each(p, bide_job(job_index));
    }
    EXPECT_OK(code);
    EXPECT_OK(bide_pool_resize(p, 3));
    EXPECT_EQ(bide_pool_size(p), 3);
}

/* ---- while the pool ends ---- */

static int slow_for_new_ones(void)
{
    return bide_worker_index() >= 1 ? bide_sleep_ms(20000) : 0;
}
BIDE_POOL_TASK(slow_for_new_ones);

static int resize_to(bide_pool *p, int n)
{
    return bide_pool_resize(p, n);
}

static int kill_it(bide_pool *p)
{
    return bide_pool_kill(p);
}

static int close_it(bide_pool *p)
{
    return bide_pool_close(p, 50, NULL);
}

static void expect_resize_ends(enum bide_pool_kind kind, int (*end)(bide_pool *p))
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .grace_ms = 100, .init = bide_job(slow_for_new_ones));
    bide_auto bide_task *t = bide_create_task(bide_coro(resize_to, p, 3));
    int code = 0;

    BIDE_IGNORE(bide_sleep_ms(50));
    EXPECT_OK(end(p));
    bide_timeout(3000 * SLOW) {
        code = bide_await(t);
    }
    EXPECT_ERR(code, BIDE_ECLOSED);
    bide_error_clear();
}

PROCESS_KINDS(resize_ends_when_the_pool_is_closed)
{
    expect_resize_ends(kind, close_it);
}

PROCESS_KINDS(resize_ends_when_the_pool_is_killed)
{
    expect_resize_ends(kind, kill_it);
}

/* ---- no more processes ---- */

static int nasked, nreported;

static void count(const bide_pool_event *e, void *arg)
{
    (void)arg;
    nasked += e->kind == BIDE_POOL_RECYCLED;
    nreported += e->kind == BIDE_POOL_DIED && e->code == -EAGAIN && strstr(e->text, "no process for a worker") != NULL;
}

static void no_more_processes(void)
{
    struct rlimit none;
    if (prlimit(bide__zygote_pid(), RLIMIT_NPROC, NULL, &none) < 0)
        _exit(90);
    none.rlim_cur = 1;
    if (prlimit(bide__zygote_pid(), RLIMIT_NPROC, &none, NULL) < 0)
        _exit(90);
}

static int resize_without_processes(void)
{
    bide_auto bide_pool *p = bide_pool_new(.workers = 1, .on_event = count);
    int code = 0;
    if (!p)
        return bide_raise();
    no_more_processes();
    bide_timeout(5000 * SLOW) {
        code = bide_pool_resize(p, 3);
    }
    bide_error_clear();
    return code == -EAGAIN && bide_pool_size(p) == 1 && nreported > 0 && CALL(p, bide_job(job_nothing), .key = 7) == 0 ? 0 : 91;
}

static void as_many_processes_as_before(void)
{
    struct rlimit one;
    if (prlimit(bide__zygote_pid(), RLIMIT_NPROC, NULL, &one) < 0)
        _exit(90);
    one.rlim_cur = one.rlim_max;
    if (prlimit(bide__zygote_pid(), RLIMIT_NPROC, &one, NULL) < 0)
        _exit(90);
}

/*
 * Its successor cannot be born: it is asked for again and again, each time later.  Jobs wait rather than run in a worker
 * that has had max_jobs.
 */
static int recycle_without_processes(void)
{
    bide_auto bide_pool *p = bide_pool_new(.workers = 1, .max_jobs = 5, .concurrency = 1, .on_event = count);
    int us = 0;
    if (!p)
        return bide_raise();
    no_more_processes();
    for (int i = 0; i < 5; i++)
        if (CALL(p, bide_job(job_nth, &us)) != i + 1)
            return 93;
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_nth, &us));
    BIDE_TRY(bide_sleep_ms(300));
    if (!f || bide_future_done(f) || nasked == 0 || nasked > 20)
        return 92;
    as_many_processes_as_before();
    return bide_await(f) == 1 ? 0 : 94;
}

/* Root may have any number of processes: be somebody else. */
static void expect_as_nobody(int (*coroutine)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        if (getuid() == 0 && setuid(65534) < 0)
            _exit(93);
        prctl(PR_SET_DUMPABLE, 1);
        _exit(bide_run(bide_coro(coroutine)) & 127);
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

UNIT(resize_without_processes_is_an_error)
{
    needs_processes();
    expect_as_nobody(resize_without_processes);
}

UNIT(successors_that_cannot_be_born_are_asked_for_later_and_later)
{
    needs_processes();
    expect_as_nobody(recycle_without_processes);
}
