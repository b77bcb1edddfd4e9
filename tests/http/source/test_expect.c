/* SPDX-License-Identifier: MIT */
/* test_expect.c - asking before a body is sent, fields behind it, HTTP/1.0, and who watches; on virtual time. */
#include <jansson.h>

#include <bide/json.h>

#include "wire.h"

#define OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define ON_CHUNKED_REQUEST ON_REQUEST, ON_REQUEST

static int64_t now_ms(void)
{
    return bide__loop_here->now_ns / NS_PER_MS;
}

static const char *body_of(const struct wire *w)
{
    const char *end = strstr(w->seen, "\r\n\r\n");

    return end ? end + 4 : "";
}

/* ---- Expect: 100-continue ---- */

static int look(struct wire *w)
{
    BIDE_TRY(bide_sleep_ms(100));
    EXPECT_CONTAINS(w->seen, "\r\nExpect: 100-continue\r\n");
    EXPECT_STR(body_of(w), ""); /* it waits */
    return 0;
}

/* R14 */
TEST(expect_body_waits_for_100)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(200, "HTTP/1.1 103 Early Hints\r\n\r\n"), AFTER(200, "HTTP/1.1 100 Continue\r\n\r\n"),
                         AFTER(50, OK_2));
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);
    int64_t t = now_ms();

    bide_task *looker = bide_create_task(bide_coro(look, &w));
    bide_auto bide_response *r = bide_put(s, "http://a/", .text = "hello", .expect_continue = true);
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_EQ(now_ms() - t, 5 + 450);
    EXPECT_EQ(bide_await(looker), 0);
    bide_release(looker);
    EXPECT_STR(body_of(&w), "hello");
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
}

/* R14 */
TEST(expect_waits_a_second_at_most)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(1500, OK_2));
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);
    int64_t t = now_ms();

    bide_auto bide_response *r = bide_put(s, "http://a/", .text = "hello", .expect_continue = true);
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_EQ(now_ms() - t, 1505);
    EXPECT_STR(body_of(&w), "hello");
}

TEST(expect_time_is_an_option_within_that_of_all)
{
    struct wire w[2] = {WIRE(ON_REQUEST, AFTER(300, OK_2)), WIRE(ON_REQUEST)};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, w, 2);

    bide_auto bide_response *r = bide_put(s, "http://a/", .text = "hello", .expect_continue = true, .expect_timeout_ms = 200);
    EXPECT_STR(body_of(&w[0]), "hello");
    bide_release(bide_take(r));
    EXPECT_NULL(bide_put(s, "http://b/", .text = "x", .expect_continue = true, .timeout_ms = 100));
    EXPECT_ERR(bide_error_code(), BIDE_ETIMEDOUT);
    EXPECT_STR(body_of(&w[1]), "");
    bide_error_clear();
}

/* R14: the connection is not used again, for the server may wait for the body. */
TEST(expect_final_answer_keeps_the_body)
{
    static const char *const answers[] = {"HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\nok", OK_2};
    for (int i = 0; i < 2; i++) {
        struct wire w = WIRE(ON_REQUEST, AFTER(20, answers[i]));
        bide_auto bide_session *s = bide_session_new();
        wires_plant(s, &w, 1);

        bide_auto bide_response *r = bide_put(s, "http://a/", .text = "hello", .expect_continue = true);
        EXPECT_STR(bide_text(r), "ok");
        EXPECT_STR(body_of(&w), "");
        EXPECT_TRUE(w.closed);
    }
}

/* R14 */
TEST(expect_417_is_asked_again_without)
{
    struct wire w[2] = {WIRE(ON_REQUEST, AFTER(20, "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")), WIRE(ON_REQUEST, AFTER(20, OK_2))};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, w, 2);

    bide_auto bide_response *r = bide_put(s, "http://a/", .text = "hello", .expect_continue = true);
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_NULL(strstr(w[1].seen, "Expect"));
    EXPECT_STR(body_of(&w[1]), "hello");
}

/* R14: only with content. */
TEST(expect_is_not_said_without_a_body)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK_2));
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = bide_put(s, "http://a/", .expect_continue = true);
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_NULL(strstr(w.seen, "Expect"));
}

/* ---- fields behind the body ---- */

struct summed {
    int at;
    char sum[16];
};

static ssize_t next_summed(const char **data, void *arg)
{
    struct summed *s = arg;

    *data = "abc";
    if (s->at++ > 0)
        strcpy(s->sum, "900150983cd2");
    return s->at > 1 ? 0 : 3;
}

