/* SPDX-License-Identifier: MIT */
/*
 * interval.c - periodic ticks: the time of the next one, and the tasks that wait for it.
 *
 * Each who waits has a timer for the same time; the first that runs takes the tick, and the others wait for the next.
 */
#include <limits.h>

#include <bide/interval.h>

#include "sync/home.h"

struct interval {
    int64_t every_ms;
    enum bide_missed missed;
    int has_begun;
    struct home home;
    int64_t next_ms; /* by the loop's clock */
};

_Static_assert(sizeof(struct interval) <= sizeof(bide_interval), "bide_interval is too small");

static int enter(bide_interval *value, const char *function)
{
    struct interval *i = (struct interval *)value;
    int code = value ? bide__home_enter(&i->home, function) : bide_fail(-EINVAL, "%s: it is NULL", function);
    if (code < 0)
        return code;
    if (i->every_ms <= 0 || i->every_ms > TIME_MAX_MS)
        return bide_fail(-EINVAL, "%s: every %lld ms", function, (long long)i->every_ms);
    if ((unsigned)i->missed > BIDE_MISSED_SKIP)
        return bide_fail(-EINVAL, "%s: %d is no policy", function, (int)i->missed);

    if (code == HOME_NEW)
        i->has_begun = 0;
    return 0;
}

static int64_t later(int64_t ms, int64_t by_ms)
{
    int64_t sum;

    return __builtin_add_overflow(ms, by_ms, &sum) ? INT64_MAX : sum;
}

static int64_t now_ms(void)
{
    return bide_loop_time_ms(bide__loop_here);
}

static int tick_check(const bide_operation *op)
{
    return enter(op->object, "bide_interval_tick");
}

static int tick_attempt(const bide_operation *op, struct op_waiter *w)
{
    struct interval *i = op->object;
    int64_t now = now_ms();

    if (w)
        bide__timer_disarm(w->task->future.loop, &w->timer); /* it was woken by bide_interval_reset */
    if (!i->has_begun)
        i->next_ms = now;
    i->has_begun = 1;
    if (now < i->next_ms)
        return OPERATION_WAITS;
    int64_t late = (now - i->next_ms) / i->every_ms;
    i->next_ms = i->missed == BIDE_MISSED_DELAY ? later(now, i->every_ms)
                 : later(i->next_ms, i->missed == BIDE_MISSED_SKIP ? (late + 1) * i->every_ms : i->every_ms);
    return late < INT_MAX ? (int)late : INT_MAX;
}

static void tick_has_come(struct timer *timer)
{
    bide__op_wake(container_of(timer, struct op_waiter, timer));
}

static void tick_enlist(const bide_operation *op, struct op_waiter *w)
{
    struct interval *i = op->object;

    bide__list_append(&i->home.waiters, &w->clause.node);
    bide__timer_init(&w->timer, tick_has_come);
    bide__timer_arm_at(w->task->future.loop, &w->timer, i->next_ms);
}

static void tick_withdraw(const bide_operation *op, struct op_waiter *w)
{
    (void)op;
    bide__timer_disarm(w->task->future.loop, &w->timer);
    bide__list_remove(&w->clause.node);
}

static const struct bide_operation_ops tick_ops = {"bide_interval_tick", tick_check, tick_attempt, tick_enlist, tick_withdraw};

bide_awaitable bide_interval_awaitable(bide_interval *i)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = {.ops = &tick_ops, .object = i}};
}

int bide_interval_tick(bide_interval *i)
{
    return bide__operation_await(&(bide_operation){.ops = &tick_ops, .object = i});
}

int bide_interval_reset(bide_interval *value)
{
    struct interval *i = (struct interval *)value;
    int code = enter(value, __func__);
    if (code < 0)
        return code;

    i->has_begun = 1;
    i->next_ms = later(now_ms(), i->every_ms);
    while (bide__op_wake_first(&i->home.waiters))
        ;
    return 0;
}
