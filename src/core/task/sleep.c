/* SPDX-License-Identifier: MIT */
/*
 * sleep.c - a task that waits for a time, or for one turn.
 */
#include "core/task/await.h"

struct sleep {
    struct wait wait;
    struct timer timer;
};

/* asyncio takes two turns from timer to task: the first one settles the sleep's future. */
static void after_sleep(struct ready *r)
{
    bide_task *t = container_of(r, bide_task, ready);

    r->run = bide__task_run;
    bide__push(t->future.loop, r);
}

static void sleep_over(struct timer *timer)
{
    bide_task *t = container_of(timer, struct sleep, timer)->wait.task;

    t->ready.run = after_sleep;
    bide__push(t->future.loop, &t->ready);
}

static bool sleep_end_early(struct wait *w)
{
    struct sleep *s = container_of(w, struct sleep, wait);
    bide_task *t = w->task;

    if (!bide__timer_is_armed(&s->timer) && t->ready.run != after_sleep)
        return false;
    bide__timer_disarm(t->future.loop, &s->timer);
    bide__unpush(t->future.loop, &t->ready);
    t->ready.run = bide__task_run;
    bide__push(t->future.loop, &t->ready);
    return true;
}

static int yield_once(bide_task *t)
{
    bide__push(t->future.loop, &t->ready);
    bide__park(t, NULL);
    return bide__pending_interrupt(t);
}

unchecked_frame int bide_sleep_ms(int64_t ms)
{
    bide_task *t = bide__task_required(__func__);
    if (!t)
        return BIDE_ENOLOOP;
    if (ms <= 0)
        return yield_once(t);

    struct sleep s = {.wait = {.end_early = sleep_end_early, .task = t, .kind = WAIT_TIME, .on = &s.timer}};
    bide__timer_init(&s.timer, sleep_over);
    if (!bide__begin_interrupted(&s.wait))
        bide__timer_arm(t->future.loop, &s.timer, ms);
    bide__park(t, &s.wait);
    return bide__wait_outcome(&s.wait);
}
