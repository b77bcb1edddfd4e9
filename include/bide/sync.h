/* SPDX-License-Identifier: MIT */
/*
 * sync.h - tasks of one loop that wait for each other: locks, events, conditions, semaphores, barriers.
 *
 * They are values in memory of yours: zeroed (= {0}), a static one too, they are ready to use, and there is nothing to release.  None
 * allocates.  A value belongs to the loop that used it first, until that loop is closed; then the next one may have it.  In another
 * loop or thread, and in a child of fork(), a function does nothing and returns BIDE_ESTATE; for NULL it returns -EINVAL.  The memory
 * must stay where it is, and live, as long as a task waits: that cannot be checked.
 *
 * Tasks that wait go on in the order of arrival.  One that is cancelled or out of time leaves nothing behind: what it was woken for goes
 * to the next.  A call that does not have to wait does not let other tasks run, and is no cancellation point: a cancellation is delivered
 * by the next one that waits.
 *
 * A lock, an event and a semaphore can also be awaited by a function whose name ends in _awaitable: for bide_select, bide_gather and
 * others that take an awaitable.
 */
#ifndef BIDE_SYNC_H
#define BIDE_SYNC_H

#include <stdbool.h>

#include <bide/coroutine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- lock ---- */

/* One task at a time (Python: Lock). */
typedef struct bide_lock {
    uint64_t private_[6];
} bide_lock;

/*
 * Take a lock.  It is given in the order of arrival, and must be given back by the task that holds it.
 *
 * Suspends:  until it is free; not at all if it is; a cancellation point
 * Returns:   0
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_EDEADLOCK if this task holds it; BIDE_ENOLOOP outside a task; BIDE_ESTATE; -EINVAL
 * Owns:      l is borrowed until it is given back
 * Example:   BIDE_TRY(bide_lock_acquire(&lock));
 */
BIDE_API BIDE_MUST_USE int bide_lock_acquire(bide_lock *l);
/* The same, to be awaited: bide_select(NULL, bide_lock_awaitable(&lock), bide_sleep_awaitable(0)).  l is borrowed likewise. */
BIDE_API bide_awaitable bide_lock_awaitable(bide_lock *l);

/*
 * Give a lock back; the first that waits gets it.
 *
 * Returns:   0
 * Errors:    BIDE_ESTATE, also if this task does not hold it; -EINVAL
 */
BIDE_API int bide_lock_release(bide_lock *l);
/* Does a task hold it?  false where it may not be used. */
BIDE_API bool bide_lock_is_held(const bide_lock *l);

/*
 * Hold a lock for a block, however that is left but for longjmp.  If the wait for it fails the block is not entered, and *code is
 * the error; else it is 0 when the block begins, and the block's to set.
 *
 * Example:   int code;
 *            bide_lock_hold(&lock, &code) { code = write_line(log, line); }
 *            BIDE_TRY(code);
 */
#define bide_lock_hold(lock, code)                                                                        \
    for (bide_lock *BIDE__CAT(bide__held_, __LINE__) __attribute__((cleanup(bide_lock_leave))) =          \
             bide_lock_enter((lock), (code)),                                                             \
             *BIDE__CAT(bide__once_, __LINE__) = BIDE__CAT(bide__held_, __LINE__);                        \
         BIDE__CAT(bide__once_, __LINE__); BIDE__CAT(bide__once_, __LINE__) = NULL)
/*
 * The functions under bide_lock_hold, for bindings.
 *
 * Suspends:  bide_lock_enter, as bide_lock_acquire
 * Returns:   l, or NULL and the error in *code
 * Owns:      l is borrowed until bide_lock_leave
 */
BIDE_API bide_lock *bide_lock_enter(bide_lock *l, int *code);
BIDE_API void bide_lock_leave(bide_lock **l);

/* ---- event ---- */

/* A flag that tasks wait for (Python: Event).  Zeroed: not set. */
typedef struct bide_event {
    uint64_t private_[4];
} bide_event;

/*
 * Wait until an event is set.
 *
 * Suspends:  until then; not at all if it is set; a cancellation point
 * Returns:   0; also if it was cleared again before the caller's turn came
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ENOLOOP outside a task; BIDE_ESTATE; -EINVAL
 * Owns:      e is borrowed until then
 * Example:   BIDE_TRY(bide_event_wait(&ready));
 */
BIDE_API BIDE_MUST_USE int bide_event_wait(bide_event *e);
/* The same, to be awaited: bide_select(NULL, bide_event_awaitable(&stop), bide_sleep_awaitable(100)).  e is borrowed until then. */
BIDE_API bide_awaitable bide_event_awaitable(bide_event *e);

/*
 * Set it, which wakes all that wait; or clear it, so that the next ones wait.
 *
 * Returns:   0
 * Errors:    BIDE_ESTATE; -EINVAL
 * Example:   bide_event_set(&ready);
 */
BIDE_API int bide_event_set(bide_event *e);
BIDE_API int bide_event_clear(bide_event *e);
/* Is it set?  false where it may not be used. */
BIDE_API bool bide_event_is_set(const bide_event *e);

/* ---- condition ---- */

/* Waiting, under a lock, for what others change under it (Python: Condition).  It may use a lock of yours: {.lock = &lock} */
typedef struct bide_condition {
    bide_lock *lock; /* borrowed as long as the condition is in use; NULL: one of its own */
    bide_lock own_;
    uint64_t private_[3];
} bide_condition;

/* The lock to hold for the functions below.  Borrowed from the condition, or the one that it was given. */
BIDE_API bide_lock *bide_condition_lock(bide_condition *c);

