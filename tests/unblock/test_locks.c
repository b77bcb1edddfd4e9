/* SPDX-License-Identifier: MIT */
/* test_locks.c - locks that a task holds while it is suspended: they suspend other tasks, and do not block the thread. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "unblock.h"

static struct timespec after_ms(clockid_t clock, long ms)
{
    struct timespec at;

    clock_gettime(clock, &at);
    at.tv_nsec += ms * 1000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

/* ---- mutexes ---- */

static int inside, most;

static int hold(pthread_mutex_t *m, int times)
{
    for (int i = 0; i < times; i++)
        EXPECT_EQ(pthread_mutex_lock(m), 0);
    most = ++inside > most ? inside : most;
    EXPECT_EQ(usleep(1000), 0);
    inside--;
    for (int i = 0; i < times; i++)
        EXPECT_EQ(pthread_mutex_unlock(m), 0);
    return 0;
}

static void hold_in_many(pthread_mutex_t *m, int times)
{
    bide_awaitable all[20];

    inside = most = 0;
    for (int i = 0; i < 20; i++)
        all[i] = BIDE_AW(bide_coro(hold, m, times));
    EXPECT_EQ(bide_gather_n(all, 20), 0);
    EXPECT_EQ(most, 1);
    EXPECT_EQ(pthread_mutex_trylock(m), 0);
    EXPECT_EQ(pthread_mutex_unlock(m), 0);
}

TEST(locks_mutex_held_over_a_wait_parks_the_others)
{
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

    hold_in_many(&m, 1);
}

TEST(locks_recursive_mutex_has_a_task_for_its_owner)
{
    pthread_mutex_t m = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

    hold_in_many(&m, 3);
}

static int unlock_anothers(pthread_mutex_t *m, int *errors)
{
    errors[0] = pthread_mutex_trylock(m);
    errors[1] = pthread_mutex_unlock(m);
    return 0;
}

TEST(locks_checking_mutex_knows_the_tasks)
{
    pthread_mutex_t m = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
    int errors[2];

    hold_in_many(&m, 1);
    EXPECT_EQ(pthread_mutex_lock(&m), 0);
    EXPECT_EQ(pthread_mutex_lock(&m), EDEADLK);
    EXPECT_EQ(bide_gather(bide_coro(unlock_anothers, &m, errors)), 0);
    EXPECT_EQ(errors[0], EBUSY);
    EXPECT_EQ(errors[1], EPERM);
    EXPECT_EQ(pthread_mutex_unlock(&m), 0);
}

static int lock_until(pthread_mutex_t *m, int *errors)
{
    struct timespec at = after_ms(CLOCK_REALTIME, 20), monotonic = after_ms(CLOCK_MONOTONIC, 30);

    errors[0] = pthread_mutex_timedlock(m, &at);
    errors[1] = pthread_mutex_clocklock(m, CLOCK_MONOTONIC, &monotonic);
    return 0;
}

TEST(locks_mutex_with_a_time_gives_up, .real_time = true)
{
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    int errors[2] = {0};

    EXPECT_EQ(pthread_mutex_lock(&m), 0);
    EXPECT_EQ(bide_gather(bide_coro(lock_until, &m, errors)), 0);
    EXPECT_EQ(errors[0], ETIMEDOUT);
    EXPECT_EQ(errors[1], ETIMEDOUT);
    EXPECT_EQ(pthread_mutex_unlock(&m), 0);
}

/* Hardly any code checks whether locking failed, so a cancelled task waits for the lock. */
static int take_and_leave(pthread_mutex_t *m, bool *taken)
{
    EXPECT_EQ(pthread_mutex_lock(m), 0);
    *taken = true;
    EXPECT_EQ(pthread_mutex_unlock(m), 0);
    return 0;
}

