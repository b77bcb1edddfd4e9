/* SPDX-License-Identifier: MIT */
/*
 * h1.c - a connection that speaks HTTP/1.1: one exchange after the other.
 *
 * The exchange lives as long as the connection and is used again, so that a steady stream of requests allocates nothing.
 */
#include "http/exchange/h1.h"

#define FIELDS_CEILING 32768 /* of a head, however large it may be */

/* ---- what connections share ---- */

/*
 * What a head may be in all, a line of it, and how many fields: they belong together, so who allows larger heads
 * allows more fields and longer ones.  By default and below they are those of h1_parse.h.
 */
int bide__h1_context_init(struct h1_context *h, size_t max_head)
{
    uint32_t max = (uint32_t)max_head, times = max / H1_HEAD_MAX;
    struct h1_limits *l = &h->limits;

    *l = (struct h1_limits){max, H1_LINE_MAX, max > H1_HEAD_MAX ? max : H1_FIELD_MAX, H1_FIELDS_MAX};
    l->line = max < l->line ? max : l->line * (times > 1 ? times : 1);
    l->field = max < l->field ? max : l->field;
    h->fields = h->own_fields;
    if (max <= H1_HEAD_MAX)
        return 0;
    uint64_t fields = (uint64_t)max * H1_FIELDS_MAX / H1_HEAD_MAX;
    l->fields = fields < FIELDS_CEILING ? (uint32_t)fields : FIELDS_CEILING;
    h->fields = bide__malloc(l->fields * sizeof *h->fields);
    return h->fields ? 0 : bide__fail_nomem("the fields of a head");
}

void bide__h1_context_free(struct h1_context *h)
{
    if (h->fields != h->own_fields)
        bide__free(h->fields);
}

/* ---- a connection ---- */

static const struct exchange_ops h1_ops = {.send = bide__h1_send,
                                           .head = bide__h1_take_head,
                                           .next = bide__h1_next,
                                           .read = bide__h1_read,
                                           .splice = bide__h1_splice,
                                           .drop = bide__h1_drop,
                                           .steal = bide__h1_steal};

static int h1_open(struct conn *c)
{
    struct h1_exchange *x = bide__calloc(1, sizeof *x);
    if (!x)
        return bide__fail_nomem("a connection");

    x->exchange.ops = &h1_ops;
    x->conn = c;
    x->context = c->host->connector->protocol_context;
    c->state = x;
    return 0;
}

static struct exchange *h1_begin(struct conn *c)
{
    struct h1_exchange *x = c->state;

    c->served++;
    x->odd_interim = x->is_over = x->may_reuse = false;
    x->inner = NULL;
    x->body_bytes = 0;
    x->lent = x->rest_len = 0;
    x->chunked.odd = false;
    return &x->exchange;
}

static void h1_close(struct conn *c)
{
    bide__free(c->state);
}

const struct protocol bide__h1_protocol = {.open = h1_open, .begin = h1_begin, .close = h1_close};
