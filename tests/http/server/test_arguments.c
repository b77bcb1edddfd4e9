/* SPDX-License-Identifier: MIT */
/* test_arguments.c - what is no argument of the server's functions gets -EINVAL and a sentence, never a crash. */
#include <bide/loop.h>
#include <bide/server.h>
#include <bide/stream.h>

#include "harness/harness.h"

#define REFUSED(call, result, says)               \
    do {                                          \
        bide_error_clear();                       \
        EXPECT_TRUE((call) == (result));          \
        EXPECT_ERR(bide_error_code(), -EINVAL);   \
        EXPECT_CONTAINS(bide_error_text(), says); \
    } while (0)

static int handle(bide_exchange *x, void *arg)
{
    bool *done = arg;
    bide_pair field;

    REFUSED(bide_exchange_header(x, NULL), NULL, "bide_exchange_header: the name is NULL");
    REFUSED(bide_exchange_param(x, NULL), NULL, "bide_exchange_param: the name is NULL");
    REFUSED(bide_exchange_header_at(x, 0, NULL), false, "bide_exchange_header_at: the place for the field is NULL");
    EXPECT_FALSE(bide_exchange_header_at(x, SIZE_MAX, &field));
    REFUSED(bide_respond_header(x, NULL, "x"), -EINVAL, "bide_respond_header: the name is NULL");
    REFUSED(bide_respond_header(x, "X", NULL), -EINVAL, "bide_respond_header: the value is NULL");
    REFUSED(bide_respond(x, 200, NULL, NULL, 5), -EINVAL, "bide_respond: the body is NULL");
    REFUSED(bide_respond(x, -1, NULL, "", 0), -EINVAL, "status -1");
    REFUSED(bide_respond_text(x, 200, NULL), -EINVAL, "bide_respond_text: the text is NULL");
    REFUSED(bide_respond_begin(x, 1000, NULL), -EINVAL, "status 1000");
    EXPECT_EQ(bide_respond_begin(x, 200, NULL), 0);
    REFUSED(bide_respond_chunk(x, NULL, 5), -EINVAL, "bide_respond_chunk: the piece is NULL");
    EXPECT_EQ(bide_respond_chunk(x, NULL, 0), 0);
    *done = true;
    return bide_respond_end(x);
}

TEST(server_functions_refuse_what_is_no_argument, .real_time = true)
{
    bool done = false;
    bide_auto bide_server *s = bide_server_start(handle, .arg = &done);
    bide_auto bide_stream *c = bide_connect("127.0.0.1", bide_server_port(s));
    EXPECT_EQ(bide_write(c, "GET /?x HTTP/1.0\r\nX: y\r\n\r\n", 26), 0);
    EXPECT_EQ(bide_drain(c), 0);
    while (!done)
        EXPECT_EQ(bide_sleep_ms(1), 0);

    REFUSED(bide_server_stop(NULL, 0), -EINVAL, "bide_server_stop: the server is NULL");
    REFUSED(bide_server_stop(s, -1), -EINVAL, "bide_server_stop: grace_ms = -1: a negative number");
    REFUSED(bide_server_port(NULL), -EINVAL, "bide_server_port: the server is NULL");
    REFUSED(bide_server_url(NULL), NULL, "bide_server_url: the server is NULL");
    REFUSED(bide_server_count(NULL, 200), 0, "bide_server_count: the server is NULL");
    REFUSED(bide_server_get_stats(NULL).open, 0, "bide_server_get_stats: the server is NULL");
    EXPECT_EQ(bide_server_count(s, -1) + bide_server_count(s, 600), 0);

    REFUSED(bide_exchange_method(NULL), NULL, "bide_exchange_method: the exchange is NULL");
    REFUSED(bide_exchange_target(NULL), NULL, "bide_exchange_target: the exchange is NULL");
    REFUSED(bide_exchange_path(NULL), NULL, "bide_exchange_path: the exchange is NULL");
    REFUSED(bide_exchange_query(NULL), NULL, "bide_exchange_query: the exchange is NULL");
    REFUSED(bide_exchange_param(NULL, "x"), NULL, "bide_exchange_param: the exchange is NULL");
    REFUSED(bide_exchange_header(NULL, "x"), NULL, "bide_exchange_header: the exchange is NULL");
    REFUSED(bide_exchange_peer(NULL), NULL, "bide_exchange_peer: the exchange is NULL");
    REFUSED(bide_exchange_status(NULL), -EINVAL, "bide_exchange_status: the exchange is NULL");
    REFUSED(bide_exchange_body(NULL).data, NULL, "bide_exchange_body: the exchange is NULL");
    REFUSED(bide_respond_header(NULL, "a", "b"), -EINVAL, "bide_respond_header: the exchange is NULL");
    REFUSED(bide_respond(NULL, 200, NULL, "", 0), -EINVAL, "bide_respond: the exchange is NULL");
    REFUSED(bide_respond_text(NULL, 200, ""), -EINVAL, "bide_respond_text: the exchange is NULL");
    REFUSED(bide_respond_json(NULL, 200, "%d", 1), -EINVAL, "bide_respond_json: the exchange is NULL");
    REFUSED(bide_respond_begin(NULL, 200, NULL), -EINVAL, "bide_respond_begin: the exchange is NULL");
    REFUSED(bide_respond_chunk(NULL, "", 0), -EINVAL, "bide_respond_chunk: the exchange is NULL");
    REFUSED(bide_respond_end(NULL), -EINVAL, "bide_respond_end: the exchange is NULL");
}
