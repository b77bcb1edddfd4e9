/* SPDX-License-Identifier: MIT */
/*
 * generator.c - stackless coroutines: a step function and a struct.
 *
 * As a task, one waits with the clause or timer inside its task struct, so that a parked one costs that struct alone.
 * Awaited in place by a stackful task it costs nothing: its steps run here, and what it yields is awaited here.
 */
#include "core/core.h"

/* ---- awaited in place ---- */

int bide__generator_await(bide_generator *g)
{
    bide_awaitable next;
    int outcome = 0;

    while ((outcome = g->step(g, outcome, &next)) == BIDE_YIELD)
        outcome = bide_await_with(next);
    return outcome;
}

/* ---- as a task ---- */

static void push_self(bide_task *t)
{
    bide__push(t->future.loop, &t->ready);
}

static void timer_fired(struct timer *timer)
{
    push_self(container_of(timer, bide_task, timer));
}

/* It slept: asyncio takes two turns from timer to task, the first one settles the sleep's future. */
static void after_sleep(struct ready *r)
{
    r->run = bide__generator_run;
    push_self(container_of(r, bide_task, ready));
}

static void begin_sleep(bide_task *t, int64_t ms)
{
    bide__timer_init(&t->timer, timer_fired);
    if (ms <= 0) {
        push_self(t);
        return;
    }
    t->ready.run = after_sleep;
    bide__timer_arm(t->future.loop, &t->timer, ms);
}

/* Wait for what the step yielded.  False: the outcome is there already. */
static bool begin_wait(bide_task *t, bide_awaitable next)
{
    if (next.kind == BIDE_AW_SLEEP) {
        begin_sleep(t, next.as.sleep_ms);
        return true;
    }
    bide_future *f = bide__start(t->future.loop, next);
    int code = f ? bide__check_waitable(t, f, "a generator") : bide_error_code();
    if (code < 0) {
        if (f)
            bide__object_unref(f);
        t->outcome = code;
        return false;
    }
    t->awaited = f;
    if (f->state != PENDING)
        return false;
    bide__clause_init(&t->clause, &t->ready);
    bide__list_append(&f->clauses, &t->clause.node);
    return true;
}

static void take_outcome(bide_task *t)
{
    if (t->awaited) {
        t->outcome = bide__future_outcome(t->awaited);
        bide__object_unref(t->awaited);
        t->awaited = NULL;
    }
    if (t->must_cancel) {
        t->must_cancel = false;
        t->outcome = BIDE_ECANCELED;
    }
}

static void steps(bide_task *t)
{
    bide_awaitable next;

    for (;;) {
        take_outcome(t);
        int outcome = t->outcome;
        t->outcome = 0;
        int r = t->generator->step(t->generator, outcome, &next);
        if (r != BIDE_YIELD) {
            bide__task_finish(t, bide__on_record(r, "a generator"));
            return;
        }
        if (begin_wait(t, next)) {
            if (t->must_cancel) { /* it cancelled itself: what it waits for ends early */
                t->must_cancel = false;
                bide__task_interrupt(t, BY_CANCEL);
            }
            return;
        }
    }
}

void bide__generator_run(struct ready *r)
{
    bide_task *t = container_of(r, bide_task, ready);
    bide_loop *loop = t->future.loop;

    if (!t->started && t->must_cancel) {
        t->started = true;
        bide__task_finish(t, BIDE_ECANCELED);
    } else {
        struct error_record *before = bide__error_switch(&loop->step_error);
        bide__error_init(&loop->step_error);
        t->started = true;
        loop->current = t;
        steps(t);
        loop->current = NULL;
        bide__error_switch(before);
    }
    if (t->future.state != PENDING)
        bide__task_retire(t);
}

bool bide__generator_end_early(bide_task *t)
{
    if (t->awaited)
        return bide_future_cancel(t->awaited);
    if (t->ready.run != after_sleep)
        return false;
    bide__timer_disarm(t->future.loop, &t->timer);
    bide__unpush(t->future.loop, &t->ready); /* its timer may have fired already */
    t->ready.run = bide__generator_run;
    t->outcome = BIDE_ECANCELED;
    push_self(t);
    return true;
}
