/* SPDX-License-Identifier: MIT */
/*
 * test_orphans.c - the end of the program, at a moment that nobody chose and under a full load, or by Ctrl-C in each phase.
 * Whatever it had started is gone soon, and nothing with a name is left.
 *
 * We adopt the orphans, so that every process is known, also one that the program itself had not heard of yet.  /dev/shm and
 * /tmp are empty ones of our own where that is allowed, so whatever is in them afterwards was left.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "pool/kills/kills.h"

#define TIMES 50
#define SECOND 1000000 /* in us */

/* ---- the program ---- */

static int kill_one_now_and_then(struct load *load)
{
    struct chance c = {load->seed};

    for (;;) {
        int pid = bide_pool_pid(load->pool, (int)kills_chance(&c, 3));
        if (pid > 0)
            kill(pid, SIGKILL);
        BIDE_TRY(bide_sleep_ms(10));
    }
}

static int run_until_killed(enum bide_pool_kind kind, uint32_t seed, int ready)
{
    struct load load = {.seed = seed, .pool = kills_open(kind, NULL)};
    if (!load.pool || write(ready, "x", 1) != 1)
        return bide_raise();
    bide_auto bide_task *killer = bide_create_task(bide_coro(kill_one_now_and_then, &load));
    return kills_run_load(&load);
}

/* ---- what is left of it ---- */

static bool has_own_names; /* /tmp and /dev/shm */

static void take_own_names(void)
{
    has_own_names = unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                    mount("none", "/dev/shm", "tmpfs", 0, NULL) == 0 && mount("none", "/tmp", "tmpfs", 0, NULL) == 0;
}

static void expect_no_names(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        bool known = e->d_name[0] == '.' || (!has_own_names && !strstr(e->d_name, "bide-worker") && !strstr(e->d_name, "bide-arena") &&
                                             !strstr(e->d_name, "bide-pool") && strncmp(e->d_name, "sem.", 4) != 0);
        if (!known)
            FAIL("%s/%s is left", path, e->d_name);
    }
    if (dir)
        closedir(dir);
}

/* Returns how long that took. */
static int64_t expect_no_process(uint32_t seed, int64_t since_us, int64_t within_us)
{
    pid_t left[32];

    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG | __WALL);
        if (pid < 0 && errno == ECHILD)
            return now_us() - since_us;
        if (pid == 0 && now_us() - since_us > within_us) {
            int n = children_of(getpid(), left, 32);
            FAIL("BIDE_POOL_SEED=%u: %d processes outlive their program, %d is one", seed, n, left[0]);
        }
        if (pid == 0)
            usleep(1000);
    }
}

/* ---- tests ---- */

static int64_t one_death(enum bide_pool_kind kind, uint32_t seed)
{
    struct chance c = {seed};
    char byte;
    int ends[2], status;
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);

    pid_t pid = fork();
    if (pid == 0)
        _exit(bide_run(bide_coro(run_until_killed, kind, seed, ends[1])) < 0);
    close(ends[1]);
    if (kills_chance(&c, 5) > 0) /* else while it opens */
        EXPECT_EQ(read(ends[0], &byte, 1), 1);
    usleep(kills_chance(&c, 30000));
    EXPECT_EQ(kill(pid, SIGKILL), 0);
    int64_t since = now_us();
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status)) /* it has found a fault, and reported it */
        FAIL("BIDE_POOL_SEED=%u: the program ended by itself, with %d", seed, status);
    close(ends[0]);
    return expect_no_process(seed, since, 10 * SECOND * SLOW);
}

/*
 * pool no. 45, 46: when the program dies, at any moment, its workers end within a second, and nothing is left.  A machine
 * that is busy with other things may take longer for one of them, so the second is asserted of the fastest.
 */
