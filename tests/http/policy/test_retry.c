/* SPDX-License-Identifier: MIT */
/* test_retry.c - when a request is sent twice, and when it must not be; answers that come before their time. */
#include "client.h"

/* One GET that leaves a connection behind, then a request on it; `second` is the script of a new connection. */
struct outcome {
    int requests, connections, status, code;
    char text[256];
};

static struct outcome after_a_get(const char *first, const char *second, const char *method, bide_request_args args)
{
    struct peer p = PEER(first, second);
    struct outcome o = {0};
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new();
        expect_get(s, peer_url(&p, "/first"), "a");
        args.url = peer_url(&p, "/second");
        bide_auto bide_response *r = bide_request_with(s, method, &args);
        o.status = r ? bide_status(r) : 0;
        o.code = r ? 0 : bide_error_code();
        snprintf(o.text, sizeof o.text, "%s", bide_error_text());
        bide_error_clear();
        if (r)
            expect_body(r, "b");
        EXPECT_EQ(bide_session_get_stats(s).reused, 1);
    }
    o.connections = peer_stop(&p);
    o.requests = p.nrequests;
    return o;
}

#define AFTER_GET(first, second, method, ...) after_a_get(first, second, method, (bide_request_args){.size = sizeof(bide_request_args), __VA_ARGS__})
#define GOOD_A                                ASK OK("1") "a"
#define GOOD_B                                ASK OK("1") "b"

/* R51 */
TEST(client_a_stale_connection_is_replaced_once, .real_time = true)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"};

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(methods[i], "HEAD") == 0)
            continue; /* has no body to look at; below */
        struct outcome o = AFTER_GET(GOOD_A ASK, GOOD_B, methods[i]);
        EXPECT_EQ(o.status, 200);
        EXPECT_EQ(o.requests, 3);
        EXPECT_EQ(o.connections, 2);
    }
    EXPECT_EQ(AFTER_GET(GOOD_A ASK RESET, GOOD_B, "GET").status, 200);
}

/* R51 */
TEST(client_the_body_is_sent_again_whole, .real_time = true)
{
    struct peer p = PEER(GOOD_A ASK, GOOD_B);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    expect_get(s, peer_url(&p, "/"), "a");

    bide_auto bide_response *r = bide_put(s, peer_url(&p, "/"), .data = {"12345", 5});

    expect_body(r, "b");
    EXPECT_FALSE(bide_response_reused(r));
    peer_stop(&p);
    EXPECT_EQ(count_of(p.seen, "\r\n\r\n12345"), 2);
}

/* R52 */
TEST(client_post_is_not_sent_twice, .real_time = true)
{
    struct outcome o = AFTER_GET(GOOD_A ASK, GOOD_B, "POST", .data = {"x", 1});

    EXPECT_EQ(o.code, BIDE_EDISCONNECTED);
    EXPECT_EQ(o.requests, 2);
    EXPECT_CONTAINS(o.text, "POST http://127.0.0.1:");
    EXPECT_CONTAINS(o.text, "/second: the server closed the connection without an answer (it had served before)");
}

/* R51 */
TEST(client_an_idempotency_key_makes_post_safe, .real_time = true)
{
    struct outcome o =
        AFTER_GET(GOOD_A ASK, GOOD_B, "POST", .data = {"x", 1}, .headers = BIDE_PAIRS({"idempotency-KEY", "1"}));

    EXPECT_EQ(o.status, 200);
    EXPECT_EQ(o.requests, 3);
}

/* R51 */
TEST(client_nothing_is_sent_again_once_a_byte_came, .real_time = true)
{
    struct outcome o = AFTER_GET(GOOD_A ASK "H", GOOD_B, "GET");

    EXPECT_EQ(o.code, BIDE_EDISCONNECTED);
    EXPECT_EQ(o.requests, 2);
    EXPECT_CONTAINS(o.text, "in the middle of the head");
}

/* R51 */
TEST(client_a_retry_is_not_retried, .real_time = true)
{
    struct outcome o = AFTER_GET(GOOD_A ASK, ASK, "GET");

    EXPECT_EQ(o.code, BIDE_EDISCONNECTED);
    EXPECT_EQ(o.requests, 3);
    EXPECT_CONTAINS(o.text, "without an answer");
}

