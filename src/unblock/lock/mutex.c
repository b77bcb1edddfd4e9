/* SPDX-License-Identifier: MIT */
/*
 * mutex.c - mutexes in a task: one that another task of this thread holds suspends the task.
 *
 * libc knows only threads.  If this thread holds a plain mutex, the holder is another task (or this one, which is a deadlock without us,
 * too).  libc would let any task of the thread lock a recursive or error-checking mutex that the thread holds: for these, the table of
 * parked.h has the task that holds it, and how often.
 *
 * Locking is not a cancellation point, because hardly any code checks whether it failed.
 */
#include <limits.h>

#include "unblock/lock/parked.h"

/* ---- glibc's fields ---- */

enum { PLAIN, RECURSIVE, CHECKED };

static int kind_of(const pthread_mutex_t *m)
{
    switch (m->__data.__kind & 3) {
    case PTHREAD_MUTEX_RECURSIVE:
        return RECURSIVE;
    case PTHREAD_MUTEX_ERRORCHECK:
        return CHECKED;
    default:
        return PLAIN;
    }
}

/* Other threads may write the owner meanwhile, but never this thread's number. */
static bool is_this_threads(const pthread_mutex_t *m)
{
    return __atomic_load_n(&m->__data.__owner, __ATOMIC_RELAXED) == bide__parked_thread();
}

/* ---- owners ---- */

static bool is_taken(int error)
{
    return error == 0 || error == EOWNERDEAD;
}

/* Does another task of this thread hold it?  A stale entry, of a mutex that was freed while it was locked, is removed. */
static bool is_another_tasks(const pthread_mutex_t *m, const bide_task *t)
{
    struct parked *p = bide__parked_find(m);
    if (!p || p->depth == 0 || p->owner == bide_task_id(t))
        return false;
    if (is_this_threads(m))
        return true;
    p->depth = 0;
    bide__parked_settle(p);
    return false;
}

static void note_owner(const pthread_mutex_t *m, const bide_task *t)
{
    struct parked *p = bide__parked_enter(m);
    if (!p)
        return;
    p->owner = bide_task_id(t);
    p->depth++;
}

/* ---- locking ---- */

struct taking {
    pthread_mutex_t *m;
    bide_task *task;
    int kind;
    clockid_t clock;
    const struct timespec *until; /* NULL: no limit */
};

static int64_t left_ms(const struct taking *k)
{
    return k->until ? bide__parked_ms_until(k->clock, k->until) : BIDE_FOREVER;
}

static int try_it(const struct taking *k)
{
    int error = NEXT(pthread_mutex_trylock)(k->m);

    if (k->kind != PLAIN && is_taken(error))
        note_owner(k->m, k->task);
    return error;
}

/* Another thread holds it, usually not for long. */
static int block_for_a_while(const struct taking *k)
{
    struct timespec at = bide__parked_after_ms(BLOCKED_MS);
    int error = NEXT(pthread_mutex_clocklock)(k->m, CLOCK_MONOTONIC, &at);

    if (k->kind != PLAIN && is_taken(error))
        note_owner(k->m, k->task);
    return error;
}

static int take(const struct taking *k)
{
    for (int n = 0;; n++) {
        bool others = k->kind != PLAIN && is_another_tasks(k->m, k->task);
        int error = others ? EBUSY : try_it(k);
        if (error != EBUSY)
            return error;
        if (!others && k->kind == CHECKED && is_this_threads(k->m))
            return EDEADLK;
        if (!bide__parked_is_time(k->until))
            return EINVAL;
        if (left_ms(k) == 0)
            return ETIMEDOUT;
        bool here = others || is_this_threads(k->m);
        if (!here && n == 0 && !bide__parked_is_awaited(k->m) && (error = block_for_a_while(k)) != ETIMEDOUT)
            return error;
        if (here)
            bide__parked_wait(k->m, left_ms(k));
        else
            bide__parked_step_aside(k->m, n, left_ms(k));
    }
}

static int take_in_task(bide_task *t, pthread_mutex_t *m, clockid_t clock, const struct timespec *until)
{
    struct taking k = {.m = m, .task = t, .kind = kind_of(m), .clock = clock, .until = until};
    int before = errno, error = take(&k);

    if (is_taken(error))
        bide__parked_took(t);
    errno = before;
    return error;
}

int pthread_mutex_lock(pthread_mutex_t *m)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(pthread_mutex_lock)(m);

    return take_in_task(t, m, CLOCK_MONOTONIC, NULL);
}

int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *until)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(pthread_mutex_timedlock)(m, until);

    return take_in_task(t, m, CLOCK_REALTIME, until);
}

int pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *until)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC))
        return NEXT(pthread_mutex_clocklock)(m, clock, until);

    return take_in_task(t, m, clock, until);
}

int pthread_mutex_trylock(pthread_mutex_t *m)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(pthread_mutex_trylock)(m);
    struct taking k = {.m = m, .task = t, .kind = kind_of(m)};
    int error = k.kind != PLAIN && is_another_tasks(m, t) ? EBUSY : try_it(&k);

    if (is_taken(error))
        bide__parked_took(t);
    return error;
}

/* ---- unlocking ---- */

/* EPERM: another task holds this recursive or error-checking mutex. */
static int give_back_owned(pthread_mutex_t *m, struct parked *p, const bide_task *t)
{
    if (t && p->depth > 0 && p->owner != bide_task_id(t))
        return EPERM;
    int error = NEXT(pthread_mutex_unlock)(m);

    if (error == 0 && p->depth > 0)
        p->depth--;
    return error;
}

static __attribute__((noinline)) int give_back(pthread_mutex_t *m, bide_task *t)
{
    struct parked *p = bide__parked_find(m);
    int error = p && kind_of(m) != PLAIN ? give_back_owned(m, p, t) : NEXT(pthread_mutex_unlock)(m);
    if (error != 0)
        return error;

    bide__parked_gave(t);
    if (p && p->depth == 0) {
        bide__parked_wake(m, false);
        bide__parked_settle(p);
    }
    return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *m)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) && likely(bide__parked_count == 0 && bide__parked_held == 0))
        return NEXT(pthread_mutex_unlock)(m);

    return give_back(m, t);
}

ALSO_AS(__pthread_mutex_lock, pthread_mutex_lock, nothrow);
ALSO_AS(__pthread_mutex_trylock, pthread_mutex_trylock, nothrow);
ALSO_AS(__pthread_mutex_unlock, pthread_mutex_unlock, nothrow);
