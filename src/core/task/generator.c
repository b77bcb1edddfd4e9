/* SPDX-License-Identifier: MIT */
/*
 * generator.c - stackless coroutines: a step function and a struct.
 *
 * As a task, one waits with the clause or timer inside its task struct, so that a parked one costs that struct alone.
 * Awaited in place by a stackful task it costs nothing: its steps run here, and what it yields is awaited here.
 */
#include "core/task/await.h"

/* ---- awaited in place ---- */

/* Those that wait for one another, the outermost first.  They may be many: they do not stand on the stack. */
struct nest {
    bide_generator **all;
    size_t n, cap;
    bide_generator *few[8];
};

static int nest_grow(struct nest *s)
{
    size_t cap = s->cap * 2;
    bide_generator **all = bide__malloc(cap * sizeof *all);
    if (!all)
        return bide__fail_nomem("a generator that awaits another");

    memcpy(all, s->all, s->n * sizeof *all);
    if (s->all != s->few)
        bide__free(s->all);
    s->all = all;
    s->cap = cap;
    return 0;
}

/* The innermost waits for a generator: that one is stepped first.  Anything else is awaited here and now. */
static int nest_await(struct nest *s, const bide_awaitable *next)
{
    if (next->kind != BIDE_AW_GENERATOR)
        return bide_await_with(*next);
    int code = s->n < s->cap ? 0 : nest_grow(s);
    if (code == 0)
        s->all[s->n++] = next->as.generator;
    return code;
}

int bide__generator_await(bide_generator *g)
{
    struct nest s = {.all = s.few, .n = 1, .cap = array_len(s.few), .few = {g}};
    bide_awaitable next;
    int outcome = 0;

    while (s.n > 0) {
        bide_generator *innermost = s.all[s.n - 1];
        outcome = innermost->step(innermost, outcome, &next);
        if (outcome == BIDE_YIELD)
            outcome = nest_await(&s, &next);
        else
            s.n--;
    }
    if (s.all != s.few)
        bide__free(s.all);
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

static void begin_sleep(bide_task *t, int64_t ms)
{
    bide__timer_init(&t->timer, timer_fired);
    if (ms <= 0) {
        push_self(t);
        return;
    }
    t->is_asleep = true;
    bide__timer_arm(t->future.loop, &t->timer, ms);
}

/* Wait for what the step yielded.  False: the outcome is there already. */
static bool begin_wait(bide_task *t, bide_awaitable next)
{
    if (next.kind == BIDE_AW_SLEEP) {
        begin_sleep(t, next.as.sleep_ms);
        return true;
    }
    bide_future *f = bide__start(t->future.loop, next, NULL);
    int code = f ? bide__check_waitable(t, f, "a generator") : bide_error_code();
    const bide_future *behind = f && unlikely(next.kind & BIDE_AW_SHIELDED) ? bide__behind_shield(f) : f;
    if (code == 0 && behind->state == PENDING && bide__is_in_wait(behind))
        code = bide__check_circle(t, behind, "a generator");
    if (code < 0) {
        if (f)
            bide__object_unref(f);
        t->outcome = code;
        return false;
    }
    t->awaited = f;
    t->walk_parent = NULL;
    t->walk_step = 0;
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

    if (t->is_asleep) { /* asyncio takes two turns from timer to task: the first one settles the sleep's future */
        t->is_asleep = false;
        push_self(t);
        return;
    }
    if (!t->started && t->must_cancel) {
        t->started = true;
        bide__task_finish(t, BIDE_ECANCELED);
    } else {
        struct error_record *before = bide__error_switch(&loop->step_error);
        bide__error_init(&loop->step_error);
        t->started = true;
        loop->current = t;
        loop->others--; /* it is a task's */
        steps(t);
        loop->current = NULL;
        bide__error_switch(before);
    }
    if (t->future.state != PENDING)
        bide__task_retire(t);
}

