/* SPDX-License-Identifier: MIT */
/*
 * connector.c - the pool of connections: who may have one, and what becomes of one that nobody uses.
 *
 * A request takes the connection of its origin that was used last; or opens one, if neither the origin nor the session
 * has as many as it may; or waits.  Waiters of an origin are served in order.  A connection that is given back goes to
 * the first of them, unless another origin, which has no connection to wait for, has waited longer: then it is closed,
 * and that one gets its place.  Places that become free otherwise go round among the origins that need one.
 *
 * A connection that nobody uses is watched: when anything comes on it, or it is closed, it is thrown away (RFC 9112
 * 9.2).  One timer closes what was idle for too long.  The invariants P1 to P3 are in http.h.
 */
#include "http/http.h"

#define NS_PER_MS 1000000
#define PROBE_AFTER_NS ((int64_t)1000 * NS_PER_MS)
#define HINT_MARGIN_MS 2000
#define HINT_MAX_MS 600000
#define FOREVER_MS ((int64_t)1 << 40)

/* ---- origins ---- */

static struct conn_key key_of(const struct url *u)
{
    return (struct conn_key){.host = bide__url_part(u, u->hostname),
                             .host_len = u->hostname.len,
                             .port = u->port,
                             .secure = bide__url_is_secure(u)};
}

static bool same_key(const struct conn_key *a, const struct conn_key *b)
{
    return a->secure == b->secure && a->port == b->port && a->host_len == b->host_len &&
           memcmp(a->host, b->host, a->host_len) == 0;
}

static const struct detour *find_detour(const bide_session *s, const struct conn_key *key)
{
    for (size_t i = 0; i < s->ndetours; i++) {
        const struct detour *d = &s->detours[i];
        bool host_fits = !d->host || (strlen(d->host) == key->host_len &&
                                      strncasecmp(d->host, key->host, key->host_len) == 0);
        if (host_fits && (d->port == 0 || d->port == key->port))
            return d;
    }
    return NULL;
}

/* The bytes by which the map finds it: the port, the scheme, the host. */
static size_t map_key(char *out, const struct conn_key *key)
{
    out[0] = (char)(key->port >> 8);
    out[1] = (char)key->port;
    out[2] = key->secure ? 's' : 'p';
    memcpy(out + 3, key->host, key->host_len);
    return key->host_len + 3;
}

static void host_init(struct host *h, bide_session *s, const struct conn_key *key)
{
    size_t n = map_key(h->text, key);
    bool bracketed = key->host[0] == '[';
    const struct detour *d = find_detour(s, key);

    h->session = s;
    h->key = *key;
    h->key.host = h->text + 3;
    h->name = h->text + n;
    memcpy(h->name, key->host + bracketed, key->host_len - 2u * bracketed);
    h->name[key->host_len - 2u * bracketed] = '\0';
    h->dial = d && d->addr ? d->addr : h->name;
    h->dial_port = d && d->addr_port ? d->addr_port : key->port;
    bide__list_init(&h->idle);
    bide__list_init(&h->waiters);
    bide__list_init(&h->blocked);
    bide__map_add(&s->hosts, &h->node, h->text, n);
}

static struct host *host_new(bide_session *s, const struct conn_key *key)
{
    struct host *h = bide__calloc(1, sizeof *h + 2 * (size_t)key->host_len + 4);

    if (h)
        host_init(h, s, key);
    else
        bide__fail_nomem("a connection");
    return h;
}

static struct host *find_host(struct asked *a)
{
    bide_session *s = a->session;
    struct conn_key key = key_of(&a->url);
    if (likely(s->last_host && same_key(&s->last_host->key, &key)))
        return s->last_host;

    char *bytes = bide__arena_alloc(&a->response->arena, key.host_len + 3);
    if (!bytes)
        return NULL;
    struct map_node *n = bide__map_find(&s->hosts, bytes, map_key(bytes, &key));
    struct host *h = n ? container_of(n, struct host, node) : host_new(s, &key);
    s->last_host = h;
    return h;
}

