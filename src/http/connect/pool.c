/* SPDX-License-Identifier: MIT */
/*
 * pool.c - the pool of connections: taking a place on one and giving it back.
 *
 * A request takes a place beside others on a connection of its origin; or that which was used last and is idle; or opens
 * one, if neither the origin nor all together have as many in use as they may; or waits.  A place that is given back goes
 * to the first who waits for this origin.  If it was the last one in use, and another origin, which has no connection to
 * wait for, has waited longer, that one gets the slot of the connection.
 *
 * Idle connections count in the limit, and are closed for the slots that they have; or they have limits of their own
 * (idle_limit), and those used longest ago are closed when there are more.
 */
#include "http/connect/connect.h"

#define HINT_MARGIN_MS 2000
#define HINT_MAX_MS 600000

/* ---- its life ---- */

int bide__connector_init(struct connector *k)
{
    bide__list_init(&k->idle);
    bide__list_init(&k->blocked);
    bide__timer_init(&k->idle_timer, bide__idle_fired);
    bide__buf_init(&k->key, SIZE_MAX);
    k->dial = bide__connect;
    int code = bide__routes_init(&k->routes);
    return code < 0 ? code : bide__map_init(&k->hosts);
}

void bide__connector_free(struct connector *k)
{
    bide__connector_close_idle(k);
    while (k->nspare_buffers > 0)
        bide__free(k->spare_buffers[--k->nspare_buffers]);
    bide__buf_free(&k->key);
    bide__map_free(&k->hosts);
    bide__routes_free(&k->routes);
}

/* ---- giving back ---- */

/* R50: no longer than the server said, less the time that a request takes to get there. */
static int64_t keep_for_ms(const struct connector *k, int64_t hint_ms)
{
    int64_t keep = k->keepalive_ms;

    if (hint_ms == INT64_MAX)
        return keep;
    hint_ms = hint_ms > HINT_MAX_MS ? HINT_MAX_MS : hint_ms;
    hint_ms = hint_ms > HINT_MARGIN_MS ? hint_ms - HINT_MARGIN_MS : 0;
    return hint_ms < keep ? hint_ms : keep;
}

static bool is_of_use(struct conn *c)
{
    const struct connector *k = c->host->connector;

    return !k->is_closing && bide__buf_len(&c->in) == 0 && k->loop->now_ns < c->old_at_ns &&
           bide__stream_is_alive(c->stream, false);
}

/* The last exchange on it is over. */
static void keep(struct conn *c, int64_t hint_ms)
{
    struct host *h = c->host;
    struct connector *k = h->connector;
    int64_t keep_ms = hint_ms < 0 ? 0 : keep_for_ms(k, hint_ms);
    if (keep_ms == 0 || !is_of_use(c)) {
        bide__conn_end(c);
        return;
    }

    bide__conn_rest(c);
    struct waiter *w = bide__host_first_waiter(h);
    bool older_first = bide__yield_to_older_waiter(h, w);
    if (older_first && k->idle_limit == 0) {
        bide__conn_end(c); /* for its slot */
    } else if (w && !older_first) {
        bide__assign(h, w, c);
        bide__conn_offer_places(c);
    } else {
        bide__idle_add(c, keep_ms);
        if (older_first)
            bide__share_slots(k);
    }
}

void bide__connector_give(struct conn *c, int64_t hint_ms)
{
    c->exchanges--;
    if (unlikely(c->exchanges > 0 || c->max_exchanges > 1))
        bide__conn_offer_places(c);
    if (c->exchanges > 0)
        return;
    if (c->is_ending)
        bide__conn_end(c);
    else
        keep(c, hint_ms);
}

void bide__connector_close(struct conn *c)
{
    c->is_ending = true;
    bide__connector_give(c, 0);
}

bide_stream *bide__connector_steal(struct conn *c)
{
    bide_stream *stream = c->stream;

    bide__stream_unread(stream, &c->in);
    bide__conn_rest(c);
    c->stream = NULL;
    bide__conn_end(c);
    return stream;
}

/* ---- taking ---- */

/* May one more be opened?  What is idle gives way. */
static bool make_room(struct host *h)
{
    const struct connector *k = h->connector;
    int most = k->limit_per_host + (k->idle_limit > 0 ? k->idle_limit_per_host : 0);
    if (!bide__list_is_empty(&h->waiters) || !bide__may_be_busy(h))
        return false;
    if (h->open >= most && !bide__list_is_empty(&h->idle))
        bide__idle_close(container_of(h->idle.prev, struct conn, in_host));
    /* What was closed may have let somebody else in. */
    return h->open < most && bide__idle_make_room(h->connector) && bide__may_be_busy(h);
}

