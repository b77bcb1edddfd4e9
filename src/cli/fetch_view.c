/* SPDX-License-Identifier: MIT */
/*
 * fetch_view.c - what the progress line shows: how far the run is, and the host that it waits for next.
 */
#include <stdio.h>

#include "cli/fetch.h"

static void view_blocked(const struct fetch *f, struct progress_view *v)
{
    const struct host *host = f->queue.asleep;
    int64_t now_ms = bide_loop_time_ms(f->loop);

    if (!host || host->wake_ms <= now_ms)
        return;
    v->blocked_ms = host->wake_ms - now_ms;
    v->blocked = host->name;
    v->blocked_urls = host->jobs;
    if (host->blocked_until_ms >= host->wake_ms)
        snprintf(v->reason, sizeof v->reason, "%d", host->blocked_by);
    else
        snprintf(v->reason, sizeof v->reason, "%s", fail_name((enum fail)host->health.kind));
}

struct progress_view report_view(const struct fetch *f)
{
    const struct stats *s = &f->stats;
    struct progress_view v = {.total = s->is_total_known ? s->total : 0, .done = s->done, .ok = s->ok,
                              .failed = s->failed, .retries = s->retries, .bytes = s->bytes, .live = s->live,
                              .waiting = f->queue.nlater};

    view_blocked(f, &v);
    return v;
}
