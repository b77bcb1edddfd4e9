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

/* What has ended already and was not handed out yet stays in `ended`. */
static void unwatch(bide_completed *c)
{
    for (size_t i = 0; i < c->n; i++) {
        bide__list_remove(&c->all[i].clause.node);
        bide__unpush(c->loop, &c->all[i].ready);
    }
}

static void stop_timer(bide_completed *c)
{
    bide__timer_disarm(c->loop, &c->timer);
    bide__unpush(c->loop, &c->late);
}

static void completed_destroy(void *object)
{
    bide_completed *c = object;

    unwatch(c);
    stop_timer(c);
    for (size_t i = 0; i < c->n; i++)
        bide_release(c->all[i].future); /* ends it, if nobody else has it */
    bide__ring_unreserve(&c->loop->ring, (uint32_t)c->n + c->has_limit);
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

static int check(const bide_task *self, bide_list list, const bide_as_completed_args *args)
{
    BIDE_TRY(bide__check_named(args->guard_, "bide_as_completed"));
    if (args->n > UINT32_MAX / 4)
        return bide_fail(BIDE_ELIMIT, "bide_as_completed: %zu awaitables at once", args->n);
    BIDE_TRY(bide__check_time("bide_as_completed", "timeout_ms", args->timeout_ms, true));
    return bide__check_list(self, list, args->n, "bide_as_completed");
}

/* The time is over; this takes its turn, as asyncio's timer does. */
static void late_run(struct ready *r)
{
    bide_completed *c = container_of(r, bide_completed, late);

    c->is_late = true;
    unwatch(c);
    bide__wake_all(c->loop, &c->waiters);
}

static void timer_fired(struct timer *timer)
{
    bide_completed *c = container_of(timer, bide_completed, timer);

    bide__push(c->loop, &c->late);
}

static bide_completed *completed_new(bide_loop *loop, size_t n, bool has_limit)
{
    bide_completed *c = bide__object_alloc(sizeof *c + n * sizeof *c->all);
    if (!c) {
        bide__fail_nomem("bide_as_completed");
        return NULL;
    }
    if (bide__ring_reserve(&loop->ring, (uint32_t)n + has_limit) < 0) {
        bide__object_free(c);
        return NULL;
    }
    bide__object_init(c, &completed_type);
    c->loop = bide_retain(loop);
    bide__list_init(&c->ended);
    bide__list_init(&c->waiters);
    c->n = c->handed_out = 0;
    c->has_limit = has_limit;
    c->is_late = false;
    c->late = (struct ready){.run = late_run};
    bide__timer_init(&c->timer, timer_fired);
    return c;
}

bide_completed *bide_as_completed_with(bide_list list, const bide_as_completed_args *options)
{
    bide_as_completed_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_as_completed") < 0)
        return NULL;
    bide_task *self = bide__task_required("bide_as_completed");
    if (!self || check(self, list, &args) < 0)
        return NULL;
    size_t n = args.n;
    bool has_limit = n > 0 && args.timeout_ms > 0 && args.timeout_ms != BIDE_FOREVER;
    bide_completed *c = completed_new(self->future.loop, n, has_limit);

    for (size_t i = 0; c && i < n; i++) {
        bide_future *f = bide__start(c->loop, bide__list_at(list, i), CALLED_AT);
        if (!f) {
            bide__ring_unreserve(&c->loop->ring, (uint32_t)(n - i));
            bide_release(c);
            return NULL;
        }
        watch(c, &c->all[i], f);
        c->n++;
    }
    if (c && has_limit)
        bide__timer_arm(c->loop, &c->timer, args.timeout_ms);
    return c;
}

/* ---- taking ---- */

/* Who was woken and was cancelled before it ran lets another waiter have what it was woken for. */
static int wait_for_one(bide_completed *c)
{
    bide_task *t = bide__task_required("bide_completed_next");
    enum wait_kind kind = c->has_limit ? WAIT_COMPLETED_FOR : WAIT_COMPLETED;
    struct next_wait w = {.wait = {.end_early = bide__wait_end_now, .kind = kind, .task = t, .on = &c->timer}, .list = c};
    bool was_woken = false;
    int code = t ? 0 : BIDE_ENOLOOP;

    if (code == 0 && !bide__begin_interrupted(&w.wait) && !c->has_limit)
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
        if (c->is_late)
            return bide_fail(BIDE_ETIMEDOUT, "bide_completed_next: timed out: %zu of %zu had not ended", c->n - c->handed_out, c->n);
        int code = wait_for_one(c);
        if (code < 0)
            return code;
        if (c->handed_out == c->n)
            return 0;
    }
    struct ended *e = container_of(c->ended.next, struct ended, node);
    bide__list_remove(&e->node);
    if (++c->handed_out == c->n) {
        stop_timer(c);
        bide__wake_all(c->loop, &c->waiters); /* nothing will come for the others */
    }
    if (index)
        *index = (size_t)(e - c->all);
    if (future)
        *future = e->future;
    return 1;
}
