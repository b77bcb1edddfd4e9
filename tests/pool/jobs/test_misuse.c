/* SPDX-License-Identifier: MIT */
/* test_misuse.c - calls from another thread, in the child of a fork, and with arguments that mean nothing: each says so. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

#include "pool_test.h"

/* ---- another thread ---- */

struct shared {
    bide_pool *pool;
    bide_pool_stream *stream;
    bide_future *done, *running;
    void *buffer;
    int errors;
    int pipe[2]; /* what goes to standard error instead */
};

static int next_nothing(void *arg, bide_job *job)
{
    int *n = arg;

    *job = bide_job(job_nothing);
    return ++*n <= 3;
}

static void expect_says(struct shared *s, const char *what, const char *part)
{
    if (bide_error_code() == BIDE_ESTATE && strstr(bide_error_text(), part))
        return;
    fprintf(stderr, "# %s: %d %s\n", what, bide_error_code(), bide_error_text());
    s->errors++;
}

#define SAYS(expression, part)                   \
    do {                                         \
        bide_error_clear();                      \
        BIDE_IGNORE(expression);                 \
        expect_says(s, #expression, part);       \
        bide_error_clear();                      \
    } while (0)

/* What returns nothing says it on standard error, and keeps the record. */
static void expect_said(struct shared *s, const char *what, const char *part)
{
    char said[400];
    ssize_t n = read(s->pipe[0], said, sizeof said - 1);

    said[n > 0 ? n : 0] = '\0';
    s->errors += bide_error_code() != -EIO;
    if (strstr(said, part))
        return;
    printf("# %s said: %s\n", what, said);
    s->errors++;
}

#define SAYS_ALOUD(statement, part)                         \
    do {                                                    \
        int err_ = dup(STDERR_FILENO);                      \
        dup2(s->pipe[1], STDERR_FILENO);                    \
        bide_fail(-EIO, "on its way");                      \
        statement;                                          \
        dup2(err_, STDERR_FILENO);                          \
        close(err_);                                        \
        expect_said(s, #statement, part);                   \
        bide_error_clear();                                 \
    } while (0)

static int in_another_thread(struct shared *s)
{
    static const char other[] = "another thread";
    bide_pool_stats stats = {.workers = 77};
    int n = 0;

    SAYS(bide_pool_size(s->pool), other);
    SAYS(bide_pool_pid(s->pool, 0), other);
    SAYS_ALOUD(bide_pool_stats_get(s->pool, &stats), other);
    s->errors += stats.workers != 0;
    SAYS_ALOUD(bide_pool_put(s->pool, s->buffer), other);
    SAYS(bide_pool_buffer(s->pool, 10), other);
    SAYS(bide_pool_submit(s->pool, bide_job(job_nothing)), other);
    SAYS(bide_pool_call(s->pool, bide_job(job_nothing)), other);
    SAYS(bide_pool_imap(s->pool, next_nothing, &n), other);
    SAYS(bide_pool_resize(s->pool, 3), other);
    SAYS(bide_pool_close(s->pool, 0, NULL), other);
    SAYS(bide_pool_kill(s->pool), other);
    SAYS(bide_pool_result(s->done).len, other);
    SAYS(bide_pool_take_fd(s->done, 0), other);
    SAYS(bide_pool_failure_of(s->done), other);
    SAYS_ALOUD(bide_pool_detach(s->running), other);
    SAYS_ALOUD(bide_release(s->running), other);
    SAYS_ALOUD(bide_release(s->stream), other);
    SAYS_ALOUD(bide_release(s->pool), other);
    return s->errors;
}

static int with_a_loop_of_its_own(struct shared *s)
{
    static const char other[] = "another thread";
    bide_pool_item item;
    int n = 1;

    BIDE_IGNORE(in_another_thread(s));
    SAYS(bide_pool_map(s->pool, bide_jobs(job_return, &n), 1), other);
    SAYS(bide_pool_each(s->pool, bide_job(job_nothing)), other);
    SAYS(bide_pool_next(s->stream, &item), other);
    SAYS(bide_pool_serve("redis://127.0.0.1:1/0", "t", .pool = s->pool), other);
    return s->errors;
}

static int run_with_a_loop(struct shared *s)
{
    return bide_run(bide_coro(with_a_loop_of_its_own, s));
}

KINDS(calls_from_another_thread_say_so)
{
    struct shared s = {0};
    bide_pool_item item;
    EXPECT_EQ(pipe2(s.pipe, O_NONBLOCK), 0);
    int n = 0, ms = 100;
    s.pool = OPEN(.kind = kind, .workers = 2);
    s.stream = bide_pool_imap(s.pool, next_nothing, &n);
    s.done = bide_pool_submit(s.pool, bide_job(job_length, "four"));
    s.buffer = bide_pool_buffer(s.pool, 100);
    EXPECT_EQ(bide_await(s.done), 4);
    s.running = bide_pool_submit(s.pool, bide_job(job_sleep, &ms));

    EXPECT_EQ(bide_to_thread(bide_coro(in_another_thread, &s)), 0);
    EXPECT_EQ(bide_to_thread(bide_coro(run_with_a_loop, &s)), 0);
    EXPECT_EQ(bide_await(s.running), ms); /* all is as it was */
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(bide_pool_next(s.stream, &item), 1);
    EXPECT_EQ(bide_pool_next(s.stream, &item), 0);
    EXPECT_EQ(bide_pool_size(s.pool), 2);
    bide_pool_put(s.pool, s.buffer);
    bide_release(s.stream);
    bide_release(s.running);
    bide_release(s.done);
    bide_release(s.pool);
    close(s.pipe[0]);
    close(s.pipe[1]);
}

/* ---- the child of a fork ---- */

static int expect_child_exits_0(pid_t pid)
{
    int status;

    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int a_pool_of_its_own(void)
{
    bide_auto bide_pool *p = bide_pool_new(.workers = 1);

    return p ? bide_pool_call(p, bide_job(job_length, "child")) : bide_raise();
}

static _Noreturn void release_all(struct shared *s)
{
    SAYS(bide_pool_size(s->pool), "not to its child");
    SAYS_ALOUD(bide_pool_put(s->pool, s->buffer), "not to its child");
    SAYS(bide_pool_submit(s->pool, bide_job(job_nothing)), "not to its child");
    bide_fail(-EIO, "on its way");
    bide_release(s->running);
    bide_release(s->done);
    bide_release(s->stream);
    bide_release(s->pool);
    s->errors += bide_error_code() != -EIO; /* they are quiet */
    bide_error_clear();
    s->errors += bide_run(bide_coro(a_pool_of_its_own)) != 5;
    _exit(s->errors);
}

/* Its jobs, stream, buffer and workers are the parent's: what the child releases changes nothing for them. */
KINDS(child_of_a_fork_releases_without_harm)
{
    static char bytes[200000];
    struct shared s = {0};
    bide_pool_item item;
    EXPECT_EQ(pipe2(s.pipe, O_NONBLOCK), 0);
    int n = 0, ms = 300;
    if (BIDE_SANITIZED)
        SKIP("a sanitizer watches what the child leaves");
    s.pool = OPEN(.kind = kind, .workers = 1);
    int pid = bide_pool_pid(s.pool, 0);
    s.stream = bide_pool_imap(s.pool, next_nothing, &n);
    s.buffer = bide_pool_buffer(s.pool, (size_t)100 << 20);
    memset(s.buffer, 7, (size_t)100 << 20);
    memset(bytes, 5, sizeof bytes);
    s.done = bide_pool_submit(s.pool, bide_job_bytes(job_echo, ((bide_bytes){bytes, sizeof bytes})));
    EXPECT_OK(bide_await(s.done));
    s.running = bide_pool_submit(s.pool, bide_job(job_sleep, &ms));
    EXPECT_OK(bide_sleep_ms(20));

    pid_t child = fork();
    if (child == 0)
        release_all(&s);
    EXPECT_EQ(expect_child_exits_0(child), 0);
    EXPECT_EQ(bide_await(s.running), ms);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(bide_pool_next(s.stream, &item), 1);
    EXPECT_EQ(((char *)s.buffer)[(100 << 20) - 1], 7);
    EXPECT_EQ(bide_pool_result(s.done).data[sizeof bytes - 1], 5);
    EXPECT_EQ(bide_pool_pid(s.pool, 0), pid);
    bide_pool_put(s.pool, s.buffer);
    bide_release(s.stream);
    bide_release(s.running);
    bide_release(s.done);
    bide_release(s.pool);
    close(s.pipe[0]);
    close(s.pipe[1]);
}

static int open_it(bide_pool **p)
{
    *p = bide_pool_new(.workers = 1);
    return *p ? 0 : bide_raise();
}

static int use_it(bide_pool *p)
{
    int ms = 50;
    return bide_pool_call(p, bide_job(job_sleep, &ms)) == ms ? bide_pool_pid(p, 0) : bide_raise();
}

static int release_it(bide_pool *p)
{
    bide_release(p);
    return 0;
}

/* The end of the loop kills workers that are left; a child that closes its copy of the loop has none. */
UNIT(child_of_a_fork_that_closes_the_loop_kills_nobody)
{
    bide_pool *p = NULL;
    needs_processes();
    bide_loop *loop = bide_loop_new();

    EXPECT_OK(bide_run_until_complete(loop, bide_coro(open_it, &p)));
    int pid = bide_run_until_complete(loop, bide_coro(use_it, p));
    EXPECT_LT(0, pid);
    pid_t child = fork();
    if (child == 0) {
        BIDE_IGNORE(bide_loop_close(loop));
        _exit(0);
    }
    EXPECT_EQ(expect_child_exits_0(child), 0);
    EXPECT_EQ(bide_run_until_complete(loop, bide_coro(use_it, p)), pid);
    EXPECT_OK(bide_run_until_complete(loop, bide_coro(release_it, p)));
    bide_release(loop);
}

static pid_t forked;

static int fork_in_a_task(void)
{
    bide_auto bide_pool *p = bide_pool_new(.workers = 1);
    if (!p)
        return bide_raise();
    int pid = bide_pool_pid(p, 0);
    forked = fork();
    if (forked == 0)
        return 7; /* out of its scope, and back to a loop that is not its own */
    EXPECT_EQ(expect_child_exits_0(forked), 0);
    return use_it(p) == pid ? 5 : 6;
}

UNIT(child_of_a_fork_that_returns_from_its_task_kills_nobody)
{
    needs_processes();
    if (BIDE_SANITIZED)
        SKIP("a sanitizer watches what the child leaves");
    int code = bide_run(bide_coro(fork_in_a_task));

    if (forked == 0)
        _exit(code == 7 || code == BIDE_ESTATE ? 0 : 1);
    EXPECT_EQ(code, 5);
}

/* ---- arguments ---- */

#define REFUSED(expression, text_)                                                                                  \
    do {                                                                                                            \
        bide_error_clear();                                                                                         \
        BIDE_IGNORE(expression);                                                                                       \
        EXPECT_ERR(bide_error_code(), -EINVAL);                                                                     \
        EXPECT_STR(bide_error_text(), text_);                                                                       \
        bide_error_clear();                                                                                         \
    } while (0)

/* A positional option is a warning with older compilers: the pointer that it lands in says it. */
static struct bide_use_named_options *eight(void)
{
    return (struct bide_use_named_options *)(uintptr_t)8;
}

TEST(open_with_options_that_mean_nothing_is_refused, .real_time = true)
{
    REFUSED(bide_pool_new(.guard_ = eight()), "bide_pool_new: an option was given without its name (write .name = value)");
    REFUSED(bide_pool_new(.workers = -2), "bide_pool_new: workers = -2: 1 to 1024");
    REFUSED(bide_pool_new(.concurrency = -1), "bide_pool_new: concurrency = -1: 1 to 4096");
    REFUSED(bide_pool_new(.prefetch = -2), "bide_pool_new: prefetch = -2: -1 to 65536");
    REFUSED(bide_pool_new(.retries = -2), "bide_pool_new: retries = -2: -1 to 200");
    REFUSED(bide_pool_new(.restart_max = -3), "bide_pool_new: restart_max = -3: -2 to 63");
    REFUSED(bide_pool_new(.min_workers = -1), "bide_pool_new: min_workers = -1: 0 to 2147483647");
    REFUSED(bide_pool_new(.kind = (enum bide_pool_kind)9), "bide_pool_new: kind = 9: 0 to 3");
    REFUSED(bide_pool_new(.pin = (enum bide_pool_pin)2), "bide_pool_new: pin = 2: 0 to 1");
    REFUSED(bide_pool_new(.max_pending = (size_t)-3), "bide_pool_new: max_pending = -3: a negative number");
    REFUSED(bide_pool_new(.max_rss = (size_t)-3), "bide_pool_new: max_rss = -3: a negative number");
    REFUSED(bide_pool_new(.max_jobs = (uint32_t)-1), "bide_pool_new: max_jobs = -1: a negative number");
    REFUSED(bide_pool_new(.stack_size = (size_t)65 << 20),
            "bide_pool_new: stack_size is 68157440: at least 16384 (16 KiB), at most 67108864 (64 MiB), or 0 for 64 KiB");
    REFUSED(bide_pool_new(.stack_size = 1),
            "bide_pool_new: stack_size is 1: at least 16384 (16 KiB), at most 67108864 (64 MiB), or 0 for 64 KiB");
    REFUSED(bide_pool_new(.cpus = (int[]){0, 5000, -1}), "bide_pool_new: cpus: there is no processor 5000");
    REFUSED(bide_pool_new(.program = "/bin/true"), "bide_pool_new: program: only workers of BIDE_POOL_EXEC are another program");
    REFUSED(bide_pool_new(.name = "pages"), "bide_pool_new: name: for a pool over Redis, and there is no .redis");
    REFUSED(bide_pool_new(.idle_ms = -5), "bide_pool_new: idle_ms = -5: a negative number");
    REFUSED(bide_pool_new(.grace_ms = BIDE_FOREVER), "bide_pool_new: grace_ms = 9223372036854775807: at most 9223372036854");
}

static int source_without_end(void *arg, bide_job *job)
{
    (void)arg;
    *job = bide_job(job_nothing);
    return 1;
}

static int job_one(const int *n)
{
    return *n;
}

static void refuse_jobs(bide_pool *p)
{
    static const char *const texts[] = {"a", NULL};
    int codes[2], fd = 0;

    REFUSED(bide_pool_submit(p, (bide_job){0}), "a job without a function");
    REFUSED(bide_pool_call(p, bide_job(job_one, (int *)NULL)), "job_one: its argument is NULL");
    REFUSED(bide_pool_call(p, bide_job(job_length, (const char *)NULL)), "job_length: its argument is NULL");
    REFUSED(bide_pool_call(p, bide_job_bytes(job_echo, ((bide_bytes){NULL, 3}))), "job_echo: its argument is NULL");
    REFUSED(bide_pool_call(p, bide_job(job_nothing), .timeout_ms = -1), "job_nothing: timeout_ms = -1: a negative number");
    REFUSED(bide_pool_call(p, bide_job(job_nothing), .nfds = 1), "job_nothing: nfds = 1, and fds is NULL");
    REFUSED(bide_pool_call(p, bide_job(job_nothing), .nfds = -1, .fds = &fd), "job_nothing: nfds = -1: 0 to 8");
    REFUSED(bide_pool_call(p, bide_job(job_nothing), .guard_ = eight()), "bide_pool_call: an option was given without its name (write .name = value)");
    REFUSED(bide_pool_map(p, bide_jobs(job_one, (int *)NULL), 2), "job_one: its argument is NULL");
    REFUSED(bide_pool_map(p, bide_jobs(job_length, texts), 2, .codes = codes), "job_length: its argument is NULL");
    REFUSED(bide_pool_map(p, bide_jobs(job_length, texts), (size_t)-1), "bide_pool_map: n = -1: a negative number");
    REFUSED(bide_pool_map(p, bide_jobs(job_length, texts), 1, .timeout_ms = -9), "bide_pool_map: timeout_ms = -9: a negative number");
}

TEST(calls_with_arguments_that_mean_nothing_are_refused, .real_time = true)
{
    struct pair in[2] = {{1, 2}, {3, 4}};
    bide_pool_item item;
    bide_pool_stats stats;
    needs_processes();
    bide_auto bide_pool *p = OPEN(.workers = 1);
    bide_auto bide_pool_stream *s = bide_pool_imap(p, source_without_end, NULL, .window = 2);

    refuse_jobs(p);
    REFUSED(bide_pool_imap(p, NULL, NULL), "bide_pool_imap: no source (NULL)");
    REFUSED(bide_pool_imap(p, source_without_end, NULL, .window = (size_t)-1), "bide_pool_imap: window = -1: a negative number");
    REFUSED(bide_pool_next(NULL, &item), "bide_pool_next: no stream (NULL)");
    REFUSED(bide_pool_next(s, NULL), "bide_pool_next: no item (NULL)");
    REFUSED(bide_pool_close(p, -1, NULL), "bide_pool_close: grace_ms = -1: a negative number");
    REFUSED(bide_pool_resize(p, -1), "bide_pool_resize: -1 workers: 1 to 1024");
    REFUSED(bide_pool_inspect(-1, &stats, 1), "bide_pool_inspect: process -1, max = 1: not a process, or no place for the figures");
    EXPECT_ERR(bide_pool_inspect(getpid(), NULL, 1), -EINVAL);
    bide_pool_stats_get(p, NULL);
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_add, in, (struct sum *)NULL), 2)); /* results that nobody wants */
}

