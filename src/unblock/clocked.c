/* SPDX-License-Identifier: MIT */
/*
 * clocked.c - waits for a lock until a time of a given clock, made of those that end by the wall clock.
 *
 * ThreadSanitizer knows pthread_mutex_timedlock, and takes a mutex that pthread_mutex_clocklock has locked for one that is free.  Under
 * it these stand in for libc's.  A wall clock that is set meanwhile makes such a wait longer or shorter.
 */
#include "unblock/next.h"

#define NS_PER_S 1000000000

/* False: it is none of the clocks that these calls take. */
static bool on_wall_clock(clockid_t clock, const struct timespec *until, struct timespec *out)
{
    struct timespec now, wall;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return false;

    clock_gettime(clock, &now);
    clock_gettime(CLOCK_REALTIME, &wall);
    long ns = until->tv_nsec - now.tv_nsec + wall.tv_nsec; /* from -1 s to 2 s */
    long carry = ns < 0 ? -1 : ns / NS_PER_S;
    *out = (struct timespec){.tv_sec = until->tv_sec - now.tv_sec + wall.tv_sec + carry, .tv_nsec = ns - carry * NS_PER_S};
    return true;
}

static int mutex_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *until)
{
    struct timespec at;

    return on_wall_clock(clock, until, &at) ? NEXT(pthread_mutex_timedlock)(m, &at) : EINVAL;
}

static int rwlock_clockrdlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *until)
{
    struct timespec at;

    return on_wall_clock(clock, until, &at) ? NEXT(pthread_rwlock_timedrdlock)(l, &at) : EINVAL;
}

static int rwlock_clockwrlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *until)
{
    struct timespec at;

    return on_wall_clock(clock, until, &at) ? NEXT(pthread_rwlock_timedwrlock)(l, &at) : EINVAL;
}

UNINSTRUMENTED void bide__next_use_wall_clock(void)
{
    bide__next.pthread_mutex_clocklock = mutex_clocklock;
    bide__next.pthread_rwlock_clockrdlock = rwlock_clockrdlock;
    bide__next.pthread_rwlock_clockwrlock = rwlock_clockwrlock;
}
