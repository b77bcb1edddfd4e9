/* SPDX-License-Identifier: MIT */
/* test_death.c - jobs that fail and workers that die: the errors of all jobs concerned, and that nothing hangs. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "pool_test.h"

/* ---- errors ---- */

/* pool no. 22: one failing job never disturbs another's result */
KINDS(failing_job_disturbs_no_other)
{
    int n[100], codes[100];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);

    for (int i = 0; i < 100; i++)
        n[i] = i % 3 == 0 ? -EPERM : i;
    EXPECT_EQ(bide_pool_map(p, bide_jobs(job_return, n), 100, .codes = codes, .collect = true), 34);
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(codes[i], n[i]);
}

/* pool no. 23: fail-fast cancels the rest; collect does not */
KINDS(map_fails_fast_or_collects)
{
    int ms[4] = {2000, 2000, 2000, 2000}, codes[5];
    int n[5] = {1, 2, -EDOM, 4, 5};
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_auto bide_future *sleeping = bide_pool_submit(p, bide_job(job_sleep, &ms[0]));

    EXPECT_ERR(bide_pool_map(p, bide_jobs(job_return, n), 5), -EDOM);
    EXPECT_CONTAINS(bide_error_text(), "job_return");
    EXPECT_FALSE(bide_future_done(sleeping)); /* not one of the map */
    EXPECT_EQ(bide_pool_map(p, bide_jobs(job_return, n), 5, .codes = codes, .collect = true), 1);
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(codes[i], n[i]);
}

static int job_sleep_or_fail(const int *ms)
{
    return *ms < 0 ? *ms : bide_sleep_ms(*ms);
}
BIDE_POOL_TASK(job_sleep_or_fail);

KINDS(map_that_fails_fast_does_not_wait_for_the_rest)
{
    int ms[4] = {5000, 5000, -EDOM, 5000}, codes[4];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    int64_t start = now_us();

    EXPECT_ERR(bide_pool_map(p, bide_jobs(job_sleep_or_fail, ms), 4, .codes = codes), -EDOM);
    bide_error_clear();
    EXPECT_LT(now_us() - start, 3000000);
    EXPECT_EQ(codes[2], -EDOM);
    EXPECT_EQ(codes[0], BIDE_ECANCELED);
}

/* ---- deaths ---- */

static const struct {
    int how, signal, exit_code;
} deaths[] = {{SIGKILL, SIGKILL, -1}, {SIGSEGV, SIGSEGV, -1}, {SIGABRT, SIGABRT, -1}, {SIGBUS, SIGBUS, -1}, {-3, 0, 3}, {-77, 0, 77}};

/* pool no. 24: the responsible job's future fails with signal or exit code, and soon */
PROCESS_KINDS(death_of_a_worker_fails_its_job_with_the_cause, .seconds = 30)
{
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .restart_max = BIDE_UNLIMITED);

    for (size_t i = 0; i < array_len(deaths); i++) {
        int64_t best = INT64_MAX;
        for (int try = 0; try < 5; try++) {
            int pid = CALL(p, bide_job(job_pid));
            int64_t start = now_us();
            bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_die, &deaths[i].how));
            EXPECT_ERR(bide_await(f), BIDE_EWORKER);
            int64_t took = now_us() - start;
            best = took < best ? took : best;
            const bide_pool_failure *why = bide_pool_failure_of(f);
            EXPECT_EQ(why->pid, pid);
            EXPECT_EQ(why->signal, deaths[i].signal);
            EXPECT_EQ(why->exit_code, deaths[i].exit_code);
            EXPECT_FALSE(why->status_unknown);
            EXPECT_CONTAINS(bide_error_text(), "job_die: worker ");
            EXPECT_CONTAINS(bide_error_text(), deaths[i].signal ? "was killed by signal" : "exited with status");
        }
        EXPECT_LE(best, 5000 * SLOW);
    }
}

struct event_log {
    int died, started, failed, recycled, stalled;
    char job[64], text[200];
};

static void log_event(const bide_pool_event *e, void *arg)
{
    struct event_log *log = arg;

    log->died += e->kind == BIDE_POOL_DIED;
    log->started += e->kind == BIDE_POOL_STARTED;
    log->failed += e->kind == BIDE_POOL_FAILED;
    if (e->kind == BIDE_POOL_DIED || e->kind == BIDE_POOL_FAILED) {
        snprintf(log->job, sizeof log->job, "%s", e->job ? e->job : "");
        snprintf(log->text, sizeof log->text, "%s", e->text);
    }
}

