/* SPDX-License-Identifier: MIT */
/*
 * idle.c - connections that nobody uses.
 *
 * They are watched: when anything comes on one, or it is closed, it is thrown away (RFC 9112 9.2), because whatever was
 * said there was no answer to us.  TLS may have business of its own (tickets).  One timer closes what was idle for too
 * long.
 */
#include "http/connect/connect.h"

#define WARM_CONNS 64 /* idle ones that keep the memory of their layers; beyond, it is given back */
#define PROBE_AFTER_NS ((int64_t)1000 * NS_PER_MS) /* the loop may not have looked yet: ask the kernel */

static void leave_idle(struct conn *c)
{
    struct connector *k = c->host->connector;

    bide__list_remove(&c->in_host);
    bide__list_remove(&c->in_idle);
    bide__list_remove(&c->clause.node);
    bide__unpush(k->loop, &c->ready);
    k->nidle--;
    c->host->nidle--;
    bide__update_blocked(c->host);
}

bool bide__idle_make_room(struct connector *k)
{
    int most = k->limit + k->idle_limit;

    if (k->open >= most && !bide__list_is_empty(&k->idle))
        bide__idle_close(container_of(k->idle.next, struct conn, in_idle));
    return k->open < most;
}

/* Those beyond a ceiling of their own: the ones used longest ago. */
static void keep_to_ceilings(struct connector *k, struct host *h)
{
    if (k->idle_limit == 0)
        return;
    if (h->nidle > k->idle_limit_per_host)
        bide__idle_close(container_of(h->idle.prev, struct conn, in_host));
    if (k->nidle > k->idle_limit)
        bide__idle_close(container_of(k->idle.next, struct conn, in_idle));
}

void bide__idle_close(struct conn *c)
{
    leave_idle(c);
    bide__conn_end(c);
}

/* Something happened on an idle connection.  TLS has business of its own (tickets); anything else ends it. */
static void idle_ready(struct ready *ready)
{
    struct conn *c = container_of(ready, struct conn, ready);

    if (bide__stream_is_alive(c->stream, false))
        bide__stream_watch(c->stream, &c->clause);
    else
        bide__idle_close(c);
}

static void arm_idle_timer(struct connector *k, int64_t when_ns)
{
    int64_t when_ms = when_ns / NS_PER_MS + 1;

    if (bide__timer_is_armed(&k->idle_timer)) {
        if (k->idle_timer.when_ms <= when_ms)
            return; /* then it looks at all of them */
        bide__wheel_disarm(&k->loop->wheel, &k->idle_timer);
    }
    bide__timer_arm_at(k->loop, &k->idle_timer, when_ms);
}

void bide__idle_fired(struct timer *t)
{
    struct connector *k = container_of(t, struct connector, idle_timer);
    int64_t now = k->loop->now_ns, next = INT64_MAX;

    for (struct list_node *n = k->idle.next, *after; n != &k->idle; n = after) {
        struct conn *c = container_of(n, struct conn, in_idle);
        after = n->next;
        if (c->idle_until_ns <= now)
            bide__idle_close(c);
        else if (c->idle_until_ns < next)
            next = c->idle_until_ns;
    }
    if (next != INT64_MAX)
        arm_idle_timer(k, next);
}

void bide__idle_add(struct conn *c, int64_t keep_ms)
{
    struct connector *k = c->host->connector;

    c->ready.run = idle_ready;
    c->idle_since_ns = k->loop->now_ns;
    c->idle_until_ns = bide__ns_after(c->idle_since_ns, keep_ms);
    c->idle_until_ns = c->old_at_ns < c->idle_until_ns ? c->old_at_ns : c->idle_until_ns;
    bide__list_prepend(&c->host->idle, &c->in_host);
    bide__list_append(&k->idle, &c->in_idle);
    bide__stream_watch(c->stream, &c->clause);
    k->nidle++;
    c->host->nidle++;
    if (unlikely(k->nidle > WARM_CONNS))
        bide__stream_rest(c->stream);
    bide__update_blocked(c->host);
    if (c->idle_until_ns != INT64_MAX)
        arm_idle_timer(k, c->idle_until_ns);
    keep_to_ceilings(k, c->host);
}

/* The one used last that is still good. */
struct conn *bide__idle_take(struct host *h)
{
    while (!bide__list_is_empty(&h->idle)) {
        struct conn *c = container_of(h->idle.next, struct conn, in_host);
        int64_t now = h->connector->loop->now_ns;
        leave_idle(c);
        if (now < c->idle_until_ns && bide__stream_is_alive(c->stream, now - c->idle_since_ns > PROBE_AFTER_NS))
            return c;
        bide__conn_end(c);
    }
    return NULL;
}

void bide__connector_close_idle(struct connector *k)
{
    while (!bide__list_is_empty(&k->idle))
        bide__idle_close(container_of(k->idle.next, struct conn, in_idle));
    if (k->loop)
        bide__wheel_disarm(&k->loop->wheel, &k->idle_timer);
}