TEST(locks_mutex_is_taken_by_a_cancelled_task, .real_time = true)
{
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    bool taken = false;

    EXPECT_EQ(pthread_mutex_lock(&m), 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(take_and_leave, &m, &taken));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    bide_task_cancel(t);
    EXPECT_EQ(bide_sleep_ms(5), 0);
    EXPECT_FALSE(taken);
    EXPECT_EQ(pthread_mutex_unlock(&m), 0);
    EXPECT_EQ(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRUE(taken);
}

/* A thread holds the first and waits for the second, which a suspended task holds: neither must block the other forever. */
struct crossed {
    pthread_mutex_t first, second;
    sem_t has_first;
};

static void *cross(void *arg)
{
    struct crossed *c = arg;

    pthread_mutex_lock(&c->first);
    sem_post(&c->has_first);
    pthread_mutex_lock(&c->second);
    pthread_mutex_unlock(&c->second);
    pthread_mutex_unlock(&c->first);
    return NULL;
}

static int hold_second(struct crossed *c)
{
    EXPECT_EQ(pthread_mutex_lock(&c->second), 0);
    EXPECT_EQ(usleep(50 * 1000), 0);
    EXPECT_EQ(pthread_mutex_unlock(&c->second), 0);
    return 0;
}

static int take_first(struct crossed *c)
{
    EXPECT_EQ(pthread_mutex_lock(&c->first), 0);
    EXPECT_EQ(pthread_mutex_unlock(&c->first), 0);
    return 0;
}

TEST(locks_of_another_thread_do_not_stop_the_loop_for_ever, .real_time = true)
{
    struct crossed c = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, {{0}}};
    pthread_t thread;

    sem_init(&c.has_first, 0, 0);
    bide_auto bide_task *holder = bide_create_task(bide_coro(hold_second, &c));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(pthread_create(&thread, NULL, cross, &c), 0);
    EXPECT_EQ(sem_wait(&c.has_first), 0);
    EXPECT_EQ(bide_gather(bide_coro(take_first, &c), holder), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    sem_destroy(&c.has_first);
}

/* A task of another loop is suspended with all of these: this loop goes on. */
static struct far {
    pthread_mutex_t m;
    pthread_rwlock_t l;
    pthread_once_t once;
    atomic_int step; /* 1: it has them; 2: it may give them back */
} far_locks = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_RWLOCK_INITIALIZER, PTHREAD_ONCE_INIT, 0};

static void once_for_long(void)
{
    atomic_store(&far_locks.step, 1);
    while (atomic_load(&far_locks.step) < 2)
        EXPECT_EQ(usleep(1000), 0);
}

static int hold_far(void)
{
    EXPECT_EQ(pthread_mutex_lock(&far_locks.m), 0);
    EXPECT_EQ(pthread_rwlock_wrlock(&far_locks.l), 0);
    EXPECT_EQ(pthread_once(&far_locks.once, once_for_long), 0);
    EXPECT_EQ(pthread_mutex_unlock(&far_locks.m), 0);
    EXPECT_EQ(pthread_rwlock_unlock(&far_locks.l), 0);
    return 0;
}

static void *far_loop(void *unused)
{
    EXPECT_EQ(bide_run(bide_coro(hold_far)), 0);
    return unused;
}

static int take_far(int which)
{
    if (which == 0) {
        EXPECT_EQ(pthread_mutex_lock(&far_locks.m), 0);
        EXPECT_EQ(pthread_mutex_unlock(&far_locks.m), 0);
    } else if (which == 1) {
        EXPECT_EQ(pthread_rwlock_rdlock(&far_locks.l), 0);
        EXPECT_EQ(pthread_rwlock_unlock(&far_locks.l), 0);
    } else {
        EXPECT_EQ(pthread_once(&far_locks.once, once_for_long), 0);
    }
    EXPECT_EQ(atomic_load(&far_locks.step), 2);
    return 0;
}

TEST(locks_of_a_suspended_task_of_another_loop_park_the_task, .real_time = true)
{
    bide_task *t[9];
    pthread_t thread;

    EXPECT_EQ(pthread_create(&thread, NULL, far_loop, NULL), 0);
    while (atomic_load(&far_locks.step) < 1)
        EXPECT_EQ(bide_sleep_ms(1), 0);
    for (int i = 0; i < 9; i++)
        t[i] = bide_create_task(bide_coro(take_far, i % 3));
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(bide_sleep_ms(1), 0); /* if the thread waited, the other loop would never hear that it may go on */
    atomic_store(&far_locks.step, 2);
    for (int i = 0; i < 9; i++) {
        EXPECT_EQ(bide_await(t[i]), 0);
        bide_release(t[i]);
    }
    EXPECT_EQ(pthread_join(thread, NULL), 0);
}

