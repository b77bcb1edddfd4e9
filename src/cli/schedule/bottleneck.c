/* SPDX-License-Identifier: MIT */
/*
 * bottleneck.c - what keeps more requests from being on their way, and for how long it did.
 *
 * At every moment there is one such thing.  It is looked for when a worker finds no job that may go, and it lasts until
 * another one is found; when as many requests are live as there may be, it is that.
 */
#include "cli/schedule/inside.h"

static void set(struct bottlenecks *b, enum bottleneck to, int64_t now_ms)
{
    if (b->now == to)
        return;
    b->ms[b->now] += now_ms - b->since_ms;
    b->now = to;
    b->since_ms = now_ms;
}

static bool has_more(const struct queue *q)
{
    return q->parked > 0 || q->behind > 0 || !q->source->at_end;
}

void bottleneck_note_start(struct queue *q, int64_t now_ms)
{
    struct bottlenecks *b = &q->bottlenecks;
    bool is_of_hosts = b->now == BY_PER_HOST || b->now == BY_WINDOW;

    if (b->since_ms == 0)
        b->since_ms = now_ms;
    bool more = has_more(q), is_full = q->live >= q->options.concurrency;

    if (more && is_full)
        set(b, BY_CONCURRENCY, now_ms);
    else if (!more || b->now == BY_CONCURRENCY || (is_of_hosts && b->full == 0))
        set(b, BY_NOTHING, now_ms);
}

static enum bottleneck of_hosts(const struct queue *q)
{
    bool has_rows = q->rows[ROW_FIRST].first || q->rows[ROW_SLOW].first || q->rows[ROW_MORE].first;

    if (q->bottlenecks.full > 0)
        return q->bottlenecks.full_size >= q->window.most ? BY_PER_HOST : BY_WINDOW;
    if (has_rows)
        return BY_SLOW_HOSTS;
    if (q->asleep && !q->asleep->health.is_silent)
        return q->asleep->blocked_until_ms >= q->asleep->wake_ms ? BY_RETRY_AFTER : BY_DOWN_HOSTS;
    if (q->silent.first && !q->silent.first->asked_first->request.has_head)
        return BY_DOWN_HOSTS;
    return q->slow_live > 0 ? BY_SLOW_HOSTS : BY_NOTHING;
}

void bottleneck_note_wait(struct queue *q, bool rate, int64_t now_ms)
{
    enum bottleneck b = rate ? BY_RATE : of_hosts(q);

    if (b == BY_NOTHING && q->is_reading)
        b = BY_INPUT;
    if (b == BY_NOTHING && q->nlater > 0)
        b = q->later[0]->host->blocked_until_ms > now_ms ? BY_RETRY_AFTER : BY_RETRIES;
    set(&q->bottlenecks, b, now_ms);
}

enum bottleneck bottleneck_of_run(const struct queue *q, double *share)
{
    struct bottlenecks b = q->bottlenecks;
    enum bottleneck most = BY_NOTHING;
    int64_t all = 0;

    b.ms[b.now] += bide_loop_time_ms(q->loop) - b.since_ms;
    for (int i = 0; i < BOTTLENECKS; i++) {
        all += b.ms[i];
        if (i != BY_NOTHING && (most == BY_NOTHING || b.ms[i] > b.ms[most]))
            most = (enum bottleneck)i;
    }
    *share = all > 0 ? (double)b.ms[most] / (double)all : 0;
    return most;
}

void bottleneck_describe(const struct queue *q, enum bottleneck b, struct text *to)
{
    static const char *const words[BOTTLENECKS] = {
        [BY_RATE] = "--rate",
        [BY_RETRY_AFTER] = "hosts that asked to wait (Retry-After)",
        [BY_DOWN_HOSTS] = "hosts that do not answer (--host-errors)",
        [BY_SLOW_HOSTS] = "hosts that are slow or do not answer",
        [BY_RETRIES] = "waits before further attempts (--backoff)",
        [BY_INPUT] = "the list of URLs, which came slowly",
    };
    int n = q->bottlenecks.full_size;

    if (b == BY_CONCURRENCY && q->options.concurrency < q->options.wanted)
        text_format(to, "%d at once, for lack of descriptors (ulimit -n)", q->options.concurrency);
    else if (b == BY_CONCURRENCY)
        text_format(to, "%d at once (--concurrency)", q->options.concurrency);
    else if (b == BY_PER_HOST)
        text_format(to, "%d at once to one host (--per-host)", n);
    else if (b == BY_WINDOW && q->bottlenecks.full_is_growing && n <= WINDOW_START)
        text_format(to, "%d at once to one host, as it begins (--no-adaptive)", n);
    else if (b == BY_WINDOW && q->bottlenecks.full_is_growing)
        text_format(to, "one host's window, which had grown to %d (--no-adaptive)", n);
    else if (b == BY_WINDOW)
        text_format(to, "one host's window of %d: it slows down or refuses beyond", n);
    else if (words[b])
        text_add_string(to, words[b]);
}
