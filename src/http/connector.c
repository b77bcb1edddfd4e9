/* SPDX-License-Identifier: MIT */
/*
 * connector.c - the pool of connections: taking one and giving it back.
 *
 * A request takes the connection of its origin that was used last; or opens one, if neither the origin nor the session
 * has as many in use as it may; or waits.  A connection that is given back goes to the first who waits for this origin,
 * unless another origin, which has no connection to wait for, has waited longer: then that one gets its slot.
 *
 * Idle connections count in the limit, and are closed for the slots that they have; or they have limits of their own
 * (idle_limit), and those used longest ago are closed when there are more.
 */
#include "http/connector.h"

#define HINT_MARGIN_MS 2000
#define HINT_MAX_MS 600000

/* ---- connections ---- */

static void settle_account(struct conn *c)
{
    bide_session_stats *stats = &c->host->session->stats;

    stats->bytes_in += c->stream->bytes_in - c->counted_in;
    stats->bytes_out += c->stream->bytes_out - c->counted_out;
    c->counted_in = c->stream->bytes_in;
    c->counted_out = c->stream->bytes_out;
}

static void drop_buffer(struct conn *c)
{
    if (c->in.data && c->in.cap == CONN_BUFFER_SIZE) {
        bide__session_give_buffer(c->host->session, c->in.data);
        c->in.data = NULL;
    }
    bide__buf_free(&c->in);
}

/* Everything but its slot. */
void bide__conn_free(struct conn *c)
{
    bide_session *s = c->host->session;

    settle_account(c);
    drop_buffer(c);
    bide_release(c->stream);
    bide__ring_unreserve(&s->loop->ring, 1);
    bide__free(c);
}

void bide__connector_close(struct conn *c)
{
    struct host *h = c->host;

    bide__conn_free(c);
    bide__free_slot(h);
}

char *bide__conn_reserve(struct conn *c, size_t n)
{
    if (!c->in.data && n <= CONN_BUFFER_SIZE) {
        c->in.data = bide__session_take_buffer(c->host->session);
        c->in.cap = c->in.data ? CONN_BUFFER_SIZE : 0;
    }
    return bide__buf_reserve(&c->in, n);
}

/* ---- giving back ---- */

/* R50: no longer than the server said, less the time that a request takes to get there. */
static int64_t keep_for_ms(const bide_session *s, int64_t hint_ms)
{
    int64_t keep = s->args.keepalive_ms;

    if (hint_ms == INT64_MAX)
        return keep;
    hint_ms = hint_ms > HINT_MAX_MS ? HINT_MAX_MS : hint_ms;
    hint_ms = hint_ms > HINT_MARGIN_MS ? hint_ms - HINT_MARGIN_MS : 0;
    return hint_ms < keep ? hint_ms : keep;
}

static bool is_of_use(struct conn *c)
{
    return !c->host->session->is_closing && bide__buf_len(&c->in) == 0 &&
           bide__stream_is_alive(c->stream, false);
}

void bide__connector_give(struct conn *c, int64_t hint_ms)
{
    struct host *h = c->host;
    bide_session *s = h->session;
    int64_t keep_ms = hint_ms < 0 ? 0 : keep_for_ms(s, hint_ms);
    if (keep_ms == 0 || !is_of_use(c)) {
        bide__connector_close(c);
        return;
    }

    settle_account(c);
    drop_buffer(c);
    struct waiter *w = bide__host_first_waiter(h);
    bool older_first = bide__yield_to_older_waiter(h, w);
    if (older_first && s->args.idle_limit == 0) {
        bide__connector_close(c); /* for its slot */
    } else if (w && !older_first) {
        bide__assign(h, w, c);
    } else {
        bide__idle_add(c, keep_ms);
        if (older_first)
            bide__share_slots(s);
    }
}

/* ---- taking ---- */

/* May one more be opened?  What is idle gives way. */
static bool make_room(struct host *h)
{
    const bide_session_args *o = &h->session->args;
    int most = o->limit_per_host + (o->idle_limit > 0 ? o->idle_limit_per_host : 0);
    if (!bide__list_is_empty(&h->waiters) || !bide__may_be_busy(h))
        return false;
    if (h->open >= most && !bide__list_is_empty(&h->idle))
        bide__idle_close(container_of(h->idle.prev, struct conn, in_host));
    /* What was closed may have let somebody else in. */
    return h->open < most && bide__idle_make_room(h->session) && bide__may_be_busy(h);
}

