/* SPDX-License-Identifier: MIT */
/* Listening: src/io/net/listen.c. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/harness.h"
#include "io/stream/stream.h"

static int accept_task(bide_listener *l)
{
    bide_auto bide_stream *s = bide_accept(l);

    return s ? 0 : bide_raise();
}

TEST(listen_on_any_port_and_accept, .real_time = true)
{
    bide_auto bide_listener *l = bide_listen(NULL, 0);
    EXPECT_NOT_NULL(l);
    EXPECT_LT(0, bide_listener_port(l));
    bide_auto bide_stream *c = bide_connect("127.0.0.1", bide_listener_port(l));
    EXPECT_NOT_NULL(c);
    bide_auto bide_stream *s = bide_accept(l);
    EXPECT_NOT_NULL(s);

    char out[4], expected[32];
    EXPECT_EQ(bide_write(c, "ping", 4), 0);
    EXPECT_EQ(bide_drain(c), 0);
    EXPECT_EQ(bide_read(s, out, sizeof out), 4);
    snprintf(expected, sizeof expected, "127.0.0.1:%d", bide_listener_port(l));
    EXPECT_STR(bide_stream_peer(c), expected);
    EXPECT_CONTAINS(bide_stream_peer(s), "127.0.0.1:");
    EXPECT_STR(bide_stream_alpn(s), "");
}

TEST(listen_on_ip6, .real_time = true)
{
    bide_auto bide_listener *l = bide_listen("::1", 0);
    if (!l)
        SKIP("no IPv6 here");
    bide_auto bide_stream *c = bide_connect("::1", bide_listener_port(l));
    bide_auto bide_stream *s = bide_accept(l);
    EXPECT_CONTAINS(bide_stream_peer(s), "[::1]:");
    EXPECT_NOT_NULL(c);
}

TEST(listen_on_a_unix_socket_removes_it_at_the_end, .real_time = true)
{
    char host[300], out[10];
    struct stat st;
    snprintf(host, sizeof host, "unix:%s/socket", test_tmpdir());
    {
        bide_auto bide_listener *l = bide_listen(host, 0);
        EXPECT_NOT_NULL(l);
        bide_auto bide_stream *c = bide_connect(host, 0);
        EXPECT_NOT_NULL(c);
        bide_auto bide_stream *s = bide_accept(l);
        EXPECT_STR(bide_stream_peer(s), "unix:");
        EXPECT_EQ(bide_write(s, "hi", 2), 0);
        EXPECT_EQ(bide_drain(s), 0);
        EXPECT_EQ(bide_read(c, out, sizeof out), 2);
    }
    EXPECT_EQ(stat(host + 5, &st), -1);
}

TEST(listen_on_a_unix_socket_that_was_replaced_leaves_the_other, .real_time = true)
{
    char host[300];
    struct stat st;
    snprintf(host, sizeof host, "unix:%s/socket", test_tmpdir());
    bide_listener *old = bide_listen(host, 0);
    EXPECT_NOT_NULL(old);
    EXPECT_EQ(unlink(host + 5), 0);
    bide_listener *new = bide_listen(host, 0);
    EXPECT_NOT_NULL(new);

    bide_release(old);
    EXPECT_EQ(stat(host + 5, &st), 0);
    bide_release(new);
    EXPECT_EQ(stat(host + 5, &st), -1);
}

TEST(listen_where_it_cannot_be_says_where, .real_time = true)
{
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    char expected[64];

    EXPECT_NULL(bide_listen("127.0.0.1", bide_listener_port(l)));
    snprintf(expected, sizeof expected, "listen on 127.0.0.1:%d: bind: Address already in use", bide_listener_port(l));
    EXPECT_STR(bide_error_text(), expected);
    EXPECT_NULL(bide_listen("example.com", 80));
    EXPECT_CONTAINS(bide_error_text(), "not an address");
    EXPECT_NULL(bide_listen("127.0.0.1", 65536));
    EXPECT_CONTAINS(bide_error_text(), "port 65536");
    EXPECT_NULL(bide_listen("unix:/nowhere/at/all", 0));
    EXPECT_CONTAINS(bide_error_text(), "No such file or directory");
}

UNIT(listen_without_a_loop_is_refused)
{
    EXPECT_NULL(bide_listen("127.0.0.1", 0));
    EXPECT_EQ(bide_error_code(), BIDE_ENOLOOP);
}

TEST(accept_cancelled_and_out_of_time, .real_time = true)
{
    bide_auto bide_listener *l = bide_listen(NULL, 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(accept_task, l));
    bide_stream *s = NULL;

    EXPECT_EQ(bide_sleep_ms(0), 0);
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    bide_error_clear();
    bide_timeout(5)
        s = bide_accept(l);
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ETIMEDOUT);
}

TEST(release_while_a_task_accepts_ends_it, .real_time = true)
{
    bide_listener *l = bide_listen(NULL, 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(accept_task, l));

    EXPECT_EQ(bide_sleep_ms(0), 0);
    bide_release(l);
    EXPECT_ERR(bide_await(t), BIDE_ECLOSED);
}

TEST(two_tasks_may_accept_from_one_listener, .real_time = true)
{
    bide_auto bide_listener *l = bide_listen(NULL, 0);
    bide_auto bide_task *t1 = bide_create_task(bide_coro(accept_task, l));
    bide_auto bide_task *t2 = bide_create_task(bide_coro(accept_task, l));

    EXPECT_EQ(bide_sleep_ms(0), 0);
    bide_auto bide_stream *c1 = bide_connect("127.0.0.1", bide_listener_port(l));
    bide_auto bide_stream *c2 = bide_connect("127.0.0.1", bide_listener_port(l));
    EXPECT_EQ(bide_await(t1), 0);
    EXPECT_EQ(bide_await(t2), 0);
}

/* ---- no descriptor left ---- */

