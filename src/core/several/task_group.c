/* SPDX-License-Identifier: MIT */
/*
 * task_group.c - bide_task_group: tasks that end together, and whose errors are collected.
 *
 *     bide_task_group                               each member
 *       members, failed: lists of struct member       clause, ready: its turn when its task has ended, as of a done callback
 *       owner: the task that made it                  future: a share
 *
 * The first failure aborts the group: the others are cancelled, and so is the owner, once, unless it waits for the group
 * already: then it is woken, and waits on.  (asyncio cancels it then, too, and takes that back at once.)
 *
 * Invariants:
 *   G1  a member that has not ended is in `members`; one that has failed, in `failed`, for the first BIDE_GROUP_ERRORS_MAX; any other
 *       is freed when it has ended.
 *   G2  owner_clause is in the list of the owner while that is not done, so a linked clause means that the owner is alive.
 *   G3  has_cancelled_owner: one request counted in the owner is ours, to be taken back once.
 */
#include <stdio.h>

#include <bide/group.h>

#include "core/several/awaitables.h"

struct bide_task_group {
    struct object object;
    bide_loop *loop; /* a share */
    bide_task *owner;
    struct clause owner_clause;
    struct ready owner_ready;
    struct wait *wait; /* of the task that waits for its end; NULL: nobody does */
    struct list_node members, failed;
    size_t n, failures, kept;
    uint16_t cancelling; /* of the owner, when it was made: what had been delivered */
    bool aborting, ended, is_unowned, has_cancelled_owner;
};

/* ---- life ---- */

static void group_destroy(void *object)
{
    bide_task_group *g = object;

    while (!bide__list_is_empty(&g->failed)) {
        struct member *m = container_of(g->failed.next, struct member, node);
        bide__list_remove(&m->node);
        bide__object_unref(m->future);
        bide__free(m);
    }
    bide__list_remove(&g->owner_clause.node);
    bide__unpush(g->loop, &g->owner_ready);
    bide__ring_unreserve(&g->loop->ring, 1);
    bide__object_unref(g->loop);
    bide__object_free(g);
}

static void abort_all(bide_task_group *g)
{
    g->aborting = true;
    for (struct list_node *n = g->members.next; n != &g->members; n = n->next)
        bide_future_cancel(container_of(n, struct member, node)->future);
}

static bool owner_is_alive(const bide_task_group *g)
{
    return bide__list_is_linked(&g->owner_clause.node);
}

/* Take back our own cancellation of the owner; those by others stay (G3). */
static void take_back(bide_task_group *g)
{
    if (g->has_cancelled_owner && owner_is_alive(g))
        bide_uncancel(g->owner);
    g->has_cancelled_owner = false;
}

/* Until no member is left; interruptions end it early, but it goes on.  The strongest of them. */
static enum interrupt drain(bide_task_group *g, bide_task *t)
{
    enum interrupt strongest = NOT_INTERRUPTED;

    while (g->n > 0) {
        struct wait w = {.end_early = bide__wait_end_now, .task = t, .kind = WAIT_MEMBERS, .on = &g->members};
        g->wait = &w;
        if (t->must_cancel || (t->expired && strongest == NOT_INTERRUPTED))
            bide__begin_interrupted(&w); /* it comes in the next turn: who was started has begun by then, as in asyncio */
        bide__park(t, &w);
        g->wait = NULL;
        if (w.interrupted > strongest)
            strongest = w.interrupted;
        if (w.interrupted != NOT_INTERRUPTED && !g->aborting)
            abort_all(g);
    }
    return strongest;
}

/* Where nobody can wait for the members' end: the last of them frees the group. */
static void let_go(bide_task_group *g)
{
    bide__loop_report(g->loop, "a group of %zu tasks was dropped while they ran, where nobody can wait for their end", g->n);
    bide_retain(g);
    g->is_unowned = true;
}

static void end_unowned(bide_task_group *g)
{
    bide_task *self = bide__task_here();
    struct error_mark mark;

    bide__error_mark(&mark);
    if (!g->aborting)
        abort_all(g);
    if (self && !self->stackless && self->future.loop == g->loop) {
        if (drain(g, self) == BY_CANCEL)
            self->must_cancel = true; /* for the next wait: this was none */
    } else {
        let_go(g);
    }
    bide__error_restore(&mark);
}

