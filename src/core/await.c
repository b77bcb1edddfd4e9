/* SPDX-License-Identifier: MIT */
/*
 * await.c - one verb for everything that can be awaited.
 *
 * A coroutine, a generator and an object run in place, on the caller's stack.  For a task or future the caller parks
 * with one clause, and a cancellation of the caller goes to what it waits for, as asyncio's does.
 */
#include "core/core.h"

/* ---- sleep ---- */

struct sleep {
    struct wait wait;
    struct timer timer;
};

/* asyncio takes two turns from timer to task: the first one settles the sleep's future. */
static void after_sleep(struct ready *r)
{
    bide_task *t = container_of(r, bide_task, ready);

    r->run = bide__task_run;
    bide__push(t->future.loop, r);
}

static void sleep_over(struct timer *timer)
{
    bide_task *t = container_of(timer, struct sleep, timer)->wait.task;

    t->ready.run = after_sleep;
    bide__push(t->future.loop, &t->ready);
}

static bool sleep_end_early(struct wait *w)
{
    struct sleep *s = container_of(w, struct sleep, wait);
    bide_task *t = w->task;

    if (!bide__timer_is_armed(&s->timer) && t->ready.run != after_sleep)
        return false;
    bide__timer_disarm(t->future.loop, &s->timer);
    bide__unpush(t->future.loop, &t->ready);
    t->ready.run = bide__task_run;
    bide__push(t->future.loop, &t->ready);
    return true;
}

static int yield_once(bide_task *t)
{
    bide__push(t->future.loop, &t->ready);
    bide__park(t, NULL);
    return bide__pending_interrupt(t);
}

unchecked_frame int bide_sleep_ms(int64_t ms)
{
    bide_task *t = bide__task_required(__func__);
    if (!t)
        return BIDE_ENOLOOP;
    if (ms <= 0)
        return yield_once(t);

    struct sleep s = {.wait = {.end_early = sleep_end_early, .task = t}};
    bide__timer_init(&s.timer, sleep_over);
    if (!bide__begin_interrupted(&s.wait))
        bide__timer_arm(t->future.loop, &s.timer, ms);
    bide__park(t, &s.wait);
    return bide__wait_outcome(&s.wait);
}

/* ---- tasks and futures ---- */

/* An interruption that came before the wait goes to what is waited for, too. */
static void pass_on_pending_interrupt(bide_task *t, struct wait *w)
{
    if (likely(!t->must_cancel && !t->expired))
        return;
    w->interrupted = t->must_cancel ? BY_CANCEL : BY_TIMEOUT;
    t->must_cancel = false;
    t->wait = w;
    bide__pass_on(t);
    t->wait = NULL;
}

static int outcome_for(bide_task *t, const struct wait *w)
{
    if (t->must_cancel || (w->too_late && bide__scope_explains(t)))
        return bide__pending_interrupt(t);

    int code = w->gave_up ? bide__circle_given_up() : bide__future_outcome(w->awaits);
    if (code == BIDE_ECANCELED && bide__scope_explains(t))
        return bide__pending_interrupt(t);
    return code;
}

/* Not inline: most that is awaited is done, and that takes a few instructions. */
static __attribute__((noinline)) int await_pending(bide_future *f)
{
    bide_task *t = bide__task_required("bide_await");
    int code = t ? bide__check_waitable(t, f, "bide_await") : BIDE_ENOLOOP;
    if (code == 0 && unlikely(bide__is_in_wait(f)))
        code = bide__check_circle(t, f, "bide_await");
    if (code < 0)
        return code;

    struct wait w = {.task = t, .awaits = bide_retain(f)};
    struct clause clause;
    bide__clause_init(&clause, &t->ready);
    bide__list_append(&f->clauses, &clause.node);
    pass_on_pending_interrupt(t, &w);
    bide__park(t, &w);
    assert(f->state != PENDING || w.gave_up);
    if (unlikely(w.gave_up))
        bide__list_remove(&clause.node);

    code = outcome_for(t, &w);
    if (code == BIDE_ECANCELED && w.interrupted == BY_CANCEL)
        bide__error_current()->interrupted = true;
    bide__object_unref(f);
    return code;
}

static int await_future(bide_future *f)
{
    if (unlikely(!f || f->loop != bide__loop_here)) {
        int code = bide__future_check_slow(f, "bide_await");
        if (code < 0)
            return code;
    }
    return f->state == PENDING ? await_pending(f) : bide__future_outcome(f);
}