static void die_at_random(enum bide_pool_kind kind)
{
    struct rlimit no_core = {0, 0};
    uint32_t seed = kills_seed();
    int64_t best = INT64_MAX, worst = 0;

    needs_processes();
    setrlimit(RLIMIT_CORE, &no_core);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    take_own_names();
    for (uint32_t i = 0; i < TIMES; i++) {
        int64_t us = one_death(kind, seed + i);
        best = us < best ? us : best;
        worst = us > worst ? us : worst;
    }
    printf("%d deaths; all is gone after %lld us at best, %lld us at worst\n", TIMES, (long long)best, (long long)worst);
    EXPECT_LT(best, SECOND * SLOW);
    expect_no_names("/dev/shm");
    expect_no_names("/tmp");
}

UNIT(death_of_a_busy_program_at_any_moment_leaves_nothing_process, .seconds = 120)
{
    die_at_random(BIDE_POOL_PROCESS);
}
UNIT(death_of_a_busy_program_at_any_moment_leaves_nothing_fork, .seconds = 120)
{
    die_at_random(BIDE_POOL_FORK);
}
UNIT(death_of_a_busy_program_at_any_moment_leaves_nothing_exec, .seconds = 120)
{
    die_at_random(BIDE_POOL_EXEC);
}

/* ---- Ctrl-C ---- */

enum phase { OPENING, SUBMITTING, AWAITING, COMPUTING, CLOSING, PHASES };
static const char *const phase_names[] = {"opening", "submitting", "awaiting", "computing", "closing"};

static int say(int ready)
{
    return write(ready, "x", 1) == 1 ? 0 : -EIO;
}

static int be_in_phase(enum bide_pool_kind kind, enum phase phase, int ready)
{
    int long_ms = 60000;
    bide_pool_args args = {.size = sizeof args, .kind = kind, .workers = 2, .max_pending = 1, .grace_ms = 300};
    if (phase == OPENING) {
        args.init = bide_job(job_sleep, &long_ms);
        BIDE_TRY(say(ready));
    }
    bide_auto bide_pool *p = bide_pool_new_with(&args);
    if (!p)
        return bide_raise();

    bide_auto bide_future *first = phase == COMPUTING ? bide_pool_submit(p, bide_job(job_burn, &long_ms))
                                                      : bide_pool_submit(p, bide_job(job_sleep, &long_ms));
    BIDE_TRY(say(ready));
    bide_auto bide_future *second = phase == SUBMITTING ? bide_pool_submit(p, bide_job(job_nothing)) : NULL;
    if (phase == CLOSING)
        BIDE_TRY(bide_pool_close(p, BIDE_FOREVER, NULL));
    return phase == SUBMITTING && !second ? bide_raise() : bide_await(first);
}

static void interrupt_in_phase(enum bide_pool_kind kind, enum phase phase)
{
    char byte;
    int ends[2], status;
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);

    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        signal(SIGINT, SIG_DFL);
        _exit(bide_run(bide_coro(be_in_phase, kind, phase, ends[1])) < 0);
    }
    close(ends[1]);
    EXPECT_EQ(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    usleep(20000);
    int64_t since = now_us();
    EXPECT_EQ(kill(-pid, SIGINT), 0); /* as a terminal does: to all of them */
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGINT)
        FAIL("interrupted while %s, it ended with %d", phase_names[phase], status);
    expect_no_process(0, since, 3 * SECOND * SLOW);
}

/* pool no. 44: in every phase Ctrl-C ends the program, soon, and nobody is left */
static void interrupt_in_every_phase(enum bide_pool_kind kind)
{
    needs_processes();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int phase = 0; phase < PHASES; phase++)
        interrupt_in_phase(kind, (enum phase)phase);
}

UNIT(ctrl_c_in_every_phase_ends_the_program_process, .seconds = 30)
{
    interrupt_in_every_phase(BIDE_POOL_PROCESS);
}
UNIT(ctrl_c_in_every_phase_ends_the_program_fork, .seconds = 30)
{
    interrupt_in_every_phase(BIDE_POOL_FORK);
}
UNIT(ctrl_c_in_every_phase_ends_the_program_exec, .seconds = 30)
{
    interrupt_in_every_phase(BIDE_POOL_EXEC);
}
