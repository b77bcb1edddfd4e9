/* SPDX-License-Identifier: MIT */
/*
 * test_virtual.c - how long the client waits, to the millisecond: every phase of a request on virtual time.
 *
 * The servers are scripts in memory (wire.h).  That the same holds over sockets is for test_timeout.c.
 */
#include "wire.h"

#define OK(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"

static int64_t now_ms(void)
{
    return bide_loop_time_ms(bide_get_event_loop());
}

/* It failed after so many milliseconds, of which up to `more` may be added by looks at a peer that might be slow. */
#define EXPECT_TIMED_OUT(result, begun_ms, ms, more, text)          \
    do {                                                            \
        EXPECT_NULL(result);                                        \
        EXPECT_ERR(bide_error_code(), BIDE_ETIMEDOUT);              \
        EXPECT_CONTAINS(bide_error_text(), text);                   \
        EXPECT_LE((begun_ms) + (ms), now_ms());                     \
        EXPECT_LE(now_ms(), (begun_ms) + (ms) + (more));            \
        bide_error_clear();                                         \
    } while (0)

static int get_status(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);

    return r ? bide_status(r) : bide_error_code();
}

/* ---- limits as large as there are ---- */

TEST(client_virtual_largest_limits_let_requests_pass_and_keep_their_connection)
{
    const int64_t most_ms = INT64_MAX / 1000000;
    struct wire w = WIRE(ON_REQUEST, AFTER(10, OK("0")), ON_REQUEST, AFTER(10, OK("0")));
    bide_auto bide_session *s = bide_session_new(.limit = INT_MAX, .limit_per_host = INT_MAX, .idle_limit = INT_MAX,
                                                 .idle_limit_per_host = INT_MAX, .timeout_ms = most_ms, .keepalive_ms = most_ms,
                                                 .connect_timeout_ms = most_ms, .read_timeout_ms = most_ms);
    wires_plant(s, &w, 1);

    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_EQ(bide_sleep_ms((int64_t)1 << 41), 0);
    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_EQ(bide_session_get_stats(s).connections, 1);
}

/* ---- a time-out of each phase ---- */

TEST(client_virtual_wait_for_a_connection_ends_at_the_limit_of_all)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(20000, OK("0")));
    bide_auto bide_session *s = bide_session_new(.limit = 1, .read_timeout_ms = 60000);
    wires_plant(s, &w, 1);
    bide_auto bide_task *first = bide_create_task(bide_coro(get_status, s, "http://a/"));
    EXPECT_EQ(bide_sleep_ms(1000), 0);
    int64_t begun = now_ms();

    EXPECT_TIMED_OUT(bide_get(s, "http://a/", .timeout_ms = 3000, .connect_timeout_ms = 100, .read_timeout_ms = 100), begun, 3000, 0,
                     "timed out: not done within 3000 ms (no connection was free)");
    EXPECT_EQ(bide_await(first), 200);
}

TEST(client_virtual_connecting_ends_at_its_own_limit)
{
    struct wire w[2] = {WIRE(ON_REQUEST), WIRE(ON_REQUEST)};
    bide_auto bide_session *s = bide_session_new(.connect_timeout_ms = 700);
    int64_t begun = now_ms();
    w[0].dial_ms = w[1].dial_ms = 100000;
    wires_plant(s, w, 2);

    EXPECT_TIMED_OUT(bide_get(s, "http://a/"), begun, 700, 0, "timed out: not connected within 700 ms");
    begun = now_ms();
    EXPECT_TIMED_OUT(bide_get(s, "http://a/", .timeout_ms = 300), begun, 300, 0, "not done within 300 ms (not connected)");
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
}

TEST(client_virtual_handshake_with_a_silent_peer_ends_at_the_limit_for_connecting)
{
    struct wire w = WIRE(END_AFTER(100000));
    bide_auto bide_session *s = bide_session_new(.connect_timeout_ms = 700, .insecure = true);
    int64_t begun = now_ms();
    wires_plant(s, &w, 1);

    EXPECT_TIMED_OUT(bide_get(s, "https://a/"), begun, 700, 0, "it said nothing: does it speak TLS?");
    EXPECT_LT(0, w.nseen);
    EXPECT_EQ(w.seen[0], 0x16); /* a handshake record */
}

TEST(client_virtual_sending_ends_when_the_server_takes_nothing)
{
    struct wire w = WIRE(TAKE_AFTER(900, 10), TAKE_AFTER(900, 10));
    bide_auto bide_session *s = bide_session_new(.read_timeout_ms = 1000);
    int64_t begun = now_ms();
    w.room = 20;
    wires_plant(s, &w, 1);

    EXPECT_TIMED_OUT(bide_post(s, "http://a/", .data = {"body", 4}), begun, 5 + 1800 + 1000, 125,
                     "timed out: the server took nothing within 1000 ms; it has taken 40 of");
    EXPECT_EQ(w.nseen, 40);
}

TEST(client_virtual_wait_for_the_answer_ends_after_silence)
{
    struct wire w[2] = {WIRE(ON_REQUEST, AFTER(600, "HTTP/1.1 200"), AFTER(900, " OK\r\n"), END_AFTER(100000)),
                        WIRE(ON_REQUEST, END_AFTER(100000))};
    bide_auto bide_session *s = bide_session_new(.read_timeout_ms = 1000);
    int64_t begun = now_ms();
    wires_plant(s, w, 2);

    EXPECT_TIMED_OUT(bide_get(s, "http://a/"), begun, 5 + 600 + 900 + 1000, 0, "timed out: no answer within 1000 ms");
    begun = now_ms();
    EXPECT_TIMED_OUT(bide_get(s, "http://a/", .timeout_ms = 800), begun, 800, 0, "not done within 800 ms (no answer)");
}

