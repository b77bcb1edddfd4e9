/* SPDX-License-Identifier: MIT */
/* test_stack.c - stacks: sizes, recycling, pools of threads. */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stacks.h"

/* Of a stack whose record may be gone: low is what it said. */
static size_t resident_pages(struct stack *s, char *low)
{
    static unsigned char pages[65536];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
    size_t bytes = (size_t)((char *)(s + 1) - low);
    EXPECT_EQ(mincore(low, bytes, pages), 0);
    for (size_t i = 0; i < (bytes + page - 1) / page; i++)
        n += pages[i] & 1;
    return n;
}

/* ---- sizes ---- */

UNIT(stack_default_is_64_kib_all_of_it_usable)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack *s = get(0);
    EXPECT_EQ(s->size, 64 * KIB);
    EXPECT_TRUE((size_t)((char *)bide__stack_top(s) - s->low) >= s->size);
    EXPECT_EQ((uintptr_t)bide__stack_top(s) % 64, 0);
    EXPECT_TRUE(s->owner == NULL);
    memset(s->low, 0xa5, (size_t)((char *)bide__stack_top(s) - s->low));
    bide__stack_put(&pool, s);
    bide__stack_pool_destroy(&pool);
}

UNIT(stack_size_is_rounded_up_to_a_power_of_two)
{
    static const struct { size_t asked, got; } cases[] = {
        {1, 16 * KIB},
        {16 * KIB, 16 * KIB},
        {16 * KIB + 1, 32 * KIB},
        {64 * KIB - 1, 64 * KIB},
        {64 * KIB + 1, 128 * KIB},
        {1024 * KIB, 1024 * KIB},
        {3000 * KIB, 4096 * KIB},
        {65536 * KIB, 65536 * KIB},
    };
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stack *s = get(cases[i].asked);
        EXPECT_EQ(s->size, cases[i].got);
        s->low[0] = 1; /* the far end is there */
        EXPECT_TRUE((uintptr_t)s->slab->stride % (2048 * KIB) != 0); /* huge pages stay away */
        bide__stack_put(&pool, s);
    }
    bide__stack_pool_destroy(&pool);
}

UNIT(stack_above_64_mib_is_refused_with_a_text)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    errno = 0;
    EXPECT_TRUE(bide__stack_get(&pool, 65536 * KIB + 1) == NULL);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_TRUE(strstr(bide__stack_error(), "64 MiB") != NULL);
    bide__stack_pool_destroy(&pool);
}

UNIT(stack_tops_do_not_share_cache_sets)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack *a = get(0), *b = get(0);
    EXPECT_TRUE((uintptr_t)a % 4096 != (uintptr_t)b % 4096);
    EXPECT_TRUE((uintptr_t)a % 4096 >= 3072 && (uintptr_t)b % 4096 >= 3072); /* most of the page is below them */
    bide__stack_put(&pool, a);
    bide__stack_put(&pool, b);
    bide__stack_pool_destroy(&pool);
}

UNIT(stack_unused_takes_one_page)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    for (int i = 0; i < 100; i++) {
        struct stack *s = get(i % 2 ? 0 : 1024 * KIB);
        EXPECT_EQ(resident_pages(s, s->low), 1);
        s->owner = s; /* stays live */
    }
    EXPECT_EQ(bide__stacks_live(), 100);
    for (unsigned c = 0; c < STACK_CLASSES; c++)
        for (struct slab *slab = pool.classes[c].slabs; slab; slab = slab->next)
            for (uint32_t i = 0; i < slab->used; i++)
                bide__stack_put(&pool, bide__slab_record(slab, i));
    EXPECT_EQ(bide__stacks_live(), 0);
    bide__stack_pool_destroy(&pool);
}

/* ---- recycling ---- */

UNIT(stack_put_then_get_is_last_in_first_out)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack *a = get(0), *b = get(0), *c = get(0), *small = get(16 * KIB);
    EXPECT_TRUE(a != b && b != c && a != c);
    bide__stack_put(&pool, a);
    bide__stack_put(&pool, b);
    bide__stack_put(&pool, small);
    EXPECT_TRUE(get(0) == b); /* sizes do not mix */
    EXPECT_TRUE(get(0) == a);
    EXPECT_TRUE(get(16 * KIB) == small);
    EXPECT_EQ(bide__stacks_live(), 4);
    bide__stack_put(&pool, a);
    bide__stack_put(&pool, b);
    bide__stack_put(&pool, c);
    bide__stack_put(&pool, small);
    EXPECT_EQ(bide__stack_pool_cached(&pool), 4);
    bide__stack_pool_destroy(&pool);
}

UNIT(stack_trim_gives_cold_memory_back_and_keeps_the_stacks)
{
    enum { N = 200 };
    struct stack *all[N];
    char *low[N];
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    for (int i = 0; i < N; i++) {
        all[i] = get(0);
        low[i] = all[i]->low;
        memset(low[i], 1, 64 * KIB);
    }
    EXPECT_TRUE(resident_pages(all[0], low[0]) > 16);
    for (int i = 0; i < N; i++)
        bide__stack_put(&pool, all[i]);

    bide__stack_pool_trim(&pool, 10);
    EXPECT_EQ(bide__stack_pool_cached(&pool), 10);
    EXPECT_TRUE(resident_pages(all[N - 1], low[N - 1]) > 16); /* the last ones in are the warm ones */
    EXPECT_EQ(resident_pages(all[0], low[0]), 0);

    struct slab *newest = pool.classes[2].slabs;
    uint32_t used = newest->used;
    for (int i = 0; i < N; i++) { /* all of them come back, and no new one */
        all[i] = get(0);
        all[i]->low[0] = 2;
    }
    EXPECT_TRUE(pool.classes[2].slabs == newest && newest->used == used);
    for (int i = 0; i < N; i++)
        bide__stack_put(&pool, all[i]);
    EXPECT_EQ(bide__stacks_live(), 0);
    bide__stack_pool_destroy(&pool);
}