/* Before the first power of two that holds so much is looked for. */
TEST(buffer_of_more_than_there_can_be_is_refused, .real_time = true)
{
    needs_processes();
    bide_auto bide_pool *p = OPEN(.workers = 1);

    EXPECT_NULL(bide_pool_buffer(p, SIZE_MAX));
    EXPECT_ERR(bide_error_code(), -E2BIG);
    bide_error_clear();
    EXPECT_NULL(bide_pool_buffer(p, ((size_t)1 << 63) + 1));
    EXPECT_ERR(bide_error_code(), -E2BIG);
    bide_error_clear();
}

TEST(calls_without_a_pool_are_refused, .real_time = true)
{
    bide_pool *none = NULL;
    bide_pool_stats stats = {.workers = 7};

    REFUSED(bide_pool_submit(none, bide_job(job_nothing)), "bide_pool_submit: no pool (NULL)");
    REFUSED(bide_pool_call(none, bide_job(job_nothing)), "bide_pool_call: no pool (NULL)");
    REFUSED(bide_pool_map(none, bide_job(job_nothing), 1), "bide_pool_map: no pool (NULL)");
    REFUSED(bide_pool_each(none, bide_job(job_nothing)), "bide_pool_each: no pool (NULL)");
    REFUSED(bide_pool_imap(none, source_without_end, NULL), "bide_pool_imap: no pool (NULL)");
    REFUSED(bide_pool_buffer(none, 1), "bide_pool_buffer: no pool (NULL)");
    bide_pool_put(none, NULL);
    REFUSED(bide_pool_close(none, 0, NULL), "bide_pool_close: no pool (NULL)");
    REFUSED(bide_pool_kill(none), "bide_pool_kill: no pool (NULL)");
    REFUSED(bide_pool_resize(none, 1), "bide_pool_resize: no pool (NULL)");
    REFUSED(bide_pool_size(none), "bide_pool_size: no pool (NULL)");
    REFUSED(bide_pool_pid(none, 0), "bide_pool_pid: no pool (NULL)");
    bide_pool_stats_get(none, &stats);
    EXPECT_EQ(stats.workers, 0);
    REFUSED(bide_pool_result(NULL).len, "bide_pool_result: no future (NULL)");
    REFUSED(bide_pool_take_fd(NULL, 0), "bide_pool_take_fd: no future (NULL)");
    REFUSED(bide_pool_failure_of(NULL), "bide_pool_failure_of: no future (NULL)");
    REFUSED(bide_pool_serve("redis://127.0.0.1/0", "t", .guard_ = eight()), "bide_pool_serve: an option was given without its name (write .name = value)");
    REFUSED(bide_pool_serve("redis://127.0.0.1/0", "t", .slots = -1), "bide_pool_serve: slots = -1: 1 to 4096");
    REFUSED(bide_pool_serve("redis://127.0.0.1/0", "t", .lease_ms = -1), "bide_pool_serve: lease_ms = -1: a negative number");
    bide_release(none);
    bide_pool_detach(NULL);
}

TEST(worker_state_outside_of_a_worker_says_so)
{
    struct shared here = {0}, *s = &here;

    EXPECT_EQ(pipe2(s->pipe, O_NONBLOCK), 0);
    SAYS_ALOUD(bide_worker_set_state(&(int){1}), "bide: bide_worker_set_state: not inside a worker\n");
    EXPECT_EQ(s->errors, 0);
    EXPECT_NULL(bide_worker_state());
    EXPECT_ERR(bide_worker_reply(NULL, 3), BIDE_ESTATE);
    bide_error_clear();
    close(s->pipe[0]);
    close(s->pipe[1]);
}
