/* SPDX-License-Identifier: MIT */
/* test_life.c - the server: how it starts, and how it ends. */
#include <bide/loop.h>
#include <bide/server.h>
#include <bide/stream.h>

#include "server/wire_pair.h"

TEST(server_stop_lets_requests_end_and_closes_idle_connections, .real_time = true)
{
    char text[256];
    START();
    bide_auto bide_stream *idle = dial(s), *busy = dial(s);
    send_text(busy, "GET /sleep/60 HTTP/1.1\r\nHost: a\r\n\r\n");
    BIDE_IGNORE(bide_sleep_ms(20));
    EXPECT_EQ(bide_server_stop(s, 5000), 0);
    EXPECT_EQ(bide_server_get_stats(s).open, 0);
    EXPECT_EQ(bide_read(idle, text, sizeof text), 0);
    EXPECT_CONTAINS(read_all(busy), "Connection: close\r\n\r\n60");
    EXPECT_EQ(bide_server_stop(s, 5000), 0);
}

TEST(server_stop_gives_up_after_the_grace, .real_time = true)
{
    START();
    bide_auto bide_stream *busy = dial(s);
    send_text(busy, "GET /sleep/60000 HTTP/1.1\r\nHost: a\r\n\r\n");
    BIDE_IGNORE(bide_sleep_ms(20));
    EXPECT_ERR(bide_server_stop(s, 30), BIDE_ETIMEDOUT);
    EXPECT_EQ(bide_server_get_stats(s).open, 1);
}

static int stopped;

static void stop_outside_tasks(void *s)
{
    bide_fail(-EIO, "an older error that nobody has read");
    stopped = bide_server_stop(s, 10);
    bide_error_clear();
}

TEST(server_stop_returns_its_own_error_beside_an_older_one, .real_time = true)
{
    START();
    EXPECT_NOT_NULL(bide_loop_call_soon(bide_get_event_loop(), stop_outside_tasks, s));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(stopped, BIDE_ENOLOOP);
}

TEST(server_release_cancels_handlers_and_refuses_connections, .real_time = true)
{
    bide_server *s = bide_server_start(route);
    EXPECT_NOT_NULL(s);
    int port = bide_server_port(s);
    bide_auto bide_stream *busy = dial(s), *unseen = dial(s);
    send_text(busy, "GET /sleep/60000 HTTP/1.1\r\nHost: a\r\n\r\n");
    BIDE_IGNORE(bide_sleep_ms(20));
    bide_release(s);
    EXPECT_STR(read_all(busy), "");
    EXPECT_NULL(bide_connect("127.0.0.1", port));
    EXPECT_ERR(bide_error_code(), -ECONNREFUSED);
    (void)unseen;
}

static bide_server *ending;

static int ends_its_server(bide_exchange *x, void *arg)
{
    (void)arg;
    if (strcmp(bide_exchange_path(x), "/release") == 0)
        bide_release(bide_take(ending));
    else if (strcmp(bide_exchange_path(x), "/stop") == 0)
        BIDE_TRY(bide_server_stop(ending, BIDE_FOREVER));
    else
        BIDE_TRY(bide_sleep_ms(20));
    return bide_respond_text(x, 200, "bye");
}

/* Before, it waited for itself. */
TEST(server_is_released_in_its_own_handler_which_answers, .real_time = true)
{
    ending = bide_server_start(ends_its_server);
    EXPECT_NOT_NULL(ending);
    int port = bide_server_port(ending);
    bide_auto bide_stream *busy = dial(ending), *c = dial(ending);
    send_text(busy, "GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n");
    BIDE_IGNORE(bide_sleep_ms(5));
    send_text(c, "GET /release HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_CONTAINS(read_all(c), "Connection: close\r\n\r\nbye");
    EXPECT_STR(read_all(busy), "");
    EXPECT_NULL(bide_connect("127.0.0.1", port));
    bide_error_clear();
}

TEST(server_stop_in_its_own_handler_waits_for_the_others, .real_time = true)
{
    ending = bide_server_start(ends_its_server);
    EXPECT_NOT_NULL(ending);
    bide_auto bide_stream *busy = dial(ending), *c = dial(ending);
    send_text(busy, "GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n");
    BIDE_IGNORE(bide_sleep_ms(5));
    send_text(c, "GET /stop HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_CONTAINS(read_all(busy), "\r\n\r\nbye");
    EXPECT_CONTAINS(read_all(c), "Connection: close\r\n\r\nbye");
    bide_release(bide_take(ending));
}

TEST(server_is_released_before_its_connections_began, .real_time = true)
{
    START();
    bide_auto bide_stream *c = dial(s);
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_LE(bide_server_get_stats(s).open, 1);
}

TEST(server_port_in_use_is_named, .real_time = true)
{
    START();
    bide_auto bide_server *again = bide_server_start(route, .port = bide_server_port(s));
    EXPECT_NULL(again);
    EXPECT_ERR(bide_error_code(), -EADDRINUSE);
    EXPECT_CONTAINS(bide_error_text(), strstr(bide_server_url(s), "127"));
}

static void expect_refused_option(bide_server *s, const char *says)
{
    EXPECT_NULL(s);
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), says);
    bide_error_clear();
}

TEST(server_start_checks_its_options, .real_time = true)
{
    EXPECT_NULL(bide_server_start(NULL));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    bide_error_clear();
    EXPECT_NULL(bide_server_start(route, .cert_file = "x"));
    EXPECT_CONTAINS(bide_error_text(), "key_file");
    bide_error_clear();
    expect_refused_option(bide_server_start(route, .idle_timeout_ms = -1), "idle_timeout_ms = -1");
    expect_refused_option(bide_server_start(route, .head_timeout_ms = -1), "head_timeout_ms = -1");
    expect_refused_option(bide_server_start(route, .body_timeout_ms = INT64_MIN), "body_timeout_ms = -9223372036854775808");
    expect_refused_option(bide_server_start(route, .max_connections = -1), "max_connections = -1");
    expect_refused_option(bide_server_start(route, .max_head_bytes = (size_t)1 << 31), "max_head_bytes = 2147483648: at most");
    for (int n = -3; n < 0; n++) { /* none of these names a value below 0 */
        expect_refused_option(bide_server_start(route, .max_head_bytes = (size_t)n), "a negative number");
        expect_refused_option(bide_server_start(route, .max_body_bytes = (size_t)n), "a negative number");
        expect_refused_option(bide_server_start(route, .max_bodies_bytes = (size_t)n), "a negative number");
    }
    expect_refused_option(bide_server_start(route, .port = 65536), "port 65536");
    expect_refused_option(bide_server_start(route, .port = -1), "port -1");
    expect_refused_option(bide_server_start(route, .host = "nowhere"), "nowhere");
}

UNIT(server_start_outside_a_task_is_an_error)
{
    EXPECT_NULL(bide_server_start(route));
    EXPECT_ERR(bide_error_code(), BIDE_ENOLOOP);
}
