/* SPDX-License-Identifier: MIT */
/* test_limits.c - the server: limits of time, ceilings, and many connections. */
#include <stdlib.h>

#include <bide/server.h>
#include <bide/stream.h>

#include "server/wire_pair.h"

/* ---- limits of time and number ---- */

TEST(server_idle_connection_is_closed_silently, .real_time = true)
{
    START(.idle_timeout_ms = 40);
    bide_auto bide_stream *c = dial(s);
    EXPECT_STR(read_all(c), "");
}

TEST(server_half_a_request_gets_408, .real_time = true)
{
    START(.idle_timeout_ms = 40);
    bide_auto bide_stream *c = dial(s);
    send_text(c, "GET / HTTP/1.1\r\nHo");
    EXPECT_CONTAINS(read_all(c), "HTTP/1.1 408 Request Timeout\r\n");
}

/* A byte now and then is enough for the limit between bytes, but does not hold the connection forever. */
TEST(server_a_head_that_comes_drop_by_drop_gets_408, .real_time = true)
{
    START(.idle_timeout_ms = 5000, .head_timeout_ms = 100);
    bide_auto bide_stream *c = dial(s);
    int drops = 0;
    send_text(c, "GET / HTTP/1.1\r\nHost: ");
    for (; drops < 100 && bide_server_count(s, 408) == 0; drops++) {
        if (bide_write(c, "x", 1) < 0 || bide_drain(c) < 0)
            break;
        BIDE_IGNORE(bide_sleep_ms(10));
    }
    bide_error_clear();
    EXPECT_EQ(bide_server_count(s, 408), 1);
    EXPECT_LT(drops, 100);
}

