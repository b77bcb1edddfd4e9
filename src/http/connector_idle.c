/* SPDX-License-Identifier: MIT */
/*
 * connector_idle.c - connections that nobody uses.
 *
 * They are watched: when anything comes on one, or it is closed, it is thrown away (RFC 9112 9.2), because whatever was
 * said there was no answer to us.  TLS may have business of its own (tickets).  One timer closes what was idle for too
 * long.
 */
#include "http/connector.h"

#define PROBE_AFTER_NS ((int64_t)1000 * NS_PER_MS) /* the loop may not have looked yet: ask the kernel */
#define FOREVER_MS ((int64_t)1 << 40)

static void leave_idle(struct conn *c)
{
    bide_session *s = c->host->session;

    bide__list_remove(&c->in_host);
    bide__list_remove(&c->in_session);
    bide__list_remove(&c->clause.node);
    bide__unpush(s->loop, &c->ready);
    s->nidle--;
    c->host->nidle--;
    bide__update_blocked(c->host);
}

bool bide__idle_make_room(bide_session *s)
{
    int most = s->args.limit + s->args.idle_limit;

    if (s->open >= most && !bide__list_is_empty(&s->idle))
        bide__idle_close(container_of(s->idle.next, struct conn, in_session));
    return s->open < most;
}

/* Those beyond a ceiling of their own: the ones used longest ago. */
static void keep_to_ceilings(bide_session *s, struct host *h)
{
    if (s->args.idle_limit == 0)
        return;
    if (h->nidle > s->args.idle_limit_per_host)
        bide__idle_close(container_of(h->idle.prev, struct conn, in_host));
    if (s->nidle > s->args.idle_limit)
        bide__idle_close(container_of(s->idle.next, struct conn, in_session));
}

void bide__idle_close(struct conn *c)
{
    leave_idle(c);
    bide__connector_close(c);
}

/* Something happened on an idle connection.  TLS has business of its own (tickets); anything else ends it. */
void bide__idle_ready(struct ready *ready)
{
    struct conn *c = container_of(ready, struct conn, ready);

    if (bide__stream_is_alive(c->stream, false))
        bide__stream_watch(c->stream, &c->clause);
    else
        bide__idle_close(c);
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
            bide__idle_close(c);
        else if (c->idle_until_ns < next)
            next = c->idle_until_ns;
    }
    if (next != INT64_MAX)
        arm_idle_timer(s, next);
}

void bide__idle_add(struct conn *c, int64_t keep_ms)
{
    bide_session *s = c->host->session;

    c->idle_since_ns = s->loop->now_ns;
    c->idle_until_ns = keep_ms > FOREVER_MS ? INT64_MAX : c->idle_since_ns + keep_ms * NS_PER_MS;
    bide__list_prepend(&c->host->idle, &c->in_host);
    bide__list_append(&s->idle, &c->in_session);
    bide__stream_watch(c->stream, &c->clause);
    s->nidle++;
    c->host->nidle++;
    bide__update_blocked(c->host);
    if (c->idle_until_ns != INT64_MAX)
        arm_idle_timer(s, c->idle_until_ns);
    keep_to_ceilings(s, c->host);
}

/* The one used last that is still good. */
struct conn *bide__idle_take(struct host *h)
{
    while (!bide__list_is_empty(&h->idle)) {
        struct conn *c = container_of(h->idle.next, struct conn, in_host);
        int64_t now = h->session->loop->now_ns;
        leave_idle(c);
        if (now < c->idle_until_ns && bide__stream_is_alive(c->stream, now - c->idle_since_ns > PROBE_AFTER_NS))
            return c;
        bide__connector_close(c);
    }
    return NULL;
}

void bide__connector_close_idle(bide_session *s)
{
    while (!bide__list_is_empty(&s->idle))
        bide__idle_close(container_of(s->idle.next, struct conn, in_session));
    if (s->loop)
        bide__wheel_disarm(&s->loop->wheel, &s->idle_timer);
}
