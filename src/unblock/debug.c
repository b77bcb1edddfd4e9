/* SPDX-License-Identifier: MIT */
/*
 * debug.c - debug mode: a task that waits in a library's call while it holds locks is reported, once for each place.
 *
 * Every other task that wants the lock has to wait for that call, which is an easy way into a deadlock: a logger that writes to a full pipe
 * under its lock, an initializer that asks a server.  The report is made by a callback of the loop, whose stack is large enough for it.
 */
#include "unblock/unblock.h"

#define PLACES_MAX 64
#define TEXT_MAX 512

bool bide__unblock_debugs;

struct report {
    bide_loop *loop;
    uint64_t task;
    int held;
    const char *call;
    const void *caller;
};

static void make_report(void *arg)
{
    struct report *r = arg;
    char place[256], text[TEXT_MAX];

    bide__unblock_ops->name_place(place, sizeof place, (const char *)r->caller - 1);
    snprintf(text, sizeof text, "task %llu is suspended in %s() while it holds %d lock%s: %s", (unsigned long long)r->task, r->call,
             r->held, r->held == 1 ? "" : "s", place);
    bide__unblock_ops->report(r->loop, text);
    free(r);
}

/* Was this place reported before?  When the table is full, no further place is reported. */
static bool is_known(const void *caller)
{
    static const void *places[PLACES_MAX];

    for (int i = 0; i < PLACES_MAX; i++) {
        const void *there = NULL;
        if (__atomic_compare_exchange_n(&places[i], &there, caller, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return false;
        if (there == caller)
            return true;
    }
    return true;
}

void bide__unblock_report_wait(bide_task *t, const char *call, const void *caller)
{
    struct guest *g = bide__unblock_guest(t);
    if (!g || g->held <= 0 || is_known(caller))
        return;
    struct report *r = malloc(sizeof *r);
    if (!r)
        return;
    *r = (struct report){bide__unblock_ops->loop_of(t), bide_task_id(t), g->held, call, caller};
    if (!bide_loop_call_soon(r->loop, make_report, r))
        free(r);
}

void bide__unblock_count_locks(bide_task *t, int by)
{
    struct guest *g = bide__unblock_guest(t);

    if (g)
        g->held += by;
}
