/* SPDX-License-Identifier: MIT */
/*
 * leaks.c - the report of objects and errors that a program left behind when it closes a loop.
 *
 * A task that failed and was never released is reported as one that was released unread (asyncio: "exception was never
 * retrieved").  With the ledger every object of the loop that is still there is reported, in groups by the place where it was
 * made: with BIDE_DEBUG=1, and to a program under AddressSanitizer, whose leak check cannot see them.
 */
#include "core/core.h"

#include <stdio.h>

#define FAILED_SHOWN 10

struct chosen {
    bide_task **tasks;
    size_t n, cap;
    bool (*choose)(const bide_task *t);
};

static void take_if_chosen(void *arg, void *object)
{
    struct chosen *c = arg;
    struct object *o = object;
    bide_task *t = container_of(o, bide_task, future.object);

    if (o->word != OBJECT_LIVE || !bide__object_is(o, &bide__task_type) || !c->choose(t))
        return;
    if (c->n < c->cap)
        c->tasks[c->n] = t;
    c->n++;
}

/* The tasks that somebody still has, also those that are done, and that choose() takes: the first cap.  Returns how many. */
static size_t tasks_alive(bide_loop *loop, bide_task **tasks, size_t cap, bool (*choose)(const bide_task *t))
{
    struct chosen chosen = {.tasks = tasks, .cap = cap, .choose = choose};

    bide__task_chunks_each(loop, take_if_chosen, &chosen);
    if (bide__ledger_is_kept)
        bide__ledger_each(loop, take_if_chosen, &chosen);
    return chosen.n;
}

static bool failed_unread(const bide_task *t)
{
    return t->future.state == FAILED && !t->future.was_retrieved;
}

static void report_failed(bide_loop *loop)
{
    bide_task *failed[FAILED_SHOWN];
    size_t n = tasks_alive(loop, failed, FAILED_SHOWN, failed_unread);

    for (size_t i = 0; i < n && i < FAILED_SHOWN; i++)
        bide__future_report_unread(&failed[i]->future);
    if (n > FAILED_SHOWN)
        bide__loop_report(loop, "%zu more tasks failed, and their errors were never retrieved", n - FAILED_SHOWN);
}

static void say(void *arg, const char *line)
{
    bide_loop *loop = arg;

    if (loop->on_exception || bide__debug_is_on())
        bide__loop_report(loop, "%s", line);
    else
        fprintf(stderr, "bide: %s\n", line);
}

void bide__leaks_report(bide_loop *loop)
{
    bide__inspector->name_many(true);
    if (loop->on_exception || loop->watch || bide__debug_is_on())
        report_failed(loop);
    if (bide__ledger_is_kept)
        bide__ledger_report(loop, say, loop);
    bide__inspector->name_many(false);
}