static void group_release(void *object)
{
    bide_task_group *g = object;
    if (bide__release_is_refused(g->loop, "bide_release of a group"))
        return;

    if (g->object.refs == 1 && !g->ended && !bide__loop_is_inherited(g->loop)) {
        take_back(g);
        g->ended = true;
        if (g->n > 0)
            end_unowned(g);
    }
    bide__object_unref(g);
}

static const struct object_type group_type = {.name = "task group", .destroy = group_destroy, .release = group_release};

static void owner_ended(struct ready *r)
{
    (void)r; /* G2: its clause is not linked any more */
}

bide_task_group *bide_task_group_new(void)
{
    bide_task *t = bide__task_required("bide_task_group_new");
    bide_task_group *g = t ? bide__object_zalloc(sizeof *g) : NULL;
    if (!g || bide__ring_reserve(&t->future.loop->ring, 1) < 0) {
        bide__object_free(g);
        if (t)
            bide__fail_nomem("bide_task_group_new");
        return NULL;
    }
    bide__object_init(g, &group_type);
    g->loop = bide_retain(t->future.loop);
    g->owner = t;
    g->cancelling = (uint16_t)(t->cancelling - t->must_cancel); /* one still to be delivered belongs inside */
    bide__list_init(&g->members);
    bide__list_init(&g->failed);
    g->owner_ready.run = owner_ended;
    bide__clause_init(&g->owner_clause, &g->owner_ready);
    bide__list_append(&t->future.clauses, &g->owner_clause.node);
    return g;
}

/* ---- a member's end ---- */

/* An owner that waits for the group is only woken: the error is what its wait returns. */
static void cancel_owner(bide_task_group *g, const struct member *m)
{
    const char *name = m->future->is_task ? bide_task_name((bide_task *)m->future) : "a future";
    const char *why = m->future->error ? m->future->error->text : bide_strerror(m->future->result);
    char reason[BIDE_CANCEL_REASON_MAX];
    if (g->wait)
        bide__wait_end_now(g->wait); /* as asyncio's cancellation does, which tells who ended in this turn a turn earlier */
    if (g->wait || g->ended || !owner_is_alive(g))
        return;

    snprintf(reason, sizeof reason, "%.40s of its group failed: %.60s", name, why);
    g->has_cancelled_owner = bide_task_cancel_because(g->owner, reason);
}

static void fail(bide_task_group *g, struct member *m)
{
    m->future->was_retrieved = true;
    g->failures++;
    if (g->kept < BIDE_GROUP_ERRORS_MAX) {
        g->kept++;
        bide__list_append(&g->failed, &m->node);
    }
    if (g->aborting)
        return;
    abort_all(g);
    cancel_owner(g, m);
}

static void member_ended(struct ready *r)
{
    struct member *m = container_of(r, struct member, ready);
    bide_task_group *g = m->group;

    bide__list_remove(&m->node);
    bide__ring_unreserve(&g->loop->ring, 1);
    g->n--;
    if (m->future->state == FAILED)
        fail(g, m);
    if (!bide__list_is_linked(&m->node)) {
        bide__object_unref(m->future);
        bide__free(m);
    }
    if (g->n > 0)
        return;
    if (g->wait)
        bide__wait_end_now(g->wait);
    else if (g->is_unowned)
        bide__object_unref(g);
}

/* ---- a member's beginning ---- */

static int check_open(const bide_task_group *g)
{
    int code = g ? bide__loop_check(g->loop, "bide_task_group_start") : bide_fail(-EINVAL, "bide_task_group_start: the group is NULL");

    if (code < 0)
        return code;
    bool has_ended = g->ended || (g->wait && g->n == 0); /* the owner waited for the last one, and is about to run */
    if (g->aborting || has_ended)
        code = bide_fail(BIDE_ESTATE, "bide_task_group_start: the group %s", has_ended ? "has ended" : "is ending");
    return code;
}

/* The share of f is taken. */
static void add(bide_task_group *g, struct member *m, bide_future *f)
{
    *m = (struct member){.ready.run = member_ended, .group = g, .future = f};
    bide__clause_init(&m->clause, &m->ready);
    bide__list_append(&g->members, &m->node);
    g->n++;
    if (f->state == PENDING)
        bide__list_append(&f->clauses, &m->clause.node);
    else
        bide__push(g->loop, &m->ready);
    if (g->aborting) /* it began at once, and made the group fail */
        bide_future_cancel(f);
}

