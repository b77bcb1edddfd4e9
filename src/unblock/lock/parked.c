/* SPDX-License-Identifier: MIT */
/*
 * parked.c - the table of a thread: locks that its tasks contend for.
 *
 * Tasks stay in their thread, and a lock is unlocked by the thread that locked it, so the table needs no lock.
 *
 * Invariants:
 *   P1  an entry has depth > 0 or users > 0.
 *   P2  there are at most ENTRIES_MAX entries; tasks that wait for a lock without one poll it.
 */
#include "unblock/lock/parked.h"

#define BUCKETS 256
#define ENTRIES_MAX 65536

struct table {
    struct parked *bucket[BUCKETS];
};

_Thread_local unsigned bide__parked_count __attribute__((tls_model("initial-exec")));
_Thread_local unsigned bide__parked_held __attribute__((tls_model("initial-exec")));
static _Thread_local pid_t thread __attribute__((tls_model("initial-exec")));
static _Thread_local struct table *table __attribute__((tls_model("initial-exec")));
static pthread_key_t at_thread_end;

static void drop_table(void *t)
{
    free(t);
    table = NULL;
    bide__parked_count = 0;
}

/* The thread has another ID in the child of a fork. */
static void forget_thread(void)
{
    thread = 0;
}

__attribute__((constructor)) static void begin(void)
{
    pthread_key_create(&at_thread_end, drop_table);
    pthread_atfork(NULL, NULL, forget_thread);
}

pid_t bide__parked_thread(void)
{
    if (unlikely(thread == 0))
        thread = gettid();
    return thread;
}

static struct table *table_here(void)
{
    if (!table) {
        table = calloc(1, sizeof *table);
        NEXT(pthread_setspecific)(at_thread_end, table);
    }
    return table;
}

static struct parked **bucket_of(const void *object)
{
    uintptr_t at = (uintptr_t)object;

    return &table->bucket[(at >> 4 ^ at >> 12) % BUCKETS];
}

struct parked *bide__parked_find(const void *object)
{
    if (bide__parked_count == 0)
        return NULL;
    for (struct parked *p = *bucket_of(object); p; p = p->next)
        if (p->object == object)
            return p;
    return NULL;
}

struct parked *bide__parked_enter(const void *object)
{
    struct parked *p = bide__parked_find(object);
    if (p || !table_here() || bide__parked_count >= ENTRIES_MAX)
        return p;

    p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->object = object;
    bide__list_init(&p->waiters);
    p->next = *bucket_of(object);
    *bucket_of(object) = p;
    bide__parked_count++;
    return p;
}

void bide__parked_settle(struct parked *p)
{
    if (p->depth > 0 || p->users > 0)
        return;
    struct parked **at = bucket_of(p->object);

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    free(p);
    bide__parked_count--;
}

void bide__parked_wait(const void *object, int64_t ms)
{
    struct parked *p = bide__parked_enter(object);
    struct list_node nobody;
    bide__list_init(&nobody);
    if (!p) {
        bide__unblock_ops->wait_in(&nobody, 1, true);
        return;
    }
    p->users++;
    bide__unblock_ops->wait_in(&p->waiters, ms, true);
    p->users--;
    bide__parked_settle(p);
}

bool bide__parked_is_awaited(const void *object)
{
    const struct parked *p = bide__parked_find(object);

    return p && p->users > 0;
}

void bide__parked_step_aside(const void *object, int n, int64_t ms)
{
    int64_t step = n < STEP_ASIDE_MS ? n + 1 : STEP_ASIDE_MS;

    bide__parked_wait(object, ms < step ? ms : step);
}

void bide__parked_wake_some(const void *object, bool all)
{
    struct parked *p = bide__parked_find(object);
    bide_loop *loop = p && !bide__list_is_empty(&p->waiters) ? bide__unblock_ops->loop_here() : NULL;

    while (loop && bide__unblock_ops->wake(loop, &p->waiters) && all)
        ;
}

/* ---- times ---- */

int64_t bide__parked_ms_until(clockid_t clock, const struct timespec *at)
{
    struct timespec now;
    if (at->tv_sec < 0)
        return 0;
    if (clock_gettime(clock, &now) < 0 || at->tv_sec - now.tv_sec > INT32_MAX)
        return BIDE_FOREVER;
    int64_t ns = (int64_t)(at->tv_sec - now.tv_sec) * 1000000000 + at->tv_nsec - now.tv_nsec;

    return ns <= 0 ? 0 : (ns + 999999) / 1000000;
}

struct timespec bide__parked_after_ms(int64_t ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(ms / 1000);
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}
