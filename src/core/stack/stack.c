/* SPDX-License-Identifier: MIT */
/*
 * stack.c - the pool that hands out stacks: hot ones, then cold ones, then fresh ones, then a new slab.
 *
 * get and put of a hot stack are a list push and pop of a few nanoseconds.  A slab of a size starts with few stacks
 * and each next one has twice as many, so that a program with three coroutines maps little and one with a million
 * makes some hundred mappings.
 */
#include "core/stack/stack.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/base.h"
#include "core/stack/sanitize.h"
#include "core/stack/slab.h"

#define FIRST_SLAB_SLOTS 32
#define MAX_SLAB_BYTES ((size_t)256 << 20)
#define KEEP_BYTES ((size_t)1 << 30) /* address space of the hot stacks of one size: 16384 of 64 KiB */
#define KEEP_MIN 16
#define KEEP_MAX 16384

static pthread_mutex_t pools_lock = PTHREAD_MUTEX_INITIALIZER;
static struct stack_pool *pools;
static size_t orphans; /* live stacks of pools that were destroyed */

static size_t class_bytes(unsigned c)
{
    return STACK_MIN_BYTES << c;
}

/* size is at most STACK_MAX_BYTES. */
static unsigned class_of(size_t size)
{
    if (size == 0)
        size = STACK_DEFAULT_BYTES;
    if (size <= STACK_MIN_BYTES)
        return 0;
    return (unsigned)(63 - __builtin_clzll((unsigned long long)size - 1)) - 13;
}

static uint32_t keep_default(size_t size)
{
    size_t keep = KEEP_BYTES / size;
    return (uint32_t)(keep < KEEP_MIN ? KEEP_MIN : keep > KEEP_MAX ? KEEP_MAX : keep);
}

static void live_add(struct stack_pool *pool, size_t n)
{
    /* One writer: a plain addition will do, atomic only for the readers. */
    size_t live = atomic_load_explicit(&pool->live, memory_order_relaxed);
    atomic_store_explicit(&pool->live, live + n, memory_order_relaxed);
}

int bide__stack_pool_init(struct stack_pool *pool)
{
    memset(pool, 0, sizeof *pool);
    int r = bide__guard_probe();
    if (r < 0)
        return r;
    for (unsigned c = 0; c < STACK_CLASSES; c++)
        pool->classes[c].keep = keep_default(class_bytes(c));
    pool->valgrind = bide__valgrind_runs();
    pool->is_checked = bide__asan_runs() || bide__memcheck_runs();
    pool->ready = true;

    pthread_mutex_lock(&pools_lock);
    pool->next = pools;
    if (pools)
        pools->link = &pool->next;
    pools = pool;
    pool->link = &pools;
    pthread_mutex_unlock(&pools_lock);
    return 0;
}

static bool slot_is_cold(const struct slab *slab, uint32_t slot)
{
    return slab->cold[slot / 64] >> slot % 64 & 1;
}

static void slab_free(struct slab *slab, bool valgrind)
{
    for (uint32_t i = 0; valgrind && i < slab->used; i++)
        if (!slot_is_cold(slab, i))
            bide__valgrind_deregister(bide__slab_record(slab, i)->valgrind_id);
    bide__slab_unmap(slab);
}

void bide__stack_pool_destroy(struct stack_pool *pool)
{
    if (!pool->ready)
        return;
    size_t live = atomic_load(&pool->live);
    if (live > 0)
        bide__stack_pool_trim(pool, 0); /* what is not cold now is live */
    for (unsigned c = 0; c < STACK_CLASSES; c++) {
        for (struct slab *slab = pool->classes[c].slabs, *next; slab; slab = next) {
            next = slab->next;
            if (live == 0 || slab->cold_count == slab->used)
                slab_free(slab, pool->valgrind);
        }
    }
    pthread_mutex_lock(&pools_lock);
    orphans += live;
    *pool->link = pool->next;
    if (pool->next)
        pool->next->link = pool->link;
    pthread_mutex_unlock(&pools_lock);
    memset(pool, 0, sizeof *pool);
}

/* ---- get ---- */