/* pool no. 25: the culprit is named among several; the others fail with BIDE_EWORKERLOST */
PROCESS_KINDS(culprit_is_named_in_the_errors_of_jobs_lost_with_it)
{
    struct event_log log = {0};
    struct pair die = {.a = 50, .b = SIGSEGV};
    int ms = 3000;
    bide_future *f[4];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .on_event = log_event, .arg = &log);

    for (int i = 0; i < 4; i++)
        f[i] = i == 2 ? bide_pool_submit(p, bide_job(job_die_after, &die)) : bide_pool_submit(p, bide_job(job_sleep, &ms));
    for (int i = 0; i < 4; i++) {
        EXPECT_ERR(bide_await(f[i]), i == 2 ? BIDE_EWORKER : BIDE_EWORKERLOST);
        if (i != 2) {
            EXPECT_STR(bide_pool_failure_of(f[i])->culprit, "job_die_after");
            EXPECT_CONTAINS(bide_error_text(), "in job_die_after");
        }
        bide_error_clear();
        bide_release(f[i]);
    }
    EXPECT_EQ(log.died, 1);
    EXPECT_STR(log.job, "job_die_after");
    EXPECT_CONTAINS(log.text, "was killed by signal 11");
}

/* pool no. 26: jobs that it had not begun move on, and this is no attempt */
PROCESS_KINDS(jobs_not_begun_move_on_uncounted)
{
    int die = SIGKILL, zero = 0;
    bide_future *f[6];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 1, .prefetch = 8);

    f[0] = bide_pool_submit(p, bide_job(job_die, &die));
    for (int i = 1; i < 6; i++)
        f[i] = bide_pool_submit(p, bide_job(job_attempts, &zero));
    EXPECT_ERR(bide_await(f[0]), BIDE_EWORKER);
    bide_error_clear();
    for (int i = 1; i < 6; i++)
        EXPECT_EQ(bide_await(f[i]), 1);
    bide_pool_stats *s = malloc(sizeof *s);
    bide_pool_stats_get(p, s);
    EXPECT_EQ(s->moved, 5);
    EXPECT_EQ(s->retried, 0);
    EXPECT_EQ(s->deaths, 1);
    free(s);
    for (int i = 0; i < 6; i++)
        bide_release(f[i]);
}

/* pool no. 27: what it had published before its death is delivered */
PROCESS_KINDS(results_from_before_the_death_count, .seconds = 30)
{
    int die = SIGKILL;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 1, .prefetch = 64, .restart_max = BIDE_UNLIMITED);

    for (int round = 0; round < 20; round++) {
        bide_future *f[40];
        for (int i = 0; i < 40; i++)
            f[i] = i == 39 ? bide_pool_submit(p, bide_job(job_die, &die)) : bide_pool_submit(p, bide_job(job_return, &i));
        for (int i = 0; i < 40; i++) {
            EXPECT_ERR(bide_await(f[i]), i == 39 ? BIDE_EWORKER : i);
            bide_error_clear();
            bide_release(f[i]);
        }
    }
}

static int job_large_then_small(void)
{
    if (bide_worker_attempt() == 1) {
        if (!bide_worker_reserve(100000))
            return bide_raise();
        _exit(1);
    }
    return bide_worker_reply("ok", 2);
}
BIDE_POOL_TASK(job_large_then_small);

/* What an attempt was granted for its result goes with it. */
PROCESS_KINDS(memory_of_a_lost_attempt_is_given_back)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_large_then_small), .idempotent = true);

    EXPECT_EQ(bide_await(f), 0);
    EXPECT_EQ(bide_pool_result(f).len, 2);
    EXPECT_NULL(bide__job_of(f)->reply_block);
}

/* pool no. 28: idempotent jobs are tried again, then fail with the history */
PROCESS_KINDS(idempotent_jobs_are_retried)
{
    int third = 3, never = 99;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .retries = 2, .restart_max = BIDE_UNLIMITED);

    EXPECT_EQ(CALL(p, bide_job(job_attempts, &third), .idempotent = true), 3);
    EXPECT_ERR(CALL(p, bide_job(job_attempts, &third)), BIDE_EWORKER);
    bide_error_clear();
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_attempts, &never), .idempotent = true);
    EXPECT_ERR(bide_await(f), BIDE_EWORKER);
    EXPECT_CONTAINS(bide_error_text(), "attempt 3 (before: KILL, KILL)");
    EXPECT_EQ(bide_pool_failure_of(f)->attempt, 3);
}

