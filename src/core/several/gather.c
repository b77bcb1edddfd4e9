/* SPDX-License-Identifier: MIT */
/*
 * gather.c - waiting for all of several: gather, gather_all.
 *
 * Both watch futures, in a group (group.c) that lives for the call.
 */
#include "core/several/awaitables.h"

/* No memory for the i-th: those before it have not run yet, and never will. */
static int gather_undo(struct group *g)
{
    int code = bide_error_code();

    bide__group_cancel(g);
    for (size_t i = 0; i < g->started; i++)
        if (!g->watches[i].gave_up)
            bide__drain(g->watches[i].future);
    bide__group_close(g);
    return code;
}

struct gathered {
    bide_list all;
    size_t n;
};

/* Before anything is started: what is no task yet waits for nothing. */
static bool gather_is_stuck(struct circle_search *s, const void *what)
{
    const struct gathered *g = what;

    for (size_t i = 0; i < g->n; i++) {
        bide_awaitable a = bide__unshielded(bide__list_at(g->all, i));
        const bide_future *f = bide__future_of(&a);
        if (f && bide__never_ends(s, f))
            return true;
    }
    return false;
}

static int gather_check(const bide_task *t, bide_list all, size_t n)
{
    int code = bide__check_list(t, all, n, "bide_gather");

    return code < 0 ? code : bide__check_stuck(t, "bide_gather", gather_is_stuck, &(struct gathered){all, n});
}

static int gather_start(struct group *g, bide_list all, const void *made_at)
{
    g->wait.group = g;
    g->wait.kind = WAIT_GROUP;
    return bide__group_start(g, all, made_at) < 0 ? gather_undo(g) : 0;
}

/* Park until every one is done; returns the outcome of the wait itself. */
static int gather_wait(struct group *g)
{
    bide_task *t = g->wait.task;

    g->takes_errors = true;
    if (t->must_cancel || t->expired) {
        g->wait.interrupted = t->must_cancel ? BY_CANCEL : BY_TIMEOUT;
        t->must_cancel = false;
        bide__group_cancel(g);
    }
    while (!g->over)
        bide__park(t, &g->wait);
    return bide__wait_outcome(&g->wait);
}

int bide_gather_with(bide_list all, size_t n)
{
    bide_task *t = bide__task_required("bide_gather");
    struct group g;
    if (!t)
        return BIDE_ENOLOOP;
    if (n == 0)
        return 0;

    int code = gather_check(t, all, n);
    if (code < 0 || (code = bide__group_open(&g, t, n)) < 0 || (code = gather_start(&g, all, CALLED_AT)) < 0)
        return code;
    g.cancel_on_error = true;
    code = gather_wait(&g);
    if (code == 0 && g.first_failed)
        code = g.first_failed->gave_up ? bide__circle_given_up() : bide__future_outcome(g.first_failed->future);
    bide__group_close(&g);
    return code;
}

int bide_gather_all_with(int *codes, bide_list all, size_t n)
{
    bide_task *t = bide__task_required("bide_gather_all");
    struct group g;
    if (!t)
        return BIDE_ENOLOOP;
    if (n == 0)
        return 0;

    int code = codes ? gather_check(t, all, n) : bide_fail(-EINVAL, "bide_gather_all: the place for the codes is NULL");
    if (code < 0 || (code = bide__group_open(&g, t, n)) < 0 || (code = gather_start(&g, all, CALLED_AT)) < 0)
        return code;
    code = gather_wait(&g);
    int failed = 0;
    for (size_t i = 0; i < n; i++) {
        codes[i] = bide__watch_code(&g.watches[i]);
        failed += codes[i] < 0;
    }
    bide__group_close(&g);
    return code < 0 ? code : failed;
}