static void host_free_if_unused(struct host *h)
{
    bide_session *s = h->session;
    if (h->open > 0 || h->pins > 0 || !bide__list_is_empty(&h->waiters))
        return;

    if (s->last_host == h)
        s->last_host = NULL;
    bide__list_remove(&h->blocked);
    bide__map_remove(&s->hosts, &h->node);
    bide__free(h);
}

/* ---- waiting for a connection ---- */

struct waiter {
    struct clause clause; /* in host.waiters */
    bide_task *task;
    uint64_t ticket;
    struct conn *conn; /* this one, or, if NULL, the place to open one */
    bool granted;
};

static struct waiter *first_waiter(struct host *h)
{
    if (bide__list_is_empty(&h->waiters))
        return NULL;
    return container_of(container_of(h->waiters.next, struct clause, node), struct waiter, clause);
}

/* P3 */
static void update_blocked(struct host *h)
{
    bide_session *s = h->session;
    bool blocked = !bide__list_is_empty(&h->waiters) && h->open < s->args.limit_per_host;

    if (blocked && !bide__list_is_linked(&h->blocked))
        bide__list_append(&s->blocked, &h->blocked);
    else if (!blocked)
        bide__list_remove(&h->blocked);
}

static void leave_queue(struct host *h, struct waiter *w)
{
    bide__list_remove(&w->clause.node);
    h->session->nwaiting--;
    update_blocked(h);
}

static void grant(struct host *h, struct waiter *w, struct conn *c)
{
    leave_queue(h, w);
    w->conn = c;
    w->granted = true;
    if (!bide__ready_is_queued(&w->task->ready))
        bide__push(w->task->future.loop, &w->task->ready);
}

static void take_place(struct host *h)
{
    h->open++;
    h->session->open++;
    update_blocked(h);
}

/* A place has become free: who needs one? */
static void free_place(struct host *h)
{
    bide_session *s = h->session;

    h->open--;
    s->open--;
    update_blocked(h);
    while (!bide__list_is_empty(&s->blocked) && s->open < s->args.limit) {
        struct host *next = container_of(s->blocked.next, struct host, blocked);
        bide__list_remove(&next->blocked); /* to the end of the round, if it needs another */
        next->open++;
        s->open++;
        grant(next, first_waiter(next), NULL);
    }
    host_free_if_unused(h);
}

/* 0: w has what it waited for. */
static int wait_for_turn(struct asked *a, struct host *h, struct waiter *w)
{
    bide_session *s = h->session;
    bide_task *t = w->task;
    struct wait wait = {.end_early = bide__wait_end_now, .task = t};
    int code = 0;

    bide__clause_init(&w->clause, &t->ready);
    bide__list_append(&h->waiters, &w->clause.node);
    w->ticket = s->tickets++;
    s->nwaiting++;
    update_blocked(h);
    a->response->phase = PHASE_POOL;
    bide_timeout(bide__response_patience_ms(a->response, BIDE_FOREVER)) {
        code = bide__pending_interrupt(t);
        if (code == 0) {
            bide__park(t, &wait);
            code = bide__wait_outcome(&wait);
        }
    }
    if (!w->granted)
        leave_queue(h, w);
    return code;
}

/* ---- connections ---- */

static void settle_account(struct conn *c)
{
    bide_session_stats *stats = &c->host->session->stats;

    stats->bytes_in += c->stream->bytes_in - c->told_in;
    stats->bytes_out += c->stream->bytes_out - c->told_out;
    c->told_in = c->stream->bytes_in;
    c->told_out = c->stream->bytes_out;
}

static void drop_buffer(struct conn *c)
{
    if (c->in.data && c->in.cap == CONN_BUFFER_SIZE) {
        bide__session_give_buffer(c->host->session, c->in.data);
        c->in.data = NULL;
    }
    bide__buf_free(&c->in);
}

