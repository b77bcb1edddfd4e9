/* SPDX-License-Identifier: MIT */
/*
 * filelock.c - flock, lockf and fcntl(F_SETLKW) in a task: polled, because the kernel does not notify when a file lock is released.
 *
 * So it does not detect that two processes wait for each other either: there is no EDEADLK, and only a time limit ends such a deadlock.
 */
#include <stdarg.h>

#include "unblock/unblock.h"

#define RETRY_MS 1
#define RETRY_MS_MAX 16 /* the time doubles up to it */

/* After a failed try: wait, if the lock is held by someone else.  False: return to the caller; errno says why. */
static bool again(struct blocked *b, int64_t *ms)
{
    if (errno != EAGAIN && errno != EACCES)
        return false;
    if (bide__unblock_sleep_until(b->task, bide__unblock_ms_from_now(b->task, *ms), b->call, b->caller) < 0)
        return false;
    *ms = *ms < RETRY_MS_MAX ? *ms * 2 : *ms;
    return true;
}

int flock(int fd, int how)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || how & (LOCK_NB | LOCK_UN))
        return NEXT(flock)(fd, how);
    struct blocked b = BLOCKED(t, fd, 0);
    int64_t ms = RETRY_MS;
    int before = errno, result;

    do
        result = NEXT(flock)(fd, how | LOCK_NB);
    while (result < 0 && again(&b, &ms));
    return (int)bide__unblock_done(result, before);
}

int lockf(int fd, int command, off_t len)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || command != F_LOCK)
        return NEXT(lockf)(fd, command, len);
    struct blocked b = BLOCKED(t, fd, 0);
    int64_t ms = RETRY_MS;
    int before = errno, result;

    do
        result = NEXT(lockf)(fd, F_TLOCK, len);
    while (result < 0 && again(&b, &ms));
    return (int)bide__unblock_done(result, before);
}

/* ---- fcntl ---- */

static int setlk_in_task(struct blocked *b, int command, void *lock)
{
    int64_t ms = RETRY_MS;
    int before = errno, result;

    do
        result = NEXT(fcntl)(b->fd, command == F_SETLKW ? F_SETLK : F_OFD_SETLK, lock);
    while (result < 0 && again(b, &ms));
    return (int)bide__unblock_done(result, before);
}

static bool waits(int command)
{
    return command == F_SETLKW || command == F_OFD_SETLKW;
}

/* The third argument, if there is one, is an int or a pointer; like libc, read a pointer, which holds either. */
int fcntl(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    bide_task *t = waits(command) ? bide__unblock_task() : NULL;
    if (likely(!t))
        return NEXT(fcntl)(fd, command, argument);
    struct blocked b = BLOCKED(t, fd, 0);

    return setlk_in_task(&b, command, argument);
}

/* off_t has 64 bits, so these are the same functions, as in libc. */
_Static_assert(sizeof(off_t) == sizeof(off64_t), "lockf is lockf64");
int lockf64(int fd, int command, off64_t len) __attribute__((alias("lockf")));
int fcntl64(int fd, int command, ...) __attribute__((alias("fcntl")));
ALSO_AS(__fcntl, fcntl);
