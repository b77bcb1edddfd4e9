/* SPDX-License-Identifier: MIT */
/*
 * condition.c - condition variables in a task: waiting tasks are in a table of the process, because any thread may signal.
 *
 *     table: address of the condition --> struct waiter, on its task's stack
 *        pthread_cond_signal: the first of them is removed and woken: directly, or by a post to the loop of its thread
 *
 * An interrupted task wakes spuriously, which POSIX allows; a call with a time returns ETIMEDOUT.  Few callers check for other errors, and
 * some abort.  A caller that waits again in a loop is slowed down (bide__unblock_is_refused).
 *
 * Invariants:
 *   C1  a waiter is in the table until it is signalled; a waiter of another thread is then posted to its loop until its task has run.
 *   C2  `waiting` is the number of waiters in the table.  It is incremented before the mutex is unlocked: a thread that changes the
 *       condition under the mutex, and then signals, sees it.
 */
#include <stdatomic.h>

#include "unblock/lock/parked.h"

#define BUCKETS 128
#define SHARED_RETRY_MS 20 /* a process-shared condition may be signalled by another process, which we do not see: wake up and check */

struct waiter {
    struct inbox_item item; /* first */
    struct list_node node;  /* in the table */
    const void *condition;
    bide_loop *loop;
    struct list_node task; /* a list with the waiting task alone */
    bool is_signalled, is_posted;
};

static struct {
    pthread_mutex_t lock;
    struct list_node bucket[BUCKETS];
    atomic_uint waiting;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct list_node *bucket_of(const void *condition)
{
    uintptr_t at = (uintptr_t)condition;

    return &all.bucket[(at >> 4 ^ at >> 11) % BUCKETS];
}

static void lock(void)
{
    NEXT(pthread_mutex_lock)(&all.lock);
}

static void unlock(void)
{
    NEXT(pthread_mutex_unlock)(&all.lock);
}

static void init_table(void)
{
    for (int i = 0; i < BUCKETS; i++)
        bide__list_init(&all.bucket[i]);
    atomic_store(&all.waiting, 0);
}

/* In the child of a fork no task waits: they are the parent's. */
static void reset_in_child(void)
{
    init_table();
    unlock();
}

__attribute__((constructor)) static void begin(void)
{
    init_table();
    pthread_atfork(lock, unlock, reset_in_child);
}

/* ---- waiting ---- */

static void wake_here(struct inbox_item *item)
{
    struct waiter *w = (struct waiter *)item;

    bide__unblock_ops->wake(w->loop, &w->task);
}

static void enter(struct waiter *w, bide_task *t, const void *condition)
{
    *w = (struct waiter){.condition = condition, .loop = bide__unblock_ops->loop_of(t), .item.run = wake_here};
    bide__list_init(&w->item.node);
    bide__list_init(&w->task);
    lock();
    bide__list_append(bucket_of(condition), &w->node);
    atomic_fetch_add(&all.waiting, 1);
    unlock();
}

/* Returns whether it was signalled. */
static bool leave(struct waiter *w)
{
    lock();
    if (!w->is_signalled) {
        bide__list_remove(&w->node);
        atomic_fetch_sub(&all.waiting, 1);
    }
    unlock();
    if (w->is_posted)
        bide__unblock_ops->unpost(w->loop, &w->item);
    return w->is_signalled;
}

static bool is_signalled(struct waiter *w)
{
    lock();
    bool result = w->is_signalled;
    unlock();
    return result;
}

/* glibc's layout: bit 0 of __wrefs is process-shared, bit 1 the monotonic clock. */
static bool is_shared(const pthread_cond_t *c)
{
    return __atomic_load_n(&c->__data.__wrefs, __ATOMIC_RELAXED) & 1;
}

/* 0: signalled, or to be checked again; ETIMEDOUT: its time is over, or the task is interrupted (*interrupted). */
static int wait_for_signal(struct waiter *w, const pthread_cond_t *c, int64_t ms, bool *interrupted)
{
    int64_t slice = is_shared(c) && ms > SHARED_RETRY_MS ? SHARED_RETRY_MS : ms;
    int code = 0;

    *interrupted = false;
    while (!is_signalled(w)) {
        code = bide__unblock_ops->wait_in(&w->task, slice, false);
        if (code < 0 && !is_signalled(w)) {
            *interrupted = code == BIDE_ECANCELED;
            return slice < ms && !*interrupted ? 0 : ETIMEDOUT;
        }
    }
    return 0;
}

static int wait_in_task(bide_task *t, pthread_cond_t *c, pthread_mutex_t *m, int64_t ms)
{
    struct waiter w;
    bool interrupted;
    int before = errno;
    enter(&w, t, c);
    int error = pthread_mutex_unlock(m);
    if (error != 0) {
        leave(&w);
        return error;
    }
    bide__unblock_note_wait(t, "pthread_cond_wait", __builtin_return_address(0));
    error = wait_for_signal(&w, c, ms, &interrupted);
    if (leave(&w))
        error = 0;
    else if (interrupted)
        bide__unblock_is_refused(t);
    int locked = pthread_mutex_lock(m);

    errno = before;
    return locked != 0 ? locked : error;
}

int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(pthread_cond_wait)(c, m);
    int error = wait_in_task(t, c, m, BIDE_FOREVER);

    return error == ETIMEDOUT ? 0 : error;
}

int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock, const struct timespec *until)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) || !bide__parked_is_time(until))
        return NEXT(pthread_cond_clockwait)(c, m, clock, until);

    return wait_in_task(t, c, m, bide__parked_ms_until(clock, until));
}

int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || !bide__parked_is_time(until))
        return NEXT(pthread_cond_timedwait)(c, m, until);
    clockid_t clock = __atomic_load_n(&c->__data.__wrefs, __ATOMIC_RELAXED) & 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME;

    return wait_in_task(t, c, m, bide__parked_ms_until(clock, until));
}

/* ---- signals ---- */

/* Under the lock, so that its task cannot leave meanwhile. */
static void signal_one(struct waiter *w)
{
    w->is_signalled = true;
    bide__list_remove(&w->node);
    atomic_fetch_sub(&all.waiting, 1);
    if (bide__unblock_ops->loop_here() == w->loop)
        bide__unblock_ops->wake(w->loop, &w->task);
    else
        w->is_posted = bide__unblock_ops->post(w->loop, &w->item);
}

static bool signal_waiters(const void *condition, bool everyone)
{
    struct list_node *bucket = bucket_of(condition), *next;
    bool found = false;

    lock();
    for (struct list_node *n = bucket->next; n != bucket && (everyone || !found); n = next) {
        struct waiter *w = container_of(n, struct waiter, node);
        next = n->next;
        if (w->condition != condition)
            continue;
        signal_one(w);
        found = true;
    }
    unlock();
    return found;
}

/* One waiter, either a task here or a thread in libc: POSIX does not say which. */
int pthread_cond_signal(pthread_cond_t *c)
{
    if (unlikely(atomic_load_explicit(&all.waiting, memory_order_relaxed) > 0) && signal_waiters(c, false))
        return 0;
    return NEXT(pthread_cond_signal)(c);
}

int pthread_cond_broadcast(pthread_cond_t *c)
{
    if (unlikely(atomic_load_explicit(&all.waiting, memory_order_relaxed) > 0))
        signal_waiters(c, true);
    return NEXT(pthread_cond_broadcast)(c);
}
