/* SPDX-License-Identifier: MIT */
/*
 * select.c - choosing among several: all are enlisted in one task, and the first that is triggered is done.
 *
 * What can be done at once is, before anything begins.  Else what is no operation yet begins: a sleep as a timer on this stack, a
 * coroutine and its kin as a task; these last until the end.  The operations are enlisted, and all but the one that was
 * triggered are withdrawn before that is done.  If it then has to wait after all, because another task was faster, everything is
 * attempted anew.
 *
 * A task that was pushed is not woken again (operation.h, O2), so mostly just one alternative is triggered; of several, the first in
 * the order given is taken, and the others pass on what they were woken for.
 */
#include <bide/select.h>

#include "core/several/awaitables.h"
#include "core/turn/operation.h"

#define FEW 8 /* lie on the stack */

/* The address of the choice is stored in the task, so the compiler would load c->n again at each step. */
#define for_each_alternative(a, c) for (struct alternative *a = (c)->all, *a##_end = a + (c)->n; a < a##_end; a++)

/* ---- one alternative ---- */

static bool sleep_is_over(const struct alternative *a)
{
    return a->what->as.sleep_ms <= 0 || (a->is_enlisted && !bide__timer_is_armed(&a->waiter.timer));
}

static void sleep_fired(struct timer *timer)
{
    const struct op_waiter *w = container_of(timer, struct op_waiter, timer);

    if (!bide__op_goes_on(w))
        bide__push(w->task->future.loop, &w->task->ready);
}

/* Its outcome; OPERATION_WAITS if it has to wait. */
static int attempt(struct alternative *a, struct op_waiter *w)
{
    if (a->what->kind == BIDE_AW_OPERATION)
        return a->what->as.operation.ops->attempt(&a->what->as.operation, w);
    if (a->what->kind == BIDE_AW_SLEEP)
        return sleep_is_over(a) ? 0 : OPERATION_WAITS;
    bide_future *f = a->future ? a->future : bide__future_of(a->what);
    return f && f->state != PENDING ? bide__future_outcome(f) : OPERATION_WAITS;
}

static bool is_triggered(const struct alternative *a)
{
    if (a->what->kind == BIDE_AW_OPERATION)
        return bide__op_is_triggered(&a->waiter);
    return a->what->kind == BIDE_AW_SLEEP ? sleep_is_over(a) : a->future->state != PENDING;
}

/* What lasts until the end of the call. */
static int begin(struct choice *c, struct alternative *a)
{
    if (a->what->kind == BIDE_AW_OPERATION) {
        a->is_held = a->what->as.operation.ops->retain != NULL;
        if (a->is_held)
            a->what->as.operation.ops->retain(a->what->as.operation.object);
        return 0;
    }
    bide__op_waiter_init(&a->waiter, c->task);
    c->has_more = true;
    if (a->what->kind == BIDE_AW_SLEEP) {
        bide__timer_init(&a->waiter.timer, sleep_fired);
        bide__timer_arm(c->task->future.loop, &a->waiter.timer, a->what->as.sleep_ms);
        a->is_enlisted = true;
        return 0;
    }
    a->future = bide__start(c->task->future.loop, *a->what, c->called_at);
    if (!a->future)
        return bide_error_code();
    a->is_own = !bide__future_of(a->what);
    return 0;
}

static void enlist(struct choice *c, struct alternative *a)
{
    if (a->what->kind == BIDE_AW_SLEEP)
        return;
    bide__op_waiter_init(&a->waiter, c->task);
    if (a->future)
        bide__list_append(&a->future->clauses, &a->waiter.clause.node);
    else
        a->what->as.operation.ops->enlist(&a->what->as.operation, &a->waiter);
    a->is_enlisted = true;
}

static void withdraw(struct alternative *a)
{
    if (a->what->kind == BIDE_AW_SLEEP || !a->is_enlisted)
        return;
    a->is_enlisted = false;
    if (a->future)
        bide__list_remove(&a->waiter.clause.node);
    else
        a->what->as.operation.ops->withdraw(&a->what->as.operation, &a->waiter);
}

/* ---- all of them ---- */

static int attempt_all(struct choice *c, size_t *which)
{
    int outcome = OPERATION_WAITS;

    for_each_alternative(a, c) {
        outcome = attempt(a, NULL);
        *which = (size_t)(a - c->all);
        if (outcome != OPERATION_WAITS)
            break;
    }
    return outcome;
}

static int begin_all(struct choice *c)
{
    for_each_alternative(a, c)
        BIDE_TRY(begin(c, a));
    return 0;
}

static struct alternative *park(struct choice *c)
{
    struct alternative *chosen = NULL;

    for_each_alternative(a, c)
        enlist(c, a);
    bide__begin_interrupted(&c->wait.wait);
    bide__park(c->task, &c->wait.wait);
    for_each_alternative(a, c) {
        if (is_triggered(a)) {
            chosen = a;
            break;
        }
    }
    return chosen;
}

