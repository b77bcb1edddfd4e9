/* SPDX-License-Identifier: MIT */
/*
 * resize.c - as many workers as are asked for: when the pool is opened, and when that is changed.
 *
 * Unlike a worker that is replaced (slots.c), these are waited for.
 */
#include "pool/local/local.h"

static bool has_unborn(const bide_pool *p)
{
    const struct local_pool *l = bide__local(p);

    for (struct list_node *n = l->proxies.next; n != &l->proxies; n = n->next)
        if (container_of(n, struct proxy, node)->pid == 0)
            return true;
    return false;
}

/* One for each empty slot; some hundreds fill the zygote's socket, which takes more when it has made some. */
int bide__local_start_missing(bide_pool *p)
{
    struct local_pool *l = bide__local(p);

    for (int i = 0; i < l->nslots && p->state <= POOL_OPEN; i++) {
        int code = l->slots[i].proxy || l->slots[i].coming ? 0 : bide__local_start_worker(p, i);
        if (code == -EAGAIN && p->args.kind == BIDE_POOL_PROCESS && has_unborn(p)) {
            code = bide__wait_in_for(&p->changed, WAIT_NAMED, "the workers");
            i = -1; /* what was there may be gone */
        }
        BIDE_TRY(code);
    }
    return 0;
}

/* While the pool is open a worker may go because it is idle: then nobody comes, and nobody is waited for. */
static bool all_ready(const bide_pool *p)
{
    const struct local_pool *l = bide__local(p);

    for (int i = 0; i < l->nslots; i++)
        if (!l->slots[i].proxy && (l->slots[i].coming || p->state == POOL_OPENING))
            return false;
    return true;
}

/* Ends in any case: with them, with a birth that failed, or with the pool. */
int bide__local_wait_ready(bide_pool *p)
{
    struct local_pool *l = bide__local(p);
    uint64_t failed = l->births_failed;

    while (!all_ready(p) && p->state <= POOL_OPEN && l->births_failed == failed)
        BIDE_TRY(bide__wait_in_for(&p->changed, WAIT_NAMED, "the workers"));
    if (p->state == POOL_FAILED)
        return bide_fail(p->fail_code, "%s", p->fail_text);
    if (p->state > POOL_OPEN)
        return bide_fail(BIDE_ECLOSED, "the pool was closed before its workers were ready");
    if (l->births_failed != failed)
        return bide_fail(l->birth_code, "no process for a worker: %s", bide_strerror(l->birth_code));
    return 0;
}

static void shrink(bide_pool *p, int workers)
{
    struct local_pool *l = bide__local(p);
    int before = l->nslots;

    l->nslots = workers;
    for (int i = workers; i < before; i++) {
        struct slot *s = &l->slots[i];
        while (!bide__list_is_empty(&s->pinned)) {
            struct job *j = container_of(s->pinned.next, struct job, node);
            bide__list_remove(&j->node);
            j->slot = -1;
            bide__local_enqueue(p, j, false);
        }
        if (s->proxy)
            bide__proxy_stop(s->proxy);
        while (!bide__list_is_empty(&s->leaving))
            bide__list_remove(s->leaving.next); /* nobody comes after them */
        s->proxy = s->coming = NULL; /* one that is coming is sent away when it is ready */
    }
}

/* The workers that cannot be had are not waited for later: slots that stay empty would keep the jobs of their keys. */
static int grow(bide_pool *p, int workers)
{
    struct local_pool *l = bide__local(p);
    int before = l->nslots;
    BIDE_TRY(bide__local_add_slots(p, workers));

    p->args.workers = workers;
    bide_retain(p); /* who closes it may release it before we run again */
    int code = bide__local_start_missing(p);
    if (code == 0)
        code = bide__local_wait_ready(p);
    if (code < 0 && code != BIDE_ECANCELED && p->state == POOL_OPEN && l->nslots == workers) {
        shrink(p, before);
        p->args.workers = before;
    }
    if (code == BIDE_ECANCELED)
        bide__local_fill_soon(p); /* those that were not asked for yet */
    bide__object_unref(p);
    return code;
}

int bide__local_resize(bide_pool *p, int workers)
{
    if (workers > bide__local(p)->nslots)
        return grow(p, workers);
    p->args.workers = workers;
    shrink(p, workers);
    return 0;
}