TEST(server_half_a_body_gets_408, .real_time = true)
{
    START(.idle_timeout_ms = 40);
    bide_auto bide_stream *c = dial(s);
    send_text(c, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12");
    EXPECT_CONTAINS(read_all(c), "HTTP/1.1 408 Request Timeout\r\n");
}

/* Likewise a body: a byte now and then does not hold its memory forever. */
TEST(server_a_body_that_comes_drop_by_drop_gets_408, .real_time = true)
{
    START(.idle_timeout_ms = 5000, .body_timeout_ms = 100);
    bide_auto bide_stream *c = dial(s);
    int drops = 0;
    send_text(c, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n");
    for (; drops < 200 && bide_server_count(s, 408) == 0; drops++) {
        if (bide_write(c, "x", 1) < 0 || bide_drain(c) < 0)
            break;
        EXPECT_EQ(bide_sleep_ms(10), 0);
    }
    bide_error_clear();
    EXPECT_EQ(bide_server_count(s, 408), 1);
    EXPECT_LT(drops, 200);
    EXPECT_CONTAINS(read_all(c), "HTTP/1.1 408 Request Timeout\r\n");
    EXPECT_CONTAINS(reply, "\r\nConnection: close\r\n");
}

/* ---- ceilings ---- */

static int send_half_a_body(bide_server *s, bide_stream **c, size_t half)
{
    char head[128], *body = calloc(1, half);

    *c = dial(s);
    snprintf(head, sizeof head, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", 2 * half);
    send_text(*c, head);
    EXPECT_EQ(bide_write(*c, body, half), 0);
    EXPECT_EQ(bide_drain(*c), 0);
    free(body);
    return 0;
}

TEST(server_bodies_of_all_connections_have_one_ceiling, .real_time = true)
{
    START(.max_bodies_bytes = 1 << 20);
    bide_stream *c[4];
    for (int i = 0; i < 3; i++)
        send_half_a_body(s, &c[i], 200000);
    EXPECT_EQ(bide_sleep_ms(50), 0); /* they wait for their other halves, and have buffers of 256 KiB each */
    EXPECT_EQ(bide_server_get_stats(s).requests, 0);

    send_half_a_body(s, &c[3], 300000);
    EXPECT_CONTAINS(read_all(c[3]), "HTTP/1.1 503 Service Unavailable\r\n");
    EXPECT_CONTAINS(reply, "\r\nConnection: close\r\n");
    EXPECT_EQ(bide_server_count(s, 503), 1);
    for (int i = 0; i < 4; i++)
        bide_release(c[i]);
    EXPECT_EQ(bide_sleep_ms(50), 0);

    /* What they had is free again, many times over. */
    for (int i = 0; i < 8; i++) {
        char *body = calloc(1, 400001);
        memset(body, 'x', 400000);
        char *text = NULL;
        EXPECT_LT(0, asprintf(&text, "POST /body HTTP/1.0\r\nContent-Length: 400000\r\n\r\n%s", body));
        EXPECT_CONTAINS(ask(s, text), "HTTP/1.1 200 OK\r\n");
        free(text);
        free(body);
    }
}

TEST(server_serves_no_more_connections_at_once_than_allowed, .real_time = true)
{
    START(.max_connections = 1);
    bide_auto bide_stream *a = dial(s), *b = dial(s);
    send_text(b, "GET /empty HTTP/1.0\r\n\r\n");
    BIDE_IGNORE(bide_sleep_ms(50));
    EXPECT_EQ(bide_server_get_stats(s).connections, 1);
    send_text(a, "GET /empty HTTP/1.0\r\n\r\n");
    EXPECT_CONTAINS(read_all(a), "204");
    EXPECT_CONTAINS(read_all(b), "204");
    EXPECT_EQ(bide_server_get_stats(s).connections, 2);
}

static int get_after(bide_server *s, int *done)
{
    bide_auto bide_stream *c = dial(s);
    char buf[256];

    send_text(c, "GET /sleep/50 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    while (bide_read(c, buf, sizeof buf) > 0)
        ;
    ++*done;
    return 0;
}

TEST(server_answers_a_thousand_at_once, .real_time = true, .seconds = 20)
{
    static bide_task *tasks[1000];
    int done = 0;
    START();
    for (int i = 0; i < 1000; i++)
        EXPECT_NOT_NULL((tasks[i] = bide_create_task(bide_coro(get_after, s, &done))));
    EXPECT_EQ(bide_wait(tasks, 1000), 1000);
    for (int i = 0; i < 1000; i++)
        bide_release(tasks[i]);
    EXPECT_EQ(done, 1000);
    EXPECT_EQ(bide_server_get_stats(s).requests, 1000);
}

/* ---- an answer that takes too long ---- */

/* A piece that the client did not take in time is cut off; nothing may be sent behind it. */
static int cut_off(bide_exchange *x, void *arg)
{
    static char much[8 << 20];
    bool *done = arg;

    memset(much, 'x', sizeof much);
    EXPECT_EQ(bide_respond_begin(x, 200, "text/plain"), 0);
    bide_timeout(30)
        EXPECT_ERR(bide_respond_chunk(x, much, sizeof much), BIDE_ETIMEDOUT);
    bide_error_clear();
    EXPECT_ERR(bide_respond_chunk(x, "more", 4), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "cut off");
    bide_error_clear();
    EXPECT_ERR(bide_respond_end(x), BIDE_ESTATE);
    *done = true;
    return bide_raise();
}

TEST(server_answer_cut_off_by_a_time_limit_ends_there, .real_time = true)
{
    static char bytes[65536], last;
    bool done = false;
    ssize_t n;
    bide_auto bide_server *s = bide_server_start(cut_off, .arg = &done);
    bide_auto bide_stream *c = dial(s);

    send_text(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int tries = 0; tries < 500 && !done; tries++)
        BIDE_IGNORE(bide_sleep_ms(5));
    EXPECT_TRUE(done);
    while ((n = bide_read(c, bytes, sizeof bytes)) > 0)
        last = bytes[n - 1];
    EXPECT_EQ(last, 'x');
}