TEST(locks_with_a_time_that_is_none_refuse_it)
{
    static const struct timespec none[] = {{.tv_nsec = -1}, {.tv_nsec = 1000000000}}, past = {.tv_sec = INT64_MIN / 2};
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER, own = PTHREAD_MUTEX_INITIALIZER;
    pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
    pthread_cond_t c = PTHREAD_COND_INITIALIZER;
    sem_t s;
    sem_init(&s, 0, 0);
    EXPECT_EQ(pthread_mutex_lock(&m), 0);
    EXPECT_EQ(pthread_mutex_lock(&own), 0);
    EXPECT_EQ(pthread_rwlock_wrlock(&l), 0);

    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(pthread_mutex_timedlock(&m, &none[i]), EINVAL);
        EXPECT_EQ(pthread_mutex_clocklock(&m, CLOCK_MONOTONIC, &none[i]), EINVAL);
        EXPECT_EQ(pthread_rwlock_timedrdlock(&l, &none[i]), EINVAL);
        EXPECT_EQ(pthread_rwlock_clockwrlock(&l, CLOCK_MONOTONIC, &none[i]), EINVAL);
        EXPECT_EQ(pthread_cond_timedwait(&c, &own, &none[i]), EINVAL);
        EXPECT_EQ(pthread_cond_clockwait(&c, &own, CLOCK_MONOTONIC, &none[i]), EINVAL);
        EXPECT_EQ(sem_timedwait(&s, &none[i]), -1);
        EXPECT_EQ(errno, EINVAL);
        EXPECT_EQ(sem_clockwait(&s, CLOCK_MONOTONIC, &none[i]), -1);
        EXPECT_EQ(errno, EINVAL);
    }
    EXPECT_EQ(pthread_mutex_timedlock(&m, &past), ETIMEDOUT);
    EXPECT_EQ(pthread_cond_timedwait(&c, &own, &past), ETIMEDOUT);
    EXPECT_EQ(pthread_rwlock_unlock(&l), 0);
    EXPECT_EQ(pthread_mutex_unlock(&own), 0);
    EXPECT_EQ(pthread_mutex_unlock(&m), 0);
    sem_destroy(&s);
}

/* ---- read-write locks ---- */

static int read_held(pthread_rwlock_t *l)
{
    EXPECT_EQ(pthread_rwlock_rdlock(l), 0);
    trace("read");
    EXPECT_EQ(usleep(10 * 1000), 0);
    EXPECT_EQ(pthread_rwlock_unlock(l), 0);
    return 0;
}

static int write_held(pthread_rwlock_t *l)
{
    EXPECT_EQ(pthread_rwlock_wrlock(l), 0);
    trace("write");
    EXPECT_EQ(usleep(10 * 1000), 0);
    trace("written");
    EXPECT_EQ(pthread_rwlock_unlock(l), 0);
    return 0;
}

TEST(locks_rwlock_parks_writers_behind_readers, .real_time = true)
{
    pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;

    EXPECT_EQ(bide_gather(bide_coro(read_held, &l), bide_coro(read_held, &l), bide_coro(write_held, &l), bide_coro(write_held, &l)), 0);
    EXPECT_EQ(bide_gather(bide_coro(write_held, &l), bide_coro(read_held, &l)), 0);
    EXPECT_TRACE("read read write written write written write written read");
}

static int rwlock_until(pthread_rwlock_t *l, int *errors)
{
    struct timespec at = after_ms(CLOCK_REALTIME, 10), monotonic = after_ms(CLOCK_MONOTONIC, 10);

    errors[0] = pthread_rwlock_timedrdlock(l, &at);
    errors[1] = pthread_rwlock_clockwrlock(l, CLOCK_MONOTONIC, &monotonic);
    return 0;
}

