/* SPDX-License-Identifier: MIT */
/* test_serve.c - so many connections at most, an end with grace, a listener that is closed, accepting as a choice. */
#include "harness/harness.h"

#include <sys/stat.h>
#include <unistd.h>

#include <bide/bide.h>

static int open_now, open_most, cancelled, ended;

/* Until its client says something, or has gone. */
static int hold(bide_stream *s, void *arg)
{
    char c;

    (void)arg;
    open_now++;
    open_most = open_now > open_most ? open_now : open_most;
    ssize_t n = bide_read(s, &c, 1);
    cancelled += n == BIDE_ECANCELED;
    open_now--;
    ended++;
    return (int)n;
}

static int serve_few(bide_listener *l, int max, int grace_ms)
{
    return bide_serve_limited(l, hold, NULL, .max_connections = max, .grace_ms = grace_ms);
}

TEST(serve_limited_to_so_many_lets_the_rest_wait, .real_time = true)
{
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    bide_stream *clients[5];
    bide_auto bide_task *t = bide_create_task(bide_coro(serve_few, l, 2, 0));
    for (int i = 0; i < 5; i++)
        clients[i] = bide_connect("127.0.0.1", bide_listener_port(l)); /* the kernel has taken them all */

    while (open_now < 2)
        EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(bide_sleep_ms(2), 0);
    EXPECT_EQ(open_now, 2);
    for (int i = 0; i < 5; i++) {
        EXPECT_EQ(bide_write(clients[i], "x", 1), 0);
        EXPECT_EQ(bide_drain(clients[i]), 0);
    }
    while (ended < 5)
        EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(open_most, 2);
    for (int i = 0; i < 5; i++)
        bide_release(clients[i]);
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
}

/* semantics.md 238: closing the listener leaves connections to their handlers, and new ones are refused. */
TEST(serve_with_grace_ends_when_its_handlers_have, .real_time = true)
{
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    int port = bide_listener_port(l);
    bide_auto bide_stream *client = bide_connect("127.0.0.1", port);
    bide_auto bide_task *t = bide_create_task(bide_coro(serve_few, l, 0, 10000));
    while (open_now == 0)
        EXPECT_EQ(bide_sleep_ms(1), 0);

    EXPECT_EQ(bide_listener_close(l), 0);
    EXPECT_EQ(bide_listener_close(l), 0);
    EXPECT_NULL(bide_connect("127.0.0.1", port));
    EXPECT_EQ(bide_error_code(), -ECONNREFUSED);
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_EQ(bide_write(client, "x", 1), 0);
    EXPECT_EQ(bide_drain(client), 0);
    EXPECT_ERR(bide_await(t), BIDE_ECLOSED);
    EXPECT_EQ(ended, 1);
    EXPECT_EQ(cancelled, 0);
    EXPECT_NULL(bide_accept(l));
    EXPECT_EQ(bide_error_code(), BIDE_ECLOSED);
}

TEST(serve_that_is_full_ends_when_its_listener_is_closed, .real_time = true)
{
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    bide_auto bide_stream *client = bide_connect("127.0.0.1", bide_listener_port(l));
    bide_auto bide_task *t = bide_create_task(bide_coro(serve_few, l, 1, 20));
    while (open_now == 0)
        EXPECT_EQ(bide_sleep_ms(1), 0);

    bide_auto bide_stream *waits = bide_connect("127.0.0.1", bide_listener_port(l));
    EXPECT_NOT_NULL(waits);
    EXPECT_EQ(bide_sleep_ms(0), 0);
    EXPECT_EQ(bide_listener_close(l), 0);
    EXPECT_ERR(bide_await(t), BIDE_ECLOSED);
    EXPECT_EQ(open_now, 0);
    EXPECT_NOT_NULL(client);
}

TEST(serve_grace_that_is_over_cancels_the_handlers, .real_time = true)
{
    for (int hurry = 0; hurry < 2; hurry++) { /* by the time, and by a second cancellation */
        bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
        bide_auto bide_stream *client = bide_connect("127.0.0.1", bide_listener_port(l));
        bide_auto bide_task *t = bide_create_task(bide_coro(serve_few, l, 0, hurry ? 100000 : 20));
        cancelled = 0;
        while (open_now == 0)
            EXPECT_EQ(bide_sleep_ms(1), 0);
        bide_task_cancel(t);
        EXPECT_EQ(bide_sleep_ms(0), 0);
        EXPECT_EQ(bide_sleep_ms(0), 0);
        EXPECT_FALSE(bide_task_done(t));
        EXPECT_EQ(open_now, 1);
        if (hurry)
            bide_task_cancel(t);
        EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
        EXPECT_EQ(cancelled, 1);
        EXPECT_EQ(open_now, 0);
        EXPECT_NOT_NULL(client);
    }
}

/* semantics.md 239. */
TEST(listener_close_removes_the_path_of_a_unix_socket_that_is_its_own, .real_time = true)
{
    char host[256];
    struct stat st;
    snprintf(host, sizeof host, "unix:%s/s", test_tmpdir());
    bide_auto bide_listener *l = bide_listen(host, 0);

    EXPECT_EQ(stat(host + 5, &st), 0);
    EXPECT_EQ(bide_listener_close(l), 0);
    EXPECT_NE(stat(host + 5, &st), 0);
    bide_auto bide_listener *other = bide_listen(host, 0);
    bide_release(bide_take(l));
    EXPECT_EQ(stat(host + 5, &st), 0); /* the other's stays */
    EXPECT_NOT_NULL(other);
}

TEST(accept_is_chosen_and_what_is_not_stays_in_the_queue, .real_time = true)
{
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    bide_auto bide_stream *client = bide_connect("127.0.0.1", bide_listener_port(l)), *server = NULL, *late = NULL;

    EXPECT_EQ(bide_select(NULL, bide_sleep_awaitable(0), bide_accept_awaitable(l, &server)), 0);
    EXPECT_NULL(server);
    EXPECT_EQ(bide_select(NULL, bide_accept_awaitable(l, &server), bide_sleep_awaitable(1000)), 0);
    EXPECT_NOT_NULL(server);
    EXPECT_EQ(bide_select(NULL, bide_accept_awaitable(l, &late), bide_sleep_awaitable(2)), 1);
    bide_auto bide_future *f = bide_ensure_future(bide_accept_awaitable(l, &late));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(bide_listener_close(l), 0);
    EXPECT_ERR(bide_await(f), BIDE_ECLOSED);
    EXPECT_ERR(bide_await(bide_accept_awaitable(NULL, &late)), -EINVAL);
    EXPECT_ERR(bide_await(bide_accept_awaitable(l, NULL)), -EINVAL);
}

TEST(serve_limited_bad_use_is_an_error, .real_time = true)
{
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);

    EXPECT_ERR(bide_serve_limited(l, NULL, NULL, .max_connections = 1), -EINVAL);
    EXPECT_ERR(bide_serve_limited(NULL, hold, NULL, .max_connections = 1), -EINVAL);
    EXPECT_ERR(bide_serve_limited(l, hold, NULL, .max_connections = -1), -EINVAL);
    EXPECT_ERR(bide_serve_limited(l, hold, NULL, .grace_ms = -1), -EINVAL);
    EXPECT_ERR(bide_listener_close(NULL), -EINVAL);
}
