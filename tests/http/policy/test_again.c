/* SPDX-License-Identifier: MIT */
/* test_again.c - asking again after a while, on virtual time; the history of a response; base_url and raise_for_status. */
#include "wire.h"

#define OK2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define NO(status, fields) "HTTP/1.1 " status " No\r\n" fields "Content-Length: 0\r\n\r\n"

static int64_t now_ms(void)
{
    return bide_loop_time_ms(bide_get_event_loop());
}

static int get(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);

    return r ? bide_status(r) : bide_error_code();
}

TEST(retry_of_a_status_waits_no_longer_than_its_limit)
{
    struct wire w = WIRE(ON_REQUEST, SAY(NO("503", "")), ON_REQUEST, SAY(NO("429", "")), ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new(.retry = {.attempts = 3, .wait_ms = 1000});
    wires_plant(s, &w, 1);
    int64_t begun = now_ms();

    bide_auto bide_response *r = bide_get(s, "http://a.example/x");
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_LE(now_ms() - begun, 5 + 1000 + 2000);
    bide_hop hop;
    EXPECT_EQ(bide_history_len(r), 2);
    EXPECT_TRUE(bide_history_at(r, 1, &hop));
    EXPECT_EQ(hop.status, 429);
    EXPECT_EQ(hop.why, BIDE_AGAIN_RETRY);
    EXPECT_STR(hop.url, "http://a.example/x");
    EXPECT_FALSE(bide_history_at(r, 2, &hop));
}

TEST(retry_ends_after_its_attempts_with_the_last_answer)
{
    struct wire w = WIRE(ON_REQUEST, SAY(NO("503", "")), ON_REQUEST, SAY(NO("503", "")), ON_REQUEST, SAY(NO("500", "")));
    bide_auto bide_session *s = bide_session_new(.retry = {.attempts = 2});
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://a.example/"), 503);
    EXPECT_EQ(bide_session_get_stats(s).requests, 2);
    EXPECT_EQ(get(s, "http://a.example/"), 500); /* not one of the usual */
    EXPECT_EQ(bide_session_get_stats(s).requests, 3);
}

/* R59: seconds, and a tenth more at most; a date; too long is not waited for */
TEST(retry_waits_as_long_as_the_server_asks)
{
    struct wire w = WIRE(ON_REQUEST, SAY(NO("503", "Retry-After: 20\r\n")), ON_REQUEST, SAY(OK2), ON_REQUEST,
                         SAY(NO("503", "Date: Sun, 06 Nov 1994 08:49:07 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n")), ON_REQUEST, SAY(OK2),
                         ON_REQUEST, SAY(NO("503", "Retry-After: 61\r\n")), ON_REQUEST, SAY(NO("503", "Retry-After: 20\r\n")));
    bide_auto bide_session *s = bide_session_new(.retry = {.attempts = 2}, .keepalive_ms = 600000);
    wires_plant(s, &w, 1);
    int64_t begun = now_ms();

    EXPECT_EQ(get(s, "http://a.example/"), 200);
    EXPECT_LE(20000, now_ms() - begun);
    EXPECT_LE(now_ms() - begun, 22005);
    begun = now_ms();
    EXPECT_EQ(get(s, "http://a.example/"), 200);
    EXPECT_LE(30000, now_ms() - begun);
    EXPECT_LE(now_ms() - begun, 33005);
    begun = now_ms();
    EXPECT_EQ(get(s, "http://a.example/"), 503);
    bide_auto bide_response *late = bide_get(s, "http://a.example/", .timeout_ms = 10000); /* for which there is no time */
    EXPECT_EQ(bide_status(late), 503);
    EXPECT_EQ(now_ms(), begun);
}

/* R51, R52 */
TEST(retry_sends_twice_only_what_does_no_harm_or_was_listed)
{
    struct wire w = WIRE(ON_REQUEST, SAY(NO("503", "")), ON_REQUEST, SAY(NO("503", "")), ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(NO("503", "")), ON_REQUEST,
                         SAY(OK2));
    bide_auto bide_session *s = bide_session_new(.retry = {.attempts = 2});
    static const char *const post[] = {"POST", NULL};
    wires_plant(s, &w, 1);

    bide_auto bide_response *once = bide_post(s, "http://a.example/", .data = {"x", 1});
    EXPECT_EQ(bide_status(once), 503);
    bide_auto bide_response *key = bide_post(s, "http://a.example/", .data = {"x", 1}, .headers = BIDE_PAIRS({"Idempotency-Key", "k"}));
    EXPECT_EQ(bide_status(key), 200);
    bide_auto bide_response *listed = bide_post(s, "http://a.example/", .data = {"x", 1}, .retry = {.attempts = 2, .methods = post});
    EXPECT_EQ(bide_status(listed), 200);
    EXPECT_EQ(bide_session_get_stats(s).requests, 5);
}

/* R51: nothing was sent, so a POST, too */
TEST(retry_of_a_connection_that_failed_takes_another)
{
    struct wire w[2] = {WIRE(ON_REQUEST, END_AFTER(10)), WIRE(ON_REQUEST, SAY(OK2))};
    bide_auto bide_session *s = bide_session_new(.retry = {.attempts = 2});
    wires_plant(s, w, 2);

    bide_auto bide_response *r = bide_get(s, "http://a.example/");
    EXPECT_EQ(bide_status(r), 200);
    bide_hop hop;
    EXPECT_TRUE(bide_history_at(r, 0, &hop));
    EXPECT_EQ(hop.code, BIDE_EDISCONNECTED);
    EXPECT_EQ(hop.status, 0);
    EXPECT_EQ(bide_error_code(), 0);
}

TEST(retry_of_one_request_can_be_refused)
{
    struct wire w = WIRE(ON_REQUEST, SAY(NO("503", "")));
    bide_auto bide_session *s = bide_session_new(.retry = {.attempts = 5});
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = bide_get(s, "http://a.example/", .retry = {.attempts = BIDE_NONE});
    EXPECT_EQ(bide_status(r), 503);
    EXPECT_EQ(bide_history_len(r), 0);
}

TEST(retry_budget_of_a_session_ends)
{
    struct wire w = WIRE(ON_REQUEST, SAY(NO("503", "")));
    for (int i = 0; i < 24; i++)
        w.steps[2 * i] = (struct wire_step)ON_REQUEST, w.steps[2 * i + 1] = (struct wire_step)SAY(NO("503", ""));
    bide_auto bide_session *s = bide_session_new(.retry = {.attempts = 100, .wait_ms = 1, .wait_max_ms = 1}, .retry_budget = 1);
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://a.example/"), 503);
    EXPECT_EQ(bide_session_get_stats(s).requests, 11); /* ten at first */
    EXPECT_EQ(get(s, "http://a.example/"), 503);
    EXPECT_EQ(bide_session_get_stats(s).requests, 12);
}

TEST(retry_that_is_cancelled_while_it_waits_ends_at_once)
{
    struct wire w = WIRE(ON_REQUEST, SAY(NO("503", "Retry-After: 50\r\n")));
    bide_auto bide_session *s = bide_session_new(.retry = {.attempts = 2});
    wires_plant(s, &w, 1);
    int64_t begun = now_ms();
    int code = 0;

    bide_timeout(1000)
        code = get(s, "http://a.example/");
    EXPECT_ERR(code, BIDE_ETIMEDOUT);
    EXPECT_EQ(now_ms() - begun, 1000);
}

TEST(retry_that_means_nothing_is_refused)
{
    EXPECT_NULL(bide_session_new(.retry = {.attempts = -2}));
    EXPECT_NULL(bide_session_new(.retry = {.wait_ms = -1}));
    EXPECT_NULL(bide_session_new(.retry = {.on_status = BIDE_STATUSES(200)}));
    EXPECT_NULL(bide_session_new(.retry_budget = BIDE_NONE));
    EXPECT_ERR(bide_error_code(), -EINVAL);
}

/* R52 */
TEST(retry_error_says_what_was_sent_and_received)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(1, "HTTP/1.1 2"), END_AFTER(1));
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);
    bide_error_info e;

    EXPECT_NULL(bide_get(s, "http://a.example/"));
    bide_error_get(&e);
    EXPECT_EQ(e.bytes_sent, w.nseen);
    EXPECT_EQ(e.bytes_received, 10);
    EXPECT_TRUE(e.retry_safe && !e.reused);
}

