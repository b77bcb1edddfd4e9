/* SPDX-License-Identifier: MIT */
/* test_limits.c - no memory, no descriptors, no processes left: one clear error each, and nothing hangs. */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "pool_test.h"

/* In a child: what it limits for itself must not be ours. */
static void in_a_child(int (*body)(enum bide_pool_kind kind), enum bide_pool_kind kind)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(body(kind));
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        SKIP("only root can become somebody who has no processes");
    EXPECT_EQ(status, 0);
}

/* ---- processes ---- */

static void become_somebody(void)
{
    if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
        _exit(77);
    prctl(PR_SET_DUMPABLE, 1); /* or we could not limit our own helper */
}

static int limit_processes(bool none)
{
    struct rlimit r;
    int helper = bide__zygote_pid();
    if (getrlimit(RLIMIT_NPROC, &r) < 0)
        return -1;

    r.rlim_cur = none ? 0 : r.rlim_max;
    return helper > 0 ? prlimit(helper, RLIMIT_NPROC, &r, NULL) : setrlimit(RLIMIT_NPROC, &r);
}

static int expect_open_fails(enum bide_pool_kind kind, int code, const char *text)
{
    bide_pool *p = bide_pool_new(.kind = kind, .workers = 4);
    if (p || bide_error_code() != code || !strstr(bide_error_text(), text)) {
        fprintf(stderr, "%d, %s\n", bide_error_code(), bide_error_text());
        return 1;
    }
    return 0;
}

static int without_processes(enum bide_pool_kind kind)
{
    become_somebody();
    if (limit_processes(true) < 0)
        return 3;
    return bide_run(bide_coro(expect_open_fails, kind, -EAGAIN, kind == BIDE_POOL_EXEC ? "starting this program" : "no process for"));
}

static int zygote_and_then_none(enum bide_pool_kind kind)
{
    become_somebody();
    if (bide_pool_prepare() < 0 || limit_processes(true) < 0)
        return 3;
    return bide_run(bide_coro(expect_open_fails, kind, -EAGAIN, "no process for a worker"));
}

static int call_later(bide_pool *p, int *code)
{
    *code = CALL(p, bide_job(job_nothing));
    return 0;
}

/* Its only worker dies, and there is no process for another one until the limit is lifted: the job waits for that. */
static int replaced_later_app(enum bide_pool_kind kind)
{
    int die = SIGKILL, code = 1;
    bide_auto bide_pool *p = bide_pool_new(.kind = kind, .workers = 1);
    if (!p || limit_processes(true) < 0)
        return bide_raise();
    if (CALL(p, bide_job(job_die, &die)) != BIDE_EWORKER)
        return -EINVAL;
    bide_error_clear();
    bide_auto bide_task *t = bide_create_task(bide_coro(call_later, p, &code));

    BIDE_TRY(bide_sleep_ms(100));
    if (bide_task_done(t) || bide_pool_pid(p, 0) != 0 || limit_processes(false) < 0)
        return -EINVAL;
    BIDE_TRY(bide_await(t));
    return code;
}

static int replaced_later(enum bide_pool_kind kind)
{
    become_somebody();
    int code = bide_run(bide_coro(replaced_later_app, kind));
    if (code < 0)
        printf("%d, %s\n", code, bide_error_text());
    return code < 0;
}

