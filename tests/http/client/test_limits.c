/* SPDX-License-Identifier: MIT */
/* test_limits.c - the finer limits of a request, on virtual time: waiting for a connection, TLS, the first byte, writing, and a
   least rate; and how old a connection may get. */
#include "wire.h"

#define OK(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"

static int64_t now_ms(void)
{
    return bide_loop_time_ms(bide_get_event_loop());
}

static enum bide_error_phase phase(void)
{
    bide_error_info e;

    return bide_error_get(&e) < 0 ? e.phase : BIDE_PHASE_NONE;
}

#define EXPECT_TIMED_OUT(result, phase_, begun_ms, ms, more, text)                        \
    do {                                                                                  \
        EXPECT_NULL(result);                                                              \
        EXPECT_ERR(bide_error_code(), BIDE_ETIMEDOUT);                                    \
        EXPECT_EQ(phase(), phase_);                                                       \
        EXPECT_CONTAINS(bide_error_text(), text);                                         \
        EXPECT_LE((begun_ms) + (ms), now_ms());                                           \
        EXPECT_LE(now_ms(), (begun_ms) + (ms) + (more));                                  \
        bide_error_clear();                                                               \
    } while (0)

static int get_status(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);

    return r ? bide_status(r) : bide_error_code();
}

TEST(limits_wait_for_a_connection_has_its_own)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(20000, OK("0")));
    bide_auto bide_session *s = bide_session_new(.limit = 1, .queue_timeout_ms = 700);
    wires_plant(s, &w, 1);
    bide_auto bide_task *first = bide_create_task(bide_coro(get_status, s, "http://a/"));
    EXPECT_EQ(bide_sleep_ms(1000), 0);
    int64_t begun = now_ms();

    EXPECT_TIMED_OUT(bide_get(s, "http://a/"), BIDE_PHASE_QUEUE, begun, 700, 0,
                     "timed out: no connection was free within 700 ms");
    begun = now_ms();
    EXPECT_TIMED_OUT(bide_get(s, "http://a/", .queue_timeout_ms = 300), BIDE_PHASE_QUEUE, begun, 300, 0,
                     "no connection was free within 300 ms");
    begun = now_ms();
    EXPECT_TIMED_OUT(bide_get(s, "http://a/", .timeout_ms = 100), BIDE_PHASE_QUEUE, begun, 100, 0,
                     "not done within 100 ms (no connection was free)");
    EXPECT_EQ(bide_await(first), 200);
}

TEST(limits_first_byte_may_take_longer_than_the_others)
{
    struct wire w[2] = {WIRE(ON_REQUEST, AFTER(2500, "HTTP/1.1 200"), AFTER(1500, " OK\r\n")),
                        WIRE(ON_REQUEST, END_AFTER(100000))};
    bide_auto bide_session *s = bide_session_new(.read_timeout_ms = 1000, .first_byte_timeout_ms = 3000);
    int64_t begun = now_ms();
    wires_plant(s, w, 2);

    EXPECT_TIMED_OUT(bide_get(s, "http://a/"), BIDE_PHASE_HEAD, begun, 5 + 2500 + 1000, 0,
                     "no answer within 1000 ms, 3505 ms after it began");
    begun = now_ms();
    EXPECT_TIMED_OUT(bide_get(s, "http://a/", .first_byte_timeout_ms = 200), BIDE_PHASE_HEAD, begun, 5 + 200, 0,
                     "no answer within 200 ms");
}

TEST(limits_server_that_takes_nothing_has_its_own)
{
    struct wire w = WIRE(TAKE_AFTER(900, 10));
    bide_auto bide_session *s = bide_session_new(.read_timeout_ms = 100, .write_timeout_ms = 1000);
    int64_t begun = now_ms();
    w.room = 20;
    wires_plant(s, &w, 1);

    EXPECT_TIMED_OUT(bide_post(s, "http://a/", .data = {"body", 4}), BIDE_PHASE_SEND, begun, 5 + 900 + 1000, 125,
                     "the server took nothing within 1000 ms");
}

/* Ten bytes or more in each of two windows of a second, and then none. */
TEST(limits_body_below_its_least_rate_ends)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK("100")), AFTER(400, "01234"), AFTER(400, "56789"), AFTER(400, "01234"),
                         AFTER(400, "56789"), AFTER(400, "01234"), AFTER(30000, "56789"));
    bide_auto bide_session *s = bide_session_new(.min_rate = 10, .min_rate_ms = 1000);
    int64_t begun = now_ms();
    wires_plant(s, &w, 1);
    bide_auto bide_response *r = bide_get(s, "http://a/");

    EXPECT_TIMED_OUT(bide_text(r), BIDE_PHASE_BODY, begun, 5 + 2000, 1000,
                     "timed out: the body is slower than allowed: 0 bytes in 1000 ms, and 10 are the least");
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
}

/* It waits before the first window is over, and looks at the next when that is due. */
TEST(limits_body_that_keeps_its_least_rate_is_read)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK("30")), AFTER(1, "0123456789"), AFTER(1900, "0123456789"), AFTER(1000, "0123456789"));
    bide_auto bide_session *s = bide_session_new(.min_rate = 100000, .min_rate_ms = 1000);
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = bide_get(s, "http://a/", .min_rate = 5, .min_rate_ms = 2000);
    EXPECT_STR(bide_text(r), "012345678901234567890123456789");
}

TEST(limits_old_connection_takes_no_further_request)
{
    struct wire w[2] = {WIRE(ON_REQUEST, SAY(OK("0")), ON_REQUEST, SAY(OK("0"))), WIRE(ON_REQUEST, SAY(OK("0")))};
    bide_auto bide_session *s = bide_session_new(.max_age_ms = 5000);
    wires_plant(s, w, 2);

    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_EQ(bide_sleep_ms(3000), 0);
    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_EQ(bide_session_get_stats(s).reused, 1);
    EXPECT_EQ(bide_sleep_ms(1980), 0);
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
    EXPECT_EQ(bide_sleep_ms(50), 0);
    EXPECT_EQ(bide_session_get_stats(s).idle, 0);
    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_EQ(bide_session_get_stats(s).connections, 2);
}

TEST(limits_idle_connections_go_on_demand)
{
    struct wire w[2] = {WIRE(ON_REQUEST, SAY(OK("0"))), WIRE(ON_REQUEST, SAY(OK("0")))};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, w, 2);

    EXPECT_EQ(bide_session_close_idle(s), 0);
    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_EQ(bide_session_close_idle(s), 1);
    EXPECT_TRUE(w[0].closed);
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_ERR(bide_session_close_idle(NULL), -EINVAL);
}
