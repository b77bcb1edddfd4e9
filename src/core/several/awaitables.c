/* SPDX-License-Identifier: MIT */
/*
 * awaitables.c - a list of what can be awaited: an array of tasks, of futures, or of anything; checked as a whole before any
 * of it is started.
 */
#include "core/several/awaitables.h"

bide_awaitable bide__list_at(bide_list list, size_t i)
{
    switch (list.kind) {
    case BIDE_LIST_TASKS:
        return bide__aw_task(((bide_task *const *)list.array)[i]);
    case BIDE_LIST_FUTURES:
        return bide__aw_future(((bide_future *const *)list.array)[i]);
    default:
        return ((const bide_awaitable *)list.array)[i];
    }
}

static int check_one(const bide_task *t, bide_list list, size_t i, const char *function)
{
    bide_awaitable a = bide__unshielded(bide__list_at(list, i));
    bide_future *f = bide__future_of(&a);
    if ((a.kind == BIDE_AW_TASK || a.kind == BIDE_AW_FUTURE) && !f)
        return bide_fail(-EINVAL, "%s: the %s is NULL (number %zu)", function, a.kind == BIDE_AW_TASK ? "task" : "future", i);

    return f ? bide__check_waitable(t, f, function) : bide__check_awaitable(&a, function);
}

/* The i-th, where it lies, if it is an operation: of which a choice has many, and each time anew. */
static const bide_operation *operation_at(bide_list list, size_t i)
{
    const bide_awaitable *a = (const bide_awaitable *)list.array + i;

    return list.kind == BIDE_LIST_AWAITABLES && a->kind == BIDE_AW_OPERATION ? &a->as.operation : NULL;
}

int bide__check_list(const bide_task *t, bide_list list, size_t n, const char *function)
{
    int code = list.array || n == 0 ? 0 : bide_fail(-EINVAL, "%s: the array is NULL", function);

    for (size_t i = 0; i < n && code == 0; i++) {
        const bide_operation *op = operation_at(list, i);
        code = op ? bide__operation_check(op, function) : check_one(t, list, i, function);
    }
    return code;
}

int bide__group_start(struct group *g, bide_list list, const void *made_at)
{
    for (; g->started < g->n; g->started++) {
        struct watch *w = &g->watches[g->started];
        bide_awaitable a = bide__list_at(list, g->started);
        bide_future *f = bide__start(g->loop, a, made_at);
        if (!f)
            return bide_error_code();
        bide__watch_begin(g, w, f);
        w->is_own = !bide__future_of(&a);
    }
    return 0;
}