/* R51 */
TEST(client_a_new_connection_gets_no_second_try, .real_time = true)
{
    struct peer p = PEER(ASK, GOOD_B);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    EXPECT_FAILED(bide_get(s, peer_url(&p, "/")), BIDE_EDISCONNECTED, "GET http://", "without an answer");
    EXPECT_EQ(peer_stop(&p), 1);
}

/* R51 */
TEST(client_timeouts_are_not_retried, .real_time = true)
{
    struct outcome o = AFTER_GET(GOOD_A ASK STALL, GOOD_B, "GET", .read_timeout_ms = 30);

    EXPECT_EQ(o.code, BIDE_ETIMEDOUT);
    EXPECT_EQ(o.requests, 2);
}

/* R53 */
TEST(client_a_408_on_a_reused_connection_is_staleness, .real_time = true)
{
    struct outcome o = AFTER_GET(GOOD_A ASK "HTTP/1.1 408 T\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", GOOD_B,
                                 "POST", .data = {"x", 1});

    EXPECT_EQ(o.status, 200);
    EXPECT_EQ(o.requests, 3);
}

/* R58 */
TEST(client_a_421_is_tried_on_a_new_connection, .real_time = true)
{
    struct outcome o = AFTER_GET(GOOD_A ASK "HTTP/1.1 421 M\r\nContent-Length: 1\r\n\r\nx", GOOD_B, "GET");

    EXPECT_EQ(o.status, 200);
    EXPECT_EQ(o.connections, 2);
}

