/* SPDX-License-Identifier: MIT */
/* test_switch.c - connections that are handed over to another protocol: 101, CONNECT, and what came too early. */
#include <bide/stream.h>

#include "asking.h"

#define SWITCHES "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: upgrade\r\n\r\n"

TEST(switch_101_hands_over_the_stream_with_what_came_behind_the_head)
{
    struct wire w = WIRE(ON_REQUEST, SAY(SWITCHES "hello, "), AFTER(100, "world"), END_AFTER(100));
    struct asking a;
    char text[16] = "";
    asking_start(&a, &w);

    EXPECT_EQ(ask(&a, "GET", true), 0);
    EXPECT_EQ(a.answer.status, 101);
    EXPECT_EQ(a.answer.kind, BODY_STREAM);
    bide_stream *s = a.exchange->ops->steal(a.exchange);
    EXPECT_EQ(a.connector.open, 0); /* its slot is free */
    EXPECT_EQ(bide_read_exactly(s, text, 12), 12);
    EXPECT_STR(text, "hello, world");
    EXPECT_EQ(bide_write(s, "bye", 3), 0);
    EXPECT_EQ(bide_drain(s), 0);
    EXPECT_STR(w.seen + w.nseen - 3, "bye");
    EXPECT_EQ(bide_read(s, text, sizeof text), 0);
    EXPECT_FALSE(w.closed);
    bide_release(s);
    EXPECT_TRUE(w.closed);
    asking_end(&a);
}

TEST(switch_a_tunnel_is_handed_over_after_2xx_to_connect)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(20, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), AFTER(100, "tunnel"));
    struct asking a;
    char text[16] = "";
    asking_start(&a, &w);

    EXPECT_EQ(ask(&a, "CONNECT", false), 0);
    EXPECT_EQ(a.answer.kind, BODY_STREAM);
    bide_stream *s = a.exchange->ops->steal(a.exchange);
    EXPECT_EQ(bide_read_exactly(s, text, 6), 6);
    EXPECT_STR(text, "tunnel");
    bide_release(s);
    asking_end(&a);
}

TEST(switch_a_stream_that_nobody_takes_is_closed)
{
    struct wire w = WIRE(ON_REQUEST, SAY(SWITCHES "more"));
    struct asking a;
    asking_start(&a, &w);

    EXPECT_EQ(ask(&a, "GET", true), 0);
    a.exchange->ops->drop(a.exchange, DRAIN_MAX);
    EXPECT_TRUE(w.closed);
    EXPECT_EQ(a.connector.open, 0);
    asking_end(&a);
}

TEST(switch_101_that_nobody_asked_for_is_malformed)
{
    struct wire w = WIRE(ON_REQUEST, SAY(SWITCHES));
    struct asking a;
    asking_start(&a, &w);

    EXPECT_ERR(ask(&a, "GET", false), BIDE_EHTTP);
    EXPECT_CONTAINS(bide_error_text(), "switches protocols");
    EXPECT_TRUE(w.closed);
    bide_error_clear();
    asking_end(&a);
}

TEST(switch_that_is_not_granted_is_an_answer_like_any_other)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    struct asking a;
    asking_start(&a, &w);

    EXPECT_EQ(ask(&a, "GET", true), 0);
    EXPECT_EQ(a.answer.kind, BODY_LENGTH);
    EXPECT_STR(a.answer.whole.data, "ok");
    EXPECT_EQ(a.connector.nidle, 1);
    asking_end(&a);
}
