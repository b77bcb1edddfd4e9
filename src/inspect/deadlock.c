/* SPDX-License-Identifier: MIT */
/*
 * deadlock.c - the report of tasks that will never go on: what each waits for, where it was made, and the circle, if there is one.
 *
 * Where a stackful task was made is known without debug mode, of the others with the ledger.
 */
#include "inspect/awaited.h"
#include "inspect/inspect.h"
#include "inspect/modules.h"

#define TASKS_SHOWN 20
#define CIRCLE_SHOWN 8

/* ---- tasks ---- */

static void report_task(bide_loop *loop, const bide_task *t, unsigned *looked_for)
{
    struct line l = {.len = 0};
    char place[PLACE_TEXT_MAX];

    bide__line_put_task(&l, t);
    if (bide__task_place(t, place, sizeof place))
        bide__line_put(&l, ", made at %s", place);
    bide__line_put_awaited(&l, t, looked_for);
    bide__loop_warn(loop, "  %s", l.text);
}

/* ---- circles ---- */

/* A task of a circle that t leads into; NULL: its way ends. */
static const bide_task *circle_from(const bide_task *t, unsigned *looked_for)
{
    const bide_task *slow = t, *fast = t;

    do {
        slow = slow ? bide__awaited_task(slow, looked_for) : NULL;
        fast = fast ? bide__awaited_task(fast, looked_for) : NULL;
        fast = fast ? bide__awaited_task(fast, looked_for) : NULL;
    } while (fast && slow != fast);
    return fast;
}

static void report_circle(bide_loop *loop, const bide_task *first, unsigned *looked_for)
{
    struct line l = {.len = 0};
    const bide_task *t = first;
    int shown = 0;

    do {
        bide__line_put_task(&l, t);
        bide__line_put(&l, " -> ");
        t = bide__awaited_task(t, looked_for);
    } while (t && t != first && ++shown < CIRCLE_SHOWN);
    if (t == first)
        bide__line_put_task(&l, t);
    else
        bide__line_put(&l, "...");
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
