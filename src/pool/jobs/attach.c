/* SPDX-License-Identifier: MIT */
/*
 * attach.c - the pools of a loop, while they are open: what holds its clock, and what becomes of them when it is closed first.
 */
#include <unistd.h>

#include "pool/jobs/backend.h"

struct loop_pools {
    struct loop_closer closer;
    struct list_node pools;
};

static const char pools_key;

/* ---- the clock ---- */

/* While something is awaited that is not in the loop, its virtual clock must not jump. */
void bide__pool_note_outside(bide_pool *p)
{
    bool want = p->pending > 0 || p->awaits_outside || p->state == POOL_ENDING || p->state == POOL_OPENING;

    if (want == p->outside || !bide__list_is_linked(&p->in_loop))
        return;
    p->loop->outside += want ? 1 : -1u;
    p->outside = want;
}

void bide__pool_await_outside(bide_pool *p)
{
    p->awaits_outside = true;
    bide__pool_note_outside(p);
}

static void unlink_pool(bide_pool *p)
{
    bide__list_remove(&p->in_loop);
    if (p->outside)
        p->loop->outside--;
    p->outside = false;
}

/* ---- the end of the loop, or of this process's part in it ---- */

void bide__pool_abandon(bide_pool *p)
{
    p->state = POOL_CLOSED;
    p->backend->abandon(p);
}

void bide__pool_disown(bide_pool *p)
{
    if (p->own && p->backend->disown)
        p->backend->disown(p);
    if (p->arena.memory >= 0)
        close(p->arena.memory);
    p->arena.memory = -1;
    bide__stats_close(p);
}

static void on_loop_close(struct loop_closer *c)
{
    struct loop_pools *all = container_of(c, struct loop_pools, closer);

    while (!bide__list_is_empty(&all->pools)) {
        bide_pool *p = container_of(all->pools.next, bide_pool, in_loop);
        unlink_pool(p);
        if (bide__pool_is_parents(p)) {
            bide__pool_disown(p);
            continue;
        }
        bide__pool_abandon(p);
        if (p->was_released) {
            bide__unpush(p->loop, &p->leaving);
            bide__object_unref(p);
        }
    }
    bide__loop_detach(c);
    bide__free(all);
}

/* ---- attaching ---- */

static struct loop_pools *pools_of(bide_loop *loop)
{
    struct loop_closer *c = bide__loop_find(loop, &pools_key);

    return c ? container_of(c, struct loop_pools, closer) : NULL;
}

int bide__pool_attach(bide_pool *p)
{
    struct loop_pools *all = pools_of(p->loop);

    BIDE_TRY(bide__ring_reserve(&p->loop->ring, 1));
    p->has_place = true;
    if (!all) {
        all = bide__calloc(1, sizeof *all);
        if (!all)
            return bide__fail_nomem("a pool");
        all->closer = (struct loop_closer){.key = &pools_key, .close = on_loop_close};
        bide__list_init(&all->closer.node);
        bide__list_init(&all->pools);
        bide__loop_attach(p->loop, &all->closer);
    }
    bide__list_append(&all->pools, &p->in_loop);
    bide__pool_note_outside(p);
    return 0;
}

void bide__pool_detach(bide_pool *p)
{
    if (!bide__list_is_linked(&p->in_loop))
        return;
    unlink_pool(p);
    struct loop_pools *all = pools_of(p->loop);
    if (!bide__list_is_empty(&all->pools))
        return;
    bide__loop_detach(&all->closer);
    bide__free(all);
}
