/* SPDX-License-Identifier: MIT */
/*
 * group.c - watching several futures: for one call (gather, wait, shield), or for a list of what ends (completed.c).
 *
 * A watch is a clause with an entry of its own in the ready queue, so that each completion takes its turn before the waiter
 * is woken, as asyncio's done callbacks do.  The watches of a call live in one block.
 */
#include "core/task/group.h"

/* ---- the watches of a call ---- */

bool bide__group_is_open(const struct group *g)
{
    return g->finished < g->n;
}

bide_future *bide__group_next(struct group *g, bool from_the_start)
{
    if (from_the_start)
        g->walked = 0;
    return g->walked < g->started ? g->watches[g->walked++].future : NULL;
}

/* It takes its turn all the same, as if it had been cancelled. */
void bide__group_give_up(struct group *g)
{
    struct watch *w = &g->watches[g->walked - 1];

    w->gave_up = true;
    bide__list_remove(&w->clause.node);
    if (!bide__ready_is_queued(&w->ready))
        bide__push(g->loop, &w->ready);
}

int bide__watch_code(const struct watch *w)
{
    return w->gave_up ? BIDE_ECANCELED : w->future->result;
}

void bide__group_cancel(struct group *g)
{
    bide_task *t = g->wait.task;
    struct wait *now = t->wait; /* it need not be parked in this one yet */

    t->wait = &g->wait;
    bide__pass_on(t);
    t->wait = now;
}

static void watch_run(struct ready *r)
{
    struct watch *w = container_of(r, struct watch, ready);
    struct group *g = w->group;

    g->finished++;
    if (g->takes_errors)
        w->future->was_retrieved = true;
    if (bide__watch_code(w) < 0 && !g->first_failed) {
        g->first_failed = w;
        if (g->cancel_on_error)
            bide__group_cancel(g);
    }
    if (!g->over && g->is_over(g, w)) {
        g->over = true;
        if (!bide__ready_is_queued(&g->wait.task->ready))
            bide__push(g->loop, &g->wait.task->ready);
    }
}

void bide__watch_begin(struct group *g, struct watch *w, bide_future *f)
{
    *w = (struct watch){.ready.run = watch_run, .group = g, .future = f};
    bide__clause_init(&w->clause, &w->ready);
    if (f->state == PENDING)
        bide__list_append(&f->clauses, &w->clause.node);
    else
        bide__push(g->loop, &w->ready);
}

bool bide__all_finished(const struct group *g, const struct watch *w)
{
    (void)w;
    return g->finished == g->n;
}

int bide__group_open(struct group *g, bide_task *t, size_t n)
{
    *g = (struct group){.loop = t->future.loop, .n = n, .watches = g->few, .is_over = bide__all_finished};
    g->wait.task = t;
    if (n > UINT32_MAX / 4)
        return bide_fail(BIDE_ELIMIT, "%zu awaitables at once", n);
    g->places = (uint32_t)n + 1;
    int code = bide__ring_reserve(&g->loop->ring, g->places);
    if (code < 0)
        return code;
    if (n > array_len(g->few) && !(g->watches = bide__malloc(n * sizeof *g->watches))) {
        bide__ring_unreserve(&g->loop->ring, g->places);
        return bide__fail_nomem("gather");
    }
    return 0;
}

void bide__group_close(struct group *g)
{
    for (size_t i = 0; i < g->started; i++) {
        struct watch *w = &g->watches[i];
        bide__list_remove(&w->clause.node);
        bide__unpush(g->loop, &w->ready);
        bide__object_unref(w->future);
    }
    bide__ring_unreserve(&g->loop->ring, g->places);
    if (g->watches != g->few)
        bide__free(g->watches);
}

bide_task *bide__watch_waiter(struct ready *r)
{
    struct group *g = r->run == watch_run ? container_of(r, struct watch, ready)->group : NULL;

    return g && !g->over && g->wait.task->wait == &g->wait && g->wait.kind == WAIT_GROUP ? g->wait.task : NULL;
}

/* ---- a list of what ends ---- */

void bide__ended_run(struct ready *r)
{
    struct ended *e = container_of(r, struct ended, ready);

    bide__list_append(&e->list->ended, &e->node);
    bide__wake_one(e->list->loop, &e->list->waiters);
}

struct list_node *bide__completed_waiters(struct ready *r)
{
    return r->run == bide__ended_run ? &container_of(r, struct ended, ready)->list->waiters : NULL;
}