/* Many more than PORTION of cool.c, so that they go in several calls. */
#define HELD 3000

static struct stack *many[HELD];
static char *lows[HELD]; /* the record of a cold stack is gone */

static void get_all(void)
{
    for (int i = 0; i < HELD; i++) {
        many[i] = get(0);
        many[i]->owner = many[i]; /* as its user does */
        lows[i] = many[i]->low;
    }
}

static void put_all(void)
{
    for (int i = 0; i < HELD; i++)
        bide__stack_put(&pool, many[i]);
}

UNIT(stacks_above_the_limit_stay_hot_while_they_are_used)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    pool.classes[2].keep = 64;
    get_all();
    EXPECT_TRUE(!pool.has_excess);
    put_all();
    EXPECT_TRUE(pool.has_excess);
    for (int round = 0; round < 5; round++) {
        EXPECT_EQ(bide__stack_pool_cool(&pool), 1000);
        EXPECT_EQ(bide__stack_pool_cached(&pool), HELD);
        get_all(); /* the mark is gone with them */
        put_all();
    }
    EXPECT_TRUE(resident_pages(many[0], lows[0]) > 0);
    bide__stack_pool_destroy(&pool);
}

UNIT(stacks_above_the_limit_that_nobody_used_are_given_back_in_portions)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    pool.classes[2].keep = 64;
    get_all();
    put_all();
    EXPECT_EQ(bide__stack_pool_cool(&pool), 1000);
    struct stack *last = get(0); /* the marked one */
    EXPECT_TRUE(last == many[HELD - 1]);
    last->owner = last;
    bide__stack_put(&pool, last);
    EXPECT_EQ(bide__stack_pool_cool(&pool), 1000); /* marked anew */

    int calls = 0;
    size_t before = HELD, now;
    for (int ms; (ms = bide__stack_pool_cool(&pool)) > 0; calls++, before = now) {
        now = bide__stack_pool_cached(&pool);
        EXPECT_TRUE(now < before && before - now <= 1024);
        EXPECT_EQ(ms, 4);
    }
    EXPECT_EQ(calls, 3);
    EXPECT_EQ(bide__stack_pool_cached(&pool), 64);
    EXPECT_TRUE(!pool.has_excess);
    EXPECT_EQ(resident_pages(many[HELD - 2], lows[HELD - 2]), 0); /* below the mark */
    EXPECT_TRUE(resident_pages(many[0], lows[0]) > 0);            /* the last of the list is kept */

    get_all(); /* hot ones, then the cold ones again */
    put_all();
    EXPECT_EQ(bide__stacks_live(), 0);
    bide__stack_pool_destroy(&pool);
}

UNIT(stacks_of_two_sizes_cool_each_by_its_own_mark)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    pool.classes[0].keep = pool.classes[2].keep = 0;
    struct stack *small = get(16 * KIB), *small2 = get(16 * KIB), *large = get(0), *large2 = get(0);
    bide__stack_put(&pool, small);
    bide__stack_put(&pool, small2);
    bide__stack_put(&pool, large);
    bide__stack_put(&pool, large2);
    EXPECT_EQ(bide__stack_pool_cool(&pool), 1000);
    struct stack *again = get(0);
    again->owner = again;
    bide__stack_put(&pool, again);
    EXPECT_EQ(bide__stack_pool_cool(&pool), 4); /* one of the small ones */
    EXPECT_EQ(pool.classes[0].hot_count, 1);
    EXPECT_EQ(pool.classes[2].hot_count, 2);
    bide__stack_pool_trim(&pool, 0);
    EXPECT_EQ(bide__stack_pool_cool(&pool), 0);
    EXPECT_EQ(bide__stack_pool_cached(&pool), 0);
    bide__stack_pool_destroy(&pool);
}

static void *use_a_pool(void *arg)
{
    struct stack_pool mine;
    struct stack *held[64];
    (void)arg;
    EXPECT_EQ(bide__stack_pool_init(&mine), 0);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 64; i++) {
            held[i] = bide__stack_get(&mine, i % 3 ? 0 : 256 * KIB);
            EXPECT_TRUE(held[i] != NULL);
        }
        EXPECT_TRUE(bide__stacks_live() >= 64);
        for (int i = 0; i < 64; i++)
            bide__stack_put(&mine, held[i]);
        bide__stack_pool_trim(&mine, 5);
    }
    bide__stack_pool_destroy(&mine);
    return NULL;
}

UNIT(stack_pools_of_two_threads_do_not_meet)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, use_a_pool, NULL), 0);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(pthread_join(threads[i], NULL), 0);
    EXPECT_EQ(bide__stacks_live(), 0);
}
