/* SPDX-License-Identifier: MIT */
/*
 * deadlock.c - the report of tasks that will never go on: what each waits for, where it was made, and the circle, if there is one.
 *
 * Where a task was made is known without debug mode for those that bide_create_task made: its caller's address lies with the
 * coroutine.  With the ledger it is known of all.
 */
#include <stdio.h>

#include "core/turn/operation.h"
#include "inspect/inspect.h"
#include "inspect/modules.h"

#define TASKS_SHOWN 20
#define AWAITED_SHOWN 4
#define HOLDERS_MAX 400 /* are looked for among the tasks, for a report */
#define LINE_MAX_BYTES 480 /* a report has 512 */

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

static BIDE_PRINTF(2, 3) void put(struct line *l, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(l->text + l->len, sizeof l->text - l->len, format, args);
    va_end(args);
    if (n > 0)
        l->len = l->len + (size_t)n < sizeof l->text ? l->len + (size_t)n : sizeof l->text - 1;
}

static void put_task(struct line *l, const bide_task *t)
{
    char name[64];

    bide__task_show(t, name, sizeof name);
    put(l, "%s", name);
    if (!t->stackless && t->future.state == PENDING)
        put(l, " (%s)", bide__task_top(t)->coroutine.name);
}

static void put_made(struct line *l, const bide_task *t)
{
    char place[SYMBOL_TEXT_MAX];
    const void *made_at = t->stackless ? NULL : bide__task_top(t)->made_at;

    if (bide__ledger_is_kept) {
        bide__ledger_made_at(t, place, sizeof place);
        put(l, ", made at %s", place);
    } else if (made_at) {
        bide__symbol_text(place, sizeof place, (uintptr_t)made_at - 1);
        put(l, ", made at %s", place);
    }
}

static void put_future(struct line *l, const bide_future *f)
{
    if (f->is_task)
        put_task(l, (const bide_task *)f);
    else
        put(l, "a future that nobody settles");
}

static void put_group(struct line *l, const struct group *g)
{
    size_t shown = 0, left = 0;

    for (size_t i = 0; i < g->n; i++) {
        if (i >= g->started || g->watches[i].future->state != PENDING)
            continue;
        if (shown == AWAITED_SHOWN) {
            left++;
            continue;
        }
        put(l, "%s", shown++ > 0 ? ", " : "");
        put_future(l, g->watches[i].future);
    }
    if (left > 0)
        put(l, " and %zu more", left);
}

/* ---- what is held ---- */

static const bide_operation *awaited_operation(const bide_task *t)
{
    const struct wait *w = t->stackless ? NULL : t->wait;

    return w && w->kind == WAIT_OPERATION ? container_of(w, struct operation_wait, wait)->operation : NULL;
}

/* The number of the task that holds what t waits for; 0: nobody, or t may go on without it. */
static uint64_t holder_of(const bide_task *t)
{
    const bide_operation *op = awaited_operation(t);
    if (!op || !op->ops->holder || container_of(t->wait, struct operation_wait, wait)->is_choice)
        return 0;
    return op->ops->holder(op);
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

static void put_operation(struct line *l, const bide_task *t, unsigned *looked_for)
{
    uint64_t id = holder_of(t);
    const bide_task *holder = find_task(t->future.loop, id, looked_for);

    put(l, "%s", awaited_operation(t)->ops->name);
    if (holder) {
        put(l, ", held by ");
        put_task(l, holder);
    } else if (id) {
        put(l, ", held by Task-%llu%s", (unsigned long long)id, *looked_for > HOLDERS_MAX ? "" : ", which has ended");
    }
}

/* ---- tasks and circles ---- */

static void put_awaited(struct line *l, const bide_task *t, unsigned *looked_for)
{
    const bide_future *f = bide__awaited_by(t);
    const struct wait *w = t->stackless ? NULL : t->wait;

    put(l, ", waits for ");
    if (f)
        put_future(l, f);
    else if (w && w->group && bide__group_is_open(w->group))
        put_group(l, w->group);
    else if (w && w->kind == WAIT_COMPLETED)
        put(l, "the next of bide_as_completed");
    else if (awaited_operation(t))
        put_operation(l, t, looked_for);
    else
        put(l, "something that no one will do");
}

static void report_task(bide_loop *loop, const bide_task *t, unsigned *looked_for)
{
    struct line l = {.len = 0};

    put_task(&l, t);
    put_made(&l, t);
    put_awaited(&l, t, looked_for);
    bide__loop_warn(loop, "  %s", l.text);
}

/* The task that it awaits, or that holds what it waits for. */
static const bide_task *awaited_task(const bide_task *t, unsigned *looked_for)
{
    const bide_future *f = bide__awaited_by(t);
    if (!f)
        return find_task(t->future.loop, holder_of(t), looked_for);

    return f->is_task && f->state == PENDING ? (const bide_task *)f : NULL;
}

/* A task of a circle that t leads into; NULL: its way ends. */
static const bide_task *circle_from(const bide_task *t, unsigned *looked_for)
{
    const bide_task *slow = t, *fast = t;

    do {
        slow = slow ? awaited_task(slow, looked_for) : NULL;
        fast = fast ? awaited_task(fast, looked_for) : NULL;
        fast = fast ? awaited_task(fast, looked_for) : NULL;
    } while (fast && slow != fast);
    return fast;
}

static void report_circle(bide_loop *loop, const bide_task *first, unsigned *looked_for)
{
    struct line l = {.len = 0};
    const bide_task *t = first;
    int shown = 0;

    do {
        put_task(&l, t);
        put(&l, " -> ");
        t = awaited_task(t, looked_for);
    } while (t && t != first && ++shown < AWAITED_SHOWN * 2);
    if (t == first)
        put_task(&l, t);
    else
        put(&l, "...");
    bide__loop_warn(loop, "  in a circle: %s", l.text);
}

void bide__report_stuck(bide_loop *loop)
{
    size_t n = 0;
    unsigned looked_for = 0;
    const bide_task *in_circle = NULL;

    for (struct list_node *at = loop->tasks.next; at != &loop->tasks; at = at->next)
        n++;
    bide__libdw_begin();
    bide__loop_warn(loop, "deadlock: nothing can wake the %s of this event loop:", n == 1 ? "only task" : "tasks");
    n = 0;
    for (struct list_node *at = loop->tasks.next; at != &loop->tasks; at = at->next) {
        const bide_task *t = container_of(at, bide_task, all);
        if (n++ < TASKS_SHOWN)
            report_task(loop, t, &looked_for);
        if (!in_circle && n <= TASKS_SHOWN)
            in_circle = circle_from(t, &looked_for);
    }
    if (n > TASKS_SHOWN)
        bide__loop_warn(loop, "  and %zu more", n - TASKS_SHOWN);
    if (in_circle)
        report_circle(loop, in_circle, &looked_for);
    bide__libdw_end();
}