TEST(locks_rwlock_with_a_time_gives_up, .real_time = true)
{
    pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
    int errors[2] = {0};

    EXPECT_EQ(pthread_rwlock_wrlock(&l), 0);
    EXPECT_EQ(bide_gather(bide_coro(rwlock_until, &l, errors)), 0);
    EXPECT_EQ(errors[0], ETIMEDOUT);
    EXPECT_EQ(errors[1], ETIMEDOUT);
    EXPECT_EQ(pthread_rwlock_unlock(&l), 0);
}

/* ---- conditions ---- */

struct shared {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int value, woken;
};
#define SHARED {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0}

static int wait_for_value(struct shared *s, int value)
{
    pthread_mutex_lock(&s->lock);
    while (s->value < value)
        EXPECT_EQ(pthread_cond_wait(&s->changed, &s->lock), 0);
    s->woken++;
    pthread_mutex_unlock(&s->lock);
    return 0;
}

static void set_value(struct shared *s, int value, bool everyone)
{
    pthread_mutex_lock(&s->lock);
    s->value = value;
    EXPECT_EQ(everyone ? pthread_cond_broadcast(&s->changed) : pthread_cond_signal(&s->changed), 0);
    pthread_mutex_unlock(&s->lock);
}

TEST(locks_condition_signalled_by_another_task_wakes_one)
{
    struct shared s = SHARED;
    bide_task *t[3];

    for (int i = 0; i < 3; i++)
        t[i] = bide_create_task(bide_coro(wait_for_value, &s, 1));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    set_value(&s, 1, false);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(s.woken, 1);
    set_value(&s, 1, true);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(bide_await(t[i]), 0);
        bide_release(t[i]);
    }
    EXPECT_EQ(s.woken, 3);
}

static void *set_values(void *arg)
{
    struct shared *s = arg;

    for (int i = 1; i <= 100; i++)
        set_value(s, i, i % 2);
    set_value(s, 1000, true);
    return NULL;
}

