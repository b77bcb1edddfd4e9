/* SPDX-License-Identifier: MIT */
/* asking.h - an exchange by hand, without a client: a pool with one wire in it, and where the answer goes. */
#ifndef TESTS_HTTP_EXCHANGE_ASKING_H
#define TESTS_HTTP_EXCHANGE_ASKING_H

#include "wire.h"

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

UNUSED static void asking_start(struct asking *a, struct wire *w)
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
    EXPECT_EQ(bide__default_fields_set(&a->defaults, &a->arena, NULL, (struct our_fields){"test", NULL}), 0);
    a->deadline = (struct deadline){.limits = {.total_ms = 10000, .connect_ms = 1000, .read_ms = 1000}};
    bide__deadline_begin(&a->deadline, k->loop);
}

UNUSED static void asking_end(struct asking *a)
{
    bide__connector_free(&a->connector);
    bide__h1_context_free(&a->h1);
    bide__arena_free(&a->arena);
}

/* Send, and have the head of the answer. */
UNUSED static int ask(struct asking *a, const char *method, bool may_switch)
{
    static const struct origin origin = {.host = "a", .host_len = 1, .port = 80};
    char storage[64];
    struct request_head q = {.method = method, .method_len = strlen(method)};
    q.defaults = &a->defaults;
    q.may_switch = may_switch;
    EXPECT_EQ(bide__url_parse(&q.url, "http://a/", 9, storage, sizeof storage), 0);

    struct conn *c = bide__connector_take(&a->connector, &origin, &a->deadline, false);
    EXPECT_NOT_NULL(c);
    struct exchange *x = a->exchange = c->protocol->begin(c);
    x->deadline = &a->deadline;
    x->progress = &a->progress;
    x->arena = &a->arena;
    x->max_whole = 1000;
    int code = x->ops->send(x, &q);
    return code < 0 ? code : x->ops->head(x, &a->answer);
}

#endif