TEST(history_has_redirects_and_challenges)
{
    struct wire w = WIRE(ON_REQUEST, SAY(NO("302", "Location: /b\r\n")), ON_REQUEST, SAY(NO("401", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n")),
                         ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new(.auth = BIDE_DIGEST("a", "b"));
    wires_plant(s, &w, 1);
    bide_auto bide_response *r = bide_get(s, "http://a.example/a");
    bide_hop first, second;

    EXPECT_EQ(bide_history_len(r), 2);
    EXPECT_TRUE(bide_history_at(r, 0, &first) && bide_history_at(r, 1, &second));
    EXPECT_EQ(first.why, BIDE_AGAIN_REDIRECT);
    EXPECT_STR(first.url, "http://a.example/a");
    EXPECT_EQ(second.why, BIDE_AGAIN_AUTH);
    EXPECT_EQ(second.status, 401);
    EXPECT_LE(0, second.timing.head);
}

TEST(base_url_is_where_relative_ones_begin)
{
    struct wire all[2] = {WIRE(ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(OK2)), WIRE(ON_REQUEST, SAY(OK2))};
    bide_auto bide_session *s = bide_session_new(.base_url = "http://a.example/v1/");
    wires_plant(s, all, 2);

    EXPECT_EQ(get(s, "photos?q"), 200);
    EXPECT_EQ(get(s, "/top"), 200);
    EXPECT_EQ(get(s, "http://b.example/own"), 200);
    EXPECT_CONTAINS(all[0].seen, "GET /v1/photos?q HTTP");
    EXPECT_CONTAINS(all[0].seen, "GET /top HTTP");
    EXPECT_CONTAINS(all[1].seen, "GET /own HTTP");
    EXPECT_NULL(bide_session_new(.base_url = "v1/"));
    EXPECT_ERR(bide_error_code(), BIDE_EURL);
    EXPECT_NULL(bide_session_new(.base_url = "http://u:p@a/"));
    EXPECT_ERR(bide_error_code(), BIDE_EURL);
}

TEST(raise_for_status_makes_an_error_of_an_answer)
{
    struct wire w = WIRE(ON_REQUEST, SAY(NO("404", "")), ON_REQUEST, SAY(NO("404", "")), ON_REQUEST, SAY(OK2));
    struct wire v = WIRE(ON_REQUEST, SAY(NO("404", "")));
    bide_auto bide_session *s = bide_session_new(.raise_for_status = true), *t = bide_session_new();
    wires_plant(s, &w, 1);

    EXPECT_NULL(bide_get(s, "http://a.example/x"));
    EXPECT_ERR(bide_error_code(), BIDE_ESTATUS);
    EXPECT_STR(bide_error_text(), "GET http://a.example/x: 404 No");
    wires_plant(t, &v, 1);
    EXPECT_NULL(bide_get(t, "http://a.example/x", .raise_for_status = true));
    EXPECT_ERR(bide_error_code(), BIDE_ESTATUS);
}
