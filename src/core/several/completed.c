/* SPDX-License-Identifier: MIT */
/*
 * completed.c - bide_as_completed: tasks in the order in which they end.
 *
 * Each task is watched by a clause with an entry of its own in the ready queue.  When the entry runs, the watch goes to
 * the end of `ended` and wakes who waits for the next one; so nothing is lost if that one was cancelled meanwhile.
 */
#include "core/task/group.h"

static void watch(bide_completed *c, struct ended *e, bide_task *t)
{
    *e = (struct ended){.ready.run = bide__ended_run, .list = c, .task = bide_retain(t)};
    bide__list_init(&e->node);
    bide__clause_init(&e->clause, &e->ready);
    if (t->future.state == PENDING)
        bide__list_append(&t->future.clauses, &e->clause.node);
    else
        bide__push(c->loop, &e->ready);
}

static void completed_destroy(void *object)
{
    bide_completed *c = object;

    for (size_t i = 0; i < c->n; i++) {
        bide__list_remove(&c->tasks[i].clause.node);
        bide__unpush(c->loop, &c->tasks[i].ready);
        bide_release(c->tasks[i].task); /* ends it, if nobody else has it */
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

static int check(const bide_task *self, bide_task *const *tasks, size_t n)
{
    if (!tasks && n > 0)
        return bide_fail(-EINVAL, "bide_as_completed: the array is NULL");
    if (n > UINT32_MAX / 4)
        return bide_fail(BIDE_ELIMIT, "bide_as_completed: %zu tasks at once", n);
    for (size_t i = 0; i < n; i++) {
        int code = tasks[i] ? bide__check_waitable(self, &tasks[i]->future, "bide_as_completed")
                            : bide_fail(-EINVAL, "bide_as_completed: task %zu of %zu is NULL", i, n);
        if (code < 0)
            return code;
    }
    return 0;
}

bide_completed *bide_as_completed(bide_task *const *tasks, size_t n)
{
    bide_task *self = bide__task_required(__func__);
    if (!self || check(self, tasks, n) < 0)
        return NULL;
    bide_completed *c = bide__object_alloc(sizeof *c + n * sizeof *c->tasks);
    if (!c) {
        bide__fail_nomem("bide_as_completed");
        return NULL;
    }
    if (bide__ring_reserve(&self->future.loop->ring, (uint32_t)n) < 0) {
        bide__object_free(c);
        return NULL;
    }
    bide__object_init(c, &completed_type);
    c->loop = bide_retain(self->future.loop);
    bide__list_init(&c->ended);
    bide__list_init(&c->waiters);
    c->n = n;
    c->handed_out = 0;
    for (size_t i = 0; i < n; i++)
        watch(c, &c->tasks[i], tasks[i]);
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

int bide_completed_next(bide_completed *c, bide_task **task)
{
    int bad = c ? bide__loop_check(c->loop, __func__) : bide_fail(-EINVAL, "%s: it is NULL", __func__);
    if (bad < 0)
        return bad;
    if (!task)
        return bide_fail(-EINVAL, "%s: the place for the task is NULL", __func__);
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
    *task = e->task;
    return 1;
}
