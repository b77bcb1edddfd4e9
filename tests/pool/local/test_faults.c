/* SPDX-License-Identifier: MIT */
/* test_faults.c - helpers and workers that do not go on, and callbacks that end their pool: all has an end even so. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "pool_test.h"

/* ---- tasks that nothing ends ---- */

static int stubborn(int64_t until_ns)
{
    while (bide__clock_ns() < until_ns) {
        BIDE_IGNORE(bide_sleep_ms(5));
        bide_error_clear();
    }
    return 0;
}

static int leave_a_task(int ms)
{
    bide_task *t = bide_create_task(bide_coro(stubborn, bide__clock_ns() + ms * INT64_C(1000000)));
    if (!t)
        return bide_raise();
    bide_detach(t);
    return bide_sleep_ms(1);
}

static int init_that_fails(const int *ms)
{
    BIDE_TRY(leave_a_task(*ms));
    return bide_fail(-ENOENT, "no database");
}
BIDE_POOL_TASK(init_that_fails);

static int job_leave_a_task(const int *ms)
{
    return leave_a_task(*ms);
}
BIDE_POOL_TASK(job_leave_a_task);

/* pool no. 31: its own error, also if the worker cannot end by itself */
PROCESS_KINDS(init_that_fails_and_does_not_end_is_killed, .seconds = 20)
{
    int ms = 3600000;
    bide_pool *p = NULL;

    bide_timeout(8000) {
        p = bide_pool_new(.kind = kind, .workers = 1, .grace_ms = 50, .init = bide_job(init_that_fails, &ms));
    }
    EXPECT_NULL(p);
    EXPECT_ERR(bide_error_code(), -ENOENT);
    EXPECT_CONTAINS(bide_error_text(), "no database");
    bide_error_clear();
}

/* One that has said goodbye and stays: not for longer than grace_ms. */
PROCESS_KINDS(worker_that_does_not_end_is_killed, .seconds = 20)
{
    int ms = 3600000;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2, .grace_ms = 50);
    int pid = bide_pool_pid(p, 1);

    EXPECT_OK(bide_pool_each(p, bide_job(job_leave_a_task, &ms)));
    EXPECT_OK(bide_pool_resize(p, 1));
    for (int i = 0; i < 800 && kill(pid, 0) == 0; i++)
        BIDE_IGNORE(bide_sleep_ms(10));
    EXPECT_EQ(kill(pid, 0), -1);
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

static int tick(int *n)
{
    for (;; ++*n)
        BIDE_TRY(bide_sleep_ms(10));
}

/* A thread cannot be killed; but waiting for it is waiting, and our loop goes on. */
TEST(thread_that_takes_long_to_end_does_not_stop_the_loop, .real_time = true)
{
    int ms = 500, ticks = 0;
    bide_auto bide_task *t = bide_create_task(bide_coro(tick, &ticks));

    EXPECT_NULL(bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = 1, .init = bide_job(init_that_fails, &ms)));
    EXPECT_ERR(bide_error_code(), -ENOENT);
    bide_error_clear();
    EXPECT_LT(5, ticks);
}

/* ---- a zygote that does not answer ---- */

static int grow_it(bide_pool *p)
{
    return bide_pool_resize(p, 3);
}

/* pool no. 41, 42: workers that were asked for, and may come or not, are no reason to wait forever */
TEST(pool_ends_although_the_zygote_is_stopped, .real_time = true, .seconds = 40)
{
    needs_processes();
    bide_auto bide_pool *p = OPEN(.workers = 1);
    bide_auto bide_task *t = bide_create_task(bide_coro(grow_it, p));
    int stopped = bide__zygote_pid();

    EXPECT_EQ(kill(stopped, SIGSTOP), 0);
    BIDE_IGNORE(bide_sleep_ms(20));
    EXPECT_OK(bide_pool_kill(p));
    EXPECT_ERR(bide_await(t), BIDE_ECLOSED);
    bide_error_clear();
    EXPECT_EQ(kill(stopped, 0), -1);
    bide_auto bide_pool *next = OPEN(.workers = 1);
    EXPECT_OK(CALL(next, bide_job(job_nothing)));
}

