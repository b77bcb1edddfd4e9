/* SPDX-License-Identifier: MIT */
/*
 * test_cost.c - what a pool costs, in counts that are the same on a busy machine: wake-ups, memory, processes.  Times are
 * bench/pool.c's; the cost_of_... are loads that test_costs.py counts system calls and instructions of.
 */
#include <dirent.h>

#include "pool_test.h"

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

/* Of two workers, and of the helper if they are its. */
static long switches_there(const bide_pool *p)
{
    int zygote = p->args.kind == BIDE_POOL_PROCESS ? bide__zygote_pid() : 0;

    return switches(bide_pool_pid(p, 0)) + switches(bide_pool_pid(p, 1)) + (zygote ? switches(zygote) : 0);
}

/* What their beginning left to do is done when they have slept for a while; if they never do, the caller sees it. */
static void wait_until_they_sleep(const bide_pool *p)
{
    for (long i = 0, before = -1; i < 50 && switches_there(p) != before; i++) {
        before = switches_there(p);
        BIDE_IGNORE(bide_sleep_ms(100));
    }
}

/* pool no. 50: an idle pool wakes nobody up */
PROCESS_KINDS(idle_pool_does_not_wake_up, .seconds = 20)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    wait_until_they_sleep(p);
    long there = switches_there(p), here = switches(getpid());

    BIDE_IGNORE(bide_sleep_ms(1000));
    EXPECT_EQ(switches_there(p), there);
    EXPECT_LE(switches(getpid()) - here, 4); /* our own sleeps */
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

/* ---- loads for test_costs.py ---- */

/* How often: test_costs.py compares one number with another. */
static long times(long otherwise)
{
    const char *wish = getenv("BIDE_COST_N");

    return wish ? atol(wish) : otherwise;
}

struct load64 {
    char bytes[64];
};

static int job_64(const struct load64 *in, struct load64 *out)
{
    *out = *in;
    out->bytes[0]++;
    return 0;
}
BIDE_POOL_TASK(job_64);

static enum bide_pool_kind kind_wanted(void)
{
    const char *wish = getenv("BIDE_COST_KIND");

    return wish && strcmp(wish, "thread") == 0 ? BIDE_POOL_THREAD : BIDE_POOL_PROCESS;
}

TEST(cost_of_jobs_at_once, .real_time = true, .seconds = 60)
{
    needs_processes();
    long n = times(1000);
    struct load64 *in = calloc((size_t)n, sizeof *in), *out = calloc((size_t)n, sizeof *out);
    bide_auto bide_pool *p = OPEN(.kind = kind_wanted(), .workers = 2);

    for (long i = 0; i < n; i++)
        in[i].bytes[0] = (char)i;
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_64, in, out), (size_t)n));
    for (long i = 0; i < n; i++)
        EXPECT_EQ(out[i].bytes[0], (char)(i + 1));
    free(in);
    free(out);
}

TEST(cost_of_jobs_one_at_a_time, .real_time = true, .seconds = 60)
{
    needs_processes();
    struct load64 in = {{0}}, out;
    bide_auto bide_pool *p = OPEN(.kind = kind_wanted(), .workers = 2);

    for (long i = 0; i < times(100); i++)
        EXPECT_OK(CALL(p, bide_job(job_64, &in, &out)));
}

TEST(cost_of_opening, .real_time = true, .seconds = 60)
{
    needs_processes();
    EXPECT_OK(bide_pool_prepare());
    for (long i = 0; i < times(5); i++) {
        bide_auto bide_pool *p = OPEN(.kind = kind_wanted(), .workers = 2);
        EXPECT_OK(CALL(p, bide_job(job_nothing)));
    }
}
