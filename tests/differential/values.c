/* SPDX-License-Identifier: MIT */
/* values.c - steps of what tasks wait for each other with: locks, events, conditions, semaphores, barriers, queues. */
#include <bide/queue.h>
#include <bide/sync.h>

#include "play.h"

#define QUEUES 3

BIDE_QUEUE_TYPE(int_queue, int);

static bide_lock locks[2];
static bide_event event;
static bide_condition condition;
static bide_semaphore semaphore = BIDE_SEMAPHORE(2);
static bide_barrier barrier = BIDE_BARRIER(2);
static int_queue *queues[QUEUES];

static int smaller(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

void values_begin(void)
{
    queues[0] = bide_queue_new(int_queue, 2);
    queues[1] = bide_queue_new(int_queue, 2, .order = BIDE_LIFO);
    queues[2] = bide_queue_new(int_queue, 2, .compare = smaller);
}

void values_settle(void)
{
    bide_event_set(&event);
    for (int i = 0; i < 4; i++)
        bide_semaphore_release(&semaphore);
    for (int i = 0; i < QUEUES; i++)
        if (bide_queue_is_empty(queues[i]))
            BIDE_IGNORE(bide_queue_put_nowait(queues[i], &(int){77}));
}

void values_end(void)
{
    for (int i = 0; i < QUEUES; i++)
        bide_release(BIDE_QUEUE(queues[i]));
}

/* ---- steps that wait ---- */

static int hold(int self, int lock)
{
    int code;
    bide_lock_hold(&locks[lock], &code) {
        say("%d holds %d", self, lock);
        code = bide_sleep_ms(0);
    }
    return code;
}

static int condition_wait(int self)
{
    int code;
    bide_lock_hold(bide_condition_lock(&condition), &code) {
        code = bide_condition_wait(&condition);
        say("%d has it again", self);
    }
    return code;
}

static int condition_notify(int n)
{
    int code;
    bide_lock_hold(bide_condition_lock(&condition), &code)
        code = bide_condition_notify(&condition, (size_t)n);
    return code;
}

static int get(int q)
{
    int item, code = bide_queue_get(queues[q], &item);
    return code < 0 ? code : item;
}

static int timeout_get(int q, int ms)
{
    int code = 0;
    bide_timeout(ms)
        code = get(q);
    return code;
}

/* A step on one of them that waits. */
int value_step(int self, const char *op, int a, int b, bool *ran)
{
    *ran = true;
    if (is(op, "hold"))
        return hold(self, a);
    if (is(op, "acquire"))
        return bide_lock_acquire(&locks[a]);
    if (is(op, "evwait"))
        return bide_event_wait(&event);
    if (is(op, "cwait"))
        return condition_wait(self);
    if (is(op, "cnotify"))
        return condition_notify(a);
    if (is(op, "sacq"))
        return bide_semaphore_acquire(&semaphore);
    if (is(op, "bwait"))
        return bide_barrier_wait(&barrier);
    if (is(op, "breset"))
        return bide_barrier_reset(&barrier);
    if (is(op, "babort"))
        return bide_barrier_abort(&barrier);
    if (is(op, "put"))
        return bide_queue_put(queues[a], &b);
    if (is(op, "get"))
        return get(a);
    if (is(op, "tget"))
        return timeout_get(a, b);
    if (is(op, "join"))
        return bide_queue_join(queues[a]);
    *ran = false;
    return 0;
}

/* ---- steps that do not ---- */

bool step_of_value(int self, const char *op, int a, int b)
{
    int item = b;

    if (is(op, "release"))
        say("%d release %d", self, bide_lock_release(&locks[a]) < 0 ? -1 : 0);
    else if (is(op, "evset"))
        bide_event_set(&event);
    else if (is(op, "evclear"))
        bide_event_clear(&event);
    else if (is(op, "srel"))
        bide_semaphore_release(&semaphore);
    else if (is(op, "putn"))
        say("%d putn %s", self, word_of(bide_queue_put_nowait(queues[a], &item)));
    else if (is(op, "getn"))
        say("%d getn %s", self, bide_queue_get_nowait(queues[a], &item) < 0 ? "error" : word_of(item));
    else if (is(op, "done"))
        say("%d done %s", self, word_of(bide_queue_task_done(queues[a])));
    else if (is(op, "len"))
        say("%d len %zu", self, bide_queue_len(queues[a]));
    else
        return false;
    return true;
}