/* May an idle connection be used at once? */
static bool may_take_idle(const struct host *h)
{
    return bide__may_be_busy(h) && bide__list_is_empty(&h->waiters);
}

static void note_peer(struct conn *c)
{
    const char *peer = bide_stream_peer(c->stream);
    bool bracketed = peer[0] == '[';
    const char *end = bracketed ? strchr(peer, ']') : strrchr(peer, ':');
    size_t n = end ? (size_t)(end - peer) - bracketed : strlen(peer);

    n = n < sizeof c->peer ? n : sizeof c->peer - 1;
    memcpy(c->peer, peer + bracketed, n);
    c->peer[n] = '\0';
}

struct conn *bide__conn_new(struct host *h)
{
    struct conn *c = bide__calloc(1, sizeof *c);

    if (!c || bide__ring_reserve(&h->session->loop->ring, 1) < 0) {
        bide__free(c);
        bide__fail_nomem("a connection");
        return NULL;
    }
    c->host = h;
    c->ready.run = bide__idle_ready;
    bide__list_init(&c->in_host);
    bide__list_init(&c->in_session);
    bide__clause_init(&c->clause, &c->ready);
    bide__buf_init(&c->in, h->session->args.max_head_bytes + 2 * BODY_READ_SIZE);
    return c;
}

/* There is no free descriptor: the connection idle for the longest time has one. */
static bool spare_idle(void *arg)
{
    bide_session *s = arg;
    if (bide__list_is_empty(&s->idle))
        return false;

    bide__idle_close(container_of(s->idle.next, struct conn, in_session));
    return true;
}

static bide_stream *dial(struct request *q, const struct host *h, struct connect_times *times)
{
    struct connect_options o = {.host = h->dial, .port = h->dial_port, .server_name = h->name, .times = times,
                                .spare = spare_idle, .spare_arg = q->session};
    bide_response *r = q->response;
    bide_stream *stream = NULL;
    if (h->key.secure && !(o.tls = bide__session_tls(q->session)))
        return NULL;

    r->deadline.phase = BIDE_PHASE_CONNECT;
    bide_timeout(bide__deadline_remaining_ms(&r->deadline, r->deadline.connect_ms))
        stream = bide__connect(&o);
    return stream;
}

/* Has a slot already, which is lost on failure. */
static struct conn *open_conn(struct request *q, struct host *h)
{
    struct conn *c = bide__conn_new(h);
    if (c && !(c->stream = dial(q, h, &c->times))) {
        bide__ring_unreserve(&q->session->loop->ring, 1);
        bide__free(c);
        c = NULL;
    }
    if (!c) {
        bide__free_slot(h);
        return NULL;
    }
    note_peer(c);
    q->session->stats.connections++;
    return c;
}

static struct conn *take_in_turn(struct request *q, struct host *h, bool fresh)
{
    struct waiter w = {.task = bide__task_here()};
    int code = bide__wait_for_turn(q, h, &w);

    if (code < 0 && w.assigned) { /* too late: somebody else shall have it */
        if (w.conn)
            bide__connector_give(w.conn, INT64_MAX);
        else
            bide__free_slot(h);
    }
    if (code < 0)
        return NULL;
    if (w.conn && !fresh && is_of_use(w.conn))
        return w.conn;
    if (w.conn)
        bide__conn_free(w.conn); /* and go into its slot */
    return open_conn(q, h);
}

struct conn *bide__connector_take(struct request *q, bool fresh)
{
    struct host *h = bide__host_find(q);
    struct conn *c;
    if (!h)
        return NULL;

    h->in_use++;
    c = fresh || !may_take_idle(h) ? NULL : bide__idle_take(h);
    if (!c && make_room(h)) {
        bide__take_slot(h);
        c = open_conn(q, h);
    } else if (!c) {
        c = take_in_turn(q, h, fresh);
    }
    h->in_use--;
    if (unlikely(!c))
        bide__host_free_if_unused(h);
    return c;
}