/* Everything but its place. */
static void conn_free(struct conn *c)
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

    conn_free(c);
    free_place(h);
}

char *bide__conn_reserve(struct conn *c, size_t n)
{
    if (!c->in.data && n <= CONN_BUFFER_SIZE) {
        c->in.data = bide__session_take_buffer(c->host->session);
        c->in.cap = c->in.data ? CONN_BUFFER_SIZE : 0;
    }
    return bide__buf_reserve(&c->in, n);
}

/* ---- idle ---- */

static void leave_idle(struct conn *c)
{
    bide_session *s = c->host->session;

    bide__list_remove(&c->in_host);
    bide__list_remove(&c->in_session);
    bide__list_remove(&c->clause.node);
    bide__unpush(s->loop, &c->ready);
    s->nidle--;
}

static void close_idle(struct conn *c)
{
    leave_idle(c);
    bide__connector_close(c);
}

/* Something happened on an idle connection.  TLS has business of its own (tickets); anything else ends it. */
static void stirred(struct ready *ready)
{
    struct conn *c = container_of(ready, struct conn, ready);

    if (bide__stream_check_idle(c->stream, false) < 0)
        close_idle(c);
    else
        bide__list_append(&c->stream->fd.readers, &c->clause.node);
}

static void arm_idle_timer(bide_session *s, int64_t when_ns)
{
    int64_t when_ms = when_ns / NS_PER_MS + 1;

    if (bide__timer_is_armed(&s->idle_timer)) {
        if (s->idle_timer.when_ms <= when_ms)
            return; /* then it looks at all of them */
        bide__wheel_disarm(&s->loop->wheel, &s->idle_timer);
    }
    bide__wheel_arm(&s->loop->wheel, &s->idle_timer, when_ms);
}

void bide__connector_idle_fired(struct timer *t)
{
    bide_session *s = container_of(t, bide_session, idle_timer);
    int64_t now = s->loop->now_ns, next = INT64_MAX;

    for (struct list_node *n = s->idle.next, *after; n != &s->idle; n = after) {
        struct conn *c = container_of(n, struct conn, in_session);
        after = n->next;
        if (c->idle_until_ns <= now)
            close_idle(c);
        else if (c->idle_until_ns < next)
            next = c->idle_until_ns;
    }
    if (next != INT64_MAX)
        arm_idle_timer(s, next);
}

static void become_idle(struct conn *c, int64_t keep_ms)
{
    bide_session *s = c->host->session;

    c->idle_since_ns = s->loop->now_ns;
    c->idle_until_ns = keep_ms < 0 || keep_ms > FOREVER_MS ? INT64_MAX : c->idle_since_ns + keep_ms * NS_PER_MS;
    bide__list_prepend(&c->host->idle, &c->in_host);
    bide__list_append(&s->idle, &c->in_session);
    bide__list_append(&c->stream->fd.readers, &c->clause.node);
    s->nidle++;
    if (c->idle_until_ns != INT64_MAX)
        arm_idle_timer(s, c->idle_until_ns);
}

/* The one used last that is still good. */
static struct conn *take_idle(struct host *h)
{
    while (!bide__list_is_empty(&h->idle)) {
        struct conn *c = container_of(h->idle.next, struct conn, in_host);
        int64_t now = h->session->loop->now_ns;
        leave_idle(c);
        if (now < c->idle_until_ns && bide__stream_check_idle(c->stream, now - c->idle_since_ns > PROBE_AFTER_NS) == 0)
            return c;
        bide__connector_close(c);
    }
    return NULL;
}

void bide__connector_close_idle(bide_session *s)
{
    while (!bide__list_is_empty(&s->idle))
        close_idle(container_of(s->idle.next, struct conn, in_session));
    if (s->loop)
        bide__wheel_disarm(&s->loop->wheel, &s->idle_timer);
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
    return keep == BIDE_FOREVER || hint_ms < keep ? hint_ms : keep;
}

