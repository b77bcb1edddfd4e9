/* SPDX-License-Identifier: MIT */
/*
 * conn.c - a connection of the pool: its life, its places, its buffer, and what it adds to the figures.
 *
 * The buffer has memory only while bytes lie in it that nobody has taken yet; that memory goes from one connection to the
 * next, so that a steady stream of requests allocates nothing.
 */
#include "http/connect/connect.h"

/* ---- the buffer ---- */

static void *take_buffer(struct connector *k)
{
    return k->nspare_buffers > 0 ? k->spare_buffers[--k->nspare_buffers] : bide__malloc(CONN_BUFFER_SIZE);
}

static void give_buffer(struct connector *k, void *buffer)
{
    if (k->nspare_buffers < array_len(k->spare_buffers) && !bide__no_recycling)
        k->spare_buffers[k->nspare_buffers++] = buffer;
    else
        bide__free(buffer);
}

static void drop_buffer(struct conn *c)
{
    if (c->in.data && c->in.cap == CONN_BUFFER_SIZE) {
        give_buffer(c->host->connector, c->in.data);
        c->in.data = NULL;
    }
    bide__buf_free(&c->in);
}

char *bide__conn_reserve(struct conn *c, size_t n)
{
    if (!c->in.data && n <= CONN_BUFFER_SIZE) {
        c->in.data = take_buffer(c->host->connector);
        c->in.cap = c->in.data ? CONN_BUFFER_SIZE : 0;
    }
    return bide__buf_reserve(&c->in, n);
}

/* ---- its life ---- */

struct conn *bide__conn_new(struct host *h)
{
    struct conn *c = bide__calloc(1, sizeof *c);

    if (!c || bide__ring_reserve(&h->connector->loop->ring, 1) < 0) {
        bide__free(c);
        bide__fail_nomem("a connection");
        return NULL;
    }
    c->host = h;
    c->max_exchanges = c->exchanges = 1;
    bide__list_init(&c->in_host);
    bide__list_init(&c->in_idle);
    bide__clause_init(&c->clause, &c->ready);
    bide__buf_init(&c->in, h->connector->buffer_max);
    return c;
}

void bide__conn_discard(struct conn *c)
{
    bide__ring_unreserve(&c->host->connector->loop->ring, 1);
    bide__free(c);
}

int bide__conn_opened(struct conn *c, bide_stream *stream)
{
    struct connector *k = c->host->connector;
    int64_t age_ms = k->max_age_ms, now_ns = k->loop->now_ns;

    c->stream = stream;
    c->info = bide__conn_info_new(stream, ++k->connections);
    if (!c->info)
        return BIDE_ENOMEM;
    c->old_at_ns = age_ms > 0 ? bide__ns_after(now_ns, age_ms) : INT64_MAX;
    c->protocol = k->protocol;
    return c->protocol->open(c);
}

static void count_bytes(struct conn *c)
{
    struct connector *k = c->host->connector;

    k->bytes_in += c->stream->bytes_in - c->counted_in;
    k->bytes_out += c->stream->bytes_out - c->counted_out;
    c->counted_in = c->stream->bytes_in;
    c->counted_out = c->stream->bytes_out;
}

void bide__conn_rest(struct conn *c)
{
    count_bytes(c);
    drop_buffer(c);
}

void bide__conn_free(struct conn *c)
{
    if (c->stream)
        bide__conn_rest(c);
    if (c->state)
        c->protocol->close(c);
    bide_release(c->stream);
    if (c->info)
        c->info->stream = NULL;
    bide__conn_info_drop(c->info);
    bide__conn_discard(c);
}

void bide__conn_end(struct conn *c)
{
    struct host *h = c->host;

    bide__conn_free(c);
    bide__free_slot(h);
}

/* ---- its places ---- */

static bool has_place(const struct conn *c)
{
    return c->exchanges < c->max_exchanges && !c->is_ending;
}

void bide__conn_offer_places(struct conn *c)
{
    struct host *h = c->host;
    struct waiter *w;

    while (has_place(c) && (w = bide__host_first_waiter(h)))
        bide__assign(h, w, c);
    bool shared = c->exchanges > 0 && has_place(c);
    if (shared && !bide__list_is_linked(&c->in_host))
        bide__list_append(&h->shared, &c->in_host);
    else if (!shared)
        bide__list_remove(&c->in_host);
}
