/* SPDX-License-Identifier: MIT */
/*
 * view.c - what the progress line shows: how far the run is, what is on its way, and the host that is waited for next.
 *
 * A body that comes in pieces is a transfer; shorter ones are there at once, and count when they are done.
 */
#include <stdio.h>

#include "cli/fetch/report/report.h"

#define LARGE_BYTES 1000000
#define LARGE_MS    1000 /* what is over sooner needs no line of its own */

/* ---- transfers ---- */

void transfer_begin(struct fetch *f, struct transfer *t, const struct text *name, struct job *job, int64_t length)
{
    struct transfers *all = &f->transfers;

    *t = (struct transfer){.prev = all->last, .name = name, .job = job, .id = ++all->latest_id, .length = length,
                           .began_ms = bide_loop_time_ms(f->loop)};
    *(t->prev ? &t->prev->next : &all->first) = t;
    all->last = t;
}

void transfer_add(struct fetch *f, struct transfer *t, size_t bytes)
{
    t->received += bytes;
    f->stats.received += bytes;
    silence_received(&f->queue, t->job, bytes);
}

void transfer_end(struct fetch *f, struct transfer *t)
{
    struct transfers *all = &f->transfers;

    *(t->prev ? &t->prev->next : &all->first) = t->next;
    *(t->next ? &t->next->prev : &all->last) = t->prev;
}

/* ---- the view ---- */

/* The host that may be asked again soonest; of those that wait for no more than their silence, see below. */
static void view_asleep(const struct host *host, int64_t now_ms, struct progress_view *v)
{
    v->blocked = host->name;
    v->blocked_ms = host->wake_ms - now_ms;
    v->blocked_urls = host->jobs;
    if (host->blocked_until_ms >= host->wake_ms)
        snprintf(v->reason, sizeof v->reason, "%d", host->blocked_by);
    else
        snprintf(v->reason, sizeof v->reason, "%s", fail_name((enum fail)host->health.kind));
}

/* Time that is left until a limit of the oldest request is over; 0: there is none. */
static int64_t limit_ms(const struct fetch *f, const struct host *host, int64_t now_ms)
{
    const struct http_options *o = &f->options->http;
    const struct job *oldest = host->asked_first;
    int64_t since_ms = now_ms - oldest->sent_ms, still_ms = now_ms - (oldest->request.has_head ? host->byte_ms : oldest->sent_ms), left_ms = 0;

    if (o->timeout_ms > 0 && o->timeout_ms != BIDE_FOREVER)
        left_ms = o->timeout_ms - since_ms;
    bool drips = oldest->request.has_head && (oldest->request.received == 0 || still_ms < HOST_SILENCE_MS); /* or a short body may: nobody sees it */

    if (!drips && o->stall_ms > 0 && o->stall_ms != BIDE_FOREVER && (left_ms <= 0 || o->stall_ms - still_ms < left_ms))
        left_ms = o->stall_ms - still_ms;
    return left_ms > 0 ? left_ms : 0;
}

/* The host that is asked and has said nothing for the longest time. */
static void view_silent(const struct fetch *f, const struct host *host, int64_t now_ms, struct progress_view *v)
{
    unsigned s = (unsigned)((now_ms - host->active_ms) / 1000);

    v->blocked = host->name;
    v->blocked_ms = limit_ms(f, host, now_ms);
    v->blocked_urls = host->jobs;
    if (host->asked_first->request.has_head)
        snprintf(v->reason, sizeof v->reason, "slow");
    else
        snprintf(v->reason, sizeof v->reason, "no answer for %u s", s);
}

static void view_blocked(const struct fetch *f, struct progress_view *v)
{
    const struct host *asleep = f->queue.asleep, *silent = f->queue.silent.first;
    int64_t now_ms = bide_loop_time_ms(f->loop);
    bool rests = asleep && asleep->wake_ms > now_ms && (asleep->health.is_down || asleep->blocked_until_ms > now_ms);

    if (rests)
        view_asleep(asleep, now_ms, v);
    else if (silent)
        view_silent(f, silent, now_ms, v);
}

/* The one that is on its way for the longest time: it stays the same until it is there. */
static void view_large(const struct fetch *f, struct progress_view *v, char *shown, size_t size)
{
    int64_t now_ms = bide_loop_time_ms(f->loop);

    for (const struct transfer *t = f->transfers.first; t; t = t->next) {
        if (now_ms - t->began_ms < LARGE_MS || (t->length < LARGE_BYTES && t->received < LARGE_BYTES))
            continue;
        const char *name = t->name->len > 0 ? text_string(t->name) : secrets_shown_url(text_string(&t->job->url), shown, size);
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
