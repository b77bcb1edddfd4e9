/* SPDX-License-Identifier: MIT */
/*
 * limiter.c - a token bucket, kept as one number: the time at which all tokens that were asked for will have come (GCRA).
 *
 *     ------- burst -------|
 *     now                  full_ns            what is asked for next moves full_ns on by n / rate, and may go when
 *                                             no more than a burst lies between now and there
 *
 * Who waits has asked already, so each knows its time when it begins to wait, and has a timer of its own for that.  One that gives
 * up takes its part back: those behind it go so much earlier.
 *
 * Invariants:
 *   R1  those who wait stand in the order of their times.
 *   R2  full_ns holds what was taken, and what was asked for by those who wait.
 */
#include <bide/limiter.h>

#include "sync/home.h"

#define NS_PER_SECOND 1e9
#define NS_PER_MS 1000000
#define ROUNDING_NS 1000
#define FOREVER_NS 4e18
#define SLACK_NS 20e6 /* what may be caught up on when timers were late */

struct limiter {
    double per_second, burst;
    struct home home;
    double full_ns; /* by the loop's clock */
};

_Static_assert(sizeof(struct limiter) <= sizeof(bide_limiter), "bide_limiter is too small");

static double now_ns(void)
{
    const bide_loop *loop = bide__loop_here;

    return (double)(loop && loop->virtual_time ? loop->now_ns : bide__clock_ns());
}

/* The time that n need to come. */
static double cost_ns(const struct limiter *l, size_t n)
{
    return (double)n * NS_PER_SECOND / l->per_second;
}

static double burst_ns(const struct limiter *l)
{
    double one = cost_ns(l, 1);

    if (l->burst >= 1)
        return l->burst * one;
    return one > SLACK_NS ? one : SLACK_NS;
}

/* What full_ns becomes if n are asked for now.  In the past it means that the bucket is full: then it counts from now on. */
static double full_with(const struct limiter *l, size_t n)
{
    double now = now_ns();

    return (l->full_ns > now ? l->full_ns : now) + cost_ns(l, n);
}

/* Until those that make it full_ns may go. */
static double delay_ns(const struct limiter *l, double full_ns)
{
    double wait = full_ns - burst_ns(l) - now_ns();

    return wait < ROUNDING_NS ? 0 : wait < FOREVER_NS ? wait : FOREVER_NS;
}

static int enter(bide_limiter *value, const char *function)
{
    struct limiter *l = (struct limiter *)value;
    int code = value ? bide__home_enter(&l->home, function) : bide_fail(-EINVAL, "%s: it is NULL", function);
    if (code < 0)
        return code;
    if (!(l->per_second > 0))
        return bide_fail(-EINVAL, "%s: a rate of %g is not above 0", function, l->per_second);
    if (!(l->burst >= 1) && l->burst != 0)
        return bide_fail(-EINVAL, "%s: a burst of %g is neither 0 nor 1 or more", function, l->burst);

    if (code == HOME_NEW)
        l->full_ns = 0;
    return 0;
}

/* ---- waiting ---- */

static int acquire_check(const bide_operation *op)
{
    return enter(op->object, "bide_limiter_acquire");
}

static bool take(struct limiter *l, size_t n)
{
    double full = full_with(l, n);
    if (!bide__list_is_empty(&l->home.waiters) || delay_ns(l, full) > 0)
        return false;

    l->full_ns = full;
    return true;
}

/* One that was woken has asked, and its time has come. */
static int acquire_attempt(const bide_operation *op, struct op_waiter *w)
{
    return w || take(op->object, op->words[0]) ? 0 : OPERATION_WAITS;
}

static void time_has_come(struct timer *timer)
{
    bide__op_wake(container_of(timer, struct op_waiter, timer));
}

static void arm(struct op_waiter *w, double delay)
{
    bide__timer_arm(w->task->future.loop, &w->timer, (int64_t)((delay + NS_PER_MS - 1) / NS_PER_MS));
}

static void acquire_enlist(const bide_operation *op, struct op_waiter *w)
{
    struct limiter *l = op->object;

    l->full_ns = full_with(l, op->words[0]);
    bide__list_append(&l->home.waiters, &w->clause.node);
    bide__timer_init(&w->timer, time_has_come);
    arm(w, delay_ns(l, l->full_ns));
}

/* Those behind go by so much earlier, in their order: a time that is over by then comes with the next tick of the timers. */
static void advance_from(struct limiter *l, struct list_node *first, double by_ns)
{
    int64_t by_ms = (int64_t)((by_ns < FOREVER_NS ? by_ns : FOREVER_NS) / NS_PER_MS); /* no timer was armed for later */

    for (struct list_node *n = first; n != &l->home.waiters; n = n->next) {
        struct op_waiter *w = bide__op_waiter_of(n);
        bide_loop *loop = w->task->future.loop;
        int64_t when_ms = w->timer.when_ms - by_ms;
        bide__timer_disarm(loop, &w->timer);
        bide__timer_arm_at(loop, &w->timer, when_ms);
    }
}

static void acquire_withdraw(const bide_operation *op, struct op_waiter *w)
{
    struct limiter *l = op->object;
    double part = cost_ns(l, op->words[0]);
    struct list_node *behind = bide__list_is_linked(&w->clause.node) ? w->clause.node.next : l->home.waiters.next;

    bide__timer_disarm(w->task->future.loop, &w->timer);
    bide__list_remove(&w->clause.node);
    l->full_ns -= part;
    advance_from(l, behind, part);
}

static const struct bide_operation_ops acquire_ops = {"bide_limiter_acquire", acquire_check, acquire_attempt, acquire_enlist,
                                                      acquire_withdraw};

bide_awaitable bide_limiter_awaitable(bide_limiter *l, size_t n)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = {.ops = &acquire_ops, .object = l, .words = {n}}};
}

int bide_limiter_acquire(bide_limiter *l, size_t n)
{
    return bide__operation_await(&(bide_operation){.ops = &acquire_ops, .object = l, .words = {n}});
}

/* ---- without waiting ---- */

bool bide_limiter_try(bide_limiter *l, size_t n)
{
    return enter(l, __func__) == 0 && take((struct limiter *)l, n);
}

int bide_limiter_charge(bide_limiter *value, size_t n)
{
    struct limiter *l = (struct limiter *)value;
    int code = enter(value, __func__);
    if (code < 0)
        return code;

    l->full_ns = full_with(l, n);
    return 0;
}

int bide_limiter_give_back(bide_limiter *value, size_t n)
{
    struct limiter *l = (struct limiter *)value;
    int code = enter(value, __func__);
    if (code < 0)
        return code;

    l->full_ns -= cost_ns(l, n);
    advance_from(l, l->home.waiters.next, cost_ns(l, n));
    return 0;
}

int64_t bide_limiter_delay_ms(bide_limiter *value, size_t n)
{
    const struct limiter *l = (const struct limiter *)value;
    int code = enter(value, __func__);

    return code < 0 ? code : (int64_t)((delay_ns(l, full_with(l, n)) + NS_PER_MS - 1) / NS_PER_MS);
}