TEST(client_virtual_body_that_stalls_ends_after_silence)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK("10") "01"), AFTER(900, "2345"), AFTER(2000, "6789"));
    bide_auto bide_session *s = bide_session_new(.read_timeout_ms = 1000);
    int64_t begun = now_ms();
    wires_plant(s, &w, 1);
    bide_auto bide_response *r = bide_get(s, "http://a/");

    EXPECT_NOT_NULL(r);
    EXPECT_EQ(now_ms(), begun + 5);
    EXPECT_TIMED_OUT(bide_text(r), begun, 5 + 900 + 1000, 0, "timed out: nothing more of the body within 1000 ms");
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
}

TEST(client_virtual_body_that_drips_ends_at_the_limit_of_all)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK("10")), AFTER(900, "0"), AFTER(900, "1"), AFTER(900, "2"), AFTER(900, "3"));
    bide_auto bide_session *s = bide_session_new(.read_timeout_ms = 1000, .timeout_ms = 2000);
    int64_t begun = now_ms();
    wires_plant(s, &w, 1);
    bide_auto bide_response *r = bide_get(s, "http://a/");

    EXPECT_TIMED_OUT(bide_text(r), begun, 2000, 0, "timed out: not done within 2000 ms (nothing more of the body)");
}

/* ---- slow, but alive ---- */

TEST(client_virtual_slow_answer_is_an_answer)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(999, "HTTP/1.1 "), AFTER(999, "200 OK\r\nContent-"), AFTER(999, "Length: 4\r\n\r"),
                         AFTER(999, "\nsl"), AFTER(999, "ow"));
    bide_auto bide_session *s = bide_session_new(.read_timeout_ms = 1000);
    int64_t begun = now_ms();
    wires_plant(s, &w, 1);
    bide_auto bide_response *r = bide_get(s, "http://a/");

    EXPECT_NOT_NULL(r);
    EXPECT_STR(bide_text(r), "slow");
    EXPECT_EQ(now_ms(), begun + 5 + 5 * 999);
    bide_timing t = bide_response_timing(r);
    EXPECT_EQ(t.first_byte, (5 + 999) * 1000);
    EXPECT_EQ(t.head, (5 + 4 * 999) * 1000);
    EXPECT_EQ(t.body, (5 + 5 * 999) * 1000);
}

TEST(client_virtual_slow_upload_is_no_silence)
{
    struct wire w = WIRE(TAKE_AFTER(900, 30), TAKE_AFTER(900, 30), TAKE_AFTER(900, 1000), ON_REQUEST, SAY(OK("2") "ok"));
    bide_auto bide_session *s = bide_session_new(.read_timeout_ms = 1000);
    int64_t begun = now_ms();
    w.room = 10;
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = bide_post(s, "http://a/", .data = {"body", 4});
    EXPECT_NOT_NULL(r);
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_EQ(now_ms(), begun + 5 + 2700);
    EXPECT_CONTAINS(w.seen, "\r\n\r\nbody");
}

/* ---- connections that nobody uses ---- */

TEST(client_virtual_idle_connection_that_dies_is_closed_at_once)
{
    struct wire w[2] = {WIRE(ON_REQUEST, SAY(OK("0")), END_AFTER(5000)), WIRE(ON_REQUEST, SAY(OK("0")))};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, w, 2);

    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_EQ(bide_sleep_ms(4999), 0);
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
    EXPECT_EQ(bide_sleep_ms(2), 0);
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    EXPECT_TRUE(w[0].closed);
    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_EQ(bide_session_get_stats(s).connections, 2);
    EXPECT_EQ(bide_session_get_stats(s).reused, 0);
}

TEST(client_virtual_idle_connection_with_stray_bytes_is_closed_at_once)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK("0")), AFTER(5000, "HTTP/1.1 408 Request Timeout\r\n\r\n"));
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_EQ(bide_sleep_ms(5001), 0);
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
}

TEST(client_virtual_idle_connection_is_kept_as_long_as_both_sides_want)
{
    struct wire w[2] = {WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n")),
                        WIRE(ON_REQUEST, SAY(OK("0")))};
    bide_auto bide_session *s = bide_session_new(.keepalive_ms = 10000);
    wires_plant(s, w, 2);

    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_EQ(bide_sleep_ms(2990), 0); /* two seconds less than the server said */
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
    EXPECT_EQ(bide_sleep_ms(20), 0);
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_EQ(bide_sleep_ms(9990), 0);
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
    EXPECT_EQ(bide_sleep_ms(20), 0);
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
}

/* The server closes when the next request is on its way already. */
TEST(client_virtual_request_that_meets_a_closing_connection_is_sent_once_more)
{
    struct wire w[2] = {WIRE(ON_REQUEST, SAY(OK("0")), ON_REQUEST, END_AFTER(20)), WIRE(ON_REQUEST, AFTER(10, OK("0")))};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, w, 2);

    EXPECT_EQ(get_status(s, "http://a/one"), 200);
    int64_t begun = now_ms();
    EXPECT_EQ(get_status(s, "http://a/two"), 200);
    EXPECT_EQ(now_ms(), begun + 20 + 5 + 10);
    EXPECT_CONTAINS(w[0].seen, "GET /two ");
    EXPECT_CONTAINS(w[1].seen, "GET /two ");
    EXPECT_EQ(bide_session_get_stats(s).reused, 1);
}