TEST(trailers_are_read_when_the_body_was_sent)
{
    struct wire w = WIRE(ON_CHUNKED_REQUEST, SAY(OK_2));
    struct summed sum = {.at = 0};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = bide_put(s, "http://a/", .body = bide_body_from(next_summed, &sum, .length = 3),
                                          .trailers = BIDE_PAIRS({"X-Sum", sum.sum}, {"X-Other", "o"}));
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_CONTAINS(w.seen, "\r\nTrailer: X-Sum, X-Other\r\nTransfer-Encoding: chunked\r\n");
    EXPECT_STR(body_of(&w), "3\r\nabc\r\n0\r\nX-Sum: \r\nX-Other: o\r\n\r\n"); /* the length was there: it was not asked again */
}

/* R41 */
TEST(trailers_that_frame_or_route_are_refused)
{
    static const char *const names[] = {"Content-Length", "Transfer-Encoding", "Host", "Authorization", "Content-Type", "Trailer", "X Y"};
    bide_auto bide_session *s = bide_session_new();

    for (size_t i = 0; i < array_len(names); i++) {
        EXPECT_NULL(bide_put(s, "http://a/", .text = "x", .trailers = BIDE_PAIRS({names[i], "1"})));
        EXPECT_ERR(bide_error_code(), -EINVAL);
    }
    EXPECT_NULL(bide_put(s, "http://a/", .trailers = BIDE_PAIRS({"X-A", "1"})));
    EXPECT_CONTAINS(bide_error_text(), "trailers: there is no body");
    bide_error_clear();
}

TEST(trailers_with_line_ends_end_the_request)
{
    struct wire w = WIRE(ON_REQUEST);
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    EXPECT_NULL(bide_put(s, "http://a/", .text = "x", .trailers = BIDE_PAIRS({"X-A", "1\r\nX-B: 2"})));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_TRUE(w.closed);
    EXPECT_NULL(strstr(w.seen, "X-B"));
    bide_error_clear();
}

/* ---- HTTP/1.0 ---- */

/* R7 */
TEST(chunks_are_not_sent_to_a_server_that_spoke_http_1_0)
{
    struct wire w[2] = {WIRE(ON_REQUEST, SAY("HTTP/1.0 200 OK\r\n\r\n"), END_AFTER(1)), WIRE(ON_REQUEST)};
    struct summed sum = {.at = 0};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, w, 2);

    bide_auto bide_response *first = bide_get(s, "http://a/");
    EXPECT_STR(bide_text(first), "");
    EXPECT_NULL(bide_put(s, "http://a/", .body = bide_body_from(next_summed, &sum)));
    EXPECT_ERR(bide_error_code(), BIDE_EHTTP);
    EXPECT_CONTAINS(bide_error_text(), "HTTP/1.0, which has no chunks");
    EXPECT_EQ(w[1].nseen, 0);
    bide_error_clear();
}

/* ---- who watches ---- */

struct seen {
    bide_progress last;
    int calls, fails_at;
};

static int note(const bide_progress *p, void *arg)
{
    struct seen *s = arg;

    s->last = *p;
    return ++s->calls == s->fails_at ? -EINTR : 0;
}

TEST(progress_shows_both_ways)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(5, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nab"), AFTER(5, "cdef"));
    struct seen seen = {.calls = 0};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = bide_put(s, "http://a/", .text = "hello", .progress = note, .progress_arg = &seen);
    EXPECT_EQ(seen.last.sent, 5);
    EXPECT_EQ(seen.last.send_total, 5);
    EXPECT_STR(bide_text(r), "abcdef");
    EXPECT_EQ(seen.last.received, 6);
    EXPECT_EQ(seen.last.receive_total, 6);
}

TEST(progress_may_end_the_request_and_the_body)
{
    struct wire w[2] = {WIRE(ON_REQUEST), WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nab"), AFTER(5, "cdef"))};
    struct seen seen = {.fails_at = 1};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, w, 2);

    EXPECT_NULL(bide_put(s, "http://a/", .text = "hello", .progress = note, .progress_arg = &seen));
    EXPECT_ERR(bide_error_code(), -EINTR);
    EXPECT_CONTAINS(bide_error_text(), "the progress callback returned -4");
    EXPECT_TRUE(w[0].closed);
    seen.calls = 0;
    bide_auto bide_response *r = bide_get(s, "http://b/", .progress = note, .progress_arg = &seen);
    EXPECT_NULL(bide_text(r));
    EXPECT_ERR(bide_error_code(), -EINTR);
    bide_error_clear();
}

/* ---- documents ---- */

TEST(json_value_is_sent_as_json)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK_2));
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);
    json_t *doc = json_pack("{s:i, s:[b]}", "a", 1, "b", 1);

    bide_auto bide_response *r = bide_post(s, "http://a/", .json_value = doc);
    json_decref(doc);
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_CONTAINS(w.seen, "\r\nContent-Type: application/json\r\n");
    EXPECT_STR(body_of(&w), "{\"a\":1,\"b\":[true]}");
}
