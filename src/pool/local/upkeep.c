/* SPDX-License-Identifier: MIT */
/*
 * upkeep.c - periodic checks of the workers: size, age, idleness, stalls.  The timer runs only if an option wants it.
 *
 * A worker that has reached a limit is replaced (slots.c): its successor is started first, and takes over when it is ready.
 */
#include <stdio.h>
#include <unistd.h>

#include "pool/local/local.h"

#define UPKEEP_MS 100

static bool is_wanted(const bide_pool_args *a)
{
    return a->max_rss > 0 || a->max_age_ms > 0 || a->idle_ms > 0 || a->stall_ms > 0;
}

void bide__local_upkeep_arm(bide_pool *p)
{
    struct local_pool *l = bide__local(p);
    const bide_pool_args *a = &p->args;
    int64_t ms = UPKEEP_MS;
    if (!is_wanted(a) || p->state > POOL_OPEN || bide__timer_is_armed(&l->upkeep))
        return;

    if (a->stall_ms > 0 && a->stall_ms / 2 < ms)
        ms = a->stall_ms / 2;
    if (a->idle_ms > 0 && a->idle_ms / 2 < ms)
        ms = a->idle_ms / 2;
    bide__timer_arm(p->loop, &l->upkeep, ms > 0 ? ms : 1);
}

static size_t rss_of(pid_t pid)
{
    char path[64];
    unsigned long size, resident = 0;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    fclose(f);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* While the worker runs: task and job may be of two moments, and the name then of a job that has just ended; it is for a text. */
static const char *begun_name(const struct proxy *x)
{
    struct segment_shared *s = x->segment.shared;
    uintptr_t current = atomic_load(&s->current);

    for (int i = 0; i < x->pool->args.concurrency; i++)
        if (current && atomic_load(&s->slots[i].task) == current) {
            struct job *j = bide__job_by_id(x->pool, atomic_load(&s->slots[i].job));
            if (j)
                return j->name;
        }
    return NULL;
}

static void watch_stall(struct proxy *x, int64_t now)
{
    bide_pool *p = x->pool;
    int64_t since = atomic_load(&x->segment.shared->awake_since_ns), age_ms = since > 0 ? (now - since) / 1000000 : 0;
    char text[200];
    if (age_ms < p->args.stall_ms) {
        x->stall_reported = false;
        return;
    }
    if (x->stall_reported)
        return;

    x->stall_reported = true;
    const char *job = begun_name(x);
    snprintf(text, sizeof text, "worker %d has not turned its loop for %lld ms, in %s", x->pid, (long long)age_ms,
             job ? job : "no job");
    bide__pool_event(p, &(bide_pool_event){.kind = BIDE_POOL_STALLED, .worker = x->index, .pid = x->pid, .age_ms = age_ms,
                                           .job = job, .text = text});
}

/* One idle worker goes at a time, the last slot first. */
static bool stop_if_idle(bide_pool *p, int index, int64_t now)
{
    struct local_pool *l = bide__local(p);
    struct proxy *x = l->slots[index].proxy;
    bool idle = x && x->state == READY && bide__proxy_load(x) == 0 && now - x->idle_since_ns > p->args.idle_ms * 1000000;
    if (!idle || index < p->args.min_workers || !bide__list_is_empty(&l->queue) || !bide__list_is_empty(&l->slots[index].pinned))
        return false;

    l->slots[index].proxy = NULL;
    bide__proxy_stop(x);
    return true;
}

static void look_at(struct proxy *x, int64_t now)
{
    const bide_pool_args *a = &x->pool->args;

    if (a->stall_ms > 0)
        watch_stall(x, now);
    if (a->max_age_ms > 0 && now - x->started_ns > a->max_age_ms * 1000000)
        bide__local_recycle(x, "it has reached max_age_ms");
    else if (a->max_rss > 0 && x->pid > 0 && rss_of(x->pid) > a->max_rss)
        bide__local_recycle(x, "it has grown beyond max_rss");
}

void bide__local_upkeep(struct timer *t)
{
    bide_pool *p = container_of(t, struct local_pool, upkeep)->pool;
    struct local_pool *l = bide__local(p);
    int64_t now = bide__clock_ns();
    if (p->state > POOL_OPEN)
        return;

    for (int i = l->nslots - 1; i >= 0; i--)
        if (l->slots[i].proxy)
            look_at(l->slots[i].proxy, now);
    for (int i = l->nslots - 1; p->args.idle_ms > 0 && i >= 0; i--)
        if (stop_if_idle(p, i, now))
            break;
    bide__local_upkeep_arm(p);
}