/* pool no. 32: nor are jobs that wait for a worker that never comes */
TEST(worker_comes_although_the_zygote_is_stopped, .real_time = true, .seconds = 40)
{
    needs_processes();
    int die = SIGKILL;
    bide_auto bide_pool *p = OPEN(.workers = 1);

    EXPECT_EQ(kill(bide__zygote_pid(), SIGSTOP), 0);
    EXPECT_ERR(CALL(p, bide_job(job_die, &die)), BIDE_EWORKER);
    bide_error_clear();
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

static int forget_while_it_grows(bide_pool **out, int stop)
{
    *out = OPEN(.workers = 1);
    if (stop)
        kill(bide__zygote_pid(), SIGSTOP);
    bide_auto bide_task *t = bide_create_task(bide_coro(grow_it, *out));
    bide_detach(bide_retain(t));
    return bide_sleep_ms(0);
}

static void expect_no_zombies(void)
{
    siginfo_t info = {0};

    waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL);
    EXPECT_EQ(info.si_pid, 0);
}

UNIT(end_of_the_loop_waits_for_workers_that_are_being_born, .seconds = 40)
{
    needs_processes();
    for (int stop = 0; stop <= 1; stop++) {
        bide_pool *p = NULL;
        BIDE_IGNORE(bide_run(bide_coro(forget_while_it_grows, &p, stop)));
        bide_error_clear();
        EXPECT_EQ(p->state, POOL_CLOSED);
        expect_no_zombies();
        bide_release(p);
    }
}

/* Another one, and the end of the program, do not wait for it. */
UNIT(helper_is_made_anew_although_the_old_one_is_stopped)
{
    needs_processes();
    for (int i = 0; i < 2; i++) {
        int before = bide__zygote_pid();
        EXPECT_OK(bide_pool_prepare());
        EXPECT_NE(bide__zygote_pid(), before);
        EXPECT_EQ(kill(bide__zygote_pid(), SIGSTOP), 0);
    }
}

/* ---- very many, and very mortal ones ---- */

/* More births than the zygote's socket holds. */
TEST(pool_of_very_many_workers_opens, .real_time = true, .seconds = 40)
{
    enum { N = 800 };
    struct rlimit files;

    needs_processes();
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
    if (files.rlim_max < 8 * N || BIDE_SANITIZED)
        SKIP("so many workers cannot be had here");
    bide_auto bide_pool *p = OPEN(.workers = N, .concurrency = 1, .ring_bytes = 64 << 10);
    EXPECT_OK(bide_pool_each(p, bide_job(job_nothing)));
}

static int init_that_crashes_if(const char *path)
{
    if (access(path, F_OK) == 0)
        _exit(3);
    return 0;
}
BIDE_POOL_TASK(init_that_crashes_if);

static void count_deaths(const bide_pool_event *e, void *arg)
{
    *(int *)arg += e->kind == BIDE_POOL_DIED;
}

/* Any number of restarts is allowed, but not as fast as the machine can. */
PROCESS_KINDS(workers_that_die_before_they_are_ready_come_later_and_later, .seconds = 40)
{
    int deaths = 0, die = -3;
    char path[300];

    snprintf(path, sizeof path, "%s/crash", test_tmpdir());
    bide_auto bide_pool *p =
        OPEN(.kind = kind, .workers = 1, .restart_max = BIDE_UNLIMITED, .on_event = count_deaths, .arg = &deaths, .init = bide_job(init_that_crashes_if, path));
    close(open(path, O_CREAT | O_WRONLY, 0600));
    EXPECT_ERR(CALL(p, bide_job(job_die, &die)), BIDE_EWORKER);
    bide_error_clear();
    BIDE_IGNORE(bide_sleep_ms(500));
    for (int i = 0; i < 2000 && deaths < 2; i++)
        BIDE_IGNORE(bide_sleep_ms(10));
    EXPECT_LT(1, deaths);
    EXPECT_LT(deaths, 20); /* even in 20 s it would be 12 */
    unlink(path);
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

/* ---- threads, and nobody who listens ---- */

static int forget_jobs(bide_pool **out, bide_future **f, int n, const bide_job *job)
{
    *out = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1, .ring_bytes = 64 << 10);
    for (int i = 0; i < n; i++)
        f[i] = bide_pool_submit(*out, *job);
    BIDE_TRY(bide_sleep_ms(5));
    usleep(50000);
    return 0;
}

