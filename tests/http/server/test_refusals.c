/* SPDX-License-Identifier: MIT */
/* test_refusals.c - the server: requests that are refused, and answers that are refused before they are sent. */
#include <bide/server.h>
#include <bide/stream.h>

#include "server/wire_pair.h"

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
