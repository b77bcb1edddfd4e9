/* SPDX-License-Identifier: MIT */
/*
 * parked.h - locks that tasks of one thread contend for: who waits for one, and which task has one that counts its owner.
 *
 *     this thread's table:  address of the lock --> struct parked   waiters: tasks that wait for it here
 *                                                                   owner, depth: of a recursive or error-checking mutex, or of a
 *                                                                   pthread_once that runs
 *
 * An entry is there only while somebody waits, or has such a lock; a lock that no two tasks want costs no more than libc's.
 */
#ifndef BIDE_UNBLOCK_PARKED_H
#define BIDE_UNBLOCK_PARKED_H

#include "unblock/unblock.h"

struct parked {
    struct parked *next; /* in its bucket */
    const void *object;
    uint64_t owner; /* of a task; while depth is not 0 */
    unsigned depth;
    unsigned users; /* tasks that wait */
    struct list_node waiters;
};

/* How many entries this thread has: mostly none. */
extern _Thread_local unsigned bide__parked_count __attribute__((tls_model("initial-exec")));

struct parked *bide__parked_find(const void *object); /* NULL: there is none */
struct parked *bide__parked_enter(const void *object); /* found or made; NULL: no memory, or too many */
/* Depth and waiters may have changed: an entry that nobody needs goes. */
void bide__parked_settle(struct parked *p);
/*
 * Wait until bide__parked_wake for this object, or for up to ms.  Nothing else ends it: who takes a lock does not look whether that
 * failed.  Without memory for an entry it is a wait for the time, of a millisecond at most.
 */
void bide__parked_wait(const void *object, int64_t ms);
static inline void bide__parked_wake(const void *object, bool all);
void bide__parked_wake_some(const void *object, bool all);
static inline void bide__parked_wake(const void *object, bool all)
{
    if (unlikely(bide__parked_count > 0))
        bide__parked_wake_some(object, all);
}

/* ---- times of calls ---- */

/* How long a call with an absolute time may wait, in milliseconds from now; 0: it is that time. */
int64_t bide__parked_ms_until(clockid_t clock, const struct timespec *at);
/* A call that would have to wait refuses any other time, with EINVAL.  NULL: no limit. */
static inline bool bide__parked_is_time(const struct timespec *at)
{
    return !at || (at->tv_nsec >= 0 && at->tv_nsec < 1000000000);
}
/* A time of the monotonic clock, so many milliseconds from now: for a try that blocks the thread. */
struct timespec bide__parked_after_ms(int64_t ms);

/*
 * What another thread has is waited for in the thread, for most locks are had for a moment.  One that is had for longer may be a suspended
 * task's, or that thread may itself wait for a task here: after BLOCKED_MS the task steps aside, and tries again every STEP_ASIDE_MS, or
 * sooner at first.  So do the others that find it waiting.
 */
#define BLOCKED_MS 1
#define STEP_ASIDE_MS 5
bool bide__parked_is_awaited(const void *object); /* by a task of this thread */
/* Step aside for the n-th time (from 0), for at most ms; ends early as bide__parked_wait does. */
void bide__parked_step_aside(const void *object, int n, int64_t ms);
extern _Thread_local unsigned bide__parked_held __attribute__((tls_model("initial-exec"))); /* locks that tasks of this thread have */
static inline void bide__parked_took(bide_task *t)
{
    bide__parked_held++;
    bide__unblock_holds(t, 1);
}
/* t: the task that gives it back; NULL: the loop does. */
static inline void bide__parked_gave(bide_task *t)
{
    if (bide__parked_held > 0)
        bide__parked_held--;
    if (t)
        bide__unblock_holds(t, -1);
}
pid_t bide__parked_thread(void); /* gettid() */

#endif