static bool is_of_use(struct conn *c)
{
    return !c->host->session->is_closing && bide__buf_len(&c->in) == 0 &&
           bide__stream_check_idle(c->stream, false) == 0;
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
    struct waiter *w = first_waiter(h);
    struct host *other = bide__list_is_empty(&s->blocked) ? NULL : container_of(s->blocked.next, struct host, blocked);
    if (other && (!w || first_waiter(other)->ticket < w->ticket))
        bide__connector_close(c); /* for its place */
    else if (w)
        grant(h, w, c);
    else
        become_idle(c, keep_ms);
}

/* ---- taking ---- */

/* May one more be opened?  What is idle gives way. */
static bool make_room(struct host *h)
{
    bide_session *s = h->session;
    if (!bide__list_is_empty(&h->waiters))
        return false;
    if (h->open >= s->args.limit_per_host && !bide__list_is_empty(&h->idle))
        close_idle(container_of(h->idle.prev, struct conn, in_host));
    if (h->open >= s->args.limit_per_host)
        return false;
    if (s->open >= s->args.limit && !bide__list_is_empty(&s->idle))
        close_idle(container_of(s->idle.next, struct conn, in_session));
    return s->open < s->args.limit;
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

static struct conn *conn_new(struct host *h)
{
    struct conn *c = bide__calloc(1, sizeof *c);

    if (!c || bide__ring_reserve(&h->session->loop->ring, 1) < 0) {
        bide__free(c);
        bide__fail_nomem("a connection");
        return NULL;
    }
    c->host = h;
    c->ready.run = stirred;
    bide__list_init(&c->in_host);
    bide__list_init(&c->in_session);
    bide__clause_init(&c->clause, &c->ready);
    bide__buf_init(&c->in, h->session->args.max_head_bytes + 2 * BODY_READ_SIZE);
    return c;
}

static bide_stream *dial(struct asked *a, const struct host *h, struct connect_times *times)
{
    struct connect_options o = {.host = h->dial, .port = h->dial_port, .server_name = h->name, .times = times};
    bide_response *r = a->response;
    bide_stream *stream = NULL;
    if (h->key.secure && !(o.tls = bide__session_tls(a->session)))
        return NULL;

    r->phase = PHASE_CONNECT;
    bide_timeout(bide__response_patience_ms(r, r->limits.connect_ms))
        stream = bide__connect(&o);
    return stream;
}

/* Has a place already, which is lost on failure. */
static struct conn *open_conn(struct asked *a, struct host *h)
{
    struct conn *c = conn_new(h);
    if (c && !(c->stream = dial(a, h, &c->times))) {
        bide__ring_unreserve(&a->session->loop->ring, 1);
        bide__free(c);
        c = NULL;
    }
    if (!c) {
        free_place(h);
        return NULL;
    }
    note_peer(c);
    a->session->stats.connections++;
    return c;
}

static struct conn *take_in_turn(struct asked *a, struct host *h, bool fresh)
{
    struct waiter w = {.task = bide__task_here()};
    int code = wait_for_turn(a, h, &w);

    if (code < 0 && w.granted) { /* too late: somebody else shall have it */
        if (w.conn)
            bide__connector_give(w.conn, INT64_MAX);
        else
            free_place(h);
    }
    if (code < 0)
        return NULL;
    if (w.conn && !fresh && is_of_use(w.conn))
        return w.conn;
    if (w.conn)
        conn_free(w.conn); /* and go into its place */
    return open_conn(a, h);
}

struct conn *bide__connector_take(struct asked *a, bool fresh)
{
    struct host *h = find_host(a);
    struct conn *c;
    if (!h)
        return NULL;

    h->pins++;
    c = fresh ? NULL : take_idle(h);
    if (!c && make_room(h)) {
        take_place(h);
        c = open_conn(a, h);
    } else if (!c) {
        c = take_in_turn(a, h, fresh);
    }
    h->pins--;
    if (unlikely(!c))
        host_free_if_unused(h);
    return c;
}
