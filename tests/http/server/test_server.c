/* SPDX-License-Identifier: MIT */
/*
 * test_server.c - the HTTP/1.1 server, byte for byte: what goes in, what comes out, when the connection ends.
 */
#include <malloc.h>
#include <stdlib.h>

#include <bide/loop.h>
#include <bide/server.h>
#include <bide/stream.h>
#include <bide/tls.h>

#include "base/base.h"
#include "harness/harness.h"

/* ---- a handler that does as the path says ---- */

static int echo_body(bide_exchange *x)
{
    bide_bytes body = bide_exchange_body(x);
    if (!body.data)
        return bide_raise();
    return bide_respond(x, 200, "text/plain", body.data, body.len);
}

static int chunks(bide_exchange *x)
{
    BIDE_TRY(bide_respond_begin(x, 200, "text/plain"));
    BIDE_TRY(bide_respond_chunk(x, "one", 3));
    BIDE_TRY(bide_respond_chunk(x, "", 0));
    BIDE_TRY(bide_respond_chunk(x, "three", 5));
    return bide_respond_end(x);
}

static int counted(bide_exchange *x, const char *length)
{
    BIDE_TRY(bide_respond_header(x, "Content-Length", length));
    BIDE_TRY(bide_respond_begin(x, 200, "text/plain"));
    BIDE_TRY(bide_respond_chunk(x, "12345", 5));
    return bide_respond_end(x);
}

static int describe(bide_exchange *x)
{
    char text[512];
    const char *param = bide_exchange_param(x, "x"), *header = bide_exchange_header(x, "x-test");

    snprintf(text, sizeof text, "%s|%s|%s|%s|x=%s|h=%s", bide_exchange_method(x), bide_exchange_target(x),
             bide_exchange_path(x), bide_exchange_query(x), param ? param : "(none)", header ? header : "(none)");
    return bide_respond(x, 200, NULL, text, strlen(text));
}

static int fail_in_the_middle(bide_exchange *x)
{
    BIDE_TRY(bide_respond_begin(x, 200, "text/plain"));
    BIDE_TRY(bide_respond_chunk(x, "half", 4));
    return bide_fail(-EIO, "the disk is gone");
}

static int route(bide_exchange *x, void *arg)
{
    const char *path = bide_exchange_path(x);

    (void)arg;
    if (strcmp(bide_exchange_target(x), "/") == 0)
        return bide_respond_text(x, 200, "hello");
    if (strcmp(path, "/body") == 0)
        return echo_body(x);
    if (strcmp(path, "/chunks") == 0)
        return chunks(x);
    if (strncmp(path, "/counted/", 9) == 0)
        return counted(x, path + 9);
    if (strcmp(path, "/fail") == 0)
        return bide_fail(-EIO, "the disk is gone");
    if (strcmp(path, "/half") == 0)
        return fail_in_the_middle(x);
    if (strcmp(path, "/peer") == 0)
        return bide_respond_text(x, 200, bide_exchange_peer(x));
    if (strcmp(path, "/silent") == 0)
        return 0;
    if (strcmp(path, "/empty") == 0)
        return bide_respond(x, 204, NULL, NULL, 0);
    if (strncmp(path, "/sleep/", 7) == 0) {
        BIDE_TRY(bide_sleep_ms(atoi(path + 7)));
        return bide_respond_text(x, 200, path + 7);
    }
    return describe(x);
}

/* ---- a client that knows nothing ---- */

static bide_stream *dial(bide_server *s)
{
    bide_stream *c = bide_connect("127.0.0.1", bide_server_port(s));

    EXPECT_NOT_NULL(c);
    return c;
}

static char reply[1 << 20];

/* Read until the server closes. */
static const char *read_all(bide_stream *c)
{
    size_t len = 0;

    for (ssize_t n = 1; n > 0; len += n > 0 ? (size_t)n : 0) {
        n = bide_read(c, reply + len, sizeof reply - 1 - len);
        EXPECT_LE(0, n);
    }
    reply[len] = '\0';
    return reply;
}

static void send_text(bide_stream *c, const char *text)
{
    EXPECT_EQ(bide_write(c, text, strlen(text)), 0);
    EXPECT_EQ(bide_drain(c), 0);
}

