/* SPDX-License-Identifier: MIT */
/* A peer that follows a script, and the clock that does not wait. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bide/bide.h>

#include "base/base.h"
#include "harness/harness.h"

static int read_line(bide_stream *s, const char *expected)
{
    const char *line;
    ssize_t n = bide_read_until(s, "\n", &line);
    if (n < 0)
        return (int)n;

    EXPECT_STR(line, expected);
    return 0;
}

static int send_text(bide_stream *s, const char *text)
{
    BIDE_TRY(bide_write(s, text, strlen(text)));
    return bide_drain(s);
}

TEST(peer_plays_its_script_in_the_time_of_the_loop)
{
    bide_auto bide_test_peer *mail = bide_test_peer_new(
        .steps = BIDE_STEPS({.send = "220 ready\n"}, {.expect = "HELO a\n", .after_ms = 700, .send = "250 ok\n"},
                            {.until = "\n.\n", .after_ms = 300, .send = "250 kept\n"}, {.expect = "QUIT\n", .send = "221 bye\n", .end = true}),
        .connect_ms = 5);
    EXPECT_NOT_NULL(mail);
    int64_t begun = bide_loop_time_ms(bide_get_event_loop());
    bide_auto bide_stream *s = bide_test_peer_connect(mail);
    EXPECT_NOT_NULL(s);
    char byte;

    EXPECT_EQ(read_line(s, "220 ready\n"), 0);
    EXPECT_EQ(send_text(s, "HELO a\n"), 0);
    EXPECT_EQ(read_line(s, "250 ok\n"), 0);
    EXPECT_EQ(bide_loop_time_ms(bide_get_event_loop()) - begun, 705);
    EXPECT_EQ(send_text(s, "any\n.text\n"), 0);
    EXPECT_EQ(send_text(s, "\n.\nQU"), 0); /* also in pieces */
    EXPECT_EQ(send_text(s, "IT\n"), 0);
    EXPECT_EQ(read_line(s, "250 kept\n"), 0);
    EXPECT_EQ(bide_loop_time_ms(bide_get_event_loop()) - begun, 1005);
    EXPECT_EQ(read_line(s, "221 bye\n"), 0);
    EXPECT_EQ(bide_read(s, &byte, 1), 0);
    EXPECT_EQ(bide_test_peer_check(mail), 0);
    EXPECT_EQ(bide_test_peer_connections(mail), 1);
    EXPECT_STR((const char *)bide_test_peer_received(mail, 0).data, "HELO a\nany\n.text\n\n.\nQUIT\n");
    EXPECT_NULL(bide_test_peer_received(mail, 1).data);
}

TEST(peer_breaks_off_where_the_program_differs)
{
    bide_auto bide_test_peer *p = bide_test_peer_new(.steps = BIDE_STEPS({.expect = "USER a\n", .send = "1\n"}, {.expect = "QUIT\r\n"}));
    bide_auto bide_stream *s = bide_test_peer_connect(p);
    EXPECT_NOT_NULL(s);
    char byte;

    EXPECT_ERR(bide_test_peer_check(p), BIDE_ESTATE);
    EXPECT_STR(bide_error_text(), "connection 1, step 1 of 2 was not done");
    EXPECT_EQ(send_text(s, "USER a\n"), 0);
    EXPECT_EQ(read_line(s, "1\n"), 0);
    EXPECT_EQ(send_text(s, "QUIT\n"), 0);
    EXPECT_ERR(bide_read(s, &byte, 1), -ECONNRESET);
    EXPECT_ERR(send_text(s, "more"), -ECONNRESET);
    EXPECT_ERR(bide_test_peer_check(p), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "connection 1, step 2: expected \"QUIT\\r\\n\", but \"QUIT\\n\" came");
}

TEST(peer_says_what_no_step_expected_and_that_nobody_came)
{
    bide_auto bide_test_peer *p = bide_test_peer_new(.steps = BIDE_STEPS({.send = "1\n"}));
    EXPECT_ERR(bide_test_peer_check(p), BIDE_ESTATE);
    EXPECT_STR(bide_error_text(), "nobody has connected to the test peer");

    bide_auto bide_stream *s = bide_test_peer_connect(p);
    EXPECT_EQ(read_line(s, "1\n"), 0);
    EXPECT_EQ(bide_test_peer_check(p), 0);
    EXPECT_EQ(send_text(s, "hello"), 0);
    EXPECT_ERR(bide_test_peer_check(p), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "connection 1: no step expected \"h");
}