void bide__drain(bide_future *f)
{
    bide_task *t = bide__task_here();
    struct wait w = {.task = t, .awaits = f, .drains = true};
    struct clause clause;

    while (f->state == PENDING) {
        bide__clause_init(&clause, &t->ready);
        bide__list_append(&f->clauses, &clause.node);
        bide__park(t, &w);
        bide__list_remove(&clause.node);
    }
}

/* ---- the verb ---- */

static int run_in_place(const bide_awaitable *a)
{
    int code = bide__check_awaitable(a, "bide_await");
    if (code < 0)
        return code;
    if (!bide__task_required("bide_await"))
        return BIDE_ENOLOOP;
    if (a->kind == BIDE_AW_COROUTINE)
        return bide__on_record(bide__call_words(a->as.coroutine.fn, a->as.coroutine.argc, a->as.coroutine.argv),
                               a->as.coroutine.name);
    if (a->kind == BIDE_AW_GENERATOR)
        return bide__on_record(bide__generator_await(a->as.generator), "a generator");
    return bide__on_record(a->as.object->await(a->as.object), "an awaitable");
}

int bide_await_with(bide_awaitable a)
{
    switch (a.kind) {
    case BIDE_AW_TASK: /* begins with its future */
    case BIDE_AW_FUTURE:
        return await_future(a.as.future);
    case BIDE_AW_SLEEP:
        return bide_sleep_ms(a.as.sleep_ms);
    case BIDE_AW_COROUTINE:
    case BIDE_AW_GENERATOR:
    case BIDE_AW_OBJECT:
        return run_in_place(&a);
    }
    return bide_fail(-EINVAL, "bide_await: not an awaitable");
}

/* ---- anything as something that settles on its own ---- */

static int await_object(bide_awaitable_object *o)
{
    return o->await(o);
}

bide_future *bide__start(bide_loop *loop, bide_awaitable a)
{
    bide_task_args args = {.coroutine = a.as.coroutine};
    if (bide__check_awaitable(&a, "an awaitable") < 0)
        return NULL;

    switch (a.kind) {
    case BIDE_AW_TASK:
        return bide_retain(&a.as.task->future);
    case BIDE_AW_FUTURE:
        return bide_retain(a.as.future);
    case BIDE_AW_COROUTINE:
        break;
    case BIDE_AW_GENERATOR:
        args = (bide_task_args){.generator = a.as.generator};
        break;
    case BIDE_AW_OBJECT:
        args = (bide_task_args){.coroutine = bide_coro(await_object, a.as.object)};
        break;
    case BIDE_AW_SLEEP:
        args = (bide_task_args){.coroutine = {(void (*)(void))bide_sleep_ms, "bide_sleep_ms", 1, {(uintptr_t)a.as.sleep_ms}}};
        break;
    }
    bide_task *t = bide__task_new(loop, &args);
    return t ? &t->future : NULL;
}

/* ---- wait_for ---- */

static bool is_done(const bide_awaitable *a)
{
    return (a->kind == BIDE_AW_TASK && bide_task_done(a->as.task)) ||
           (a->kind == BIDE_AW_FUTURE && bide_future_done(a->as.future));
}

/* No time at all: what has not begun does not begin. */
static int wait_for_nothing(const bide_awaitable *a)
{
    bide_future *f = a->kind == BIDE_AW_TASK ? &a->as.task->future : a->kind == BIDE_AW_FUTURE ? a->as.future : NULL;
    int code = f ? bide__check_waitable(bide__task_here(), f, "bide_wait_for") : 0;
    if (code < 0)
        return code;

    if (f) {
        bide__cancel_to_drain(f);
        bide__drain(f);
    }
    if (f && f->state != CANCELLED)
        return bide__future_outcome(f);
    return bide_fail(BIDE_ETIMEDOUT, "timed out");
}

int bide_wait_for_with(bide_awaitable a, int64_t ms)
{
    int r = bide__check_awaitable(&a, "bide_wait_for");
    if (r < 0)
        return r;
    if (!bide__task_required("bide_wait_for"))
        return BIDE_ENOLOOP;
    if (ms == BIDE_FOREVER || is_done(&a))
        return bide_await_with(a);
    if (ms <= 0)
        return wait_for_nothing(&a);

    bide_timeout(ms)
        r = bide_await_with(a);
    return r;
}
