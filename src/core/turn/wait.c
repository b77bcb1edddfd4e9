/* SPDX-License-Identifier: MIT */
/*
 * wait.c - one way to wait.
 *
 * A task parks by switching to the loop; it runs again when somebody pushes it.  What it waits for is described by a
 * struct wait on its own stack, so that a cancellation or a timeout can end the wait early.  A wait that ends early
 * leaves nothing behind: the task itself withdraws its clauses when it runs again.
 */
#include "core/turn/task.h"

/* Why bide__task_required has no task to give. */
bide_task *bide__task_missing(const bide_task *t, const char *function)
{
    if (t)
        bide_fail(BIDE_ESTATE, "%s: a stackless coroutine cannot wait; it yields", function);
    else if (bide__task_is_left_behind())
        bide_fail(BIDE_ENOLOOP, "%s: the event loop of this task belongs to the process before fork(); a child makes its own "
                                "(bide_run)", function);
    else
        bide_fail(BIDE_ENOLOOP, "%s: not inside a task", function);
    return NULL;
}

void bide__call_outside(bide_loop *loop, void (*fn)(void *arg), void *arg)
{
    struct error_record *record = bide__error_current_record;
    bide_task *t = loop->current;

    loop->current = NULL;
    bide__error_current_record = &loop->error;
    fn(arg);
    bide__error_current_record = record;
    loop->current = t;
}

int bide__check_waiter_slow(const bide_loop *loop, const char *function)
{
    int code = bide__loop_check_slow(loop, function);
    if (code < 0)
        return code;
    if (!bide__task_required(function))
        return bide_error_code();
    return loop == bide__loop_here ? 0 : bide_fail(BIDE_ESTATE, "%s: it belongs to another event loop", function);
}

int bide__check_waitable(const bide_task *t, const bide_future *f, const char *function)
{
    if (f->loop != t->future.loop)
        return bide_fail(BIDE_ESTATE, "%s: it belongs to another event loop", function);
    if (f == &t->future)
        return bide_fail(BIDE_EDEADLOCK, "%s: a task cannot await itself", function);
    return 0;
}

static int interrupted(int code, const char *text, const char *reason)
{
    if (unlikely(reason != NULL))
        bide_fail(code, "%s: %s", text, reason);
    else
        bide__fail_plain(code, text);
    bide__error_current()->interrupted = true;
    return code;
}

static int cancelled(bide_task *t)
{
    t->must_cancel = false;
    return interrupted(BIDE_ECANCELED, "cancelled", bide__task_reason(t));
}

/* A block ends the task's waits; a cancelled one outranks one that is out of time. */
static int ended_by_block(const bide_task *t)
{
    int code = BIDE_ETIMEDOUT;

    for (const struct scope *s = t->scopes; s && code == BIDE_ETIMEDOUT; s = s->shields ? NULL : s->outer)
        if (s->expired)
            code = s->code;
    return interrupted(code, code == BIDE_ETIMEDOUT   ? "timed out"
                             : code == BIDE_ECANCELED ? "cancelled, with the bide_scope around it"
                                                      : "bide_scope: an option without its name",
                       NULL);
}

int bide__deliver_interrupt(bide_task *t)
{
    return t->must_cancel ? cancelled(t) : ended_by_block(t);
}

bool bide__begin_interrupted(struct wait *w)
{
    bide_task *t = w->task;
    if (!t->must_cancel && !t->expired)
        return false;

    w->interrupted = t->must_cancel ? BY_CANCEL : BY_TIMEOUT;
    t->must_cancel = false;
    bide__wait_end_now(w);
    return true;
}

never_indirect __attribute__((noinline)) int bide__wait_outcome(const struct wait *w)
{
    bide_task *t = w->task;

    if (w->interrupted == BY_CANCEL || t->must_cancel)
        return cancelled(t);
    return w->interrupted == BY_TIMEOUT ? ended_by_block(t) : 0;
}

bool bide__wait_end_now(struct wait *w)
{
    if (!bide__ready_is_queued(&w->task->ready))
        bide__push(w->task->future.loop, &w->task->ready);
    return true;
}

int bide__wait_in(struct list_node *list, bool *triggered)
{
    bide_task *t = bide__task_required("wait");
    struct wait w = {.end_early = bide__wait_end_now, .task = t};
    int code = t ? bide__pending_interrupt(t) : BIDE_ENOLOOP;
    if (triggered)
        *triggered = false;

    return code < 0 ? code : bide__wait_with(&w, list, triggered);
}

int bide__wait_in_for(struct list_node *list, enum wait_kind kind, const void *on)
{
    bide_task *t = bide__task_required("wait");
    struct wait w = {.end_early = bide__wait_end_now, .task = t, .kind = kind, .on = on};
    int code = t ? bide__pending_interrupt(t) : BIDE_ENOLOOP;

    return code < 0 ? code : bide__wait_with(&w, list, NULL);
}

int bide__wait_with(struct wait *w, struct list_node *list, bool *triggered)
{
    struct clause clause;

    bide__clause_init(&clause, &w->task->ready);
    bide__list_append(list, &clause.node);
    bide__park(w->task, w);

    if (triggered)
        *triggered = !bide__list_is_linked(&clause.node);
    bide__list_remove(&clause.node);
    return bide__wait_outcome(w);
}

void bide__wait_uninterrupted(struct list_node *list)
{
    bide_task *t = bide__task_here();
    struct clause clause;

    bide__clause_init(&clause, &t->ready);
    bide__list_append(list, &clause.node);
    bide__park(t, NULL);
    bide__list_remove(&clause.node);
}

static void trigger(bide_loop *loop, struct list_node *node)
{
    struct clause *c = container_of(node, struct clause, node);

    bide__list_remove(node);
    if (!bide__ready_is_queued(c->wakes))
        bide__push(loop, c->wakes);
}

bool bide__wake_one(bide_loop *loop, struct list_node *list)
{
    if (bide__list_is_empty(list))
        return false;
    trigger(loop, list->next);
    return true;
}

never_indirect void bide__wake_all(bide_loop *loop, struct list_node *list)
{
    while (bide__wake_one(loop, list))
        ;
}