TEST(client_a_408_or_421_on_a_new_connection_is_the_answer, .real_time = true)
{
    struct peer p = PEER(ASK "HTTP/1.1 408 T\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                         ASK "HTTP/1.1 421 T\r\nContent-Length: 0\r\n\r\n");
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    bide_auto bide_response *timeout = bide_get(s, peer_url(&p, "/"));
    EXPECT_EQ(bide_status(timeout), 408);
    bide_auto bide_response *misdirected = bide_get(s, peer_url(&p, "/"));
    EXPECT_EQ(bide_status(misdirected), 421);
    EXPECT_EQ(peer_stop(&p), 2);
}

/* ---- an answer before the request is sent ---- */

enum { MUCH = 8 << 20 };
static char much[MUCH];

/* POST far more than the sockets hold. */
static bide_response *post_much(bide_session *s, struct peer *p)
{
    return bide_post(s, peer_url(p, "/"), .data = {much, MUCH}, .timeout_ms = 5000);
}

/* R15 */
TEST(client_a_refusal_stops_the_upload, .real_time = true)
{
    struct peer p =
        PEER(HEAD "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig" PAUSE PAUSE PAUSE STALL,
             GOOD_A);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    bide_auto bide_response *r = post_much(s, &p);
    EXPECT_NOT_NULL(r);
    EXPECT_EQ(bide_status(r), 413);
    expect_body(r, "big");
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    EXPECT_LT(bide_session_get_stats(s).bytes_out, MUCH);
    expect_get(s, peer_url(&p, "/"), "a");
    EXPECT_EQ(peer_stop(&p), 2);
}

/* R15 */
TEST(client_an_answer_before_a_reset_is_still_read, .real_time = true)
{
    struct peer p = PEER(HEAD "HTTP/1.1 403 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno" PAUSE);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    bide_auto bide_response *r = post_much(s, &p);
    EXPECT_NOT_NULL(r);
    EXPECT_EQ(bide_status(r), 403);
    expect_body(r, "no");
    peer_stop(&p);
}

/* R15 */
TEST(client_interim_answers_do_not_stop_the_upload, .real_time = true)
{
    struct peer p = PEER(HEAD "HTTP/1.1 100 Continue\r\n\r\n" PAUSE "HTTP/1.1 102 P\r\n" PAUSE
                              "\r\n" PAUSE REST OK("1") "a" GOOD_B);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    bide_auto bide_response *r = post_much(s, &p);
    expect_body(r, "a");
    expect_get(s, peer_url(&p, "/"), "b");
    EXPECT_EQ(peer_stop(&p), 1);
    EXPECT_EQ(p.nbody, MUCH);
}

/* R15 */
TEST(client_an_early_success_does_not_stop_the_upload, .real_time = true)
{
    struct peer p = PEER(HEAD OK("5") "he" PAUSE "llo" PAUSE REST GOOD_B);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    bide_auto bide_response *r = post_much(s, &p);
    expect_body(r, "hello");
    expect_get(s, peer_url(&p, "/"), "b");
    EXPECT_EQ(peer_stop(&p), 1);
    EXPECT_EQ(p.nbody, MUCH);
}

/* R15 */
TEST(client_a_server_that_hangs_up_during_the_upload_is_named, .real_time = true)
{
    struct peer p = PEER(HEAD PAUSE, HEAD PAUSE RESET);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    EXPECT_NULL(post_much(s, &p));
    EXPECT_CONTAINS(bide_error_text(), "POST http://127.0.0.1:");
    bide_error_clear();
    EXPECT_NULL(post_much(s, &p));
    bide_error_clear();
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    peer_stop(&p);
}

TEST(client_large_bodies_arrive_whole, .real_time = true)
{
    struct peer p = PEER(ASK OK("1") "a");
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    bide_auto bide_response *r = post_much(s, &p);
    expect_body(r, "a");
    peer_stop(&p);
    EXPECT_EQ(p.nbody, MUCH);
}

/* ---- what is no answer ---- */

/* R51 */
TEST(client_rubbish_on_a_reused_connection_is_asked_again, .real_time = true)
{
    struct outcome o = AFTER_GET(GOOD_A ASK "leftover of the body before\r\n\r\n", GOOD_B, "GET");

    EXPECT_EQ(o.status, 200);
    EXPECT_EQ(o.requests, 3);
    EXPECT_EQ(o.connections, 2);
    EXPECT_EQ(AFTER_GET(GOOD_A ASK "\r\n" PAUSE "\r\n", GOOD_B, "GET").status, 200);
    EXPECT_EQ(AFTER_GET(GOOD_A ASK "\r" OK("1") "a", GOOD_B, "GET").status, 200);
    EXPECT_EQ(AFTER_GET(GOOD_A ASK "\r\r\n" OK("1") "a", GOOD_B, "GET").status, 200);
    EXPECT_EQ(AFTER_GET(GOOD_A ASK "\r\n\r" PAUSE OK("1") "a", GOOD_B, "GET").status, 200);
}

/* R51 */
TEST(client_empty_lines_without_end_on_a_reused_connection_are_no_answer, .real_time = true)
{
    static char script[80000] = GOOD_A ASK;

    memset(script + strlen(script), '\n', 70000);
    EXPECT_EQ(AFTER_GET(script, GOOD_B, "GET").status, 200);
}

/* R52 */
TEST(client_rubbish_is_not_asked_again_where_that_could_do_harm, .real_time = true)
{
    struct outcome o = AFTER_GET(GOOD_A ASK "leftover\r\n", GOOD_B, "POST", .data = {"x", 1});

    EXPECT_EQ(o.code, BIDE_EHTTP);
    EXPECT_EQ(o.requests, 2);
    EXPECT_CONTAINS(o.text, "it does not begin with HTTP/1.x: \"leftover\"");
    EXPECT_EQ(AFTER_GET(GOOD_A ASK "\r" OK("1") "a", GOOD_B, "POST", .data = {"x", 1}).code, BIDE_EHTTP);
    EXPECT_EQ(AFTER_GET(GOOD_A ASK "HTTP/1.1 xyz\r\n\r\n", GOOD_B, "GET").code, BIDE_EHTTP);
    EXPECT_EQ(AFTER_GET(GOOD_A ASK "HTTP/1.1 2\r00 OK\r\n\r\n", GOOD_B, "GET").code, BIDE_EHTTP);
    EXPECT_EQ(AFTER_GET(GOOD_A ASK "HTTP/1.1 102 P\r\n\r\nleftover\r\n", GOOD_B, "GET").code, BIDE_EHTTP);
}