static int64_t my_cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/*
 * pool no. 29: a new worker comes soon (sooner than the pool's look at everything, each 100 ms), and the loop's thread is not
 * busy with it for 1 ms, however big the program is.  Its time on a processor is counted: what others use is not the pool's.
 */
TEST(new_worker_comes_soon_and_does_not_stop_the_loop, .real_time = true, .seconds = 40)
{
    needs_processes();
    size_t ballast = BIDE_SANITIZED ? 64u << 20 : 1024u << 20;
    int die = SIGKILL;
    int64_t best = INT64_MAX, best_cpu = INT64_MAX;
    EXPECT_OK(bide_pool_prepare());
    char *memory = mmap(NULL, ballast, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_TRUE(memory != MAP_FAILED);
    for (size_t i = 0; i < ballast; i += 4096)
        memory[i] = 1;
    bide_auto bide_pool *p = OPEN(.workers = 1, .restart_max = BIDE_UNLIMITED);

    for (int try = 0; try < 20; try++) {
        int64_t cpu = my_cpu_us(), start = now_us();
        EXPECT_ERR(CALL(p, bide_job(job_die, &die)), BIDE_EWORKER);
        bide_error_clear();
        EXPECT_OK(CALL(p, bide_job(job_nothing)));
        int64_t took = now_us() - start;
        cpu = my_cpu_us() - cpu;
        best = took < best ? took : best;
        best_cpu = cpu < best_cpu ? cpu : best_cpu;
    }
    munmap(memory, ballast);
    EXPECT_LE(best, 50000 * SLOW);
    EXPECT_LE(best_cpu, 1000 * SLOW);
}

/* pool no. 30: too many deaths end the pool and all its futures, with the last cause */
PROCESS_KINDS(too_many_deaths_end_the_pool)
{
    struct event_log log = {0};
    int die = -9, ms = 5000, code = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2, .restart_max = 3, .on_event = log_event, .arg = &log);
    bide_auto bide_future *waiting = bide_pool_submit(p, bide_job(job_sleep, &ms), .key = 1);
    int other = 1;
    while (other < 100 && CALL(p, bide_job(job_index), .key = (uint64_t)other) == CALL(p, bide_job(job_index), .key = 1))
        other++;

    for (int i = 0; i < 4; i++) {
        code = CALL(p, bide_job(job_die, &die), .key = (uint64_t)other);
        EXPECT_ERR(code, BIDE_EWORKER);
        bide_error_clear();
    }
    EXPECT_ERR(bide_await(waiting), BIDE_EPOOL);
    EXPECT_CONTAINS(bide_error_text(), "4 workers died within 10000 ms; the last one exited with status 9, in job_die");
    bide_error_clear();
    EXPECT_ERR(CALL(p, bide_job(job_nothing)), BIDE_EPOOL);
    bide_error_clear();
    EXPECT_EQ(log.failed, 1);
}

PROCESS_KINDS(restart_none_ends_the_pool_at_the_first_death)
{
    int die = -9;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2, .restart_max = BIDE_NONE);

    EXPECT_ERR(CALL(p, bide_job(job_die, &die)), BIDE_EWORKER);
    bide_error_clear();
    EXPECT_ERR(CALL(p, bide_job(job_nothing)), BIDE_EPOOL);
    EXPECT_CONTAINS(bide_error_text(), "1 worker died within 10000 ms");
    bide_error_clear();
}

static int init_fails(const char *text)
{
    BIDE_TRY(bide_sleep_ms(1));
    return bide_fail(-ENOENT, "%s", text);
}
BIDE_POOL_TASK(init_fails);

static int init_dies(const int *how)
{
    return job_die(how);
}
BIDE_POOL_TASK(init_dies);

static int init_fails_second(const char *path)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    if (fd < 0)
        return bide_fail(-errno, "the second time");
    close(fd);
    return 0;
}
BIDE_POOL_TASK(init_fails_second);

