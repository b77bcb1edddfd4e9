/* SPDX-License-Identifier: MIT */
/* test_switch.c - connections that are handed over to another protocol: 101, CONNECT, and what came too early. */
#include <bide/stream.h>

#include "wire.h"

/* What a client has that asks by hand: a pool with one wire in it, and where the answer goes. */
struct asking {
    struct connector connector;
    struct h1_context h1;
    struct default_fields defaults;
    struct arena arena;
    struct deadline deadline;
    struct progress progress;
    struct answer answer;
    struct exchange *exchange;
};

static void asking_start(struct asking *a, struct wire *w)
{
    struct connector *k = &a->connector;

    *a = (struct asking){.connector = {.limit = 1, .limit_per_host = 1, .keepalive_ms = 1000, .buffer_max = 1 << 20}};
    EXPECT_EQ(bide__connector_init(k), 0);
    EXPECT_EQ(bide__h1_context_init(&a->h1, H1_HEAD_MAX), 0);
    k->loop = bide__loop_here;
    k->protocol = &bide__h1_protocol;
    k->protocol_context = &a->h1;
    wires_plant_in(k, w, 1);
    bide__arena_init(&a->arena, SIZE_MAX);
    EXPECT_EQ(bide__default_fields_set(&a->defaults, &a->arena, NULL, "test"), 0);
    a->deadline = (struct deadline){.total_ms = 10000, .connect_ms = 1000, .silence_ms = 1000};
    bide__deadline_begin(&a->deadline, k->loop);
}

static void asking_end(struct asking *a)
{
    bide__connector_free(&a->connector);
    bide__h1_context_free(&a->h1);
    bide__arena_free(&a->arena);
}

/* Send, and have the head of the answer. */
static int ask(struct asking *a, const char *method, bool may_switch)
{
    static const struct origin origin = {.host = "a", .host_len = 1, .port = 80};
    char storage[64];
    struct request_head q = {.method = method, .method_len = strlen(method)};
    q.defaults = &a->defaults;
    q.may_switch = may_switch;
    EXPECT_EQ(bide__url_parse(&q.url, "http://a/", 9, storage, sizeof storage), 0);

    struct conn *c = bide__connector_take(&a->connector, &origin, &a->deadline, NULL, false);
    EXPECT_NOT_NULL(c);
    struct exchange *x = a->exchange = c->protocol->begin(c);
    x->deadline = &a->deadline;
    x->progress = &a->progress;
    x->arena = &a->arena;
    x->max_whole = 1000;
    int code = x->ops->send(x, &q);
    return code < 0 ? code : x->ops->head(x, &a->answer);
}

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
