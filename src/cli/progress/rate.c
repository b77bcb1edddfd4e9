/* SPDX-License-Identifier: MIT */
/*
 * rate.c - the rate of a run, and an estimate of how long the rest will take.
 *
 * Rates are moving averages with a memory of about 15 s.  A time in which nobody measured, because the process was
 * stopped, is not part of them.
 */
#include "cli/progress/progress.h"

#define MEMORY_S 15.0
#define FEW      10    /* URLs that end in that time: too few to say when the others will */
#define STILL_US 5000000 /* without one that ends: likewise */
#define DAY_S    86400

/* ---- rates ---- */

static void measure(struct rate *r, uint64_t now, double seconds)
{
    double share = seconds < MEMORY_S ? seconds / MEMORY_S : 1;
    uint64_t more = now > r->last ? now - r->last : 0;

    r->per_second += share * ((double)more / seconds - r->per_second);
    r->weight += share * (1 - r->weight);
    r->last = now;
}

static void begin_again(struct progress *p, const struct progress_view *v)
{
    p->done_us = p->last_us;
    p->urls.last = v->done;
    p->bytes.last = v->received;
    p->large.last = v->large.received;
}

void progress_measure(struct progress *p, const struct progress_view *v, int64_t now_us)
{
    int64_t us = now_us - p->last_us;
    bool is_same = p->large_id == v->large.id;
    if (us < 50000)
        return;

    p->last_us = now_us;
    if (!is_same) {
        p->large = (struct rate){.last = v->large.received};
        p->large_id = v->large.id;
    }
    if (us > PROGRESS_PAUSE_US) {
        begin_again(p, v);
        return;
    }
    if (v->done != p->urls.last || p->done_us == 0)
        p->done_us = now_us;
    measure(&p->urls, v->done, (double)us / 1e6);
    measure(&p->bytes, v->received, (double)us / 1e6);
    if (is_same)
        measure(&p->large, v->large.received, (double)us / 1e6);
}

/* Corrected for the short time that it rests on in the beginning. */
double rate_per_second(const struct rate *r)
{
    return r->weight > 0 ? r->per_second / r->weight : 0;
}

/* In the beginning, that since it began. */
double progress_large_per_second(const struct progress *p, const struct progress_view *v)
{
    const struct progress_large *l = &v->large;

    if (p->large_id == l->id && p->large.weight > 0)
        return rate_per_second(&p->large);
    return l->seconds > 0 ? (double)l->received / l->seconds : 0;
}

/* ---- how long it will take; < 0: nobody knows ---- */

double progress_large_seconds(const struct progress *p, const struct progress_view *v)
{
    const struct progress_large *l = &v->large;
    double rate = progress_large_per_second(p, v);

    if (!l->name || l->length < 0 || rate <= 0)
        return -1;
    return l->length > (int64_t)l->received ? (double)(l->length - (int64_t)l->received) / rate : 0;
}

/* By URLs as long as enough of them end, else by bytes; and the large body takes its time in any case. */
static double seconds_left(const struct progress *p, const struct progress_view *v)
{
    double urls = rate_per_second(&p->urls), bytes = rate_per_second(&p->bytes), large = progress_large_seconds(p, v);
    double left = v->total > v->done ? (double)(v->total - v->done) : 0, seconds = -1;
    bool is_by_bytes = v->bytes_left >= 0 && bytes > 0 && (urls * MEMORY_S < FEW || left <= v->live);

    if (v->total == 0)
        return -1;
    if (is_by_bytes)
        seconds = v->bytes_left / bytes;
    else if ((urls > 0 && p->last_us - p->done_us < STILL_US) || left == 0)
        seconds = left > 0 ? left / urls : 0;
    return seconds < 0 ? -1 : seconds > large ? seconds : large;
}

void text_add_eta(double seconds, struct text *to)
{
    if (seconds < 0) {
        text_add_string(to, "eta -");
    } else if (seconds > DAY_S) {
        text_add_string(to, "eta >1d");
    } else {
        unsigned s = (unsigned)(seconds + 0.5);
        if (s >= 3600)
            text_format(to, "eta %u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
        else
            text_format(to, "eta %u:%02u", s / 60, s % 60);
    }
}

void progress_add_eta(const struct progress *p, const struct progress_view *v, struct text *to)
{
    text_add_eta(seconds_left(p, v), to);
}

double progress_seconds(const struct progress *p, const struct progress_view *v)
{
    return seconds_left(p, v);
}
