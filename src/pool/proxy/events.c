/* SPDX-License-Identifier: MIT */
/*
 * events.c - what came from a worker: it is read out of its lane, and handled record by record.
 *
 * Invariant: nothing that a worker wrote is used before it was compared with our own table.  A worker that says what
 * cannot be is killed, and its jobs fail as if it had died by itself.
 */
#include <stdio.h>

#include "pool/proxy/proxy.h"

/*
 * How long does a job keep it from others?  Time awake over jobs done; one that still computes is not counted yet.  The two
 * times are the worker's, written one after the other: read in between they are off by one turn, or even smaller than
 * what was counted before, and then nothing is added.
 */
static void note_cost(struct proxy *x)
{
    struct segment_shared *s = x->segment.shared;
    uint64_t done = x->done - x->counted_done;
    if (done == 0)
        return;

    int64_t since = atomic_load_explicit(&s->awake_since_ns, memory_order_relaxed);
    uint64_t awake = atomic_load_explicit(&s->awake_ns, memory_order_relaxed) + (since > 0 ? (uint64_t)(bide__clock_ns() - since) : 0);
    if (awake > x->counted_awake_ns)
        bide__ewma_add(&x->cpu_ewma_ns, (int64_t)((awake - x->counted_awake_ns) / done));
    x->counted_done = x->done;
    x->counted_awake_ns = awake;
}

static void on_progress(struct proxy *x, const struct record *r, const char *payload)
{
    struct job *j = bide__proxy_job(x, r->id);

    if (!j || !j->on_progress || bide__job_is_settled(j))
        return;
    bide__pool_callbacks++;
    j->on_progress(&j->future, r->kind == REC_PROGRESS ? r->fn : 0, r->kind == REC_PROGRESS ? r->more : 0,
                   (bide_bytes){payload, r->len}, j->progress_arg);
    bide__pool_callbacks--;
}

static void refuse(struct proxy *x, const struct record *r, int code)
{
    bide__proxy_order(x, REC_SPACE, r->id, 0, 0, code);
}

/* A result gets a larger block; the old one stays until the worker has copied from it: until it asks once more. */
static void on_want(struct proxy *x, const struct record *r)
{
    struct job *j = bide__proxy_job(x, r->id);
    struct block *b = j ? bide__block_get(&x->pool->arena, r->fn) : NULL;
    if (!b) {
        refuse(x, r, j ? bide_error_code() : BIDE_ECANCELED);
        return;
    }
    if (j->old_block)
        bide__block_put(&x->pool->arena, j->old_block);
    j->old_block = j->reply_block;
    j->reply_block = b;
    bide__proxy_order(x, REC_SPACE, j->id, b->offset, b->len, 0);
}

static void on_ready(struct proxy *x)
{
    x->said_ready = true;
    if (x->pid == 0 && !x->has_thread)
        bide__proxy_adopt(x);
}

static void on_bye(struct proxy *x, const struct record *r, const char *payload)
{
    x->said_bye = true;
    x->bye_code = r->code;
    snprintf(x->bye_text, sizeof x->bye_text, "%.*s", (int)strnlen(payload, r->len), payload);
    bide__proxy_limit_its_end(x);
}

static int handle(struct proxy *x, const struct record *r, const char *payload)
{
    switch (r->kind) {
    case REC_RESULT:
        return bide__proxy_on_result(x, r, payload);
    case REC_PROGRESS:
    case REC_EMIT:
        on_progress(x, r, payload);
        return 0;
    case REC_WANT:
        on_want(x, r);
        return 0;
    case REC_READY:
        on_ready(x);
        return 0;
    case REC_BYE:
        on_bye(x, r, payload);
        return 0;
    default:
        return bide__proxy_reject(x);
    }
}

/* Those that are there now, and no more: one that writes faster than we read must not keep us here.  False: nonsense. */
static bool take_answers(struct proxy *x)
{
    struct lane *l = &x->segment.answers;
    uint64_t end = atomic_load(&l->shared->tail);
    struct record r;
    const char *payload;
    int found;

    do {
        found = bide__lane_peek(l, &r, &payload);
        if (found != 1)
            break;
        bide__proxy_note_begun(x);
        int code = handle(x, &r, payload);
        bide__lane_pop(l, &r);
        if (code < 0)
            return false;
    } while (l->mine < end);
    if (found < 0)
        bide__proxy_reject(x);
    return found >= 0;
}

/*
 * After the answers were taken: the worker sets it and then looks for room again.  A pop only releases, so this look may be
 * ahead of it, and each side miss the other.  The next turn looks again, and before a sleep worker_is_quiet does (poll.c),
 * behind the sequentially consistent store of we_sleep: then one of the two sees the other.  The look before the exchange
 * leaves the cache line with the worker.
 */
static void ring_if_stuck(struct proxy *x)
{
    struct segment_shared *s = x->segment.shared;

    if (atomic_load(&s->stuck) && atomic_exchange(&s->stuck, 0))
        bide__ring_bell(x->bell);
}

static void drain(struct proxy *x)
{
    bide__proxy_note_begun(x);
    if (bide__lane_is_broken(&x->segment.calls) || bide__lane_is_broken(&x->segment.orders)) {
        bide__proxy_reject(x);
        return;
    }
    if (!take_answers(x))
        return;
    note_cost(x);
    if (x->norders > 0)
        bide__proxy_flush_orders(x);
    ring_if_stuck(x);
}

void bide__proxy_drain(struct proxy *x)
{
    bool gone = x->has_thread && atomic_load(&x->segment.shared->gone); /* what it said before is there */

    if (!x->corrupt)
        drain(x);
    x->has_ended |= gone;
}

void bide__proxy_refuse(struct proxy *x)
{
    struct record r;
    const char *payload;

    while (bide__lane_peek(&x->segment.answers, &r, &payload) == 1) {
        bide__lane_pop(&x->segment.answers, &r);
        if (r.kind == REC_WANT)
            refuse(x, &r, BIDE_ECANCELED);
    }
    if (x->norders > 0)
        bide__proxy_flush_orders(x);
    bide__ring_bell(x->bell);
}