static int start(bide_task_group *g, const bide_task_group_args *args, const void *made_at)
{
    bide_task_args like = {.name = args->name, .stack_size = args->stack_size, .eager = args->eager};
    struct member *m = bide__malloc(sizeof *m);
    if (!m || bide__ring_reserve(&g->loop->ring, 1) < 0) {
        bide__free(m);
        return bide__fail_nomem("bide_task_group_start");
    }
    bide_future *f = bide__start_as(g->loop, args->awaitable, like, made_at);
    if (!f) {
        bide__ring_unreserve(&g->loop->ring, 1);
        bide__free(m);
        return bide_error_code();
    }
    if (args->task)
        *args->task = f->is_task ? bide_retain((bide_task *)f) : NULL;
    add(g, m, f);
    return 0;
}

int bide_task_group_start_with(bide_task_group *g, const bide_task_group_args *options)
{
    bide_task_group_args args;
    BIDE_TRY(bide__options_take(&args, sizeof args, options, "bide_task_group_start"));
    BIDE_TRY(bide__check_named(args.guard_, "bide_task_group_start"));
    BIDE_TRY(bide__check_stack_size(args.stack_size, "bide_task_group_start"));
    BIDE_TRY(check_open(g));
    bide_awaitable a = bide__unshielded(args.awaitable);
    BIDE_TRY(bide__check_awaitable(&a, "bide_task_group_start"));
    const bide_future *f = bide__future_of(&a);
    if (f && owner_is_alive(g))
        BIDE_TRY(bide__check_waitable(g->owner, f, "bide_task_group_start"));
    return start(g, &args, CALLED_AT);
}

/* ---- its end ---- */

static int outcome(bide_task_group *g, bide_task *t, enum interrupt interrupted)
{
    if (bide__list_is_empty(&g->failed)) {
        struct wait w = {.task = t, .interrupted = interrupted};
        return interrupted == NOT_INTERRUPTED ? 0 : bide__wait_outcome(&w);
    }
    if (interrupted == BY_CANCEL || t->cancelling > g->cancelling)
        t->must_cancel = true; /* the error goes first */
    return bide_task_group_error(g, 0);
}

int bide_task_group_wait(bide_task_group *g)
{
    int code = g ? bide__check_waiter(g->loop, __func__) : bide_fail(-EINVAL, "%s: the group is NULL", __func__);
    bide_task *t = bide__task_here();
    if (code < 0)
        return code;
    if (t != g->owner || !owner_is_alive(g))
        return bide_fail(BIDE_ESTATE, "%s: the group belongs to another task", __func__);
    if (g->ended)
        return bide_fail(BIDE_ESTATE, "%s: the group has ended", __func__);

    take_back(g);
    enum interrupt interrupted = drain(g, t);
    g->ended = true;
    return outcome(g, t, interrupted);
}

bool bide_task_group_cancel(bide_task_group *g)
{
    if ((g ? bide__loop_check(g->loop, __func__) : bide_fail(-EINVAL, "%s: the group is NULL", __func__)) < 0)
        return false;
    if (g->aborting || g->ended)
        return false;
    abort_all(g);
    return true;
}

/* ---- looking ---- */

static bool may_look(const bide_task_group *g, const char *function)
{
    return (g ? bide__loop_check(g->loop, function) : bide_fail(-EINVAL, "%s: the group is NULL", function)) == 0;
}

size_t bide_task_group_len(const bide_task_group *g)
{
    return may_look(g, __func__) ? g->n : 0;
}

size_t bide_task_group_error_count(const bide_task_group *g)
{
    return may_look(g, __func__) ? g->failures : 0;
}

int bide_task_group_error(bide_task_group *g, size_t i)
{
    if (!may_look(g, __func__))
        return bide_error_code();
    for (struct list_node *n = g->failed.next; n != &g->failed; n = n->next)
        if (i-- == 0)
            return bide__future_outcome(container_of(n, struct member, node)->future);
    return bide_fail(-ERANGE, "bide_task_group_error: there is no such error (%zu have failed, %zu are kept)", g->failures, g->kept);
}