TEST(peer_knows_the_end_of_what_the_program_sends)
{
    bide_auto bide_test_peer *p = bide_test_peer_new(.steps = BIDE_STEPS({.expect = "1", .send = "ok"}, {.expect_end = true, .send = "bye\n"}));
    bide_auto bide_stream *s = bide_test_peer_connect(p);
    EXPECT_EQ(send_text(s, "1"), 0);
    EXPECT_ERR(bide_test_peer_check(p), BIDE_ESTATE);
    EXPECT_EQ(bide_stream_shutdown(s), 0);
    EXPECT_EQ(bide_test_peer_check(p), 0);
    EXPECT_EQ(read_line(s, "okbye\n"), 0);

    bide_auto bide_stream *closed = bide_test_peer_connect(p);
    EXPECT_EQ(send_text(closed, "1"), 0);
    bide_release(bide_take(closed));
    EXPECT_EQ(bide_test_peer_check(p), 0);
    bide_auto bide_stream *early = bide_test_peer_connect(p);
    bide_release(bide_take(early));
    EXPECT_ERR(bide_test_peer_check(p), BIDE_ESTATE);
    EXPECT_STR(bide_error_text(), "connection 3, step 1 of 2 was not done");
}

TEST(peer_fails_a_connection_and_refuses_one)
{
    bide_auto bide_test_peer *p = bide_test_peer_new(.steps = BIDE_STEPS({.send = "12"}, {.after_ms = 10, .error = -ETIMEDOUT}), .max_connections = 1);
    bide_auto bide_stream *s = bide_test_peer_connect(p);
    char bytes[4];
    EXPECT_EQ(bide_read(s, bytes, 4), 2);
    EXPECT_ERR(bide_read(s, bytes, 4), -ETIMEDOUT);
    EXPECT_ERR(send_text(s, "1"), -ETIMEDOUT);
    EXPECT_NULL(bide_test_peer_connect(p));
    EXPECT_EQ(bide_error_code(), -ECONNREFUSED);

    bide_auto bide_test_peer *none = bide_test_peer_new(.connect_error = -EHOSTUNREACH, .connect_ms = 3000);
    EXPECT_NULL(bide_connect("any.example", 25, .dial = bide_test_peer_dial, .dial_arg = none));
    EXPECT_EQ(bide_error_code(), -EHOSTUNREACH);
}

static int write_much(bide_stream *s, size_t len)
{
    char *bytes = calloc(1, len);
    int code = bide_write(s, bytes, len);
    free(bytes);
    return code < 0 ? code : bide_drain(s);
}

TEST(peer_that_does_not_read_lets_the_program_wait)
{
    bide_auto bide_test_peer *p = bide_test_peer_new(.steps = BIDE_STEPS({.after_ms = 1000}, {.until = "\n"}), .window = 1000);
    bide_auto bide_stream *s = bide_test_peer_connect(p);
    int64_t begun = bide_loop_time_ms(bide_get_event_loop());

    EXPECT_EQ(write_much(s, 1000), 0);
    EXPECT_EQ(bide_loop_time_ms(bide_get_event_loop()) - begun, 0);
    EXPECT_EQ(write_much(s, 100000), 0);
    EXPECT_EQ(bide_loop_time_ms(bide_get_event_loop()) - begun, 1000);
    EXPECT_EQ(send_text(s, "\n"), 0);
    EXPECT_EQ(bide_test_peer_check(p), 0);
    EXPECT_EQ(bide_test_peer_received(p, 0).len, 101001);
}

TEST(peer_keeps_the_first_mebibyte)
{
    bide_auto bide_test_peer *p = bide_test_peer_new(.steps = BIDE_STEPS({.until = "\n", .send = "1\n"}));
    bide_auto bide_stream *s = bide_test_peer_connect(p);

    EXPECT_EQ(write_much(s, 3 << 20), 0);
    EXPECT_EQ(send_text(s, "\n"), 0);
    EXPECT_EQ(read_line(s, "1\n"), 0);
    EXPECT_EQ(bide_test_peer_received(p, 0).len, 1 << 20);
    EXPECT_EQ(bide_test_peer_check(p), 0);
}