static struct stack *take_cold(struct stack_class *class)
{
    if (!class->cold_slab || class->cold_slab->cold_count == 0) {
        class->cold_slab = class->slabs;
        while (class->cold_slab->cold_count == 0)
            class->cold_slab = class->cold_slab->next;
    }
    class->cold_count--;
    return bide__slab_thaw(class->cold_slab);
}

static struct slab *add_slab(struct stack_class *class, size_t size)
{
    size_t fit = MAX_SLAB_BYTES / size;
    size_t count = class->slabs ? (size_t)class->slabs->count * 2 : FIRST_SLAB_SLOTS;
    if (count > fit)
        count = fit;
    if (count > SLAB_MAX_SLOTS)
        count = SLAB_MAX_SLOTS;
    struct slab *slab = bide__slab_map(size, (uint32_t)count);
    if (!slab)
        return NULL;
    slab->next = class->slabs;
    class->slabs = slab;
    return slab;
}

static struct stack *take_fresh(struct stack_class *class, size_t size)
{
    struct slab *slab = class->slabs;
    if (!slab || slab->used == slab->count)
        slab = add_slab(class, size);
    return slab ? bide__slab_carve(slab) : NULL;
}

static __attribute__((noinline)) struct stack *take_slowly(struct stack_pool *pool, unsigned c)
{
    struct stack_class *class = &pool->classes[c];
    struct stack *s = class->cold_count ? take_cold(class) : take_fresh(class, class_bytes(c));
    if (s && pool->valgrind)
        s->valgrind_id = bide__valgrind_register(s->low, bide__stack_top(s));
    return s;
}

/* A checker forgets what it holds against the memory of the stack's former life: red zones, and that it was free. */
static __attribute__((noinline, cold)) void forget_past(struct stack *s)
{
    bide__memory_taken(s->low, (size_t)((char *)s - s->low));
}

/* And it sees who still points into a frame that is gone. */
static __attribute__((noinline, cold)) void forbid(struct stack *s)
{
    bide__memory_free(s->low, (size_t)((char *)s - s->low));
}

never_indirect struct stack *bide__stack_get(struct stack_pool *pool, size_t size)
{
    if (size > STACK_MAX_BYTES) {
        bide__stack_fail(EINVAL, "a stack of %zu KiB was asked for: the limit is 64 MiB", size >> 10);
        return NULL;
    }
    unsigned c = class_of(size);
    struct stack_class *class = &pool->classes[c];
    struct stack *s = class->hot;
    if (likely(s != NULL)) {
        class->hot = s->next;
        class->hot_count--;
    } else if (!(s = take_slowly(pool, c))) {
        return NULL;
    }
    live_add(pool, 1);
    if (unlikely(pool->is_checked))
        forget_past(s);
    return s;
}

/* ---- put ---- */

/* The rest of it, in a function of its own: calls in the middle of the other would cost it registers. */
static __attribute__((noinline)) void put_rarely(struct stack_pool *pool, struct stack_class *class, struct stack *s)
{
    if (pool->is_checked)
        forbid(s);
    if (class->hot_count > class->keep)
        pool->has_excess = true; /* cool.c */
}

never_indirect void bide__stack_put(struct stack_pool *pool, struct stack *s)
{
    struct stack_class *class = &pool->classes[class_of(s->size)];
    s->owner = NULL;
    s->next = class->hot;
    class->hot = s;
    live_add(pool, (size_t)-1);
    if (unlikely(++class->hot_count > class->keep || pool->is_checked))
        put_rarely(pool, class, s);
}

size_t bide__stack_pool_cached(const struct stack_pool *pool)
{
    size_t n = 0;
    for (unsigned c = 0; c < STACK_CLASSES; c++)
        n += pool->classes[c].hot_count;
    return n;
}

size_t bide__stacks_live(void)
{
    pthread_mutex_lock(&pools_lock);
    size_t n = orphans;
    for (struct stack_pool *p = pools; p; p = p->next)
        n += atomic_load_explicit(&p->live, memory_order_relaxed);
    pthread_mutex_unlock(&pools_lock);
    return n;
}