static void expect_loop_ends_with(int n, bide_job job)
{
    bide_future *f[100] = {0};
    bide_pool *p = NULL;

    EXPECT_OK(bide_run(bide_coro(forget_jobs, &p, f, n, &job)));
    EXPECT_EQ(p->state, POOL_CLOSED);
    for (int i = 0; i < n; i++)
        bide_release(f[i]);
    bide_release(p);
}

/* Its jobs are cancelled, and what they say or wish for does not hold them. */
UNIT(end_of_the_loop_ends_threads_whatever_they_wait_for)
{
    int ms = 3600000;
    size_t small = 16000, large = 1 << 20;

    expect_loop_ends_with(3, bide_job(job_sleep, &ms));
    expect_loop_ends_with(100, bide_job(job_fill, &small));
    expect_loop_ends_with(3, bide_job(job_fill, &large));
}

/* ---- callbacks that end a pool ---- */

static bide_pool *to_release;
static bide_future *watched;

static void release_it(void)
{
    if (!to_release)
        return;
    EXPECT_ERR(bide_pool_kill(to_release), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "bide_release is allowed");
    bide_error_clear();
    bide_release(to_release);
    to_release = NULL;
    EXPECT_FALSE(bide_future_done(watched)); /* not in the middle of a turn */
}

static void release_on_progress(bide_future *f, uint64_t done, uint64_t total, bide_bytes part, void *arg)
{
    (void)f, (void)done, (void)total, (void)part, (void)arg;
    release_it();
}

static void release_on_event(const bide_pool_event *e, void *arg)
{
    (void)arg;
    if (e->kind == BIDE_POOL_DIED)
        release_it();
}

static void expect_closed(bide_future *f)
{
    EXPECT_ERR(bide_await(f), BIDE_ECLOSED);
    bide_error_clear();
    bide_release(f);
}

KINDS(progress_callback_may_release_its_pool)
{
    int n = 1000000;

    to_release = OPEN(.kind = kind, .workers = 2);
    watched = bide_pool_submit(to_release, bide_job(job_progress, &n), .on_progress = release_on_progress);
    expect_closed(watched);
}

PROCESS_KINDS(event_callback_may_release_its_pool)
{
    int ms = 60000, die = SIGKILL;
    bide_pool *p = to_release = OPEN(.kind = kind, .workers = 2, .on_event = release_on_event);

    watched = bide_pool_submit(p, bide_job(job_sleep, &ms), .key = 1);
    uint64_t other = 2;
    while ((other * UINT64_C(0x9E3779B97F4A7C15) >> 32) % 2 == (UINT64_C(0x9E3779B97F4A7C15) >> 32) % 2)
        other++;
    bide_auto bide_future *killer = bide_pool_submit(p, bide_job(job_die, &die), .key = other);
    BIDE_IGNORE(bide_await(killer));
    bide_error_clear();
    expect_closed(watched);
}

/* A neighbour of the same loop, whose turn would be next. */
KINDS(callback_may_release_another_pool)
{
    int n = 1000, ms = 60000;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    to_release = OPEN(.kind = kind, .workers = 1);
    watched = bide_pool_submit(to_release, bide_job(job_sleep, &ms));
    EXPECT_OK(CALL(p, bide_job(job_progress, &n), .on_progress = release_on_progress));
    expect_closed(watched);
}

static int release_and_leave(bide_future **f)
{
    int n = 1000000;

    to_release = OPEN(.workers = 1);
    *f = watched = bide_pool_submit(to_release, bide_job(job_progress, &n), .on_progress = release_on_progress);
    while (to_release)
        BIDE_TRY(bide_sleep_ms(0));
    return 0;
}

UNIT(callback_may_release_its_pool_while_the_loop_ends)
{
    needs_processes();
    bide_future *f = NULL;

    EXPECT_OK(bide_run(bide_coro(release_and_leave, &f)));
    EXPECT_EQ(f->result, BIDE_ECLOSED);
    bide_release(f);
}

