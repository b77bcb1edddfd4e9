/* SPDX-License-Identifier: MIT */
/*
 * steps.c - debug mode: each step of a loop is noted, and one that took long is reported when it has ended.
 *
 * Nothing of it costs anything when it is off: a loop that is watched runs all of its steps by the way of what is no task
 * (turn/resume.c: loop->plain_run is NULL then), where there is time for one more comparison.
 */
#include "core/loop/steps.h"

#include <stdio.h>
#include <stdlib.h>

#define NS_PER_MS INT64_C(1000000)

atomic_bool bide__watcher_sleeps;

static int64_t slow_ns(bide_loop *loop)
{
    const char *text = getenv("BIDE_SLOW_MS");
    char *end;
    long ms = text && *text ? strtol(text, &end, 10) : SLOW_MS;
    if (ms > 0 && ms <= INT32_MAX && (!text || !*text || !*end))
        return ms * NS_PER_MS;

    bide__loop_warn(loop, "BIDE_SLOW_MS=%.40s: not a number of milliseconds; %d are used", text, SLOW_MS);
    return SLOW_MS * NS_PER_MS;
}

int bide__steps_open(bide_loop *loop)
{
    struct step_watch *w = bide__calloc(1, sizeof *w);
    if (!w)
        return bide__fail_nomem("debug mode");

    pthread_mutex_init(&w->lock, NULL);
    bide__list_init(&w->node);
    w->slow_ns = slow_ns(loop);
    w->is_on = true;
    loop->watch = w;
    return 0;
}

void bide__steps_close(bide_loop *loop)
{
    if (loop->watch)
        pthread_mutex_destroy(&loop->watch->lock);
    bide__free(loop->watch);
    loop->watch = NULL;
}

void bide__steps_set_slow(struct step_watch *w, int64_t ms)
{
    w->slow_ns = ms * NS_PER_MS;
}

void bide__steps_enter(bide_loop *loop)
{
    if (!loop->watch->is_on || !bide__inspector)
        return;
    loop->watch->is_entered = true;
    bide__inspector->enter(loop);
}

void bide__steps_leave(bide_loop *loop)
{
    if (!loop->watch->is_entered)
        return;
    loop->watch->is_entered = false;
    bide__inspector->leave(loop);
}

void bide__step_begin(struct step_watch *w, struct step *s)
{
    s->begun_ns = bide__clock_ns();
    pthread_mutex_lock(&w->lock);
    s->number = w->step.number + 1;
    w->step = *s;
    pthread_mutex_unlock(&w->lock);
    if (atomic_load_explicit(&bide__watcher_sleeps, memory_order_relaxed))
        bide__inspector->stir();
}

static struct step end(struct step_watch *w)
{
    pthread_mutex_lock(&w->lock);
    struct step s = w->step;
    w->step.begun_ns = 0;
    pthread_mutex_unlock(&w->lock);
    return s;
}

static void report_if_slow(bide_loop *loop, const struct step *s)
{
    int64_t ms = (bide__clock_ns() - s->begun_ns) / NS_PER_MS;

    if (ms >= loop->watch->slow_ns / NS_PER_MS)
        bide__loop_warn(loop, "executing %s%s%s%s%s took %lld.%03lld seconds", s->task_id ? "task " : "", s->name, s->function ? " (" : "",
                        s->function ? s->function : "", s->function ? ")" : "", (long long)ms / 1000, (long long)ms % 1000);
}

void bide__step_end(bide_loop *loop)
{
    struct step s = end(loop->watch);

    if (!bide__loop_is_inherited(loop) && loop->watch->is_on)
        report_if_slow(loop, &s);
}