TEST(peer_gives_byte_by_byte)
{
    bide_auto bide_test_peer *p = bide_test_peer_new(.steps = BIDE_STEPS({.until = "\r\n\r\n", .send = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}),
                                                     .piece = 1);
    bide_auto bide_session *s = bide_session_new(.dial = bide_test_peer_dial, .dial_arg = p);
    bide_auto bide_response *r = bide_get(s, "http://a.example/x");
    EXPECT_NOT_NULL(r);
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_EQ(bide_test_peer_check(p), 0);
    EXPECT_CONTAINS((const char *)bide_test_peer_received(p, 0).data, "GET /x HTTP/1.1\r\nHost: a.example\r\n");
}

static int read_one(bide_stream *s)
{
    char byte;
    return (int)bide_read(s, &byte, 1);
}

TEST(peer_outlives_its_owner_and_streams_their_peers)
{
    bide_auto bide_test_peer *p = bide_test_peer_new(.steps = BIDE_STEPS({.after_ms = 1000, .send = "1"}));
    bide_auto bide_stream *s = bide_test_peer_connect(p);
    bide_auto bide_task *t = bide_create_task(bide_coro(read_one, s));
    EXPECT_EQ(bide_sleep_ms(0), 0);
    bide_release(bide_take(p));
    EXPECT_EQ(bide_await(t), 1);

    bide_auto bide_task *aborted = bide_create_task(bide_coro(read_one, s));
    EXPECT_EQ(bide_sleep_ms(0), 0);
    bide_release(bide_take(s));
    EXPECT_ERR(bide_await(aborted), BIDE_ECLOSED);
}

TEST(peer_can_be_cancelled_while_it_is_connected_to)
{
    bide_auto bide_test_peer *p = bide_test_peer_new(.connect_ms = 1000);
    bide_stream *s = NULL;

    bide_timeout(10) s = bide_test_peer_connect(p);
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ETIMEDOUT);
    EXPECT_EQ(bide_test_peer_connections(p), 0);
}

TEST(peer_refuses_impossible_steps)
{
    static const struct {
        bide_test_step step;
        const char *text;
    } cases[] = {
        {{.expect = "1", .until = "2"}, "one of them"},
        {{.send = "1", .send_data = {"2", 1}}, "one of them"},
        {{.until = ""}, "empty text"},
        {{.expect = ""}, "empty text"},
        {{.error = 5}, "a negative code"},
        {{.error = -5, .end = true}, "without .end"},
        {{.after_ms = -2}, "after_ms"},
    };

    for (size_t i = 0; i < array_len(cases); i++) {
        bide_test_step steps[] = {{.send = "1"}, cases[i].step, {.send = NULL}};
        EXPECT_NULL(bide_test_peer_new(.steps = steps));
        EXPECT_EQ(bide_error_code(), -EINVAL);
        EXPECT_CONTAINS(bide_error_text(), cases[i].text);
    }
}

TEST(peer_is_made_or_not_without_memory)
{
    long n = 0;
    for (bool is_done = false; !is_done; n++) {
        bide__alloc_fail_at(n);
        bide_auto bide_test_peer *p = bide_test_peer_new(.steps = BIDE_STEPS({.until = "\n", .send = "ok\n"}));
        bide_auto bide_stream *s = p ? bide_test_peer_connect(p) : NULL;
        int code = s ? send_text(s, "1\n") : bide_error_code();
        if (code == 0)
            code = read_line(s, "ok\n");
        is_done = bide__alloc_fail_at(-1);
        if (!is_done)
            EXPECT_EQ(code, BIDE_ENOMEM);
    }
    EXPECT_LT(4, n);
}

TEST(virtual_clock_jumps, .real_time = true)
{
    EXPECT_EQ(bide_test_virtual_clock(), 0);
    int64_t begun = bide_loop_time_ms(bide_get_event_loop());
    EXPECT_EQ(bide_sleep_ms(3600000), 0);
    EXPECT_EQ(bide_loop_time_ms(bide_get_event_loop()) - begun, 3600000);
}

UNIT(virtual_clock_needs_a_loop)
{
    EXPECT_ERR(bide_test_virtual_clock(), BIDE_ENOLOOP);
    EXPECT_NULL(bide_test_peer_new());
    EXPECT_EQ(bide_error_code(), BIDE_ENOLOOP);
}
