/* SPDX-License-Identifier: MIT */
/* test_exchange.c - the HTTP/1.1 server, byte for byte: requests and their answers, one after the other on a connection. */
#include <stdlib.h>

#include <bide/server.h>
#include <bide/stream.h>

#include "server/wire_pair.h"

/* ---- requests and answers ---- */

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

/* ---- the handler's pointer ---- */

static int freed[2];

static void count_free(void *at)
{
    ++*(int *)at;
}

static int with_user(bide_exchange *x, void *arg)
{
    (void)arg;
    EXPECT_NULL(bide_exchange_user(x)); /* the request before has left nothing */
    BIDE_TRY(bide_exchange_set_user(x, &freed[0], count_free));
    EXPECT_TRUE(bide_exchange_user(x) == &freed[0]);
    BIDE_TRY(bide_exchange_set_user(x, &freed[1], count_free));
    EXPECT_EQ(freed[0], freed[1] + 1); /* the first was replaced, the second lives */
    return bide_respond(x, 204, NULL, NULL, 0);
}

TEST(server_exchange_frees_the_users_pointer_once, .real_time = true)
{
    bide_auto bide_server *s = bide_server_start(with_user);
    EXPECT_NOT_NULL(s);
    freed[0] = freed[1] = 0;
    ask(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(freed[0], 2);
    EXPECT_EQ(freed[1], 2);
    EXPECT_EQ(bide_exchange_set_user(NULL, &freed[0], count_free), -EINVAL);
    EXPECT_EQ(freed[0], 3); /* taken also by a call that fails */
}