/* Dates differ; take them out. */
static const char *without_dates(char *text)
{
    for (char *at; (at = strstr(text, "Date: "));) {
        char *end = strstr(at, "GMT\r\n");
        EXPECT_TRUE(end && end - at == 32);
        memmove(at, end + 5, strlen(end + 5) + 1);
    }
    return text;
}

static const char *ask(bide_server *s, const char *text)
{
    bide_auto bide_stream *c = dial(s);

    send_text(c, text);
    BIDE_IGNORE(bide_stream_shutdown(c));
    read_all(c);
    return without_dates(reply);
}

#define START(...) \
    bide_auto bide_server *s = bide_server_start(route, ##__VA_ARGS__); \
    EXPECT_NOT_NULL(s)

/* ---- tests ---- */

TEST(server_answers_with_date_length_and_type, .real_time = true)
{
    START();
    bide_auto bide_stream *c = dial(s);
    send_text(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_CONTAINS(read_all(c), "\r\nDate: ");
    EXPECT_STR(without_dates(reply), "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                     "Content-Length: 5\r\nConnection: close\r\n\r\nhello");
}

TEST(server_handler_knows_the_clients_address, .real_time = true)
{
    START();
    bide_auto bide_stream *c = dial(s);
    send_text(c, "GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const char *peer = strstr(read_all(c), "\r\n\r\n127.0.0.1:");
    EXPECT_NOT_NULL(peer);
    EXPECT_LT(0, atoi(peer + strlen("\r\n\r\n127.0.0.1:")));
}

TEST(server_keeps_the_connection_and_answers_pipelined_requests_in_order, .real_time = true)
{
    START();
    EXPECT_STR(ask(s, "GET /sleep/30 HTTP/1.1\r\nHost: a\r\n\r\nPOST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
                      "abcGET /empty HTTP/1.1\r\nHost: a\r\n\r\n"),
               "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\n30"
               "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc"
               "HTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_EQ(bide_server_get_stats(s).requests, 3);
    EXPECT_EQ(bide_server_get_stats(s).connections, 1);
}

TEST(server_many_pipelined_requests_are_all_answered, .real_time = true)
{
    static char text[40 * 1000 + 1];
    START();
    for (int i = 0; i < 1000; i++)
        strcat(text, "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n");
    const char *at = ask(s, text);
    for (int i = 0; i < 1000; i++, at += 27)
        EXPECT_MEM(at, "HTTP/1.1 204 No Content\r\n\r\n", 27);
    EXPECT_STR(at, "");
}

TEST(server_request_that_comes_byte_by_byte_is_understood, .real_time = true)
{
    START();
    bide_auto bide_stream *c = dial(s);
    for (const char *at = "POST /body HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\n"; *at; at++) {
        EXPECT_EQ(bide_write(c, at, 1), 0);
        EXPECT_EQ(bide_drain(c), 0);
        BIDE_IGNORE(bide_sleep_ms(0));
    }
    EXPECT_CONTAINS(read_all(c), "Content-Length: 5\r\nConnection: close\r\n\r\nabcde");
}

TEST(server_chunked_body_then_another_request, .real_time = true)
{
    START();
    const char *text = ask(s, "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                              "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\n\r\n"
                              "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_STR(text, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc"
                     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nz"
                     "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello");
}

TEST(server_unread_body_is_skipped, .real_time = true)
{
    START();
    EXPECT_STR(ask(s, "POST /empty HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345"
                      "POST /empty HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\n\r\n"
                      "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n"),
               "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
}

TEST(server_large_body_comes_back_whole, .real_time = true)
{
    static char text[300000], head[128];
    START();
    bide_auto bide_stream *c = dial(s);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 23);
    snprintf(head, sizeof head, "POST /body HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
             sizeof text);
    EXPECT_EQ(bide_write(c, head, strlen(head)), 0);
    EXPECT_EQ(bide_write(c, text, sizeof text), 0);
    EXPECT_EQ(bide_drain(c), 0);
    const char *body = strstr(read_all(c), "\r\n\r\n");
    EXPECT_NOT_NULL(body);
    EXPECT_EQ(strlen(body + 4), sizeof text);
    EXPECT_MEM(body + 4, text, sizeof text);
}

TEST(server_head_request_has_the_length_but_no_body, .real_time = true)
{
    START();
    EXPECT_STR(ask(s, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /chunks HTTP/1.1\r\nHost: a\r\n\r\n"
                      "HEAD /counted/5 HTTP/1.1\r\nHost: a\r\n\r\n"),
               "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\n"
               "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
               "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\n");
}

TEST(server_pieces_are_chunked_for_1_1_and_end_with_the_connection_for_1_0, .real_time = true)
{
    START();
    EXPECT_STR(ask(s, "GET /chunks HTTP/1.1\r\nHost: a\r\n\r\nGET /chunks HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
               "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"
               "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nonethree");
}

TEST(server_pieces_must_add_up_to_the_length, .real_time = true)
{
    START();
    EXPECT_CONTAINS(ask(s, "GET /counted/5 HTTP/1.1\r\nHost: a\r\n\r\n"), "Content-Length: 5\r\nContent-Type: text/plain"
                                                                          "\r\n\r\n12345");
    EXPECT_STR(strstr(ask(s, "GET /counted/6 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "\r\n\r\n"),
               "\r\n\r\n12345");
    EXPECT_CONTAINS(ask(s, "GET /counted/x HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 500 ");
}

TEST(server_http_1_0_closes_unless_asked_to_stay, .real_time = true)
{
    START();
    EXPECT_STR(ask(s, "GET /empty HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /empty HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n"),
               "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

TEST(server_tells_the_parts_of_a_request, .real_time = true)
{
    START();
    EXPECT_CONTAINS(ask(s, "PUT /p%20q?x=1+2%2F%zz&y=%00 HTTP/1.1\r\nHost: a\r\nX-TEST:  v w \r\n\r\n"),
                    "\r\n\r\nPUT|/p%20q?x=1+2%2F%zz&y=%00|/p%20q|x=1+2%2F%zz&y=%00|x=1 2/%zz|h=v w");
    EXPECT_CONTAINS(ask(s, "GET http://a:1/b?c HTTP/1.1\r\nHost: a:1\r\n\r\n"), "GET|http://a:1/b?c|/b|c|x=(none)|h=(none)");
    EXPECT_CONTAINS(ask(s, "GET http://a?%78=y&x=z HTTP/1.1\r\nHost: a\r\n\r\n"), "|/|%78=y&x=z|x=y|");
    EXPECT_CONTAINS(ask(s, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), "OPTIONS|*|*||x=(none)");
}

TEST(server_more_fields_than_fit_the_request, .real_time = true)
{
    char text[4096] = "GET /q HTTP/1.1\r\nHost: a\r\n", line[32];
    START();
    for (int i = 0; i < 60; i++) {
        snprintf(line, sizeof line, "X-%d: %d\r\n", i, i);
        strcat(text, line);
    }
    EXPECT_CONTAINS(ask(s, strcat(text, "X-Test: last\r\n\r\n")), "h=last");
}

/* ---- refusals ---- */

#define REFUSED(text, line)                     \
    do {                                        \
        const char *got_ = ask(s, text);        \
        EXPECT_MEM(got_, line, strlen(line));   \
        EXPECT_CONTAINS(got_, "Connection: close\r\n"); \
    } while (0)

TEST(server_refuses_what_is_no_request, .real_time = true)
{
    START(.max_head_bytes = 512, .max_body_bytes = 10);
    REFUSED("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n");
    REFUSED("hello\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n");
    REFUSED("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n");
    REFUSED("GET / HTTP/1.1\nHost: a\n\n", "HTTP/1.1 400 ");
    REFUSED("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "HTTP/1.1 501 ");
    REFUSED("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400 ");
    REFUSED("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", "HTTP/1.1 413 Content Too Large\r\n");
    REFUSED("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: wonders\r\n\r\nx", "HTTP/1.1 417 ");
    REFUSED("POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n9\r\n123456789\r\n0\r\n\r\n",
            "HTTP/1.1 413 ");
    EXPECT_EQ(bide_server_count(s, 413), 2);
    REFUSED("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12", "HTTP/1.1 400 ");
    REFUSED("POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 400 ");
}

TEST(server_oversized_head_is_431_even_if_it_never_ends, .real_time = true)
{
    static char text[8192];
    START(.max_head_bytes = 1024);
    strcpy(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    memset(text + strlen(text), 'x', 4000);
    REFUSED(text, "HTTP/1.1 431 Request Header Fields Too Large\r\n");
    EXPECT_EQ(bide_server_get_stats(s).open, 0);
}

TEST(server_failing_handlers_get_500, .real_time = true)
{
    START();
    REFUSED("GET /fail HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 500 Internal Server Error\r\n");
    REFUSED("GET /silent HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 500 ");
    EXPECT_FALSE(strstr(reply, "disk"));
}

TEST(server_answer_that_fails_in_the_middle_is_cut_off, .real_time = true)
{
    START();
    const char *text = ask(s, "GET /half HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_CONTAINS(text, "\r\n\r\n4\r\nhalf\r\n");
    EXPECT_FALSE(strstr(text, "0\r\n\r\n"));
}

/* ---- Expect: 100-continue ---- */

TEST(server_says_continue_when_the_handler_wants_the_body, .real_time = true)
{
    char line[64] = "";
    START();
    bide_auto bide_stream *c = dial(s);
    send_text(c, "POST /body HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n");
    EXPECT_EQ(bide_read_exactly(c, line, 25), 25);
    EXPECT_STR(line, "HTTP/1.1 100 Continue\r\n\r\n");
    send_text(c, "ok");
    EXPECT_CONTAINS(read_all(c), "\r\n\r\nok");
}

TEST(server_closes_when_a_body_was_announced_but_not_wanted, .real_time = true)
{
    START();
    bide_auto bide_stream *c = dial(s);
    send_text(c, "POST /empty HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_STR((read_all(c), without_dates(reply)), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

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

/* ---- the end ---- */

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

/* ---- bad answers are refused before they are sent ---- */

static int bad_answers(bide_exchange *x, void *arg)
{
    (void)arg;
    EXPECT_ERR(bide_respond_header(x, "Bad Name", "x"), -EINVAL);
    bide_error_clear();
    EXPECT_ERR(bide_respond_header(x, "X", "a\r\nSet-Cookie: b"), -EINVAL);
    bide_error_clear();
    EXPECT_ERR(bide_respond_header(x, "transfer-encoding", "chunked"), -EINVAL);
    bide_error_clear();
    EXPECT_ERR(bide_respond(x, 99, NULL, "", 0), -EINVAL);
    bide_error_clear();
    EXPECT_ERR(bide_respond(x, 200, "text/plain\n", "", 0), -EINVAL);
    bide_error_clear();
    EXPECT_ERR(bide_respond_chunk(x, "x", 1), BIDE_ESTATE);
    bide_error_clear();
    EXPECT_EQ(bide_exchange_status(x), 0);
    EXPECT_EQ(bide_respond_header(x, "X-Good", "yes"), 0);
    EXPECT_EQ(bide_respond_json(x, 418, "{\"n\":%d}", 7), 0);
    EXPECT_EQ(bide_exchange_status(x), 418);
    EXPECT_ERR(bide_respond(x, 200, NULL, "", 0), BIDE_ESTATE);
    EXPECT_ERR(bide_respond_header(x, "X", "y"), BIDE_ESTATE);
    return 0;
}

TEST(server_answer_is_checked, .real_time = true)
{
    bide_auto bide_server *s = bide_server_start(bad_answers);
    EXPECT_NOT_NULL(s);
    EXPECT_STR(ask(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
               "HTTP/1.1 418 I'm a teapot\r\nX-Good: yes\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n"
               "{\"n\":7}");
}

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

/* ---- TLS ---- */

static void make_certificate(char *cert, char *key, size_t cap)
{
    char command[1024];

    snprintf(cert, cap, "%s/cert.pem", test_tmpdir());
    snprintf(key, cap, "%s/key.pem", test_tmpdir());
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost "
             "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout %s -out %s 2>/dev/null", key, cert);
    if (system(command) != 0)
        SKIP("no openssl command to make a certificate with");
}

TEST(server_speaks_tls, .real_time = true)
{
    char cert[128], key[128];
    make_certificate(cert, key, sizeof cert);
    START(.cert_file = cert, .key_file = key);
    EXPECT_MEM(bide_server_url(s), "https://127.0.0.1:", 18);
    bide_auto bide_tls *tls = bide_tls_new(.ca_file = cert, .alpn = "http/1.1");
    EXPECT_NOT_NULL(tls);
    bide_auto bide_stream *c = bide_connect("127.0.0.1", bide_server_port(s), .tls = tls);
    EXPECT_NOT_NULL(c);
    EXPECT_STR(bide_stream_alpn(c), "http/1.1");
    send_text(c, "GET /chunks HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_CONTAINS(read_all(c), "5\r\nthree\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n");
    EXPECT_CONTAINS(reply, "\r\n\r\nhello");
}

/* The handshake is a part of the head's time: from the connection on, whatever drips in. */
TEST(server_a_handshake_that_comes_drop_by_drop_is_ended, .real_time = true)
{
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"; /* of 512 bytes */
    char cert[128], key[128], byte;
    make_certificate(cert, key, sizeof cert);
    START(.cert_file = cert, .key_file = key, .idle_timeout_ms = 5000, .head_timeout_ms = 100);
    bide_auto bide_stream *silent = dial(s), *c = dial(s);
    int drops = 0;

    EXPECT_EQ(bide_write(c, hello, sizeof hello - 1), 0);
    for (; drops < 200 && bide_server_get_stats(s).open > 0; drops++) {
        if (bide_write(c, "x", 1) < 0 || bide_drain(c) < 0)
            break;
        EXPECT_EQ(bide_sleep_ms(10), 0);
    }
    bide_error_clear();
    EXPECT_LT(drops, 200);
    EXPECT_EQ(bide_read(silent, &byte, 1), 0);
    EXPECT_EQ(bide_server_get_stats(s).open, 0);
}

TEST(server_survives_a_client_that_speaks_no_tls, .real_time = true)
{
    char cert[128], key[128];
    make_certificate(cert, key, sizeof cert);
    START(.cert_file = cert, .key_file = key);
    bide_auto bide_stream *c = dial(s);
    send_text(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_CONTAINS(read_all(c), "HTTP/1.1 400 Bad Request\r\n");
    EXPECT_CONTAINS(reply, "this port speaks TLS");
    EXPECT_EQ(bide_server_get_stats(s).requests, 0);
}

TEST(server_start_names_a_certificate_that_is_missing, .real_time = true)
{
    EXPECT_NULL(bide_server_start(route, .cert_file = "/none/cert.pem", .key_file = "/none/key.pem"));
    EXPECT_ERR(bide_error_code(), BIDE_ETLS);
    EXPECT_CONTAINS(bide_error_text(), "/none/cert.pem");
}

/* ---- out of memory ---- */

TEST(server_survives_any_failing_allocation, .real_time = true, .seconds = 30)
{
    int answered = 0;
    START();
    for (long n = 0; n < 60; n++) {
        bide__alloc_fail_at(n);
        bide_auto bide_stream *c = bide_connect("127.0.0.1", bide_server_port(s));
        if (c) {
            static const char text[] = "POST /q?x=y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close"
                                       "\r\n\r\n1\r\nz\r\n0\r\n\r\n";
            ssize_t got = bide_write(c, text, sizeof text - 1) == 0 && bide_drain(c) == 0 ? 1 : 0;
            while (got > 0)
                got = bide_read(c, reply, 256);
        }
        bide__alloc_fail_at(-1);
        bide_error_clear();
        BIDE_IGNORE(bide_sleep_ms(25)); /* the acceptor waits a little after such a failure */
        if (strstr(ask(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "hello"))
            answered++;
    }
    EXPECT_EQ(answered, 60);
}

/* Its fields need memory of their own before anything of the answer is set up. */
TEST(server_survives_a_failing_allocation_in_a_head_of_many_fields, .real_time = true, .seconds = 30)
{
    char text[1024] = "GET / HTTP/1.1\r\nHost: a\r\n";
    START();
    for (int i = 0; i < 20; i++)
        strcat(text, "X: y\r\n");
    strcat(text, "\r\n");
    mallopt(M_PERTURB, 0xa5); /* memory that nobody has cleared is not empty by chance */
    for (long n = 0; n < 25; n++) {
        bide__alloc_fail_at(n);
        bide_auto bide_stream *c = bide_connect("127.0.0.1", bide_server_port(s));
        if (c && bide_write(c, text, strlen(text)) == 0 && bide_drain(c) == 0 && bide_stream_shutdown(c) == 0)
            while (bide_read(c, reply, 256) > 0)
                ;
        bide__alloc_fail_at(-1);
        bide_error_clear();
        BIDE_IGNORE(bide_sleep_ms(25));
    }
    EXPECT_CONTAINS(ask(s, text), "hello");
    mallopt(M_PERTURB, 0);
}
