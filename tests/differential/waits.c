/* SPDX-License-Identifier: MIT */
/* waits.c - steps that wait for tasks, futures and time. */
#include <stdio.h>

#include "play.h"

static int await_task(bide_task *t)
{
    return bide_await(t);
}

static int timeout_around(int ms, bide_awaitable a)
{
    int r = 0;
    bide_timeout(ms)
        r = bide_await_with(a);
    return r;
}

static int shield_in_timeout(bide_task *t, int ms)
{
    int r = 0;
    bide_timeout(ms)
        r = bide_shield(t);
    return r;
}

/* asyncio's inner block turns its own expiry into a timeout, and lets what the outer one cancelled pass. */
static int two_timeouts(int self, int outer, int inner, int ms)
{
    int r = 0;
    bide_timeout(outer) {
        bool inner_expired = false;
        bide_timeout(inner) {
            r = bide_sleep_ms(ms);
            inner_expired = bide_timeout_expired();
        }
        if (r < 0) {
            bool by_outer = r == BIDE_ETIMEDOUT && (!inner_expired || bide__block_expired());
            say("%d inner %s", self, by_outer ? "cancelled" : word_of(r));
            if (r == BIDE_ECANCELED || by_outer)
                return r;
            r = 0;
        }
        int code = bide_sleep_ms(0);
        if (code < 0)
            r = code;
    }
    return r;
}

static int rescheduled(int limit, int other, int ms)
{
    int r = 0;
    bide_timeout(limit) {
        BIDE_TRY(bide_timeout_reschedule(other));
        r = bide_sleep_ms(ms);
    }
    return r;
}

static int gather_all(bide_awaitable a, int b)
{
    int codes[2];
    int r = bide_gather_all(codes, a, tasks[b]);
    if (r >= 0) {
        char first[32];
        snprintf(first, sizeof first, "%s", word_of(codes[0]));
        say("codes %s %s", first, word_of(codes[1]));
    }
    return r < 0 ? r : 0;
}

static int wait_two(int a, int b, enum bide_until until, int ms)
{
    bide_task *two[] = {tasks[a], tasks[b]};
    return bide_wait(two, 2, .until = until, .timeout_ms = ms);
}

static int each(const struct line *l, const int *which, int ms)
{
    bide_task *three[] = {tasks[which[0]], tasks[which[1]], tasks[which[2]]};
    bide_auto bide_completed *c = BIDE_TRY_PTR(bide_as_completed(three, 3, .timeout_ms = ms));
    int last = 0;

    for (int i = 0; i < 3; i++) {
        bide_task *t = NULL;
        int r = bide_completed_next(c, &t);
        if (r > 0) {
            say("%d took %s", l->self, word_of(bide_task_result(t)));
            continue;
        }
        last = r;
        say("%d missed %s", l->self, word_of(as_asyncio(r)));
        if (l->passes_on && as_asyncio(r) == BIDE_ECANCELED)
            break;
    }
    return last;
}

static int step_on_task(const char *op, bide_task *t, int b)
{
    if (is(op, "await"))
        return bide_await(t);
    if (is(op, "shield"))
        return bide_shield(t);
    if (is(op, "nest"))
        return bide_await(bide_coro(await_task, t));
    if (is(op, "tawait"))
        return timeout_around(b, BIDE_AW(t));
    if (is(op, "tshield"))
        return shield_in_timeout(t, b);
    return bide_wait_for(t, b);
}

static int step_on_two(const char *op, int a, int b, int c)
{
    if (is(op, "gather"))
        return gather_all(BIDE_AW(tasks[a]), b);
    if (is(op, "sgather"))
        return gather_all(bide_shield_awaitable(tasks[a]), b);
    if (is(op, "waitfirst"))
        return wait_two(a, b, BIDE_FIRST_COMPLETED, 0);
    if (is(op, "waiterr"))
        return wait_two(a, b, BIDE_FIRST_ERROR, 0);
    return wait_two(a, b, BIDE_ALL_COMPLETED, is(op, "waitfor") ? c : 0);
}

static bool exists(int task)
{
    return task >= 0 && task < TASKS_MAX && tasks[task];
}

static int waiting_step_of_one(int self, const char *op, const int *number, bool *ran)
{
    int a = number[0], r = value_step(self, op, a, number[1], ran);
    if (*ran)
        return r;
    *ran = true;
    if (is(op, "yield"))
        return bide_sleep_ms(0);
    if (is(op, "sleep"))
        return bide_sleep_ms(a);
    if (is(op, "tsleep"))
        return timeout_around(a, bide_sleep_awaitable(number[1]));
    if (is(op, "ttsleep"))
        return two_timeouts(self, a, number[1], number[2]);
    if (is(op, "resched"))
        return rescheduled(a, number[1], number[2]);
    if (is(op, "awaitf"))
        return bide_await(futures[a]);
    if (is(op, "shieldf"))
        return bide_shield(futures[a]);
    *ran = false;
    return 0;
}

int waiting_step(struct line *l, const struct step *p, bool *ran)
{
    const char *op = p->op;
    const int *n = p->number, *which = is(op, "eachfor") ? n + 1 : n;
    int r = waiting_step_of_one(l->self, op, n, ran);
    if (*ran)
        return r;

    bool on_three = is(op, "each") || is(op, "eachfor");
    bool on_two = is(op, "gather") || is(op, "sgather") || strncmp(op, "wait", 4) == 0;
    *ran = is(op, "group") || (exists(which[0]) && (!(on_two || on_three) || exists(which[1])) && (!on_three || exists(which[2])));
    if (!*ran)
        return 0;
    if (is(op, "group"))
        return group(l, n[0]);
    if (on_three)
        return each(l, which, is(op, "eachfor") ? n[0] : 0);
    return on_two ? step_on_two(op, n[0], n[1], n[2]) : step_on_task(op, tasks[n[0]], n[1]);
}
