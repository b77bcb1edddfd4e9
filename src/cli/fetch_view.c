/* SPDX-License-Identifier: MIT */
/*
 * fetch_view.c - what the progress line shows: how far the run is, what is on its way, and the host that is waited for next.
 *
 * A body that comes in pieces is a transfer; shorter ones are there at once, and count when they are done.
 */
#include <stdio.h>

#include "cli/fetch.h"

#define LARGE_BYTES 1000000
#define LARGE_MS    1000 /* what is over sooner needs no line of its own */

/* ---- transfers ---- */

void transfer_begin(struct fetch *f, struct transfer *t, const struct text *name, const struct text *url, int64_t length)
{
    struct transfers *all = &f->transfers;

    *t = (struct transfer){.prev = all->last, .name = name, .url = url, .id = ++all->latest_id, .length = length,
                           .began_ms = bide_loop_time_ms(f->loop)};
    *(t->prev ? &t->prev->next : &all->first) = t;
    all->last = t;
}

void transfer_add(struct fetch *f, struct transfer *t, size_t bytes)
{
    t->received += bytes;
    f->stats.received += bytes;
}

void transfer_end(struct fetch *f, struct transfer *t)
{
    struct transfers *all = &f->transfers;

    *(t->prev ? &t->prev->next : &all->first) = t->next;
    *(t->next ? &t->next->prev : &all->last) = t->prev;
}

/* ---- the view ---- */

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

/* The one that is on its way for the longest time: it stays the same until it is there. */
static void view_large(const struct fetch *f, struct progress_view *v, char *shown, size_t size)
{
    int64_t now_ms = bide_loop_time_ms(f->loop);

    for (const struct transfer *t = f->transfers.first; t; t = t->next) {
        if (now_ms - t->began_ms < LARGE_MS || (t->length < LARGE_BYTES && t->received < LARGE_BYTES))
            continue;
        const char *name = t->name->len > 0 ? text_string(t->name) : request_shown_url(text_string(t->url), shown, size);
        v->large = (struct progress_large){.name = name, .id = t->id, .received = t->received, .length = t->length,
                                            .seconds = (double)(now_ms - t->began_ms) / 1000};
        return;
    }
}

/* Shares of URLs, and how many bytes are to come: those that nothing is known of are as long as the others are on average. */
static void view_transfers(const struct fetch *f, struct progress_view *v)
{
    double bytes = (double)f->stats.bytes, left = 0;
    uint64_t known = 0, urls = v->total > v->done ? v->total - v->done : 0;

    for (const struct transfer *t = f->transfers.first; t; t = t->next) {
        double length = (double)t->length, received = (double)t->received;
        if (t->length <= 0 || received > length)
            continue;
        known++;
        bytes += length;
        left += length - received;
        v->under_way += received / length;
    }
    v->bytes_left = -1;
    if (known + v->ok > 0)
        v->bytes_left = left + bytes / (double)(known + v->ok) * (double)(urls > known ? urls - known : 0);
}

struct progress_view report_view(const struct fetch *f)
{
    static char shown[256]; /* of the URL that the view names, until the next one */
    const struct stats *s = &f->stats;
    struct progress_view v = {.total = s->is_total_known ? s->total : 0, .done = s->done, .ok = s->ok,
                              .failed = s->failed, .retries = s->retries, .received = s->received, .live = s->live,
                              .waiting = f->queue.nlater};

    view_blocked(f, &v);
    view_transfers(f, &v);
    view_large(f, &v, shown, sizeof shown);
    return v;
}
