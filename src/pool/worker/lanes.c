/* SPDX-License-Identifier: MIT */
/*
 * lanes.c - a worker and its lanes: orders, and what happens before it sleeps and after it wakes.
 *
 * The loop looks at the lanes whenever it is about to ask the kernel (worker_wait stands before epoll's own).  While
 * there are calls it wakes one runner for each, and asks the kernel only now and then; with nothing to do it says in
 * shared memory that it sleeps, looks once more, and sleeps.  So the program rings its bell only when that is needed.
 *
 * Invariants:
 *   W1  worker_sleeps is set only around the kernel's wait, and the lanes are looked at after it was set.
 *   W2  a runner is woken only when the one woken before has run (`waking`).
 */
#include <stdio.h>
#include <unistd.h>

#include "pool/worker/worker.h"

/* Turns without asking the kernel while there are calls. */
#define SKIP_MAX 64

/* ---- orders ---- */

static void order_space(struct worker *w, const struct record *o)
{
    struct runner *r = bide__runner_by_id(w, o->id);
    if (!r)
        return;
    char *arena = o->code < 0 ? NULL : bide__worker_arena(w);

    r->grant_code = o->code < 0 ? o->code : arena ? 0 : bide_error_code();
    if (arena) { /* else it keeps what it has */
        r->granted = arena + o->fn;
        r->granted_len = o->more;
    }
    r->waits_for_grant = false;
    bide__wake_all(w->loop, &r->grant);
}

/* Woken once: worker_main looks whether jobs still run, and after that each runner that ends wakes it (runner.c). */
static void order_stop(struct worker *w)
{
    w->stopping = true;
    bide__wake_all(w->loop, &w->ended);
}

static void take_orders(struct worker *w)
{
    struct lane *l = &w->segment.orders;
    struct record o;
    const char *payload;
    bool any = false;
    int found;

    while ((found = bide__lane_peek(l, &o, &payload)) == 1) {
        bide__lane_pop(l, &o);
        any = true;
        if (o.kind == REC_CANCEL)
            bide__runner_cancel(w, o.id);
        else if (o.kind == REC_SPACE)
            order_space(w, &o);
        else if (o.kind == REC_STOP)
            order_stop(w);
    }
    if (found < 0)
        bide__worker_give_up(w);
    /* After the pops, and in any case: both sides exchange it, so the later of the two sees what the other did before. */
    if (any && atomic_exchange(&w->segment.shared->orders_wait, 0))
        bide__worker_ring(w); /* those that found no room can follow */
    if (!bide__list_is_empty(&w->room) && bide__worker_has_room(w, RECORD_PAYLOAD_MAX))
        bide__wake_all(w->loop, &w->room);
}

/* ---- before and after the kernel ---- */

static bool start_calls(struct worker *w)
{
    return w->open && !bide__lane_is_empty(&w->segment.calls) && bide__runner_wake(w);
}

static bool there_is_work(void *arg)
{
    struct worker *w = arg;

    return !bide__lane_is_empty(&w->segment.orders) || !bide__lane_is_empty(&w->segment.calls);
}

/* Jobs that are under way wait for the kernel, too: then we do not keep it waiting. */
static bool spin(struct worker *w, int64_t limit_ns)
{
    return w->nbusy == 0 && atomic_load_explicit(&w->segment.shared->may_spin, memory_order_relaxed) &&
           bide__spin(&w->spin, there_is_work, w, limit_ns);
}

/*
 * Out of work: does the program have more for us?  It sets the flag, and we clear it; `worker_idle` is set before we look,
 * so a program that sets it too late for us finds us idle instead (bide__local_could_dispatch).
 */
static void ask_for_more(struct worker *w)
{
    struct segment_shared *s = w->segment.shared;

    if (atomic_load(&s->ring_when_idle) && atomic_exchange(&s->ring_when_idle, 0))
        bide__worker_ring(w);
}

/* All runners are busy: calls that came meanwhile are no reason to stay awake. */
static bool may_sleep(struct worker *w)
{
    bool can_take = w->open && (w->nbusy < w->config.concurrency || w->must_poll);

    return bide__lane_is_empty(&w->segment.orders) && !(can_take && !bide__lane_is_empty(&w->segment.calls));
}

static int sleep_in_kernel(struct worker *w, void *poller, int64_t timeout_ns)
{
    struct segment_shared *s = w->segment.shared;

    if (timeout_ns != 0) {
        fflush(stdout);
        /*
         * W1: sequentially consistent, before the looks that follow.  The program publishes a call or order, or sets
         * ring_when_idle, before it looks at this flag: so either we see what it has written, or it sees that we sleep.
         */
        atomic_store(&s->worker_sleeps, 1);
        if (!may_sleep(w) || (bide__lane_is_empty(&w->segment.calls) && atomic_load(&s->ring_when_idle)))
            timeout_ns = 0;
        else
            atomic_store_explicit(&s->awake_since_ns, 0, memory_order_relaxed);
    }
    int64_t start = timeout_ns != 0 ? bide__clock_ns() : 0;
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before); /* not here: call.c */
    int code = w->inner->wait(poller, timeout_ns);
    pthread_setcancelstate(before, NULL);
    if (code < 0)
        bide__worker_give_up(w); /* a job has closed our descriptors */
    atomic_store_explicit(&s->worker_sleeps, 0, memory_order_relaxed); /* seen late, it costs one bell too many */
    w->polled_ns = bide__clock_ns();
    if (timeout_ns != 0)
        bide__spin_slept(&w->spin, w->polled_ns - start);
    atomic_store_explicit(&s->awake_since_ns, w->polled_ns, memory_order_relaxed);
    w->must_poll = false;
    w->skipped = 0;
    return code;
}

/* This thread alone writes both; the program that reads between the two stores counts some time twice in one estimate. */
static void account(struct worker *w)
{
    struct segment_shared *s = w->segment.shared;
    int64_t now = bide__clock_ns(), since = atomic_load_explicit(&s->awake_since_ns, memory_order_relaxed);

    if (since > 0)
        atomic_fetch_add_explicit(&s->awake_ns, (uint64_t)(now - since), memory_order_relaxed);
    atomic_store_explicit(&s->awake_since_ns, now, memory_order_relaxed);
}

int bide__worker_wait(void *poller, int64_t timeout_ns)
{
    struct worker *w = bide__worker_here;
    struct segment_shared *s = w->segment.shared;
    bide_loop *loop = w->loop;

    account(w);
    take_orders(w);
    if (!w->must_poll && w->skipped < SKIP_MAX && start_calls(w)) {
        w->skipped++;
        return 0;
    }
    if (bide__ring_count(&loop->ring) > 0)
        timeout_ns = 0;
    if (timeout_ns != 0) {
        atomic_store(&s->worker_idle, 1);
        ask_for_more(w);
        if (spin(w, timeout_ns))
            timeout_ns = 0;
    }
    int code = sleep_in_kernel(w, poller, timeout_ns);
    atomic_store_explicit(&s->worker_idle, 0, memory_order_relaxed); /* before any job can be seen to have begun */
    take_orders(w);
    start_calls(w);
    return code;
}
