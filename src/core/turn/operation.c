/* SPDX-License-Identifier: MIT */
/*
 * operation.c - awaiting an operation: attempt, park, attempt again.
 *
 * One that can be done at once does not suspend, and an interruption that is due then waits for the next one that does, as in
 * asyncio.  Who is woken and finds that another task was faster waits again, at the end of the list.
 *
 * Invariants:
 *   O1  a waiter is in at most one list, and only while its task is parked or about to run.
 *   O2  a task that goes on already is not woken again, so that nothing is granted to a waiter that will not look.
 */
#include "core/turn/operation.h"

int bide__check_operable_slow(const bide_loop *loop, const char *function)
{
    int code = bide__loop_check_slow(loop, function);

    if (code == 0 && bide__loop_here && bide__loop_here != loop)
        code = bide_fail(BIDE_ESTATE, "%s: it belongs to another event loop", function);
    return code;
}

bool bide__op_wake_first(struct list_node *list)
{
    while (!bide__list_is_empty(list)) {
        struct op_waiter *w = bide__op_waiter_of(list->next);
        w->skipped = bide__op_goes_on(w);
        if (!w->skipped) {
            bide__op_wake(w);
            return true;
        }
        bide__list_remove(&w->clause.node);
    }
    return false;
}

/* Not inline: what can be done at once needs neither of both structs. */
static __attribute__((noinline)) int wait_for_it(bide_task *t, const bide_operation *op)
{
    struct operation_wait o = {.wait = {.end_early = bide__wait_end_now, .task = t, .kind = WAIT_OPERATION}, .operation = op};
    struct op_waiter w;
    int code;

    if (op->ops->retain)
        op->ops->retain(op->object);
    do {
        bide__op_waiter_init(&w, t);
        op->ops->enlist(op, &w);
        bide__begin_interrupted(&o.wait);
        bide__park(t, &o.wait);
        code = bide__wait_outcome(&o.wait);
        if (code < 0)
            op->ops->withdraw(op, &w);
        else
            code = op->ops->attempt(op, &w);
    } while (code == OPERATION_WAITS);
    if (op->ops->retain)
        op->ops->release(op->object);
    return code;
}

int bide__operation_await(const bide_operation *op)
{
    int code = bide__operation_check(op, "bide_await");
    bide_task *t = code < 0 ? NULL : bide__task_required(op->ops->name);
    if (!t)
        return code < 0 ? code : BIDE_ENOLOOP;

    code = op->ops->attempt(op, NULL);
    return code == OPERATION_WAITS ? wait_for_it(t, op) : code;
}