#define NO_PROCESSES(name, body, word, kind) \
    UNIT(name##_##word)                      \
    {                                        \
        needs_processes();                   \
        in_a_child(body, kind);              \
    }
NO_PROCESSES(no_processes_left_is_one_clear_error, without_processes, process, BIDE_POOL_PROCESS)
NO_PROCESSES(no_processes_left_is_one_clear_error, without_processes, fork, BIDE_POOL_FORK)
NO_PROCESSES(no_processes_left_is_one_clear_error, without_processes, exec, BIDE_POOL_EXEC)
NO_PROCESSES(no_processes_left_for_the_zygote_is_one_clear_error, zygote_and_then_none, process, BIDE_POOL_PROCESS)
NO_PROCESSES(worker_that_cannot_be_replaced_now_is_replaced_later, replaced_later, process, BIDE_POOL_PROCESS)
NO_PROCESSES(worker_that_cannot_be_replaced_now_is_replaced_later, replaced_later, fork, BIDE_POOL_FORK)
NO_PROCESSES(worker_that_cannot_be_replaced_now_is_replaced_later, replaced_later, exec, BIDE_POOL_EXEC)

/* ---- descriptors ---- */

/* 0: a pool of two workers and a job with a descriptor both ways work; 1: no, and an error tells why; 2: another one. */
static int with_few_descriptors(enum bide_pool_kind kind, int spare)
{
    int fd = open("/dev/null", O_RDONLY), code = -EMFILE;
    struct rlimit r = {(rlim_t)(fd + spare), (rlim_t)(fd + spare)};
    close(fd);
    setrlimit(RLIMIT_NOFILE, &r);
    bide_pool *p = bide_pool_new(.kind = kind, .workers = 2);
    if (p)
        code = CALL(p, bide_job(job_nothing));
    else
        code = bide_error_code();
    if (code != 0)
        printf("%d spare: %d, %s\n", spare, code, bide_error_text());
    bool clear = bide_error_text()[0] && strcmp(bide_error_text(), bide_strerror(code)) != 0; /* what was wanted, not only why not */
    bide_error_clear();
    bide_release(p);
    return code == 0 ? 0 : code == -EMFILE && clear ? 1 : 2;
}

/* A limit cannot be raised again everywhere: so a child for each.  First they fail, then they work, and never otherwise. */
static void expect_clear_limit(enum bide_pool_kind kind)
{
    int first = -1;

    for (int spare = 3; spare < 60; spare++) {
        int status;
        pid_t pid = fork();
        if (pid == 0)
            _exit(bide_run(bide_coro(with_few_descriptors, kind, spare)));
        EXPECT_EQ(waitpid(pid, &status, 0), pid);
        EXPECT_TRUE(WIFEXITED(status));
        if (WEXITSTATUS(status) > 1 || (first >= 0 && WEXITSTATUS(status) != 0))
            FAIL("%d spare descriptors: %d; with %d there was a pool", spare, WEXITSTATUS(status), first);
        if (first < 0 && WEXITSTATUS(status) == 0)
            first = spare;
    }
    EXPECT_LT(3, first);
}

UNIT(no_descriptors_left_is_one_clear_error_process, .seconds = 30)
{
    needs_processes();
    expect_clear_limit(BIDE_POOL_PROCESS);
}
UNIT(no_descriptors_left_is_one_clear_error_fork, .seconds = 30)
{
    needs_processes();
    expect_clear_limit(BIDE_POOL_FORK);
}
UNIT(no_descriptors_left_is_one_clear_error_thread, .seconds = 30)
{
    expect_clear_limit(BIDE_POOL_THREAD);
}
UNIT(no_descriptors_left_is_one_clear_error_exec, .seconds = 30)
{
    needs_processes();
    expect_clear_limit(BIDE_POOL_EXEC);
}

/* ---- memory ---- */

static int without_addresses_app(void)
{
    bide_auto bide_pool *p = bide_pool_new(.workers = 1);
    if (!p)
        return bide_raise();
    static char data[100000];
    bide_bytes in = {data, sizeof data};
    struct rlimit r = {(rlim_t)1 << 30, (rlim_t)1 << 30};
    setrlimit(RLIMIT_AS, &r);

    int code = CALL(p, bide_job_bytes(job_echo, in)); /* the arena does not fit */
    if (code != -ENOMEM || !strstr(bide_error_text(), "addresses for large payloads"))
        return bide_raise();
    bide_error_clear();
    return CALL(p, bide_job(job_nothing)); /* small ones go on */
}

static int without_addresses(enum bide_pool_kind kind)
{
    (void)kind;
    int code = bide_run(bide_coro(without_addresses_app));
    if (code < 0)
        fprintf(stderr, "%d, %s\n", code, bide_error_text());
    return code < 0;
}

UNIT(no_memory_left_is_one_clear_error)
{
    needs_processes();
    if (BIDE_SANITIZED)
        SKIP("a sanitizer needs all addresses");
    in_a_child(without_addresses, BIDE_POOL_PROCESS);
}

static int next_number(void *arg, bide_job *job)
{
    static const int numbers[] = {1, 2, 3};
    int *n = arg;
    if (*n == 3)
        return 0;
    *job = bide_job(job_return, &numbers[(*n)++]);
    return 1;
}

static int stream_some(bide_pool *p)
{
    int n = 0, r, sum = 0;
    bide_pool_item item;
    bide_auto bide_pool_stream *s = bide_pool_imap(p, next_number, &n, .unordered = true);
    if (!s)
        return bide_raise();

    while ((r = bide_pool_next(s, &item)) > 0)
        sum += item.code;
    BIDE_TRY(r);
    return sum == 6 ? 0 : sum < 6 ? BIDE_ENOMEM : -EBADMSG; /* one item may have failed, which does not end the stream */
}

static int echo_some(bide_pool *p, size_t n)
{
    char *buffer = bide_pool_buffer(p, n);
    if (!buffer)
        return bide_raise();
    memset(buffer, 7, n);

    bide_auto bide_future *f = bide_pool_submit(p, bide_job_bytes(job_echo, ((bide_bytes){buffer, n})));
    if (!f)
        bide_pool_put(p, buffer);
    if (!f)
        return bide_raise();
    BIDE_TRY(bide_await(f));
    bide_bytes b = bide_pool_result(f);
    return b.len == n && ((const char *)b.data)[n - 1] == 7 ? 0 : -EBADMSG;
}

static void ignore_progress(bide_future *f, uint64_t done, uint64_t total, bide_bytes part, void *arg)
{
    (void)f, (void)done, (void)total, (void)part, (void)arg;
}

/* Every call that the program has, and what jobs may ask for. */
static int use_all_calls(enum bide_pool_kind kind)
{
    struct pair in = {1, 2};
    struct sum out;
    int n[3] = {1, 2, 3}, fd = 0, parts = 3;
    size_t large = HAS_PROCESSES ? 70000 : 7000; /* ThreadSanitizer leaves no addresses for large ones */
    bide_auto bide_pool *p = bide_pool_new(.kind = kind, .workers = 2, .retries = BIDE_NONE);
    if (!p)
        return bide_raise();
    BIDE_TRY(bide_pool_call(p, bide_job(job_add, &in, &out), .key = 3, .timeout_ms = 60000));
    BIDE_TRY(out.sum == 3 ? 0 : -EBADMSG);
    BIDE_TRY(bide_pool_call(p, bide_job(job_nothing), .fds = &fd, .nfds = 1));
    BIDE_TRY(bide_pool_call(p, bide_job(job_progress, &parts), .on_progress = ignore_progress));
    BIDE_TRY(bide_pool_call(p, bide_job(job_fill, &large)));
    BIDE_TRY(bide_pool_map(p, bide_jobs(job_return, n), 3));
    BIDE_TRY(bide_pool_each(p, bide_job(job_nothing)));
    BIDE_TRY(stream_some(p));
    BIDE_TRY(HAS_PROCESSES ? echo_some(p, large) : 0);
    BIDE_TRY(bide_pool_resize(p, 3));
    BIDE_TRY(bide_pool_resize(p, 1));
    return bide_pool_close(p, BIDE_FOREVER, NULL);
}

/*
 * The n-th allocation fails, for n = 0, 1, 2, ... until all goes well: an error each time, never a crash, a hang, or a wrong
 * result.  What fails in a worker fails in all: threads share our count, forks have a copy of it.
 */
KINDS(every_allocation_may_fail, .seconds = 120)
{
    int n = 0, failed = 0, clean = 0, code;

    if (kind == BIDE_POOL_PROCESS)
        EXPECT_OK(bide_pool_prepare()); /* workers are born as we are now */
    do {
        bide__alloc_fail_at(n++);
        code = use_all_calls(kind);
        clean = bide__alloc_fail_at(-1) && code == 0 ? clean + 1 : 0;
        failed += code < 0;
        if (code < 0 && (code == -EBADMSG || !bide_error_text()[0]))
            FAIL("with allocation %d missing: %d, %s", n - 1, code, bide_error_text());
        bide_error_clear();
    } while (clean < 10 && n < 3000); /* without some of them it goes on; and a fork counts for itself */
    printf("%d of %d failed\n", failed, n);
    EXPECT_EQ(clean, 10);
    EXPECT_LT(20, failed);
}
