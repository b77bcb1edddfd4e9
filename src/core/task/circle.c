/* SPDX-License-Identifier: MIT */
/*
 * circle.c - would a task wait for itself?
 *
 * Tasks that wait for one another in a circle never end.  The wait that would close the circle is refused, before it begins.
 *
 * A task that awaits one task at a time is followed forwards, step by step (bide__check_circle).  Waits for several branch, so
 * from there the search goes backwards, from the task that is about to wait: who waits for it, who waits for those, and so
 * on.  Mostly that is nobody, or a few, however many tasks each of them waits for.  Each that is found waits for one that will
 * not end before ours does; one that would be content with another (bide_wait until the first has ended, bide_completed_next)
 * is taken out again, and so are those that were found through it.  If ours would wait for what is left, it waits forever.
 *
 * A bide_wait or bide_as_completed with a time-out is no part of a circle, for it ends.  A bide_timeout around a wait does not change anything.
 * A future that shields another (bide_shield_awaitable) ends with it: both searches look through.
 *
 * Invariant: outside of a search, walk_parent (cancel.c) is set in no wait; inside, in those of the tasks in `found`.
 */
#include "core/task/group.h"

/* So many tasks of a circle are seen, and so many waits looked at.  A larger one is found when one of its tasks is cancelled. */
#define CIRCLE_LOOK 32
#define WAITS_LOOK 256

struct circle_search {
    const bide_task *self;        /* about to wait */
    bool is_rough;                /* before the search: every task that waits for others may be one */
    const bide_future *through;   /* the last one that never ends */
    size_t n, looked;
    bide_task *found[CIRCLE_LOOK]; /* marked, unless taken out again */
};

/* Does it wait for tasks, and for nothing else? */
static bool waits_for_tasks(const bide_task *t)
{
    if (bide__awaited_by(t))
        return true;
    return !t->stackless && t->wait && (t->wait->kind == WAIT_GROUP || t->wait->kind == WAIT_COMPLETED);
}

bool bide__never_ends(struct circle_search *s, const bide_future *awaited)
{
    const bide_future *f = bide__behind_shield(awaited);
    const bide_task *t = (const bide_task *)f;
    bool never = f->state == PENDING && f->is_task &&
                 (t == s->self || (s->is_rough ? waits_for_tasks(t) : bide__is_on_the_way(t)));

    if (never)
        s->through = f;
    return never;
}

/* ---- backwards ---- */

/* One that is about to run may go on to something else. */
static void reach(struct circle_search *s, bide_task *t)
{
    if (t == s->self || bide__ready_is_queued(&t->ready) || bide__is_on_the_way(t) || s->n == CIRCLE_LOOK)
        return;
    *bide__walk_parent_of(t) = t;
    s->found[s->n++] = t;
}

/* Who takes from a list with a time ends. */
static void reach_all(struct circle_search *s, const struct list_node *clauses)
{
    for (struct list_node *n = clauses->next; n != clauses && s->looked++ < WAITS_LOOK; n = n->next) {
        bide_task *t = container_of(container_of(n, struct clause, node)->wakes, bide_task, ready);
        if (waits_for_tasks(t))
            reach(s, t);
    }
}

/* Who is woken by the end of f through r: a task itself, or a watch in front of one or several. */
static void reach_through(struct circle_search *s, const bide_future *f, struct ready *r)
{
    bide_task *waiter = bide__watch_waiter(r);
    const struct list_node *clauses = bide__completed_waiters(r);

    if (r->is_task)
        waiter = container_of(r, bide_task, ready);
    else if (clauses)
        reach_all(s, clauses);
    if (waiter && waits_for_tasks(waiter) && (r != &waiter->ready || bide__awaited_by(waiter) == f))
        reach(s, waiter);
}

static void reach_behind(struct circle_search *s, const bide_future *shield)
{
    for (struct list_node *n = shield->clauses.next; n != &shield->clauses && s->looked++ < WAITS_LOOK; n = n->next)
        reach_through(s, shield, container_of(n, struct clause, node)->wakes);
}

static void reach_waiters(struct circle_search *s, const bide_task *t)
{
    const struct list_node *clauses = &t->future.clauses;

    for (struct list_node *n = clauses->next; n != clauses && s->looked++ < WAITS_LOOK; n = n->next) {
        struct ready *r = container_of(n, struct clause, node)->wakes;
        const bide_future *shield = bide__shield_by(r);
        if (shield)
            reach_behind(s, shield);
        else
            reach_through(s, &t->future, r);
    }
}

/* ---- who is content with another one ---- */

static bool group_needs_one(const struct wait *w)
{
    return container_of(w, struct group, wait)->is_over != bide__all_finished;
}

