/* SPDX-License-Identifier: MIT */
/*
 * awaited.c - what a task waits for, in words: tasks, operations, and who holds the lock that it wants.
 */
#include "inspect/awaited.h"

#include <stdio.h>

#include "core/turn/operation.h"

#define AWAITED_SHOWN 4
#define HOLDERS_MAX 400 /* are looked for among the tasks, for a report */

BIDE_PRINTF(2, 3) void bide__line_put(struct line *l, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(l->text + l->len, sizeof l->text - l->len, format, args);
    va_end(args);
    if (n > 0)
        l->len = l->len + (size_t)n < sizeof l->text ? l->len + (size_t)n : sizeof l->text - 1;
}

void bide__line_put_task(struct line *l, const bide_task *t)
{
    char name[64];

    bide__task_show(t, name, sizeof name);
    bide__line_put(l, "%s", name);
    if (!t->stackless && t->future.state == PENDING)
        bide__line_put(l, " (%s)", bide__task_top(t)->coroutine.name);
}

static void put_future(struct line *l, const bide_future *shown)
{
    const bide_future *f = bide__behind_shield(shown);

    if (f->is_task)
        bide__line_put_task(l, (const bide_task *)f);
    else
        bide__line_put(l, "%s", bide__is_promised(f) ? "a promise that nobody keeps" : "a future that nobody settles");
}

/* ---- what is held ---- */

static const struct operation_wait *operation_wait(const bide_task *t)
{
    const struct wait *w = t->stackless ? NULL : t->wait;

    return w && w->kind == WAIT_OPERATION ? container_of(w, struct operation_wait, wait) : NULL;
}

/* The one that it waits for; NULL: none, or it is one of several. */
static const bide_operation *awaited_operation(const bide_task *t)
{
    const struct operation_wait *o = operation_wait(t);

    return o && !o->is_choice ? o->operation : NULL;
}

/* The number of the task that holds it; 0: nobody. */
static uint64_t holder_of(const bide_operation *op)
{
    return op && op->ops->holder ? op->ops->holder(op) : 0;
}

/* That task; NULL: it has ended, or enough were looked for. */
static const bide_task *find_task(const bide_loop *loop, uint64_t id, unsigned *looked_for)
{
    if (id == 0 || ++*looked_for > HOLDERS_MAX)
        return NULL;
    for (struct list_node *at = loop->tasks.next; at != &loop->tasks; at = at->next)
        if (container_of(at, bide_task, all)->id == id)
            return container_of(at, bide_task, all);
    return NULL;
}

/* Among several the comma stands between them. */
static void put_operation(struct line *l, const bide_loop *loop, const bide_operation *op, const char *comma, unsigned *looked_for)
{
    uint64_t id = holder_of(op);
    const bide_task *holder = find_task(loop, id, looked_for);

    bide__line_put(l, "%s", op->ops->name);
    if (id)
        bide__line_put(l, "%s held by ", comma);
    if (holder)
        bide__line_put_task(l, holder);
    else if (id)
        bide__line_put(l, "Task-%llu%s", (unsigned long long)id, *looked_for > HOLDERS_MAX ? "" : ", which has ended");
}

/* ---- one of several, or all of them ---- */

/* n: how many there are; the first AWAITED_SHOWN of them are in `all`. */
static void put_several(struct line *l, const char *which, const bide_loop *loop, const struct awaited *all, size_t n, unsigned *looked_for)
{
    bide__line_put(l, "%s", n > 1 ? which : "");
    for (size_t i = 0; i < n && i < AWAITED_SHOWN; i++) {
        bide__line_put(l, "%s", i > 0 ? ", " : "");
        if (all[i].operation)
            put_operation(l, loop, all[i].operation, "", looked_for);
        else if (all[i].future)
            put_future(l, all[i].future);
        else
            bide__line_put(l, "a time");
    }
    if (n > AWAITED_SHOWN)
        bide__line_put(l, " and %zu more", n - AWAITED_SHOWN);
}

static size_t add_pending(struct awaited *all, size_t n, const bide_future *f)
{
    if (f->state != PENDING)
        return n;
    if (n < AWAITED_SHOWN)
        all[n] = (struct awaited){.future = f};
    return n + 1;
}

static size_t watched(const struct wait *w, struct awaited *all)
{
    const struct group *g = container_of(w, struct group, wait);
    size_t n = 0;

    for (size_t i = 0; i < g->started; i++)
        n = add_pending(all, n, g->watches[i].future);
    return n;
}

static size_t completing(const struct wait *w, struct awaited *all)
{
    const bide_completed *c = container_of(w, struct next_wait, wait)->list;
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++)
        n = add_pending(all, n, c->all[i].future);
    return n;
}

static size_t members(const struct wait *w, struct awaited *all)
{
    const struct list_node *list = w->on;
    size_t n = 0;

    for (const struct list_node *at = list->next; at != list; at = at->next)
        n = add_pending(all, n, container_of(at, struct member, node)->future);
    return n;
}

/* Of a wait of several: false, if it is none. */
static bool put_list(struct line *l, const bide_task *t, unsigned *looked_for)
{
    const struct wait *w = t->stackless ? NULL : t->wait;
    struct awaited all[AWAITED_SHOWN];
    const char *which = "";
    size_t n = 0;

    if (w && (w->kind == WAIT_GROUP || w->kind == WAIT_GROUP_FOR)) {
        which = container_of(w, struct group, wait)->is_over == bide__all_finished ? "" : "one of ";
        n = watched(w, all);
    } else if (w && (w->kind == WAIT_COMPLETED || w->kind == WAIT_COMPLETED_FOR)) {
        which = "the next of ";
        n = completing(w, all);
    } else if (operation_wait(t)) {
        which = "one of ";
        n = bide__choices_awaited(w, all, AWAITED_SHOWN);
    } else if (w && w->kind == WAIT_MEMBERS) {
        n = members(w, all);
    }
    if (n > 0)
        put_several(l, which, t->future.loop, all, n, looked_for);
    return n > 0;
}

/* ---- a task ---- */

static const char *in_words(const struct wait *w)
{
    if (w && w->kind == WAIT_NAMED)
        return w->on;
    return w && w->kind == WAIT_TIME ? "a time" : "something that no one will do";
}

void bide__line_put_awaited(struct line *l, const bide_task *t, unsigned *looked_for)
{
    const bide_future *f = bide__awaited_by(t);
    const bide_operation *op = awaited_operation(t);

    bide__line_put(l, ", waits for ");
    if (f)
        put_future(l, f);
    else if (op)
        put_operation(l, t->future.loop, op, ",", looked_for);
    else if (!put_list(l, t, looked_for))
        bide__line_put(l, "%s", in_words(t->stackless ? NULL : t->wait));
}

const bide_task *bide__awaited_task(const bide_task *t, unsigned *looked_for)
{
    const bide_future *f = bide__awaited_by(t);
    if (!f)
        return find_task(t->future.loop, holder_of(awaited_operation(t)), looked_for);

    f = bide__behind_shield(f);
    return f->is_task && f->state == PENDING ? (const bide_task *)f : NULL;
}
