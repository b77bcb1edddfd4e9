/* SPDX-License-Identifier: MIT */
/* test_descriptors.c - descriptors that go along with a job, come back, or stay out of a worker. */
#include <fcntl.h>
#include <sys/resource.h>

#include "pool_test.h"

static int job_write_to_fd(const char *text)
{
    int fd = bide_worker_fd(0);
    if (fd < 0 || bide_worker_fd(1) >= 0)
        return bide_fail(-EBADF, "no descriptor");
    return (int)write(fd, text, strlen(text));
}
BIDE_POOL_TASK(job_write_to_fd);

static int job_make_pipe(const char *text)
{
    int ends[2];
    if (pipe(ends) < 0)
        return -errno;
    int n = (int)write(ends[1], text, strlen(text));
    BIDE_TRY(bide_worker_reply_fd(ends[0]));
    close(ends[0]);
    close(ends[1]);
    return n;
}
BIDE_POOL_TASK(job_make_pipe);

static int count_fds(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static int job_count_fds(void)
{
    return count_fds();
}
BIDE_POOL_TASK(job_count_fds);

/* pool no. 10: descriptors travel with a job and with a result */
KINDS(descriptors_travel_both_ways)
{
    int ends[2];
    char text[16] = "";
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    EXPECT_EQ(pipe(ends), 0);

    EXPECT_EQ(CALL(p, bide_job(job_write_to_fd, "over there"), .fds = &ends[1], .nfds = 1), 10);
    close(ends[1]);
    EXPECT_EQ(read(ends[0], text, sizeof text), 10);
    EXPECT_MEM(text, "over there", 10);
    EXPECT_EQ(read(ends[0], text, sizeof text), 0); /* the worker has closed its copy */
    close(ends[0]);

    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_make_pipe, "from there"));
    EXPECT_EQ(bide_await(f), 10);
    int fd = bide_pool_take_fd(f, 0);
    EXPECT_LE(0, fd);
    EXPECT_EQ(bide_pool_take_fd(f, 0), -1);
    EXPECT_EQ(read(fd, text, sizeof text), 10);
    EXPECT_MEM(text, "from there", 10);
    close(fd);
}

/* pool no. 10: closed on every path of failure, on both sides */
static int job_give_stdin(const int *ms)
{
    BIDE_TRY(bide_sleep_ms(*ms));
    return bide_worker_reply_fd(0);
}
BIDE_POOL_TASK(job_give_stdin);

/* The program's table is full: the worker is not to blame, and its other jobs go on. */
PROCESS_KINDS(full_table_of_the_program_fails_only_the_job_that_sent_descriptors)
{
    struct rlimit old, tight;
    int ms = 300 * SLOW, at_once = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_auto bide_future *other = bide_pool_submit(p, bide_job(job_sleep, &ms));
    int top = dup(0);

    close(top);
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
    tight = old;
    tight.rlim_cur = (rlim_t)top;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
    int code = CALL(p, bide_job(job_give_stdin, &at_once));
    setrlimit(RLIMIT_NOFILE, &old);
    EXPECT_ERR(code, -EMFILE);
    EXPECT_CONTAINS(bide_error_text(), "the result's descriptors");
    bide_error_clear();
    EXPECT_EQ(bide_await(other), ms);
}

/* More descriptors than the socket holds, while the program looks elsewhere: the jobs wait, each with its own. */
PROCESS_KINDS(many_results_with_descriptors_wait_for_a_busy_program, .seconds = 30)
{
    enum { N = 400 };
    bide_future *f[N];
    int ms = 100;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 512);

    for (int i = 0; i < N; i++)
        f[i] = bide_pool_submit(p, bide_job(job_give_stdin, &ms));
    BIDE_IGNORE(bide_sleep_ms(50));
    job_block(&(int){400});
    for (int i = 0; i < N; i++) {
        EXPECT_OK(bide_await(f[i]));
        int fd = bide_pool_take_fd(f[i], 0);
        EXPECT_TRUE(fd >= 0);
        close(fd);
        bide_release(f[i]);
    }
}

PROCESS_KINDS(descriptors_are_closed_on_every_path_of_failure)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC), fds[9], die = 9, ms = 10000;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    for (int i = 0; i < 9; i++)
        fds[i] = null;
    int there = CALL(p, bide_job(job_count_fds)), here = count_fds();

    for (int i = 0; i < 5; i++) {
        EXPECT_ERR(CALL(p, bide_job(job_fail, "with descriptors"), .fds = fds, .nfds = 8), -EIO);
        bide_error_clear();
        bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_make_pipe, "dropped"));
        EXPECT_EQ(bide_await(f), 7);
    }
    EXPECT_EQ(CALL(p, bide_job(job_count_fds)), there);
    EXPECT_EQ(count_fds(), here);

    EXPECT_NULL(bide_pool_submit(p, bide_job(job_nothing), .fds = fds, .nfds = 9));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    fds[3] = 999;
    EXPECT_NULL(bide_pool_submit(p, bide_job(job_nothing), .fds = fds, .nfds = 4));
    EXPECT_EQ(bide_error_code(), -EBADF);
    bide_error_clear();
    fds[3] = null;
    EXPECT_ERR(CALL(p, bide_job(job_die, &die), .fds = fds, .nfds = 8), BIDE_EWORKER);
    bide_error_clear();
    bide_release(bide_pool_submit(p, bide_job(job_sleep, &ms), .fds = fds, .nfds = 8));
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
    EXPECT_EQ(CALL(p, bide_job(job_count_fds)), there);
    BIDE_IGNORE(bide_sleep_ms(5));
    EXPECT_EQ(count_fds(), here);
    close(null);
}