/* ---- what workers inherit ---- */

static void on_signal(int signal)
{
    (void)signal;
}

/* How many signals have that handler?  1000 more: SIGHUP is not ignored. */
static int job_count_handlers(void)
{
    struct sigaction now;
    int n = 0;

    for (int i = 1; i < NSIG; i++)
        n += sigaction(i, NULL, &now) == 0 && now.sa_handler == on_signal;
    sigaction(SIGHUP, NULL, &now);
    return n + (now.sa_handler == SIG_IGN ? 0 : 1000);
}
BIDE_POOL_TASK(job_count_handlers);

static int job_raise(const int *signal)
{
    return raise(*signal) == 0 ? 0 : -errno;
}
BIDE_POOL_TASK(job_raise);

static int dig(int n)
{
    volatile char frame[200];

    frame[0] = (char)n;
    return n < 0 ? 0 : dig(n + 1) + frame[0];
}

static int job_overflow(void)
{
    return dig(1);
}
BIDE_POOL_TASK(job_overflow);

static const int handled[] = {SIGSEGV, SIGFPE, SIGBUS, SIGPROF, SIGTSTP, SIGUSR1, SIGTERM};

static int call_beside_handlers(enum bide_pool_kind kind)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .restart_max = BIDE_UNLIMITED);

    EXPECT_EQ(CALL(p, bide_job(job_count_handlers)), 0);
    for (size_t i = 0; i < array_len(handled); i++) {
        int signal = handled[i];
        if (signal == SIGTSTP)
            continue;
        bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_raise, &signal));
        EXPECT_ERR(bide_await(f), BIDE_EWORKER);
        EXPECT_EQ(bide_pool_failure_of(f)->signal, signal);
        bide_error_clear();
    }
    return 0;
}

static void expect_no_handlers(enum bide_pool_kind kind)
{
    needs_processes();
    for (size_t i = 0; i < array_len(handled); i++)
        signal(handled[i], on_signal); /* before there is a loop, so that it stands behind the library's own */
    signal(SIGRTMIN + 1, on_signal);
    signal(SIGRTMAX, on_signal);
    signal(SIGHUP, SIG_IGN);
    EXPECT_OK(bide_run(bide_coro(call_beside_handlers, kind)));
}

/* A handler of the program's, which may lock or write the program's log, does not run in its workers. */
UNIT(workers_have_no_handlers_of_the_program_process)
{
    expect_no_handlers(BIDE_POOL_PROCESS);
}

UNIT(workers_have_no_handlers_of_the_program_fork)
{
    expect_no_handlers(BIDE_POOL_FORK);
}

/* Nor is the library's own lost: it names the job that has overflowed its stack. */
PROCESS_KINDS(overflow_of_a_job_is_reported)
{
    char said[4096];
    int out[2], before = dup(STDERR_FILENO);

    EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
    dup2(out[1], STDERR_FILENO);
    bide_pool *p = bide_pool_new(.kind = kind, .workers = 1);
    int code = p ? CALL(p, bide_job(job_overflow)) : bide_error_code();
    bide_error_clear();
    bide_release(p);
    dup2(before, STDERR_FILENO);
    close(before);
    close(out[1]);
    EXPECT_ERR(code, BIDE_EWORKER);
    ssize_t n = read(out[0], said, sizeof said - 1);
    close(out[0]);
    said[n > 0 ? n : 0] = '\0';
    EXPECT_CONTAINS(said, "stack overflow in task job");
}

static int job_name(void)
{
    char name[32];
    int fd = open("/proc/thread-self/comm", O_RDONLY);
    ssize_t n = read(fd, name, sizeof name);

    close(fd);
    return n > 0 ? bide_worker_reply(name, (size_t)n - 1) : -EIO;
}
BIDE_POOL_TASK(job_name);

KINDS(workers_have_a_name_of_their_own)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_name));

    EXPECT_OK(bide_await(f));
    EXPECT_STR(bide_pool_result(f).data, "bide-worker");
}