/* pool no. 31: a failing init fails open with its own error */
KINDS(failing_init_fails_open)
{
    EXPECT_NULL(bide_pool_new(.kind = kind, .workers = 2, .init = bide_job(init_fails, "no such database")));
    EXPECT_EQ(bide_error_code(), -ENOENT);
    EXPECT_CONTAINS(bide_error_text(), "init: no such database");
    bide_error_clear();
}

/* pool no. 31: ... and never starts again in a loop */
PROCESS_KINDS(failing_init_never_loops)
{
    int how = SIGSEGV, die = SIGKILL;
    char path[256];
    EXPECT_NULL(bide_pool_new(.kind = kind, .workers = 1, .init = bide_job(init_dies, &how)));
    EXPECT_EQ(bide_error_code(), BIDE_EWORKER);
    EXPECT_CONTAINS(bide_error_text(), "before it was ready");
    bide_error_clear();

    snprintf(path, sizeof path, "%s/once", test_tmpdir());
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .init = bide_job(init_fails_second, path));
    EXPECT_ERR(CALL(p, bide_job(job_die, &die)), BIDE_EWORKER);
    bide_error_clear();
    int code = CALL(p, bide_job(job_nothing));
    EXPECT_ERR(code, BIDE_EPOOL);
    EXPECT_CONTAINS(bide_error_text(), "the second time");
    bide_error_clear();
}

/* ---- stranger ends ---- */

static int job_eat_memory(void)
{
    char *volatile last; /* or clang leaves the memory out that nobody reads */

    for (size_t i = 0; i < 4096; i++) {
        last = malloc(1 << 20);
        if (last)
            memset(last, 1, 1 << 20);
    }
    return 0;
}
BIDE_POOL_TASK(job_eat_memory);

static bool write_text(const char *dir, const char *name, const char *text)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC | (strncmp(dir, "/sys", 4) == 0 ? 0 : O_CREAT | O_TRUNC), 0600);
    if (fd < 0)
        return false;
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return ok;
}

/* pool no. 33: the kernel's count of OOM kills is read */
TEST(oom_kills_are_read_from_memory_events, .real_time = true)
{
    EXPECT_TRUE(write_text(test_tmpdir(), "memory.events", "low 0\nhigh 0\nmax 3\noom 2\noom_kill 17\noom_group_kill 0\n"));
    EXPECT_EQ(bide__oom_kills(test_tmpdir()), 17);
    EXPECT_TRUE(write_text(test_tmpdir(), "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n"));
    EXPECT_EQ(bide__oom_kills(test_tmpdir()), 17);
    char path[300];
    snprintf(path, sizeof path, "%s/memory.events", test_tmpdir());
    unlink(path);
    EXPECT_EQ(bide__oom_kills(test_tmpdir()), 4); /* the old hierarchy */
    EXPECT_EQ(bide__oom_kills("/nowhere"), -1);
}

/* A cgroup below our own, with little memory, that we enter; false: not ours to make. */
static bool enter_small_cgroup(char *dir, size_t cap, const char *own)
{
    char pid[32];

    snprintf(pid, sizeof pid, "%d", getpid());
    if (snprintf(dir, cap, "%s/bide-test-%d", own, getpid()) >= (int)cap || mkdir(dir, 0755) != 0)
        return false;
    bool ok = write_text(dir, "memory.max", "67108864") || write_text(dir, "memory.limit_in_bytes", "67108864");
    write_text(dir, "memory.swap.max", "0");
    write_text(dir, "memory.memsw.limit_in_bytes", "67108864");
    if (ok && write_text(dir, "cgroup.procs", pid))
        return true;
    rmdir(dir);
    return false;
}

/* pool no. 33: a worker that the kernel killed for memory; needs a cgroup of our own */
TEST(oom_kill_is_reported_as_such, .real_time = true, .seconds = 30)
{
    needs_processes();
    char dir[400], pid[32], own[256], text[256];
    if (BIDE_SANITIZED)
        SKIP("a sanitizer needs more memory");
    if (!bide__own_cgroup("memory", own, sizeof own) || !enter_small_cgroup(dir, sizeof dir, own))
        SKIP("no cgroup of our own can be made");

    bide_pool *p = OPEN(.workers = 1);
    bide_future *f = bide_pool_submit(p, bide_job(job_eat_memory));
    int code = bide_await(f);
    bool oom = bide_pool_failure_of(f) && bide_pool_failure_of(f)->out_of_memory;
    snprintf(text, sizeof text, "%s", bide_error_text());
    bide_release(f);
    bide_release(p);
    if (bide__zygote_pid() > 0)
        kill(bide__zygote_pid(), SIGKILL); /* it is in there, too */
    snprintf(pid, sizeof pid, "%d", getpid());
    write_text(own, "cgroup.procs", pid);
    for (int i = 0; i < 100 && rmdir(dir) != 0; i++)
        usleep(10000);
    EXPECT_ERR(code, BIDE_EWORKER);
    EXPECT_TRUE(oom);
    EXPECT_CONTAINS(text, "memory ran out");
}