static bool needs_one(const bide_task *t)
{
    if (bide__awaited_by(t))
        return false;
    return t->wait->kind == WAIT_COMPLETED || group_needs_one(t->wait);
}

/* Who waits for all never goes on if one of them never ends; who waits for one, if none of them does. */
bool bide__group_is_stuck(struct circle_search *s, const void *wait)
{
    const struct group *g = container_of((const struct wait *)wait, struct group, wait);
    bool needs_one = group_needs_one(wait), any = false;

    for (size_t i = 0; i < g->started; i++) {
        const struct watch *w = &g->watches[i];
        bool is_stuck = !w->gave_up && bide__never_ends(s, w->future);
        bool is_no_help = is_stuck || (w->future->state != PENDING && !g->is_over(g, w));
        if (needs_one ? !is_no_help : is_stuck)
            return !needs_one;
        any = any || is_stuck;
    }
    return any;
}

/* None has ended and was not taken yet, and none will. */
bool bide__completed_is_stuck(struct circle_search *s, const void *wait)
{
    const bide_completed *c = container_of((const struct wait *)wait, struct next_wait, wait)->list;

    for (size_t i = 0; i < c->n; i++) {
        const struct ended *e = &c->all[i];
        bool is_pending = e->future->state == PENDING;
        if (is_pending ? !bide__never_ends(s, e->future) : bide__ready_is_queued(&e->ready))
            return false;
    }
    return true;
}

static bool is_stuck(struct circle_search *s, const bide_task *t)
{
    const bide_future *f = bide__awaited_by(t);

    if (f)
        return bide__never_ends(s, f);
    return t->wait->kind == WAIT_COMPLETED ? bide__completed_is_stuck(s, t->wait) : bide__group_is_stuck(s, t->wait);
}

/* Who waits for all of them was found through one that never ends, so he is asked only when somebody was taken out. */
static bool take_out(struct circle_search *s, bool everybody)
{
    bool any = false;

    for (size_t i = 0; i < s->n; i++) {
        bide_task *t = s->found[i];
        if (!bide__is_on_the_way(t) || !(everybody || needs_one(t)) || is_stuck(s, t))
            continue;
        *bide__walk_parent_of(t) = NULL;
        any = true;
    }
    return any;
}

static void search(struct circle_search *s)
{
    reach_waiters(s, s->self);
    for (size_t i = 0; i < s->n; i++)
        reach_waiters(s, s->found[i]);
    for (bool again = take_out(s, false); again;)
        again = take_out(s, true);
}

static void forget(struct circle_search *s)
{
    for (size_t i = 0; i < s->n; i++)
        *bide__walk_parent_of(s->found[i]) = NULL;
}

/* ---- the question ---- */

static int refuse(const bide_task *t, const bide_future *f, const char *function)
{
    return bide_fail(BIDE_EDEADLOCK, "%s: %s would wait for itself: %s, which it awaits, waits for it", function,
                     bide_task_name(t), bide_task_name((const bide_task *)f));
}

/* Not inline: the search is large, and seldom. */
static __attribute__((noinline)) const bide_future *find(const bide_task *t, bool (*ask)(struct circle_search *, const void *),
                                                         const void *what)
{
    struct circle_search s;

    s.self = t;
    s.is_rough = true;
    s.through = NULL;
    s.n = s.looked = 0;
    if (!ask(&s, what))
        return NULL;
    s.is_rough = false;
    search(&s);
    bool found = ask(&s, what);
    forget(&s);
    return found ? s.through : NULL;
}

int bide__check_stuck(const bide_task *t, const char *function, bool (*ask)(struct circle_search *s, const void *what),
                      const void *what)
{
    bool is_waited_for = !bide__list_is_empty(&t->future.clauses);
    const bide_future *f = is_waited_for ? find(t, ask, what) : NULL;

    return f ? refuse(t, f, function) : 0;
}

static bool future_is_stuck(struct circle_search *s, const void *future)
{
    return bide__never_ends(s, future);
}

int bide__check_circle(const bide_task *t, const bide_future *awaited, const char *function)
{
    const bide_future *f = bide__behind_shield(awaited), *next = f;

    for (int i = 0; i < CIRCLE_LOOK && next && next->is_task; i++) {
        const bide_task *each = (const bide_task *)next;
        if (each == t)
            return refuse(t, f, function);
        next = bide__awaited_by(each);
        next = next ? bide__behind_shield(next) : NULL;
        if (!next && waits_for_tasks(each))
            return bide__check_stuck(t, function, future_is_stuck, each) < 0 ? refuse(t, f, function) : 0;
    }
    return 0;
}