/* May an idle connection be used at once? */
static bool may_take_idle(const struct host *h)
{
    return bide__may_be_busy(h) && bide__list_is_empty(&h->waiters);
}

/* A place beside other exchanges needs no slot, so nobody can have waited longer for it (P2). */
static struct conn *take_place(struct host *h)
{
    bool is_shared = !bide__list_is_empty(&h->shared);
    struct conn *c = is_shared ? container_of(h->shared.next, struct conn, in_host) : NULL;

    if (!c && may_take_idle(h))
        c = bide__idle_take(h);
    if (!c)
        return NULL;
    c->exchanges++;
    if (unlikely(c->max_exchanges > 1))
        bide__conn_offer_places(c);
    return c;
}

/* There is no free descriptor: the connection idle for the longest time has one. */
static bool spare_idle(void *arg)
{
    struct connector *k = arg;
    if (bide__list_is_empty(&k->idle))
        return false;

    bide__idle_close(container_of(k->idle.next, struct conn, in_idle));
    return true;
}

static bide_stream *dial(const struct host *h, struct connect_times *times, struct deadline *d)
{
    struct connect_options o = {.host = h->dial, .port = h->dial_port, .server_name = h->name, .tls = h->origin.tls, .times = times,
                                .spare = spare_idle, .spare_arg = h->connector,
                                .tls_ms = d->limits.tls_ms, .hooks = &h->connector->hooks, .unbuffered = true,
                                .addresses = h->addresses, .family = h->connector->family,
                                .public_only = h->connector->public_only,
                                .interface = h->connector->interface, .local_port = h->connector->local_port,
                                .local_port_last = h->connector->local_port_last, .dns = h->connector->dns,
                                .observer = d->tracer ? &d->tracer->observer : NULL};
    bide_stream *stream = NULL;

    d->phase = BIDE_PHASE_CONNECT;
    if (o.public_only && h->origin.route) {
        bide_fail(-EINVAL, "a session with .public_only asks nothing over a proxy or a Unix socket");
        return NULL;
    }
    bide__timeout(bide__deadline_remaining_ms(d, d->limits.connect_ms))
        stream = h->origin.route ? bide__route_open(h->origin.route, h->origin.is_forwarded, &o, h->connector->dial)
                                 : h->connector->dial(&o);
    if (!stream && o.tls && times->connect > 0)
        d->phase = BIDE_PHASE_TLS;
    return stream;
}

/* Has a slot already, which is lost on failure. */
static struct conn *open_conn(struct host *h, struct deadline *d)
{
    struct conn *c = bide__conn_new(h);
    bide_stream *stream = c ? dial(h, &c->times, d) : NULL;

    if (stream && bide__conn_opened(c, stream) == 0) {
        if (unlikely(c->max_exchanges > 1))
            bide__conn_offer_places(c);
        return c;
    }
    if (stream)
        bide__conn_free(c);
    else if (c)
        bide__conn_discard(c);
    bide__free_slot(h);
    return NULL;
}

/* Wait for a place, or for a slot to open a connection; with `fresh`, a connection with a single place has a slot to give. */
static struct conn *take_in_turn(struct host *h, struct deadline *d, bool fresh)
{
    struct waiter w = {.task = bide__task_here()};
    int code = bide__wait_for_turn(h, &w, d);

    if (code < 0 && w.assigned) { /* too late: somebody else shall have it */
        if (w.conn)
            bide__connector_give(w.conn, INT64_MAX);
        else
            bide__free_slot(h);
    }
    if (code < 0)
        return NULL;
    if (w.conn && (w.conn->max_exchanges > 1 || (!fresh && is_of_use(w.conn))))
        return w.conn;
    if (w.conn)
        bide__conn_free(w.conn); /* and go into its slot */
    return open_conn(h, d);
}

unchecked_frame struct conn *bide__connector_take(struct connector *k, const struct origin *origin, struct deadline *d,
                                                  bool fresh)
{
    struct host *h = bide__host_find(k, origin);
    struct conn *c;
    if (!h)
        return NULL;

    h->in_use++;
    c = fresh ? NULL : take_place(h);
    if (!c && make_room(h)) {
        bide__take_slot(h);
        c = open_conn(h, d);
    } else if (!c) {
        c = take_in_turn(h, d, fresh);
    }
    h->in_use--;
    if (unlikely(!c))
        bide__host_free_if_unused(h);
    return c;
}
