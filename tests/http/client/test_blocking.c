/* SPDX-License-Identifier: MIT */
/* test_blocking.c - the request without await: outside a loop, inside one, and how it fails. */
#include <jansson.h>
#include <time.h>

#include "client.h"

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

UNIT(client_blocking_get_needs_no_loop)
{
    struct peer p =
        PEER(ASK "HTTP/1.1 302 F\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", ASK OK("7") "{\"a\":1}" STALL);
    peer_start(&p);

    bide_response *r = bide_get_blocking(peer_url(&p, "/a"), .headers = BIDE_PAIRS({"X-A", "1"}));

    EXPECT_NOT_NULL(r);
    EXPECT_EQ(peer_stop(&p), 2); /* the connection is closed already */
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_EQ(bide_response_redirects(r), 1);
    EXPECT_STR(bide_header(r, "content-length"), "7");
    EXPECT_STR(bide_text(r), "{\"a\":1}");
    json_t *doc = bide_json(r);
    EXPECT_EQ(json_integer_value(json_object_get(doc, "a")), 1);
    json_decref(doc);
    const char *piece;
    EXPECT_EQ(bide_read_chunk(r, &piece), 7);
    EXPECT_EQ(bide_read_chunk(r, &piece), 0);
    EXPECT_TRUE(bide_response_timing(r).total >= 0);
    bide_release(r);
    EXPECT_EQ(count_of(p.seen, "Connection: close\r\n"), 2);
    EXPECT_EQ(count_of(p.seen, "X-A: 1\r\n"), 2);
}

UNIT(client_blocking_bodies_of_every_kind_are_read)
{
    struct peer p =
        PEER(ASK "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n" PAUSE "2\r\ncd\r\n0\r\n\r\n",
             ASK OK("4") "ef" PAUSE "gh", ASK "HTTP/1.1 200 OK\r\n\r\nij" PAUSE "kl", ASK OK("2") "mn");
    static const char *const want[] = {"abcd", "efgh", "ijkl"};
    peer_start(&p);

    for (int i = 0; i < 3; i++) {
        bide_response *r = bide_get_blocking(peer_url(&p, "/"));
        EXPECT_NOT_NULL(r);
        EXPECT_STR(bide_text(r), want[i]);
        bide_release(r);
    }
    bide_response *r = bide_request_blocking_with("POST", BIDE__ARGS(bide_request_args, .url = peer_url(&p, "/"), .json = "17"));
    EXPECT_NOT_NULL(r);
    EXPECT_STR(bide_text(r), "mn");
    bide_release(r);
    peer_stop(&p);
    EXPECT_CONTAINS(p.seen, "\r\n\r\n17");
}

UNIT(client_blocking_errors_are_on_record_in_the_thread)
{
    struct peer p = PEER(ASK STALL, ASK OK("5") "he", ASK OK("3") "abc");
    peer_start(&p);

    EXPECT_FAILED(bide_get_blocking(peer_url(&p, "/"), .timeout_ms = 50), BIDE_ETIMEDOUT, "GET http://",
                  "within 50 ms");
    EXPECT_FAILED(bide_get_blocking(peer_url(&p, "/")), BIDE_ETRUNCATED, "GET http://", "after 2 of 5 bytes");
    EXPECT_FAILED(bide_get_blocking(peer_url(&p, "/"), .max_body_bytes = 2), BIDE_ETOOBIG, "GET http://", "(2 bytes)");
    EXPECT_FAILED(bide_get_blocking("nonsense"), BIDE_EURL, "nonsense", "");
    peer_stop(&p);
    EXPECT_FAILED(bide_get_blocking(peer_url(&p, "/")), -ECONNREFUSED, "GET http://", "refused");
}

static int tick(int *ticks)
{
    for (;; (*ticks)++)
        BIDE_TRY(bide_sleep_ms(5));
}

TEST(client_blocking_inside_a_loop_makes_every_task_wait, .real_time = true)
{
    struct peer p = PEER(ASK PAUSE PAUSE OK("2") "ok", ASK PAUSE PAUSE OK("2") "ok");
    int ticks = 0;
    peer_start(&p);
    bide_auto bide_task *other = bide_create_task(bide_coro(tick, &ticks));
    EXPECT_EQ(bide_sleep_ms(12), 0);
    int before = ticks;

    int64_t begun = now_ms();
    bide_auto bide_response *r = bide_get_blocking(peer_url(&p, "/"));
    EXPECT_LE(60, now_ms() - begun);
    EXPECT_EQ(ticks, before);
    expect_body(r, "ok");

    bide_auto bide_session *s = bide_session_new();
    expect_get(s, peer_url(&p, "/"), "ok"); /* and the awaited one does not */
    EXPECT_LT(before + 3, ticks);
    peer_stop(&p);
}

static void note(bide_loop *loop, const char *message, void *arg)
{
    (void)loop;
    snprintf(arg, 200, "%s", message);
}

TEST(client_blocking_inside_a_loop_is_reported, .real_time = true)
{
    char message[200] = "";

    bide_loop_set_exception_handler(bide_get_event_loop(), note, message);
    EXPECT_NULL(bide_get_blocking("http://127.0.0.1:1/"));
    EXPECT_CONTAINS(message, " makes a blocking GET request: every other task waits");
    bide_error_clear();
}

TEST(client_blocking_inside_a_loop_fails_into_the_tasks_record, .real_time = true)
{
    bide_auto bide_session *s = bide_session_new();

    EXPECT_FAILED(bide_get_blocking("http://127.0.0.1:1/"), -ECONNREFUSED, "GET http://127.0.0.1:1/", "refused");
    bide_fail(-EIO, "mine");
    EXPECT_FAILED(bide_get_blocking("http://127.0.0.1:1/"), -ECONNREFUSED, "GET http://127.0.0.1:1/", "refused");
}