/* Take all descriptors that the process may have; returns how many were taken. */
static int take_descriptors(int *fds, int max)
{
    struct rlimit limit;
    int n = 0;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 64;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (n < max && (fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        n++;
    EXPECT_EQ(errno, EMFILE);
    return n;
}

TEST(accept_without_descriptors_waits_for_one, .real_time = true)
{
    int fds[64];
    bide_auto bide_listener *l = bide_listen(NULL, 0);
    bide_auto bide_stream *c = bide_connect("127.0.0.1", bide_listener_port(l));
    bide_auto bide_task *t = bide_create_task(bide_coro(accept_task, l));
    int n = take_descriptors(fds, 64);
    struct rusage before, after;

    getrusage(RUSAGE_SELF, &before);
    EXPECT_EQ(bide_sleep_ms(200), 0);
    getrusage(RUSAGE_SELF, &after);
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_LT(after.ru_utime.tv_sec * 1000000 + after.ru_utime.tv_usec,
              before.ru_utime.tv_sec * 1000000 + before.ru_utime.tv_usec + 100000); /* it does not spin */
    close(fds[--n]);
    EXPECT_EQ(bide_await(t), 0);
    while (n > 0)
        close(fds[--n]);
}

/* ---- serve ---- */

struct seen {
    int begun, ended, cancelled;
};

static int echo(bide_stream *s, void *arg)
{
    struct seen *seen = arg;
    char buf[100];
    ssize_t n;

    seen->begun++;
    while ((n = bide_read(s, buf, sizeof buf)) > 0) {
        BIDE_TRY(bide_write(s, buf, (size_t)n));
        BIDE_TRY(bide_drain(s));
    }
    seen->ended++;
    seen->cancelled += n == BIDE_ECANCELED;
    return (int)n;
}

TEST(serve_runs_a_handler_for_each, .real_time = true)
{
    enum { N = 50 };
    struct seen seen = {0};
    bide_stream *c[N];
    char out[100];
    bide_auto bide_listener *l = bide_listen(NULL, 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(bide_serve, l, echo, &seen));

    for (int i = 0; i < N; i++) {
        EXPECT_NOT_NULL(c[i] = bide_connect("127.0.0.1", bide_listener_port(l)));
        EXPECT_EQ(bide_write(c[i], "hello", 5), 0);
    }
    for (int i = 0; i < N; i++)
        EXPECT_EQ(bide_read_exactly(c[i], out, 5), 5);
    EXPECT_EQ(seen.begun, N);
    for (int i = 0; i < N / 2; i++)
        bide_release(c[i]);
    EXPECT_EQ(bide_sleep_ms(20), 0);
    EXPECT_EQ(seen.ended, N / 2);

    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_EQ(seen.cancelled, N / 2);
    for (int i = N / 2; i < N; i++) {
        EXPECT_EQ(bide_read(c[i], out, sizeof out), 0);
        bide_release(c[i]);
    }
}

TEST(serve_cancelled_before_a_handler_began, .real_time = true)
{
    struct seen seen = {0};
    bide_auto bide_listener *l = bide_listen(NULL, 0);
    bide_auto bide_stream *c = bide_connect("127.0.0.1", bide_listener_port(l));
    bide_auto bide_task *t = bide_create_task(bide_coro(bide_serve, l, echo, &seen));

    for (int turns = 0; turns < 20 && seen.begun == 0; turns++) { /* try every moment */
        bide_auto bide_task *other = bide_create_task(bide_coro(bide_serve, l, echo, &seen));
        for (int i = 0; i < turns; i++)
            EXPECT_EQ(bide_sleep_ms(0), 0);
        bide_task_cancel(other);
        EXPECT_ERR(bide_await(other), BIDE_ECANCELED);
    }
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_NOT_NULL(c);
}

TEST(release_the_listener_ends_serve, .real_time = true)
{
    struct seen seen = {0};
    bide_listener *l = bide_listen(NULL, 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(bide_serve, l, echo, &seen));

    EXPECT_EQ(bide_sleep_ms(5), 0);
    bide_release(l);
    EXPECT_ERR(bide_await(t), BIDE_ECLOSED);
}

TEST(listen_that_fails_names_the_unix_socket, .real_time = true)
{
    EXPECT_NULL(bide_listen("unix:/nowhere/at/all", 0));
    EXPECT_EQ(bide_error_code(), -ENOENT);
    EXPECT_STR(bide_error_text(), "listen on unix:/nowhere/at/all: bind: No such file or directory");
}
