/* SPDX-License-Identifier: MIT */
/*
 * event.c - a flag that tasks wait for.
 *
 * A task that waited when it was set goes on, also if it is cleared before the task's turn comes.
 */
#include <bide/sync.h>

#include "sync/home.h"

struct event {
    struct home home;
    bool is_set;
};

_Static_assert(sizeof(struct event) <= sizeof(bide_event), "bide_event is too small");

static int event_check(const bide_operation *op)
{
    int code = bide__home_enter(op->object, "bide_event_wait");

    return code < 0 ? code : 0;
}

static int event_attempt(const bide_operation *op, struct op_waiter *w)
{
    const struct event *e = op->object;

    return e->is_set || w ? 0 : OPERATION_WAITS;
}

static void event_enlist(const bide_operation *op, struct op_waiter *w)
{
    bide__list_append(&((struct event *)op->object)->home.waiters, &w->clause.node);
}

static void event_withdraw(const bide_operation *op, struct op_waiter *w)
{
    (void)op;
    bide__list_remove(&w->clause.node);
}

static const struct bide_operation_ops event_ops = {"bide_event_wait", event_check, event_attempt, event_enlist, event_withdraw};

bide_awaitable bide_event_awaitable(bide_event *e)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = {.ops = &event_ops, .object = e}};
}

int bide_event_wait(bide_event *e)
{
    return bide__operation_await(&(bide_operation){.ops = &event_ops, .object = e});
}

int bide_event_set(bide_event *value)
{
    struct event *e = (struct event *)value;
    int code = bide__home_enter((struct home *)value, __func__);
    if (code < 0)
        return code;

    e->is_set = true;
    while (bide__op_wake_first(&e->home.waiters))
        ;
    return 0;
}

int bide_event_clear(bide_event *value)
{
    struct event *e = (struct event *)value;
    int code = bide__home_enter((struct home *)value, __func__);
    if (code < 0)
        return code;

    e->is_set = false;
    return 0;
}

bool bide_event_is_set(const bide_event *value)
{
    const struct event *e = (const struct event *)value;

    return bide__home_look((const struct home *)value, __func__) == 0 && e->is_set;
}
