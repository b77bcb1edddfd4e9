/* SPDX-License-Identifier: MIT */
/* groups.c - steps of task groups. */
#include "play.h"

static bide_task_group *groups[TASKS_MAX]; /* of each task the innermost */

/* As "async with" does: an error, of whatever kind, becomes that of the group and goes before a cancellation. */
static int wait_for_group(bide_task_group *g, int body)
{
    if (body < 0)
        bide_task_group_cancel(g);
    int r = bide_task_group_wait(g);
    if (bide_task_group_error_count(g) > 0)
        return -EIO;
    return body == 0 || r == BIDE_ECANCELED ? r : body; /* a cancellation outranks a timeout */
}

static int group_without_limit(struct line *l)
{
    bide_task_group *g = BIDE_TRY_PTR(bide_task_group_new()), *outer = groups[l->self];
    groups[l->self] = g;
    int body = steps(l), r = -EIO;
    bool is_error = body < 0 && as_asyncio(body) != BIDE_ECANCELED; /* who releases the group ends it */
    if (!is_error)
        r = wait_for_group(g, body);
    size_t failures = bide_task_group_error_count(g);

    bide_release(g);
    groups[l->self] = outer;
    if (!is_error)
        say("%d failures %zu", l->self, failures);
    return r;
}

int group(struct line *l, int limit)
{
    int r = 0;
    if (limit <= 0)
        return group_without_limit(l);
    bide_timeout(limit)
        r = group_without_limit(l);
    return r;
}

bool step_of_group(int self, const char *op, int owner, int a)
{
    bide_task_group *g = owner >= 0 && owner < TASKS_MAX ? groups[owner] : NULL;

    if (is(op, "gstart") && g && !tasks[a])
        say("%d gstart %d %s", self, a,
            bide_task_group_start(g, bide_coro(play, a), .task = &tasks[a]) < 0 ? "refused" : "begun");
    else if (is(op, "gcancel") && g)
        bide_task_group_cancel(g);
    else if (is(op, "glen") && g)
        say("%d glen %zu", self, bide_task_group_len(g));
    else
        return is(op, "gstart") || is(op, "gcancel") || is(op, "glen");
    return true;
}