/* pool no. 34: somebody else waited for the process: the error says so, nothing hangs */
PROCESS_KINDS(stolen_status_is_said_to_be_unknown)
{
    int ms = 5000;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_sleep, &ms));
    BIDE_IGNORE(bide_sleep_ms(20));
    int pid = bide_pool_pid(p, 0);

    EXPECT_EQ(kill(pid, SIGKILL), 0);
    EXPECT_EQ(waitpid(pid, NULL, __WALL), pid);
    EXPECT_ERR(bide_await(f), BIDE_EWORKER);
    EXPECT_TRUE(bide_pool_failure_of(f)->status_unknown);
    EXPECT_EQ(bide_pool_failure_of(f)->exit_code, -1);
    EXPECT_CONTAINS(bide_error_text(), "status unknown");
    bide_error_clear();
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

/* A program that waits for any child of its own does not meet the workers. */
TEST(workers_are_not_seen_by_wait, .real_time = true)
{
    needs_processes();
    int ms = 1;
    bide_auto bide_pool *p = OPEN(.workers = 2);

    EXPECT_EQ(waitpid(-1, NULL, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
    EXPECT_OK(CALL(p, bide_job(job_sleep, &ms)));
}

static int job_close_sockets(void)
{
    for (int fd = 3; fd < 200; fd++)
        close(fd);
    return bide_sleep_ms(5000);
}
BIDE_POOL_TASK(job_close_sockets);

PROCESS_KINDS(worker_that_closes_its_descriptors_is_replaced)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    EXPECT_ERR(CALL(p, bide_job(job_close_sockets)), BIDE_EWORKER);
    bide_error_clear();
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

static int job_close_sockets_and_stay(void)
{
    int long_ms = 60000;

    for (int fd = 3; fd < 200; fd++)
        close(fd);
    return job_block(&long_ms);
}
BIDE_POOL_TASK(job_close_sockets_and_stay);

/* It reads nothing any more, and a message to it is lost with its socket: this ends otherwise than in a plain end of file. */
PROCESS_KINDS(worker_that_closes_its_socket_and_stays_is_replaced)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 1, .prefetch = 4);
    int fd = dup(0);
    bide_auto bide_future *closes = bide_pool_submit(p, bide_job(job_close_sockets_and_stay));
    bide_auto bide_future *behind = bide_pool_submit(p, bide_job(job_nothing), .fds = &fd, .nfds = 1);

    close(fd);
    EXPECT_ERR(bide_await(closes), BIDE_EWORKER);
    bide_error_clear();
    EXPECT_OK(bide_await(behind));
}

static int job_fork(const int *child_returns)
{
    pid_t pid = fork();
    if (pid == 0 && !*child_returns)
        _exit(5);
    if (pid == 0)
        return 99; /* back into the pool's own code: it must not speak for its parent */
    waitpid(pid, NULL, 0);
    return 11;
}
BIDE_POOL_TASK(job_fork);

PROCESS_KINDS(job_that_forks_answers_once)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    for (int i = 0; i < 10; i++) {
        int returns = i & 1;
        EXPECT_EQ(CALL(p, bide_job(job_fork, &returns)), 11);
    }
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

static int job_scribble(const int *what)
{
    struct segment_shared *s = bide__worker_here->segment.shared;

    if (*what == 0)
        atomic_store(&s->answers.tail, 12345);
    else if (*what == 1)
        memset((char *)s + 64, 0xff, sizeof *s - 64);
    else if (*what == 2)
        memset(bide__worker_here->segment.answers.bytes, 0xff, 4096);
    else
        memset(s, 0, sizeof *s);
    return 0;
}
BIDE_POOL_TASK(job_scribble);

