/* SPDX-License-Identifier: MIT */
/*
 * test_cost.c - what a pool costs: bench/pool.c has the figures; here are bounds that hold on a busy machine, too.  Each
 * takes the best of several tries.
 */
#include <dirent.h>
#include <limits.h>

#include "pool_test.h"

/* Other programs run here, too: what the requirement says, times this. */
#define SLACK (BIDE_SANITIZED ? 40 : 6)

/* A number behind a word in a file of /proc, all its lines added. */
static long proc_figure(int pid, const char *file, const char *word)
{
    char path[64], line[256];
    long value = 0;

    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, word, strlen(word)) == 0)
            value += strtol(line + strlen(word), NULL, 10);
    if (f)
        fclose(f);
    return value;
}

static long switches(int pid)
{
    return proc_figure(pid, "status", "voluntary_ctxt_switches:");
}

/* pool no. 50: an idle pool wakes nobody up */
PROCESS_KINDS(idle_pool_does_not_wake_up)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    bide_sleep_ms(100);
    long there = switches(bide_pool_pid(p, 0)) + switches(bide_pool_pid(p, 1)), here = switches(getpid());
    int zygote = kind == BIDE_POOL_PROCESS ? bide__zygote_pid() : 0;
    long helper = zygote ? switches(zygote) : 0;

    bide_sleep_ms(1000);
    EXPECT_EQ(switches(bide_pool_pid(p, 0)) + switches(bide_pool_pid(p, 1)), there);
    EXPECT_LE(switches(getpid()) - here, 4); /* our own sleeps */
    EXPECT_EQ(zygote ? switches(zygote) : 0, helper);
}

/* pool no. 51: no-op jobs of 64 bytes, all at once and one at a time */
TEST(no_op_jobs_are_cheap, .real_time = true, .seconds = 60)
{
    needs_processes();
    enum { N = 100000, ONE = 100 };
    struct pair *in = calloc(N, sizeof *in);
    struct sum *out = calloc(N, sizeof *out);
    double best = 0, best_one = 0;
    bide_auto bide_pool *p = OPEN(.workers = 2);

    for (int try = 0; try < 5; try++) {
        int64_t start = now_us();
        EXPECT_OK(bide_pool_map(p, bide_jobs(job_add, in, out), N));
        double rate = N * 1e6 / (double)(now_us() - start);
        best = rate > best ? rate : best;
    }
    for (int try = 0; try < 150; try++) { /* short ones: some of them nobody disturbs */
        int64_t start = now_us();
        for (int i = 0; i < ONE; i++)
            EXPECT_OK(CALL(p, bide_job(job_nothing)));
        double rate = ONE * 1e6 / (double)(now_us() - start);
        best_one = rate > best_one ? rate : best_one;
    }
    printf("%.0f jobs/s at once, %.0f one at a time\n", best, best_one);
    free(in);
    free(out);
    EXPECT_LE(1000000 / SLACK, best);
    EXPECT_LE(60000 / SLACK, best_one);
}

static int64_t median_call_us(bide_pool *p, int n, int pause_ms)
{
    int64_t times[101];

    for (int i = 0; i < n; i++) {
        if (pause_ms)
            bide_sleep_ms(pause_ms);
        int64_t start = now_us();
        EXPECT_OK(CALL(p, bide_job(job_nothing)));
        int64_t took = now_us() - start;
        int at = i;
        for (; at > 0 && times[at - 1] > took; at--)
            times[at] = times[at - 1];
        times[at] = took;
    }
    return times[n / 2];
}

/* pool no. 52: one call, while everybody is awake and after everybody slept */
TEST(one_call_is_quick, .real_time = true, .seconds = 30)
{
    needs_processes();
    int64_t busy = INT64_MAX, idle = INT64_MAX;
    bide_auto bide_pool *p = OPEN(.workers = 2);

    for (int try = 0; try < 5; try++) {
        int64_t b = median_call_us(p, 101, 0), i = median_call_us(p, 21, 3);
        busy = b < busy ? b : busy;
        idle = i < idle ? i : idle;
    }
    EXPECT_LE(busy, 20 * SLACK);
    EXPECT_LE(idle, 120 * SLACK);
}

static int children_of(int pid)
{
    int n = 0;
    DIR *dir = opendir("/proc");
    for (struct dirent *e; (e = readdir(dir));)
        if (atoi(e->d_name) > 0 && proc_figure(atoi(e->d_name), "status", "PPid:") == pid)
            n++;
    closedir(dir);
    return n;
}

/* pool no. 54: an idle worker has 300 KB of its own at most; there is one helper for the whole program */
TEST(idle_worker_is_small_and_there_is_one_helper, .real_time = true)
{
    needs_processes();
    if (BIDE_SANITIZED)
        SKIP("a sanitizer's own memory is counted");
    bide_auto bide_pool *p = OPEN(.workers = 2);
    bide_auto bide_pool *q = OPEN(.workers = 1);
    int pid = bide_pool_pid(p, 0);
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
    long kb = proc_figure(pid, "smaps_rollup", "Private_Clean:") + proc_figure(pid, "smaps_rollup", "Private_Dirty:");

    EXPECT_LT(0, kb);
    EXPECT_LE(kb, 300);
    EXPECT_EQ(children_of(getpid()), 3 + 1);
}

/* pool no. 55: from opening two workers to the first result */
TEST(pool_opens_quickly, .real_time = true, .seconds = 30)
{
    needs_processes();
    int64_t best = INT64_MAX;
    EXPECT_OK(bide_pool_prepare());

    for (int i = 0; i < 20; i++) {
        int64_t start = now_us();
        bide_auto bide_pool *p = OPEN(.workers = 2);
        EXPECT_OK(CALL(p, bide_job(job_nothing)));
        int64_t took = now_us() - start;
        best = took < best ? took : best;
    }
    EXPECT_LE(best, 2000 * SLACK);
}

/* pool no. 56: while both sides are awake a job costs no system call: writes, and sleeps, are far fewer than jobs */
TEST(busy_pool_makes_no_system_call_for_a_job, .real_time = true, .seconds = 30)
{
    needs_processes();
    enum { N = 100000 };
    struct pair *in = calloc(N, sizeof *in);
    struct sum *out = calloc(N, sizeof *out);
    long best = LONG_MAX;
    bide_auto bide_pool *p = OPEN(.workers = 2);

    for (int try = 0; try < 4; try++) {
        long before = 0, after = 0;
        for (int i = -1; i < 2; i++) {
            int pid = i < 0 ? getpid() : bide_pool_pid(p, i);
            before += proc_figure(pid, "io", "syscw:") + proc_figure(pid, "io", "syscr:") + switches(pid);
        }
        EXPECT_OK(bide_pool_map(p, bide_jobs(job_add, in, out), N));
        for (int i = -1; i < 2; i++) {
            int pid = i < 0 ? getpid() : bide_pool_pid(p, i);
            after += proc_figure(pid, "io", "syscw:") + proc_figure(pid, "io", "syscr:") + switches(pid);
        }
        best = after - before < best ? after - before : best;
    }
    printf("%ld reads, writes and sleeps for %d jobs\n", best, N);
    free(in);
    free(out);
    EXPECT_LE(best, N / 10);
}