/*
 * Give the lock back, wait to be notified, and take the lock again: the caller holds it in any case when this returns, also after
 * an error.  It may return without a notification: look, and wait again (bide_condition_wait_until).
 *
 * Suspends:  until notified, and then until the lock is free; a cancellation point
 * Returns:   0
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ENOLOOP; BIDE_ESTATE, also if the caller does not hold the lock: then it has
 *            not waited; -EINVAL
 */
BIDE_API BIDE_MUST_USE int bide_condition_wait(bide_condition *c);

/*
 * Wait until an expression is true, looking at it under the lock (Python: wait_for).  0, or an error as above.
 *
 * Example:   BIDE_TRY(bide_condition_wait_until(&c, jobs > 0));
 */
#define bide_condition_wait_until(c, expression)           \
    __extension__({                                        \
        int bide__code = 0;                                \
        while (bide__code == 0 && !(expression))           \
            bide__code = bide_condition_wait(c);           \
        bide__code;                                        \
    })

/*
 * Wake n of those that wait, or all; they go on one by one, as the lock becomes free.
 *
 * Returns:   0
 * Errors:    BIDE_ESTATE, also if the caller does not hold the lock; -EINVAL
 */
BIDE_API int bide_condition_notify(bide_condition *c, size_t n);
BIDE_API int bide_condition_notify_all(bide_condition *c);

/* ---- semaphore ---- */

/* A number of permits (Python: Semaphore).  Zeroed it has none. */
typedef struct bide_semaphore {
    int64_t permits_, bound_;
    uint64_t private_[4];
} bide_semaphore;

/* Initial values: bide_semaphore eight = BIDE_SEMAPHORE(8);  A bounded one never has more than it began with. */
#define BIDE_SEMAPHORE(permits) {(permits), 0, {0}}
#define BIDE_BOUNDED_SEMAPHORE(permits) {(permits), (permits), {0}}

/*
 * Take a permit.
 *
 * Suspends:  until there is one, in the order of arrival; not at all if there is; a cancellation point
 * Returns:   0
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ENOLOOP outside a task; BIDE_ESTATE; -EINVAL, also for fewer than 0 permits
 * Example:   BIDE_TRY(bide_semaphore_acquire(&eight));
 */
BIDE_API BIDE_MUST_USE int bide_semaphore_acquire(bide_semaphore *s);
/* The same, to be awaited.  s is borrowed until then. */
BIDE_API bide_awaitable bide_semaphore_awaitable(bide_semaphore *s);

/*
 * Give a permit back, or a new one: any task may.
 *
 * Returns:   0
 * Errors:    BIDE_ESTATE, also if a bounded one has all of its permits; BIDE_ELIMIT beyond INT64_MAX permits; -EINVAL
 */
BIDE_API int bide_semaphore_release(bide_semaphore *s);
/* Would bide_semaphore_acquire wait now?  false where it may not be used. */
BIDE_API bool bide_semaphore_is_locked(const bide_semaphore *s);

/* Hold a permit for a block, as bide_lock_hold: bide_semaphore_hold(&eight, &code) { code = download(url); } */
#define bide_semaphore_hold(semaphore, code)                                                              \
    for (bide_semaphore *BIDE__CAT(bide__held_, __LINE__) __attribute__((cleanup(bide_semaphore_leave))) = \
             bide_semaphore_enter((semaphore), (code)),                                                   \
             *BIDE__CAT(bide__once_, __LINE__) = BIDE__CAT(bide__held_, __LINE__);                        \
         BIDE__CAT(bide__once_, __LINE__); BIDE__CAT(bide__once_, __LINE__) = NULL)
/* The functions under it, as bide_lock_enter and bide_lock_leave.  s is borrowed until it is left. */
BIDE_API bide_semaphore *bide_semaphore_enter(bide_semaphore *s, int *code);
BIDE_API void bide_semaphore_leave(bide_semaphore **s);

/* ---- barrier ---- */

/* A number of tasks that go on together, again and again (Python: Barrier): bide_barrier five = BIDE_BARRIER(5); */
typedef struct bide_barrier {
    int64_t parties_;
    bide_condition condition_;
    int64_t private_[2];
} bide_barrier;
#define BIDE_BARRIER(parties) {(parties), {NULL, {{0}}, {0}}, {0}}

/*
 * Wait until so many tasks wait here.
 *
 * Suspends:  until then; a cancellation point: one that is cancelled does not count any longer
 * Returns:   0 to parties - 1, to each another number
 * Errors:    BIDE_EBROKEN after bide_barrier_abort, and for those that wait when it is reset; BIDE_ECANCELED; BIDE_ETIMEDOUT;
 *            BIDE_ENOLOOP; BIDE_ESTATE; -EINVAL, also for no parties
 */
BIDE_API BIDE_MUST_USE int bide_barrier_wait(bide_barrier *b);

/*
 * Reset it: tasks that wait get BIDE_EBROKEN, and it is as new.  Or abort it: later callers get BIDE_EBROKEN as well, until it is reset.
 *
 * Suspends:  only if others are about to enter or leave; a cancellation point
 * Returns:   0
 * Errors:    as bide_barrier_wait
 */
BIDE_API BIDE_MUST_USE int bide_barrier_reset(bide_barrier *b);
BIDE_API BIDE_MUST_USE int bide_barrier_abort(bide_barrier *b);

/* How many wait now; was it aborted?  0 and false, with an error on record, for NULL and in another loop than the barrier's. */
BIDE_API int bide_barrier_waiting(const bide_barrier *b);
BIDE_API bool bide_barrier_is_broken(const bide_barrier *b);

#ifdef __cplusplus
}
#endif
#endif
