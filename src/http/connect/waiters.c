/* SPDX-License-Identifier: MIT */
/*
 * waiters.c - slots, and who waits for one.
 *
 * A slot is the right to have a connection; there are `limit` of them, and of those an origin may take
 * `limit_per_host`.  Waiters of an origin are served in order.  Slots that become free go round among the origins that
 * could use one: each gets one for its first waiter, and then goes to the end of the round.
 *
 * The invariants P1 to P3 are in connect.h.
 */
#include "http/connect/connect.h"

struct waiter *bide__host_first_waiter(const struct host *h)
{
    if (bide__list_is_empty(&h->waiters))
        return NULL;
    return container_of(container_of(h->waiters.next, struct clause, node), struct waiter, clause);
}

/* P3 */
never_indirect void bide__update_blocked(struct host *h)
{
    struct connector *k = h->connector;
    bool blocked = !bide__list_is_empty(&h->waiters) && h->open - h->nidle < k->limit_per_host;

    if (blocked && !bide__list_is_linked(&h->blocked))
        bide__list_append(&k->blocked, &h->blocked);
    else if (!blocked)
        bide__list_remove(&h->blocked);
}

static void leave_queue(struct host *h, struct waiter *w)
{
    bide__list_remove(&w->clause.node);
    h->connector->nwaiting--;
    bide__update_blocked(h);
}

void bide__assign(struct host *h, struct waiter *w, struct conn *c)
{
    leave_queue(h, w);
    w->conn = c;
    if (c)
        c->exchanges++;
    w->assigned = true;
    if (!bide__ready_is_queued(&w->task->ready))
        bide__push(w->task->future.loop, &w->task->ready);
}

void bide__take_slot(struct host *h)
{
    h->open++;
    h->connector->open++;
    bide__update_blocked(h);
}

/* Closing what is idle comes back here: that slot is given away by the loop that is running. */
void bide__share_slots(struct connector *k)
{
    if (k->is_sharing)
        return;
    k->is_sharing = true;
    while (!bide__list_is_empty(&k->blocked) && k->open - k->nidle < k->limit) {
        struct host *next = container_of(k->blocked.next, struct host, blocked);
        struct conn *c = bide__idle_take(next);
        if (!c && !bide__idle_make_room(k))
            break;
        bide__list_remove(&next->blocked); /* to the end of the round, if it needs another */
        next->open += !c;
        k->open += !c;
        bide__assign(next, bide__host_first_waiter(next), c);
        if (c)
            bide__conn_offer_places(c);
    }
    k->is_sharing = false;
}

/* A slot has become free: who needs one? */
void bide__free_slot(struct host *h)
{
    struct connector *k = h->connector;

    h->open--;
    k->open--;
    bide__update_blocked(h);
    bide__share_slots(k);
    bide__host_free_if_unused(h);
}

bool bide__yield_to_older_waiter(struct host *h, const struct waiter *w)
{
    struct connector *k = h->connector;
    struct list_node *n = k->blocked.next == &h->blocked ? h->blocked.next : k->blocked.next;
    if (n == &k->blocked)
        return false;
    if (w && w->ticket < bide__host_first_waiter(container_of(n, struct host, blocked))->ticket)
        return false;

    if (bide__list_is_linked(&h->blocked)) { /* behind it, then */
        bide__list_remove(&h->blocked);
        bide__list_append(&k->blocked, &h->blocked);
    }
    return true;
}

int bide__wait_for_turn(struct host *h, struct waiter *w, struct deadline *d)
{
    struct connector *k = h->connector;
    bide_task *t = w->task;
    struct wait wait = {.end_early = bide__wait_end_now, .task = t, .kind = WAIT_NAMED, .on = "a connection slot of the host"};
    int code = 0;

    bide__clause_init(&w->clause, &t->ready);
    bide__list_append(&h->waiters, &w->clause.node);
    w->ticket = k->tickets++;
    k->nwaiting++;
    bide__update_blocked(h);
    d->phase = BIDE_PHASE_QUEUE;
    if (unlikely(d->tracer))
        bide__trace_mark(d->tracer, BIDE_TRACE_QUEUE_START);
    bide__timeout(bide__deadline_remaining_ms(d, d->limits.queue_ms ? d->limits.queue_ms : BIDE_FOREVER)) {
        code = bide__pending_interrupt(t);
        if (code == 0) {
            bide__park(t, &wait);
            code = bide__wait_outcome(&wait);
        }
    }
    if (!w->assigned)
        leave_queue(h, w);
    if (unlikely(d->tracer))
        bide__trace_emit(d->tracer, (bide_trace_event){.kind = BIDE_TRACE_QUEUE_END, .code = code});
    return code;
}
