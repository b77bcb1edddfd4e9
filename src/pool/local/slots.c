/* SPDX-License-Identifier: MIT */
/*
 * slots.c - the places of a pool's workers: who fills one, who comes next, who has left it and has jobs still.
 *
 * A worker that is replaced stays until its successor is ready; together they have no more jobs than one (dispatch.c).
 */
#include "pool/local/local.h"

#define RETRY_MAX_MS 5000

int bide__local_add_slots(bide_pool *p, int n)
{
    struct local_pool *l = bide__local(p);
    struct slot *slots = bide__calloc((size_t)n, sizeof *slots);
    if (!slots)
        return bide__fail_nomem("workers");

    for (int i = 0; i < n; i++) {
        bide__list_init(&slots[i].pinned);
        bide__list_init(&slots[i].leaving);
        if (i >= l->nslots)
            continue;
        slots[i].proxy = l->slots[i].proxy;
        slots[i].coming = l->slots[i].coming;
        bide__list_splice(&slots[i].pinned, &l->slots[i].pinned);
        bide__list_splice(&slots[i].leaving, &l->slots[i].leaving);
    }
    bide__free(l->slots);
    l->slots = slots;
    l->nslots = n;
    return 0;
}

int bide__local_start_worker(bide_pool *p, int index)
{
    struct slot *slot = &bide__local(p)->slots[index];
    struct proxy *x = bide__proxy_start(p, index);
    if (!x)
        return bide_error_code();

    x->is_successor = slot->proxy != NULL;
    slot->coming = x;
    return 0;
}

static bool wants_worker(bide_pool *p, int index)
{
    struct local_pool *l = bide__local(p);
    const struct slot *s = &l->slots[index];
    if (s->proxy || s->coming || p->state > POOL_CLOSING)
        return false;
    bool jobs = !bide__list_is_empty(&l->queue) || !bide__list_is_empty(&s->pinned);
    return p->args.idle_ms == 0 || index < p->args.min_workers || jobs || p->state == POOL_OPENING;
}

/* No process, no descriptor, no memory for a worker now: try again, each time later. */
void bide__local_retry_later(bide_pool *p)
{
    struct local_pool *l = bide__local(p);

    if (bide__timer_is_armed(&l->retry) || p->state > POOL_CLOSING)
        return;
    l->retry_ms = l->retry_ms == 0 ? 10 : l->retry_ms < RETRY_MAX_MS ? l->retry_ms * 2 : RETRY_MAX_MS;
    bide__timer_arm(p->loop, &l->retry, l->retry_ms);
}

void bide__local_fill_slots(bide_pool *p)
{
    struct local_pool *l = bide__local(p);

    if (bide__timer_is_armed(&l->retry))
        return;
    for (int i = 0; i < l->nslots; i++) {
        if (!wants_worker(p, i) || bide__local_start_worker(p, i) == 0)
            continue;
        bide__pool_event(p, &(bide_pool_event){.kind = BIDE_POOL_DIED, .worker = i, .code = bide_error_code(), .text = bide_error_text()});
        bide__local_retry_later(p);
        return;
    }
}

/* In a turn of the loop, where what fails is reported: on_event is never called inside a call of the program's. */
void bide__local_fill_soon(bide_pool *p)
{
    struct local_pool *l = bide__local(p);

    if (!bide__timer_is_armed(&l->retry) && p->state <= POOL_CLOSING)
        bide__timer_arm(p->loop, &l->retry, 0);
}

void bide__local_retry(struct timer *t)
{
    bide__local_fill_slots(container_of(t, struct local_pool, retry)->pool);
}

/* ---- one takes over ---- */

/* The new one takes over; together they are one worker until the old one's jobs are done (dispatch.c). */
static void replace(struct slot *slot, struct proxy *x)
{
    struct proxy *old = slot->proxy;

    if (old) {
        bide__proxy_stop(old);
        bide__list_append(&slot->leaving, &old->replaced);
    }
    slot->proxy = x;
}

void bide__slot_take_over(struct proxy *x)
{
    bide_pool *p = x->pool;
    struct local_pool *l = bide__local(p);
    struct slot *slot = &l->slots[x->index < l->nslots ? x->index : 0];
    if (x->state != STARTING)
        return;

    x->state = READY;
    x->idle_since_ns = bide__clock_ns();
    if (slot->coming == x)
        slot->coming = NULL;
    if (x->index >= l->nslots || p->state >= POOL_ENDING) {
        bide__proxy_stop(x);
    } else {
        replace(slot, x);
    }
    l->retry_ms = 0;
    bide__pool_event(p, &(bide_pool_event){.kind = BIDE_POOL_STARTED, .worker = x->index, .pid = x->pid, .text = "ready"});
    bide__wake_all(p->loop, &p->changed);
}

/* ---- one is replaced ---- */

/* A pool that closes needs one more worker only for jobs that are queued. */
static bool needs_successor(const bide_pool *p, const struct slot *slot)
{
    bool jobs = !bide__list_is_empty(&bide__local(p)->queue) || !bide__list_is_empty(&slot->pinned);

    return p->state == POOL_OPEN || (p->state == POOL_CLOSING && jobs);
}

void bide__local_recycle(struct proxy *x, const char *why)
{
    bide_pool *p = x->pool;
    struct local_pool *l = bide__local(p);
    struct slot *slot = &l->slots[x->index];
    if (slot->proxy != x || slot->coming || !needs_successor(p, slot) || bide__timer_is_armed(&l->retry))
        return;

    if (bide__local_start_worker(p, x->index) < 0) { /* no process now: it stays a little longer */
        bide__local_retry_later(p);
        return;
    }
    bide__pool_event(p, &(bide_pool_event){.kind = BIDE_POOL_RECYCLED, .worker = x->index, .pid = x->pid, .text = why});
}

/* ---- after jobs were handed out ---- */

/* Those that went because they were idle come back only when the others have enough to do. */
static bool all_are_busy(const bide_pool *p)
{
    const struct local_pool *l = bide__local(p);

    for (int i = 0; i < l->nslots; i++)
        if (l->slots[i].proxy && bide__proxy_load(l->slots[i].proxy) == 0)
            return false;
    return true;
}

/* Jobs that only this slot may run, and nobody is there or on the way: do not wait for the others to be busy. */
static bool lacks_worker(const bide_pool *p)
{
    const struct local_pool *l = bide__local(p);

    for (int i = 0; i < l->nslots; i++)
        if (!l->slots[i].proxy && !l->slots[i].coming && !bide__list_is_empty(&l->slots[i].pinned))
            return true;
    return false;
}

void bide__local_adjust(bide_pool *p)
{
    struct local_pool *l = bide__local(p);
    if (p->pending == 0 || p->state == POOL_FAILED)
        return;

    for (int i = 0; i < l->nslots && p->args.max_jobs > 0; i++)
        if (l->slots[i].proxy && bide__proxy_is_used_up(l->slots[i].proxy))
            bide__local_recycle(l->slots[i].proxy, "it has had max_jobs");
    if (lacks_worker(p) || (p->args.idle_ms > 0 && !bide__list_is_empty(&l->queue) && all_are_busy(p)))
        bide__local_fill_slots(p);
}