/* One that was interrupted chooses nothing. */
static int wait_for_one(struct choice *c, size_t *which)
{
    struct alternative *chosen = park(c);
    int outcome = bide__wait_outcome(&c->wait.wait);
    if (outcome < 0)
        chosen = NULL;

    for_each_alternative(a, c)
        if (a != chosen)
            withdraw(a);
    if (!chosen)
        return outcome < 0 ? outcome : OPERATION_WAITS;
    outcome = attempt(chosen, &chosen->waiter);
    *which = (size_t)(chosen - c->all);
    if (chosen->what->kind != BIDE_AW_SLEEP)
        chosen->is_enlisted = false;
    return outcome;
}

/* Timers stop; what was started for this call ends with it.  The record stays as it is. */
static void end_more(struct choice *c)
{
    struct error_mark mark;

    bide__error_mark(&mark);
    for_each_alternative(a, c) {
        if (a->what->kind == BIDE_AW_SLEEP && a->is_enlisted)
            bide__timer_disarm(c->task->future.loop, &a->waiter.timer);
        if (a->is_own && a->future->state == PENDING)
            bide__cancel_to_drain(a->future);
    }
    for_each_alternative(a, c) {
        if (a->is_own) {
            bide__drain(a->future);
            a->future->was_retrieved = true;
        }
        if (a->future)
            bide__object_unref(a->future);
    }
    bide__error_restore(&mark);
}

static void end(struct choice *c)
{
    if (c->has_more)
        end_more(c);
    for_each_alternative(a, c)
        if (a->is_held)
            a->what->as.operation.ops->release(a->what->as.operation.object);
}

/* The outcome of the call itself: OPERATION_WAITS is none, *outcome is that of the one chosen. */
static int choose(struct choice *c, size_t *which, int *outcome)
{
    *outcome = attempt_all(c, which);
    if (*outcome != OPERATION_WAITS)
        return 0;

    int code = begin_all(c);
    while (code == 0 && *outcome == OPERATION_WAITS) {
        size_t chosen = c->n;
        int r = wait_for_one(c, &chosen);
        if (chosen == c->n && r != OPERATION_WAITS)
            code = r;
        else if ((*outcome = r) == OPERATION_WAITS)
            *outcome = attempt_all(c, &chosen);
        *which = chosen;
    }
    end(c);
    return code;
}

static int select_among(bide_task *t, bide_list list, struct alternative *all, size_t n, int *result, const void *called_at)
{
    struct choice c = {.wait.wait = {.end_early = bide__wait_end_now, .task = t, .kind = WAIT_OPERATION}, .task = t, .all = all, .n = n, .called_at = called_at};
    size_t which = 0;
    int outcome;

    for (size_t i = 0; i < n; i++) {
        all[i].what = (const bide_awaitable *)list.array + i;
        if (list.kind != BIDE_LIST_AWAITABLES) {
            all[i].made = bide__list_at(list, i);
            all[i].what = &all[i].made;
        }
        all[i].future = NULL;
        all[i].is_own = all[i].is_enlisted = all[i].is_held = false;
        if (all[i].what->kind == BIDE_AW_OPERATION && !c.wait.operation)
            c.wait.operation = &all[i].what->as.operation;
    }
    c.wait.is_choice = n > 1 || !c.wait.operation;
    int code = choose(&c, &which, &outcome);
    if (code < 0)
        return code;
    if (!result && outcome < 0)
        return outcome;
    if (result)
        *result = outcome;
    return (int)which;
}

int bide_select_with(int *result, bide_list list, size_t n)
{
    bide_task *t = bide__task_required("bide_select");
    struct alternative few[FEW], *all = few;
    if (!t)
        return BIDE_ENOLOOP;
    if (n == 0)
        return bide_fail(-EINVAL, "bide_select: nothing to choose from");
    int code = n > UINT16_MAX ? bide_fail(BIDE_ELIMIT, "bide_select: %zu awaitables at once", n)
                              : bide__check_list(t, list, n, "bide_select");
    if (code < 0)
        return code;
    if (n > FEW && !(all = bide__malloc(n * sizeof *all)))
        return bide__fail_nomem("bide_select");

    code = select_among(t, list, all, n, result, CALLED_AT);
    if (all != few)
        bide__free(all);
    return code;
}

size_t bide__choices_awaited(const struct wait *w, struct awaited *all, size_t cap)
{
    const struct choice *c = container_of(w, struct choice, wait.wait);

    for (size_t i = 0; i < c->n && i < cap; i++) {
        const bide_awaitable *a = c->all[i].what;
        all[i] = (struct awaited){.future = c->all[i].future, .operation = a->kind == BIDE_AW_OPERATION ? &a->as.operation : NULL};
    }
    return c->n;
}
