/* SPDX-License-Identifier: MIT */
/*
 * semaphore.c - a number of permits.
 *
 * A permit that comes back is granted to the first task that waits, and is not free from then on.  Free permits are taken in the order
 * of arrival, too: a task that comes while another waits goes to the end of the list.
 */
#include <bide/sync.h>

#include "sync/home.h"

struct semaphore {
    int64_t permits;
    int64_t bound; /* 0: none */
    struct home home;
    uint64_t granted; /* to waiters that have not run since */
};

_Static_assert(sizeof(struct semaphore) <= sizeof(bide_semaphore), "bide_semaphore is too small");

static int enter(struct semaphore *s, const char *function)
{
    int code = bide__home_enter(s ? &s->home : NULL, function);
    if (code == HOME_NEW)
        s->granted = 0;
    if (code >= 0 && s->permits < 0)
        return bide_fail(-EINVAL, "%s: a semaphore of %lld permits", function, (long long)s->permits);
    return code < 0 ? code : 0;
}

static bool somebody_waits(const struct semaphore *s)
{
    const struct list_node *waiters = &s->home.waiters;

    for (struct list_node *n = waiters->next; n != waiters; n = n->next)
        if (!bide__op_goes_on(bide__op_waiter_of(n)))
            return true;
    return s->granted > 0;
}

static bool grant(struct semaphore *s)
{
    if (s->permits == 0 || !bide__op_wake_first(&s->home.waiters))
        return false;
    s->permits--;
    s->granted++;
    return true;
}

/* ---- taking one ---- */

static int semaphore_check(const bide_operation *op)
{
    return enter(op->object, "bide_semaphore_acquire");
}

static int semaphore_attempt(const bide_operation *op, struct op_waiter *w)
{
    struct semaphore *s = op->object;
    if (!w && (s->permits == 0 || somebody_waits(s)))
        return OPERATION_WAITS;

    if (!w) {
        s->permits--;
        return 0;
    }
    s->granted--;
    while (grant(s)) /* who came meanwhile had to wait for this one */
        ;
    return 0;
}

static void semaphore_enlist(const bide_operation *op, struct op_waiter *w)
{
    bide__list_append(&((struct semaphore *)op->object)->home.waiters, &w->clause.node);
}

static void semaphore_withdraw(const bide_operation *op, struct op_waiter *w)
{
    struct semaphore *s = op->object;

    if (bide__op_is_triggered(w)) {
        s->granted--;
        s->permits++;
    }
    bide__list_remove(&w->clause.node);
    while (grant(s))
        ;
}

static const struct bide_operation_ops semaphore_ops = {"bide_semaphore_acquire", semaphore_check, semaphore_attempt,
                                                        semaphore_enlist, semaphore_withdraw};

bide_awaitable bide_semaphore_awaitable(bide_semaphore *s)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = {.ops = &semaphore_ops, .object = s}};
}

int bide_semaphore_acquire(bide_semaphore *s)
{
    return bide__operation_await(&(bide_operation){.ops = &semaphore_ops, .object = s});
}

/* ---- giving one back ---- */

int bide_semaphore_release(bide_semaphore *value)
{
    struct semaphore *s = (struct semaphore *)value;
    int code = enter(s, __func__);
    if (code < 0)
        return code;
    if (s->bound > 0 && s->permits >= s->bound)
        return bide_fail(BIDE_ESTATE, "%s: all %lld permits are there already", __func__, (long long)s->bound);
    if (s->permits == INT64_MAX)
        return bide_fail(BIDE_ELIMIT, "%s: too many permits", __func__);

    s->permits++;
    grant(s);
    return 0;
}

bool bide_semaphore_is_locked(const bide_semaphore *value)
{
    const struct semaphore *s = (const struct semaphore *)value;
    if (bide__home_look(s ? &s->home : NULL, __func__) < 0)
        return false;

    return s->permits == 0 || (s->home.loop && somebody_waits(s));
}

/* ---- a block ---- */

bide_semaphore *bide_semaphore_enter(bide_semaphore *s, int *code)
{
    *code = bide_semaphore_acquire(s);
    return *code < 0 ? NULL : s;
}

void bide_semaphore_leave(bide_semaphore **s)
{
    struct error_mark mark;

    bide__error_mark(&mark);
    if (*s)
        BIDE_IGNORE(bide_semaphore_release(*s)); /* too many: a permit was given back inside of the block */
    bide__error_restore(&mark);
}
