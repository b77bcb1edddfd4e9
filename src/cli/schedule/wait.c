/* SPDX-License-Identifier: MIT */
/*
 * wait.c - workers that wait for a job, and jobs and hosts that wait for their time.
 *
 * A worker waits on a future of its own; the latest to wait is woken first.  The alarm is one timer, for the earliest time
 * at which a job may go.  Jobs for later are a heap by that time, and so are hosts that must be left alone.
 */
#include <assert.h>

#include "cli/schedule/inside.h"

/* ---- waiting ---- */

void queue_wake_one(struct queue *q)
{
    struct waiter *w = q->waiters;

    if (!w)
        return;
    q->waiters = w->next;
    if (!bide_future_done(w->wake)) /* its task was cancelled, and has not run since */
        BIDE_IGNORE(bide_future_set_result(w->wake, 0));
}

void queue_wake_all(struct queue *q)
{
    while (q->waiters)
        queue_wake_one(q);
}

static void withdraw(struct queue *q, const struct waiter *w)
{
    for (struct waiter **at = &q->waiters; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            return;
        }
}

/* Until something has changed.  0, or a cancellation. */
int queue_wait(struct queue *q)
{
    bide_auto bide_future *wake = bide_future_new();
    struct waiter w = {.next = q->waiters, .wake = wake};
    if (!wake)
        return bide_sleep_ms(10);

    q->waiters = &w;
    int code = bide_await(wake);
    withdraw(q, &w);
    return code;
}

/* A job may go: who takes it? */
void queue_wake_or_grow(struct queue *q)
{
    if (q->waiters)
        queue_wake_one(q);
    else
        q->user->grow(q->user->arg);
}

static void alarm_rings(void *arg)
{
    struct queue *q = arg;

    q->alarm = NULL;
    queue_wake_or_grow(q);
}

/* Wake a waiter then, or earlier. */
void queue_set_alarm(struct queue *q, int64_t when_ms)
{
    if (q->alarm && q->alarm_ms <= when_ms)
        return;
    if (q->alarm)
        bide_handle_cancel(q->alarm);
    q->alarm_ms = when_ms;
    q->alarm = bide_loop_call_at(q->loop, when_ms, alarm_rings, q);
    if (!q->alarm)
        queue_fail(q);
}

/* ---- jobs for later: a heap ---- */

static void swap(struct queue *q, size_t a, size_t b)
{
    struct job *job = q->later[a];

    q->later[a] = q->later[b];
    q->later[b] = job;
}

static bool is_before(const struct queue *q, size_t a, size_t b)
{
    return q->later[a]->due_ms < q->later[b]->due_ms;
}

void later_push(struct queue *q, struct job *job)
{
    assert(q->nlater < q->later_cap); /* F1 */
    q->parked++;
    q->later[q->nlater] = job;
    for (size_t i = q->nlater++; i > 0 && is_before(q, i, (i - 1) / 2); i = (i - 1) / 2)
        swap(q, i, (i - 1) / 2);
}

struct job *later_pop(struct queue *q)
{
    struct job *job = q->later[0];

    q->parked--;
    q->later[0] = q->later[--q->nlater];
    for (size_t i = 0, child; (child = 2 * i + 1) < q->nlater; i = child) {
        if (child + 1 < q->nlater && is_before(q, child + 1, child))
            child++;
        if (!is_before(q, child, i))
            break;
        swap(q, i, child);
    }
    return job;
}

/* ---- hosts that rest: a pairing heap, so that putting one in needs no memory ---- */

static struct host *meld(struct host *a, struct host *b)
{
    if (!a || !b)
        return a ? a : b;
    struct host *top = b->wake_ms < a->wake_ms ? b : a, *under = top == a ? b : a;
    under->sibling = top->child;
    top->child = under;
    return top;
}

void asleep_push(struct queue *q, struct host *host)
{
    host->is_asleep = true;
    host->child = host->sibling = NULL;
    q->asleep = meld(q->asleep, host);
}

/* Two by two from the left, then all from the right. */
static struct host *meld_all(struct host *list)
{
    struct host *pairs = NULL, *all = NULL;

    while (list) {
        struct host *a = list, *b = a->sibling;
        list = b ? b->sibling : NULL;
        a->sibling = NULL;
        if (b)
            b->sibling = NULL;
        struct host *pair = meld(a, b);
        pair->sibling = pairs;
        pairs = pair;
    }
    while (pairs) {
        struct host *next = pairs->sibling;
        pairs->sibling = NULL;
        all = meld(all, pairs);
        pairs = next;
    }
    return all;
}

struct host *asleep_pop(struct queue *q)
{
    struct host *host = q->asleep;

    q->asleep = meld_all(host->child);
    host->child = NULL;
    host->is_asleep = false;
    return host;
}