/* A worker that writes nonsense over what we share is killed; every future is settled. */
PROCESS_KINDS(worker_that_scribbles_cannot_harm_the_rest, .seconds = 30)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .restart_max = BIDE_UNLIMITED, .timeout_ms = 500, .grace_ms = 100);

    for (int what = 0; what < 4; what++) {
        int code = CALL(p, bide_job(job_scribble, &what));
        EXPECT_TRUE(code == 0 || code == BIDE_EWORKER || code == BIDE_EWORKERLOST || code == BIDE_ETIMEDOUT);
        bide_error_clear();
        for (int i = 0; i < 50; i++) {
            code = CALL(p, bide_job(job_nothing), .idempotent = true);
            EXPECT_TRUE(code == 0 || code == BIDE_EWORKER || code == BIDE_EWORKERLOST || code == BIDE_ETIMEDOUT);
            bide_error_clear();
        }
        EXPECT_OK(CALL(p, bide_job(job_nothing), .idempotent = true));
    }
}

/* It asks for memory and never looks at what it gets: what we keep for it has an end, and takes no longer for being much. */
static int job_ask_without_listening(void)
{
    struct worker *w = bide__worker_here;
    struct runner *r = bide__runner_here();

    for (int i = 0; i < 2000000; i++) {
        while (!bide__lane_put(&w->segment.answers, &(struct record){.kind = REC_WANT, .id = r->call.id, .fn = 100}, NULL, 0, NULL, 0)) {
            atomic_store(&w->segment.shared->stuck, 1);
            bide__worker_ring(w);
            usleep(100);
        }
        bide__lane_publish(&w->segment.answers);
        bide__worker_ring(w);
    }
    return 0;
}
BIDE_POOL_TASK(job_ask_without_listening, void);

PROCESS_KINDS(worker_that_asks_without_listening_is_ended, .seconds = 60)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    EXPECT_ERR(CALL(p, bide_job(job_ask_without_listening)), BIDE_EWORKER);
    EXPECT_CONTAINS(bide_error_text(), "wrote nonsense into the memory we share, and was killed");
    bide_error_clear();
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

/* The helper process is killed: the next worker that is needed makes a new one. */
TEST(zygote_that_was_killed_is_made_anew, .real_time = true)
{
    needs_processes();
    int die = SIGKILL;
    bide_auto bide_pool *p = OPEN(.workers = 1);

    EXPECT_EQ(kill(bide__zygote_pid(), SIGKILL), 0);
    BIDE_IGNORE(bide_sleep_ms(20));
    EXPECT_ERR(CALL(p, bide_job(job_die, &die)), BIDE_EWORKER);
    bide_error_clear();
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

/* Asked for again, it has what was loaded meanwhile; a pool that is open goes on, with new workers from the new one. */
TEST(prepare_again_makes_another_helper, .real_time = true)
{
    needs_processes();
    int die = SIGKILL;
    bide_auto bide_pool *p = OPEN(.workers = 1);
    int before = bide__zygote_pid();

    EXPECT_OK(bide_pool_prepare());
    EXPECT_NE(bide__zygote_pid(), before);
    EXPECT_EQ(kill(before, 0), -1); /* gone, and reaped */
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
    EXPECT_ERR(CALL(p, bide_job(job_die, &die)), BIDE_EWORKER);
    bide_error_clear();
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

TEST(idle_workers_that_are_killed_are_replaced, .real_time = true)
{
    needs_processes();
    int pids[2];
    bide_auto bide_pool *p = OPEN(.workers = 2);

    for (int i = 0; i < 2; i++)
        kill(pids[i] = bide_pool_pid(p, i), SIGKILL);
    for (int i = 0; i < 20; i++) {
        int pid = CALL(p, bide_job(job_pid), .idempotent = true);
        EXPECT_TRUE(pid > 0 && pid != pids[0] && pid != pids[1]);
    }
}

/* A large argument under way to a worker that dies. */
PROCESS_KINDS(death_with_a_large_argument_under_way)
{
    int die = SIGKILL;
    char *data = calloc(1, 5000000);
    bide_bytes in = {data, 5000000};
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 1, .prefetch = 4);
    bide_auto bide_future *a = bide_pool_submit(p, bide_job(job_die, &die));
    bide_auto bide_future *b = bide_pool_submit(p, bide_job_bytes(job_echo, in));

    EXPECT_ERR(bide_await(a), BIDE_EWORKER);
    bide_error_clear();
    EXPECT_OK(bide_await(b));
    EXPECT_EQ(bide_pool_result(b).len, 5000000);
    free(data);
}
