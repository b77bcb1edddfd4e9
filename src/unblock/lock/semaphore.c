/* SPDX-License-Identifier: MIT */
/*
 * semaphore.c - semaphores in a task.
 *
 * sem_post may be called in a signal handler, so it takes no lock: it rings the bell (an eventfd) of each thread with tasks that wait for
 * any semaphore, and all of them try again.  A post of another process is not noticed, so they also try every RETRY_MS.
 */
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "unblock/lock/parked.h"

#define BELLS_MAX 64
#define RETRY_MS 20

/* A thread that rings a bell counts itself first, and the bell is closed only when none does: its number may be reused at once. */
static struct bell {
    atomic_int fd; /* the eventfd + 1; 0: the slot is free; CLOSING: not yet */
    atomic_uint ringers;
} bells[BELLS_MAX];
#define CLOSING (-1)
#define RINGING_NS 10000 /* a write that does not block */

static atomic_uint waiting; /* tasks of all threads */

/* Of this thread; valid while users > 0. */
static _Thread_local struct {
    struct bell *place; /* NULL: all slots are taken, or no eventfd could be made, and the tasks poll */
    unsigned users;     /* tasks that wait */
    bide_loop *loop;
    struct list_node tasks;
} here __attribute__((tls_model("initial-exec")));

static void on_bell(void *unused)
{
    uint64_t count;
    ssize_t ignored = NEXT(read)(atomic_load(&here.place->fd) - 1, &count, sizeof count);

    (void)ignored, (void)unused;
    while (bide__unblock_ops->wake(here.loop, &here.tasks))
        ;
}

static struct bell *take_place(int bell)
{
    for (int i = 0; i < BELLS_MAX; i++) {
        int none = 0;
        if (atomic_compare_exchange_strong(&bells[i].fd, &none, bell + 1))
            return &bells[i];
    }
    return NULL;
}

/* Wait until no thread rings it any more, and free its slot. */
static void give_place_back(void)
{
    atomic_store(&here.place->fd, CLOSING);
    while (atomic_load(&here.place->ringers) > 0)
        NEXT(nanosleep)(&(struct timespec){.tv_nsec = RINGING_NS}, NULL);
    atomic_store(&here.place->fd, 0);
    here.place = NULL;
}

static void open_bell(void)
{
    int bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    here.place = bell < 0 ? NULL : take_place(bell);
    if (here.place && bide_loop_add_reader(here.loop, bell, on_bell, NULL) == 0)
        return;

    if (here.place)
        give_place_back();
    if (bell >= 0)
        close(bell);
}

static void close_bell(void)
{
    if (!here.place)
        return;
    int bell = atomic_load(&here.place->fd) - 1;

    give_place_back();
    bide_loop_remove_reader(here.loop, bell);
    close(bell);
}

static void enter(bide_task *t)
{
    if (here.users++ == 0) {
        here.loop = bide__unblock_ops->loop_of(t);
        bide__list_init(&here.tasks);
        open_bell();
    }
    atomic_fetch_add(&waiting, 1);
}

static void leave(void)
{
    atomic_fetch_sub(&waiting, 1);
    if (--here.users == 0)
        close_bell();
}

/* 0, or an errno value. */
static int wait_for_post(sem_t *s, bide_task *t, clockid_t clock, const struct timespec *until)
{
    while (NEXT(sem_trywait)(s) < 0) {
        if (errno != EAGAIN)
            return errno;
        if (!bide__parked_is_time(until))
            return EINVAL;
        int64_t left = until ? bide__parked_ms_until(clock, until) : BIDE_FOREVER;
        if (left == 0)
            return ETIMEDOUT;
        if (bide__unblock_is_refused(t))
            return ECANCELED;
        bide__unblock_ops->wait_in(&here.tasks, left < RETRY_MS ? left : RETRY_MS, false);
    }
    return 0;
}

static int wait_in_task(sem_t *s, bide_task *t, clockid_t clock, const struct timespec *until, const void *caller)
{
    int before = errno;
    if (NEXT(sem_trywait)(s) == 0) {
        errno = before;
        return 0;
    }

    bide__unblock_note_wait(t, "sem_wait", caller);
    enter(t);
    int error = wait_for_post(s, t, clock, until);
    leave();
    errno = error ? error : before;
    return error ? -1 : 0;
}

int sem_wait(sem_t *s)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(sem_wait)(s);

    return wait_in_task(s, t, CLOCK_REALTIME, NULL, __builtin_return_address(0));
}

int sem_timedwait(sem_t *s, const struct timespec *until)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(sem_timedwait)(s, until);

    return wait_in_task(s, t, CLOCK_REALTIME, until, __builtin_return_address(0));
}

int sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *until)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC))
        return NEXT(sem_clockwait)(s, clock, until);

    return wait_in_task(s, t, clock, until, __builtin_return_address(0));
}

static void ring(struct bell *b)
{
    uint64_t one = 1;

    atomic_fetch_add(&b->ringers, 1);
    int bell = atomic_load(&b->fd) - 1; /* read again: from here on it stays open */
    ssize_t ignored = bell >= 0 ? NEXT(write)(bell, &one, sizeof one) : 0;
    (void)ignored;
    atomic_fetch_sub(&b->ringers, 1);
}

/* Async-signal-safe. */
static void ring_all(void)
{
    int saved = errno;

    for (int i = 0; i < BELLS_MAX; i++)
        if (atomic_load(&bells[i].fd) > 0)
            ring(&bells[i]);
    errno = saved;
}

int sem_post(sem_t *s)
{
    int result = NEXT(sem_post)(s);

    if (unlikely(atomic_load_explicit(&waiting, memory_order_relaxed) > 0))
        ring_all();
    return result;
}

/* In the child of a fork the bells are the parent's. */
static void reset_in_child(void)
{
    for (int i = 0; i < BELLS_MAX; i++) {
        atomic_store(&bells[i].fd, 0);
        atomic_store(&bells[i].ringers, 0);
    }
    atomic_store(&waiting, 0);
    here.users = 0;
    here.place = NULL;
}

__attribute__((constructor)) static void begin(void)
{
    pthread_atfork(NULL, NULL, reset_in_child);
}
