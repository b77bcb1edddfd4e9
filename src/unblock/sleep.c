/* SPDX-License-Identifier: MIT */
/*
 * sleep.c - sleep, usleep, nanosleep and clock_nanosleep in a task: by the loop's clock, rounded up to milliseconds; sched_yield: one turn.
 *
 * A sleep that is ended by a cancellation returns the remaining time, as after a signal.
 */
#include "unblock/unblock.h"

#define NS_PER_S INT64_C(1000000000)

static bool is_time(const struct timespec *ts)
{
    return ts && ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < NS_PER_S;
}

static int64_t ms_of(const struct timespec *ts)
{
    return ts->tv_sec > INT64_MAX / 8000 ? -1 : (int64_t)ts->tv_sec * 1000 + (ts->tv_nsec + 999999) / 1000000;
}

/* 0, or an errno value, with the remaining time in *left (NULL: not wanted). */
static int sleep_ms(bide_task *t, int64_t ms, struct timespec *left, const char *call, const void *caller)
{
    int64_t until = bide__unblock_ms_from_now(t, ms);
    if (bide__unblock_sleep_until(t, until, call, caller) == 0)
        return 0;

    int64_t rest = until == BIDE_FOREVER ? INT32_MAX : until - bide__unblock_now_ms(t);
    if (left)
        *left = (struct timespec){.tv_sec = rest > 0 ? rest / 1000 : 0, .tv_nsec = rest > 0 ? rest % 1000 * 1000000 : 0};
    return errno;
}

/* A loop that spins on sched_yield until another task has done something lets that task run. */
int sched_yield(void)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(sched_yield)();
    struct list_node nobody;

    bide__list_init(&nobody);
    bide__unblock_ops->wait_in(&nobody, 0, true);
    return 0;
}

int nanosleep(const struct timespec *ts, struct timespec *left)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || !is_time(ts))
        return NEXT(nanosleep)(ts, left);
    int before = errno, error = sleep_ms(t, ms_of(ts), left, __func__, __builtin_return_address(0));

    errno = error ? error : before;
    return error ? -1 : 0;
}

int usleep(useconds_t us)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(usleep)(us);
    int before = errno, error = sleep_ms(t, ((int64_t)us + 999) / 1000, NULL, __func__, __builtin_return_address(0));

    errno = error ? error : before;
    return error ? -1 : 0;
}

unsigned sleep(unsigned seconds)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(sleep)(seconds);
    struct timespec left = {0};
    int before = errno, error = sleep_ms(t, (int64_t)seconds * 1000, &left, __func__, __builtin_return_address(0));

    errno = before;
    return error ? (unsigned)left.tv_sec + (left.tv_nsec > 0) : 0;
}

/* From now until a time of a clock; 0 if it has passed. */
static struct timespec from_now(clockid_t clock, const struct timespec *at)
{
    struct timespec now;
    if (clock_gettime(clock, &now) < 0 || now.tv_sec > at->tv_sec)
        return (struct timespec){0};
    struct timespec left = {.tv_sec = at->tv_sec - now.tv_sec, .tv_nsec = at->tv_nsec - now.tv_nsec};

    if (left.tv_nsec < 0)
        left = (struct timespec){.tv_sec = left.tv_sec - 1, .tv_nsec = left.tv_nsec + NS_PER_S};
    return left.tv_sec < 0 ? (struct timespec){0} : left;
}

/* The others measure CPU time, which does not advance while the task is suspended. */
static bool is_known(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME || clock == CLOCK_TAI;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *ts, struct timespec *left)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || !is_time(ts) || !is_known(clock))
        return NEXT(clock_nanosleep)(clock, flags, ts, left);
    struct timespec span = flags & TIMER_ABSTIME ? from_now(clock, ts) : *ts;
    int before = errno, error = sleep_ms(t, ms_of(&span), flags & TIMER_ABSTIME ? NULL : left, __func__, __builtin_return_address(0));

    errno = before;
    return error;
}

ALSO_AS(__nanosleep, nanosleep);
ALSO_AS(__sched_yield, sched_yield, nothrow, leaf);
