/* SPDX-License-Identifier: MIT */
/*
 * parked.h - locks that tasks of one thread contend for: which tasks wait, and which task owns a lock that has an owner.
 *
 *     this thread's table:  address of the lock --> struct parked   waiters: tasks of this thread that wait for it
 *                                                                   owner, depth: of a recursive or error-checking mutex, or of a
 *                                                                   pthread_once that runs
 *
 * An entry exists only while a task waits for the lock or owns it; a lock without contention costs no more than libc's.
 */
#ifndef BIDE_UNBLOCK_PARKED_H
#define BIDE_UNBLOCK_PARKED_H

#include "unblock/unblock.h"

struct parked {
    struct parked *next; /* in its bucket */
    const void *object;
    uint64_t owner; /* the number of a task; valid while depth > 0 */
    unsigned depth; /* how often the owner has locked it */
    unsigned users; /* how many tasks wait */
    struct list_node waiters;
};

/* Number of entries of this thread: usually 0. */
extern _Thread_local unsigned bide__parked_count __attribute__((tls_model("initial-exec")));

struct parked *bide__parked_find(const void *object); /* NULL: there is none */
struct parked *bide__parked_enter(const void *object); /* found or made; NULL: no memory, or too many */
/* After depth or users have changed: free the entry if both are 0. */
void bide__parked_settle(struct parked *p);
/*
 * Wait until bide__parked_wake for this object, or for up to ms.  Not interruptible, because callers that take a lock do not check whether
 * it failed.  Without memory for an entry it waits for a millisecond, and the caller tries again.
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

/* Milliseconds from now until an absolute time; 0: it has passed. */
int64_t bide__parked_ms_until(clockid_t clock, const struct timespec *at);
/* Is it a valid time?  A call that would have to wait returns EINVAL for any other.  NULL: no limit. */
static inline bool bide__parked_is_time(const struct timespec *at)
{
    return !at || (at->tv_nsec >= 0 && at->tv_nsec < 1000000000);
}
/* The time of the monotonic clock in ms milliseconds: for a try that blocks the thread. */
struct timespec bide__parked_after_ms(int64_t ms);

/*
 * A lock that another thread holds blocks this thread at first, because most locks are held only for a moment.  One that is held for longer
 * may be a suspended task's, or that thread may be waiting for a task of this one: after BLOCKED_MS the task is suspended, and tries
 * again every STEP_ASIDE_MS, or sooner at first.  So do other tasks of this thread that find it waiting.
 */
#define BLOCKED_MS 1
#define STEP_ASIDE_MS 5
bool bide__parked_is_awaited(const void *object); /* by a task of this thread */
/* Step aside for the n-th time (from 0), for at most ms; ends early as bide__parked_wait does. */
void bide__parked_step_aside(const void *object, int n, int64_t ms);
extern _Thread_local unsigned bide__parked_held __attribute__((tls_model("initial-exec"))); /* locks that tasks of this thread hold */
static inline void bide__parked_took(bide_task *t)
{
    bide__parked_held++;
    bide__unblock_holds(t, 1);
}
/* t: the task that unlocks it; NULL: it is unlocked outside of tasks. */
static inline void bide__parked_gave(bide_task *t)
{
    if (bide__parked_held > 0)
        bide__parked_held--;
    if (t)
        bide__unblock_holds(t, -1);
}
pid_t bide__parked_thread(void); /* gettid() */

#endif
