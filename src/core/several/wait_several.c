/* SPDX-License-Identifier: MIT */
/*
 * wait_several.c - waiting that leaves alone what others have started: bide_wait, for some of several; bide_shield, for one.
 *
 * Both watch futures, in a group (group.c) that lives for the call.
 */
#include "core/several/awaitables.h"

/* ---- wait ---- */

/* A wait that would never end does not begin: an error is on record. */
static bool group_is_stuck(const struct group *g, const char *function)
{
    const bide_task *t = g->wait.task;
    bool ends = t->must_cancel || t->expired || g->wait.kind != WAIT_GROUP;

    return !ends && bide__check_stuck(t, function, bide__group_is_stuck, &g->wait) < 0;
}

static bool first_finished(const struct group *g, const struct watch *w)
{
    (void)g;
    (void)w;
    return true;
}

static bool first_error_or_all(const struct group *g, const struct watch *w)
{
    return w->future->state == FAILED || g->finished == g->n;
}

struct wait_timer {
    struct timer timer;
    struct ready ready;
    struct group *group;
};

static void wait_time_over(struct ready *r)
{
    bide__wait_end_now(&container_of(r, struct wait_timer, ready)->group->wait);
}

static void wait_timer_fired(struct timer *timer)
{
    struct wait_timer *t = container_of(timer, struct wait_timer, timer);

    bide__push(t->group->loop, &t->ready);
}

/* What the caller gave: awaitables, all of this loop, and a time. */
static int wait_check(const bide_task *t, bide_list list, const bide_wait_args *args)
{
    if (args->n == 0 || !list.array)
        return bide_fail(-EINVAL, "bide_wait: nothing to wait for");
    if ((unsigned)args->until > BIDE_FIRST_ERROR)
        return bide_fail(-EINVAL, "bide_wait: until is %d: BIDE_ALL_COMPLETED (0), BIDE_FIRST_COMPLETED or BIDE_FIRST_ERROR (%d)",
                         (int)args->until, BIDE_FIRST_ERROR);
    BIDE_TRY(bide__check_size("bide_wait", "n", args->n, 0));
    BIDE_TRY(bide__check_time("bide_wait", "timeout_ms", args->timeout_ms, true));
    return bide__check_list(t, list, args->n, "bide_wait");
}

/* What was started for this call ends with it; the record stays as it is. */
static void end_own(struct group *g)
{
    for (size_t i = 0; i < g->started; i++)
        if (g->watches[i].is_own && g->watches[i].future->state == PENDING)
            bide__cancel_to_drain(g->watches[i].future);
    for (size_t i = 0; i < g->started; i++)
        if (g->watches[i].is_own)
            bide__drain(g->watches[i].future);
}

/* Nothing has begun to wait: an error is on record. */
static int wait_undo(struct group *g)
{
    struct error_mark mark;
    int code = bide_error_code();

    bide__error_mark(&mark);
    end_own(g);
    bide__group_close(g);
    bide__error_restore(&mark);
    return code;
}

static int wait_open(struct group *g, bide_task *t, bide_list list, bide_wait_args args, const void *made_at)
{
    int code = wait_check(t, list, &args);
    if (code < 0 || (code = bide__group_open(g, t, args.n)) < 0)
        return code;

    g->wait.end_early = bide__wait_end_now;
    g->wait.kind = args.timeout_ms > 0 ? WAIT_GROUP_FOR : WAIT_GROUP;
    if (args.until == BIDE_FIRST_COMPLETED)
        g->is_over = first_finished;
    else if (args.until == BIDE_FIRST_ERROR)
        g->is_over = first_error_or_all;
    return bide__group_start(g, list, made_at) < 0 || group_is_stuck(g, "bide_wait") ? wait_undo(g) : 0;
}

/* Before what is not done is cancelled. */
static int note_done(const struct group *g, const bide_wait_args *args)
{
    int n = 0;

    for (size_t i = 0; i < g->n; i++) {
        bide_future *f = g->watches[i].future;
        bool is_done = f->state != PENDING;
        n += is_done;
        if (args->done)
            args->done[i] = is_done;
        if (args->codes && is_done) {
            args->codes[i] = f->result;
            f->was_retrieved = true;
        }
    }
    return n;
}

int bide_wait_with(bide_list list, const bide_wait_args *options)
{
    bide_wait_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_wait") < 0)
        return bide_error_code();
    if (bide__check_named(args.guard_, "bide_wait") < 0)
        return -EINVAL;
    bide_task *t = bide__task_required("bide_wait");
    struct group g;
    int code = t ? 0 : BIDE_ENOLOOP;
    if (args.timeout_ms == BIDE_FOREVER)
        args.timeout_ms = 0; /* none; such a wait may be seen never to end */
    if (code < 0 || (code = wait_open(&g, t, list, args, CALLED_AT)) < 0)
        return code;

    struct wait_timer timer = {.ready.run = wait_time_over, .group = &g};
    bide__timer_init(&timer.timer, wait_timer_fired);
    g.wait.on = &timer.timer;
    if (!bide__begin_interrupted(&g.wait) && args.timeout_ms > 0)
        bide__timer_arm(g.loop, &timer.timer, args.timeout_ms);
    bide__park(t, &g.wait);
    bide__timer_disarm(g.loop, &timer.timer);
    bide__unpush(g.loop, &timer.ready);
    int n = note_done(&g, &args);
    code = bide__wait_outcome(&g.wait);
    end_own(&g);
    bide__group_close(&g);
    return code < 0 ? code : n;
}

/* ---- shield ---- */

/* Park until f is done; its share is taken. */
static int shield(bide_task *t, bide_future *f)
{
    struct group g;
    int code = bide__check_waitable(t, f, "bide_shield");
    if (code < 0 || (code = bide__group_open(&g, t, 1)) < 0) {
        bide__object_unref(f);
        return code;
    }
    g.wait.end_early = bide__wait_end_now;
    g.wait.kind = WAIT_GROUP;
    g.is_over = first_finished;
    bide__watch_begin(&g, &g.watches[0], f);
    g.started = 1;
    if (group_is_stuck(&g, "bide_shield")) {
        bide__group_close(&g);
        return bide_error_code();
    }
    bide__begin_interrupted(&g.wait);
    bide__park(t, &g.wait);
    code = bide__wait_outcome(&g.wait);
    if (code == 0)
        code = bide__future_outcome(f);
    bide__group_close(&g);
    return code;
}

int bide_shield_with(bide_awaitable a)
{
    int code = bide__check_awaitable(&a, "bide_shield");
    bide_task *t = code < 0 ? NULL : bide__task_required("bide_shield");
    if (!t)
        return code < 0 ? code : BIDE_ENOLOOP;
    bide_future *f = bide__future_of(&a);
    if (f && f->state != PENDING)
        return bide__future_outcome(f);

    f = bide__start(t->future.loop, a, CALLED_AT);
    return f ? shield(t, f) : bide_error_code();
}