TEST(locks_condition_signalled_by_a_thread_wakes_tasks, .real_time = true)
{
    struct shared s = SHARED;
    bide_awaitable all[10];
    pthread_t thread;

    for (int i = 0; i < 10; i++)
        all[i] = BIDE_AW(bide_coro(wait_for_value, &s, 10 * i + 50));
    EXPECT_EQ(pthread_create(&thread, NULL, set_values, &s), 0);
    EXPECT_EQ(bide_gather_n(all, 10), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(s.woken, 10);
}

static void *wait_in_thread(void *arg)
{
    wait_for_value(arg, 1);
    return NULL;
}

TEST(locks_condition_signalled_by_a_task_wakes_a_thread, .real_time = true)
{
    struct shared s = SHARED;
    pthread_t thread;

    EXPECT_EQ(pthread_create(&thread, NULL, wait_in_thread, &s), 0);
    EXPECT_EQ(bide_sleep_ms(5), 0);
    set_value(&s, 1, false);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(s.woken, 1);
}

TEST(locks_condition_with_a_time_gives_up, .real_time = true)
{
    struct shared s = SHARED;
    struct timespec at = after_ms(CLOCK_REALTIME, 20), monotonic = after_ms(CLOCK_MONOTONIC, 40);

    pthread_mutex_lock(&s.lock);
    EXPECT_EQ(pthread_cond_timedwait(&s.changed, &s.lock, &at), ETIMEDOUT);
    EXPECT_EQ(pthread_cond_clockwait(&s.changed, &s.lock, CLOCK_MONOTONIC, &monotonic), ETIMEDOUT);
    pthread_mutex_unlock(&s.lock);
}

/* It wakes spuriously again and again, and does not block the thread. */
TEST(locks_condition_of_a_cancelled_task_lets_others_run, .real_time = true)
{
    struct shared s = SHARED;
    bide_auto bide_task *t = bide_create_task(bide_coro(wait_for_value, &s, 1));

    EXPECT_EQ(bide_sleep_ms(1), 0);
    bide_task_cancel(t);
    EXPECT_EQ(bide_sleep_ms(50), 0);
    set_value(&s, 1, true);
    EXPECT_EQ(bide_await(t), BIDE_ECANCELED);
    EXPECT_EQ(s.woken, 1);
}

/* ---- semaphores ---- */

static int take_some(sem_t *s, int n, int *taken)
{
    for (int i = 0; i < n; i++) {
        EXPECT_EQ(sem_wait(s), 0);
        ++*taken;
    }
    return 0;
}

static void *post_some(void *arg)
{
    for (int i = 0; i < 100; i++)
        sem_post(arg);
    return NULL;
}

TEST(locks_semaphore_posted_by_task_and_thread, .real_time = true)
{
    sem_t s;
    int taken = 0;
    pthread_t thread;
    bide_task *t[10];
    sem_init(&s, 0, 0);

    for (int i = 0; i < 10; i++)
        t[i] = bide_create_task(bide_coro(take_some, &s, 20, &taken));
    EXPECT_EQ(bide_sleep_ms(2), 0);
    post_some(&s);
    EXPECT_EQ(bide_sleep_ms(50), 0);
    EXPECT_EQ(taken, 100);
    EXPECT_EQ(pthread_create(&thread, NULL, post_some, &s), 0);
    for (int i = 0; i < 10; i++) {
        EXPECT_EQ(bide_await(t[i]), 0);
        bide_release(t[i]);
    }
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(taken, 200);
    sem_destroy(&s);
}

static void post_from_signal(int unused)
{
    extern sem_t signalled;
    (void)unused;
    sem_post(&signalled);
}

sem_t signalled;

TEST(locks_semaphore_posted_by_a_signal_handler, .real_time = true)
{
    int taken = 0;
    struct sigaction act = {.sa_handler = post_from_signal}, before;
    sem_init(&signalled, 0, 0);
    sigaction(SIGUSR1, &act, &before);
    bide_auto bide_task *t = bide_create_task(bide_coro(take_some, &signalled, 3, &taken));

    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(bide_sleep_ms(1), 0);
        raise(SIGUSR1);
    }
    EXPECT_EQ(bide_await(t), 0);
    sigaction(SIGUSR1, &before, NULL);
    sem_destroy(&signalled);
}

TEST(locks_semaphore_ends_in_time_and_when_cancelled, .real_time = true)
{
    sem_t s;
    struct timespec at = after_ms(CLOCK_REALTIME, 20), monotonic = after_ms(CLOCK_MONOTONIC, 30);
    sem_init(&s, 0, 0);

    EXPECT_EQ(sem_timedwait(&s, &at), -1);
    EXPECT_EQ(errno, ETIMEDOUT);
    EXPECT_EQ(sem_clockwait(&s, CLOCK_MONOTONIC, &monotonic), -1);
    EXPECT_EQ(errno, ETIMEDOUT);
    bide_timeout(10)
    {
        EXPECT_EQ(sem_wait(&s), -1);
        EXPECT_EQ(errno, ECANCELED);
    }
    sem_destroy(&s);
}

/* ---- once, join ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int begun, ended;

static void begin_slowly(void)
{
    begun++;
    usleep(10 * 1000);
    ended++;
}

static int need_it(void)
{
    EXPECT_EQ(pthread_once(&once, begin_slowly), 0);
    EXPECT_EQ(ended, 1);
    return 0;
}

TEST(locks_once_is_run_by_one_task_and_awaited_by_the_others)
{
    EXPECT_EQ(bide_gather(bide_coro(need_it), bide_coro(need_it), bide_coro(need_it)), 0);
    EXPECT_EQ(begun, 1);
}

static void *take_time(void *arg)
{
    usleep(30 * 1000);
    return arg;
}

static int join_it(pthread_t *thread, void **result)
{
    return -pthread_join(*thread, result);
}

TEST(locks_join_waits_in_its_task_alone, .real_time = true)
{
    pthread_t thread;
    void *result = NULL;

    EXPECT_EQ(pthread_create(&thread, NULL, take_time, &begun), 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(join_it, &thread, &result));
    EXPECT_EQ(bide_sleep_ms(5), 0);
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_TRUE(result == &begun);
}
