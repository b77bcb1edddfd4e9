/* SPDX-License-Identifier: MIT */
/*
 * completed.c - bide_as_completed: tasks, or whatever can be awaited, in the order in which they end.
 *
 * Each task is watched by a clause with an entry of its own in the ready queue.  When the entry runs, the watch goes to
 * the end of `ended` and wakes who waits for the next one; so nothing is lost if that one was cancelled meanwhile.
 */
#include "core/several/awaitables.h"

/* The share of f is taken. */
static void watch(bide_completed *c, struct ended *e, bide_future *f)
{
    *e = (struct ended){.ready.run = bide__ended_run, .list = c, .future = f};
    bide__list_init(&e->node);
    bide__clause_init(&e->clause, &e->ready);
    if (f->state == PENDING)
        bide__list_append(&f->clauses, &e->clause.node);
    else
        bide__push(c->loop, &e->ready);
}

static void completed_destroy(void *object)
{
    bide_completed *c = object;

    for (size_t i = 0; i < c->n; i++) {
        bide__list_remove(&c->all[i].clause.node);
        bide__unpush(c->loop, &c->all[i].ready);
        bide_release(c->all[i].future); /* ends it, if nobody else has it */
    }
    bide__ring_unreserve(&c->loop->ring, (uint32_t)c->n);
    bide__object_unref(c->loop);
    bide__object_free(c);
}

static void completed_release(void *object)
{
    const bide_completed *c = object;

    if (!bide__release_is_refused(c->loop, "bide_release of a list of tasks"))
        bide__object_unref(object);
}

static const struct object_type completed_type = {
    .name = "completed", .destroy = completed_destroy, .release = completed_release};

static int check(const bide_task *self, bide_list list, size_t n)
{
    if (n > UINT32_MAX / 4)
        return bide_fail(BIDE_ELIMIT, "bide_as_completed: %zu awaitables at once", n);
    return bide__check_list(self, list, n, "bide_as_completed");
}

static bide_completed *completed_new(bide_loop *loop, size_t n)
{
    bide_completed *c = bide__object_alloc(sizeof *c + n * sizeof *c->all);
    if (!c) {
        bide__fail_nomem("bide_as_completed");
        return NULL;
    }
    if (bide__ring_reserve(&loop->ring, (uint32_t)n) < 0) {
        bide__object_free(c);
        return NULL;
    }
    bide__object_init(c, &completed_type);
    c->loop = bide_retain(loop);
    bide__list_init(&c->ended);
    bide__list_init(&c->waiters);
    c->n = c->handed_out = 0;
    return c;
}

bide_completed *bide_as_completed_with(bide_list list, size_t n)
{
    bide_task *self = bide__task_required("bide_as_completed");
    bide_completed *c = !self || check(self, list, n) < 0 ? NULL : completed_new(self->future.loop, n);

    for (size_t i = 0; c && i < n; i++) {
        bide_future *f = bide__start(c->loop, bide__list_at(list, i));
        if (!f) {
            bide__ring_unreserve(&c->loop->ring, (uint32_t)(n - i));
            bide_release(c);
            return NULL;
        }
        watch(c, &c->all[i], f);
        c->n++;
    }
    return c;
}

/* ---- taking ---- */

/* Who was woken and was cancelled before it ran lets another waiter have what it was woken for. */
static int wait_for_one(bide_completed *c)
{
    bide_task *t = bide__task_required("bide_completed_next");
    struct next_wait w = {.wait = {.end_early = bide__wait_end_now, .kind = WAIT_COMPLETED, .task = t}, .list = c};
    bool was_woken = false;
    int code = t ? bide__pending_interrupt(t) : BIDE_ENOLOOP;

    if (code == 0)
        code = bide__check_stuck(t, "bide_completed_next", bide__completed_is_stuck, &w.wait);
    if (code == 0)
        code = bide__wait_with(&w.wait, &c->waiters, &was_woken);

    if (code < 0 && was_woken && !bide__list_is_empty(&c->ended))
        bide__wake_one(c->loop, &c->waiters);
    return code;
}

int bide_completed_next_with(bide_completed *c, size_t *index, bide_future **future)
{
    int bad = c ? bide__loop_check(c->loop, "bide_completed_next") : bide_fail(-EINVAL, "bide_completed_next: it is NULL");
    if (bad < 0)
        return bad;
    if (!index && !future)
        return bide_fail(-EINVAL, "bide_completed_next: the place for what has ended is NULL");
    if (c->handed_out == c->n)
        return 0;
    while (bide__list_is_empty(&c->ended)) {
        int code = wait_for_one(c);
        if (code < 0)
            return code;
        if (c->handed_out == c->n)
            return 0;
    }
    struct ended *e = container_of(c->ended.next, struct ended, node);
    bide__list_remove(&e->node);
    if (++c->handed_out == c->n)
        bide__wake_all(c->loop, &c->waiters); /* nothing will come for the others */
    if (index)
        *index = (size_t)(e - c->all);
    if (future)
        *future = e->future;
    return 1;
}
