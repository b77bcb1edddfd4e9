/* SPDX-License-Identifier: MIT */
/*
 * rwlock.c - read-write locks in a task.
 *
 * libc knows which thread holds the write lock, and how many readers there are.  This thread counts the read locks of its tasks, of all
 * locks together: if there are none, the holder is in another thread, and taking the lock blocks the thread for a while (parked.h).
 */
#include "unblock/lock/parked.h"

/* Read locks that tasks of this thread hold. */
static _Thread_local unsigned reads __attribute__((tls_model("initial-exec")));

struct taking {
    pthread_rwlock_t *l;
    bool writes;
    clockid_t clock;
    const struct timespec *until; /* NULL: no limit */
};

static int64_t left_ms(const struct taking *k)
{
    return k->until ? bide__parked_ms_until(k->clock, k->until) : BIDE_FOREVER;
}

static bool is_this_threads(const pthread_rwlock_t *l)
{
    return __atomic_load_n(&l->__data.__cur_writer, __ATOMIC_RELAXED) == bide__parked_thread();
}

static int block_for_a_while(const struct taking *k)
{
    struct timespec at = bide__parked_after_ms(BLOCKED_MS);

    return k->writes ? NEXT(pthread_rwlock_clockwrlock)(k->l, CLOCK_MONOTONIC, &at)
                     : NEXT(pthread_rwlock_clockrdlock)(k->l, CLOCK_MONOTONIC, &at);
}

static int take(const struct taking *k)
{
    for (int n = 0;; n++) {
        int error = k->writes ? NEXT(pthread_rwlock_trywrlock)(k->l) : NEXT(pthread_rwlock_tryrdlock)(k->l);
        if (error != EBUSY)
            return error;
        if (!bide__parked_is_time(k->until))
            return EINVAL;
        if (left_ms(k) == 0)
            return ETIMEDOUT;
        bool here = is_this_threads(k->l);
        if (!here && reads == 0 && n == 0 && !bide__parked_is_awaited(k->l) && (error = block_for_a_while(k)) != ETIMEDOUT)
            return error;
        if (here)
            bide__parked_wait(k->l, left_ms(k));
        else
            bide__parked_step_aside(k->l, n, left_ms(k));
    }
}

static int take_in_task(bide_task *t, const struct taking *k)
{
    int before = errno, error = take(k);
    if (error == 0) {
        bide__parked_took(t);
        reads += !k->writes;
    }
    errno = before;
    return error;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(pthread_rwlock_rdlock)(l);

    return take_in_task(t, &(struct taking){.l = l});
}

int pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(pthread_rwlock_wrlock)(l);

    return take_in_task(t, &(struct taking){.l = l, .writes = true});
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *until)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(pthread_rwlock_timedrdlock)(l, until);

    return take_in_task(t, &(struct taking){.l = l, .clock = CLOCK_REALTIME, .until = until});
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *until)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(pthread_rwlock_timedwrlock)(l, until);

    return take_in_task(t, &(struct taking){.l = l, .writes = true, .clock = CLOCK_REALTIME, .until = until});
}

int pthread_rwlock_clockrdlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *until)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC))
        return NEXT(pthread_rwlock_clockrdlock)(l, clock, until);

    return take_in_task(t, &(struct taking){.l = l, .clock = clock, .until = until});
}

int pthread_rwlock_clockwrlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *until)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC))
        return NEXT(pthread_rwlock_clockwrlock)(l, clock, until);

    return take_in_task(t, &(struct taking){.l = l, .writes = true, .clock = clock, .until = until});
}

/* A lock that trylock has taken counts as well. */
int pthread_rwlock_tryrdlock(pthread_rwlock_t *l)
{
    bide_task *t = bide__unblock_task();
    int error = NEXT(pthread_rwlock_tryrdlock)(l);
    if (unlikely(t != NULL) && error == 0) {
        bide__parked_took(t);
        reads++;
    }
    return error;
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *l)
{
    bide_task *t = bide__unblock_task();
    int error = NEXT(pthread_rwlock_trywrlock)(l);
    if (unlikely(t != NULL) && error == 0)
        bide__parked_took(t);
    return error;
}

static __attribute__((noinline)) int give_back(pthread_rwlock_t *l, bide_task *t)
{
    bool wrote = is_this_threads(l);
    int error = NEXT(pthread_rwlock_unlock)(l);
    if (error != 0)
        return error;

    if (!wrote && reads > 0)
        reads--;
    bide__parked_gave(t);
    bide__parked_wake(l, true);
    return 0;
}

int pthread_rwlock_unlock(pthread_rwlock_t *l)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) && likely(bide__parked_count == 0 && bide__parked_held == 0))
        return NEXT(pthread_rwlock_unlock)(l);

    return give_back(l, t);
}

ALSO_AS(__pthread_rwlock_rdlock, pthread_rwlock_rdlock, nothrow);
ALSO_AS(__pthread_rwlock_wrlock, pthread_rwlock_wrlock, nothrow);
ALSO_AS(__pthread_rwlock_tryrdlock, pthread_rwlock_tryrdlock, nothrow);
ALSO_AS(__pthread_rwlock_trywrlock, pthread_rwlock_trywrlock, nothrow);
ALSO_AS(__pthread_rwlock_unlock, pthread_rwlock_unlock, nothrow);
