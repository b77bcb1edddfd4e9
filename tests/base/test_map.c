/* SPDX-License-Identifier: MIT */
/* test_map.c - bytes to pointer: finds what is in it, and nothing else, whatever was added and removed. */
#include <stdlib.h>

#include "base/base.h"
#include "harness/harness.h"

struct entry {
    struct map_node node;
    char key[16];
    bool in;
};

enum { N = 2000 };

static struct map m;
static struct entry entries[N];

static void check_all(size_t count)
{
    for (int i = 0; i < N; i++) {
        struct map_node *n = bide__map_find(&m, entries[i].key, strlen(entries[i].key));
        EXPECT_TRUE(n == (entries[i].in ? &entries[i].node : NULL));
    }
    EXPECT_EQ(m.count, count);
}

UNIT(map_against_a_model)
{
    size_t count = 0;
    srand(11);
    EXPECT_EQ(bide__map_init(&m), 0);
    for (int i = 0; i < N; i++)
        snprintf(entries[i].key, sizeof entries[i].key, "host-%d", i);
    for (int step = 0; step < 20000; step++) {
        struct entry *e = &entries[rand() % N];
        if (e->in)
            bide__map_remove(&m, &e->node);
        else
            bide__map_add(&m, &e->node, e->key, strlen(e->key));
        e->in = !e->in;
        count = e->in ? count + 1 : count - 1;
        if (step % 4000 == 0)
            check_all(count);
    }
    check_all(count);
    bide__map_free(&m);
}

UNIT(map_keys_are_bytes_not_texts)
{
    struct map_node a, b, c;
    EXPECT_EQ(bide__map_init(&m), 0);
    bide__map_add(&m, &a, "k\0a", 3);
    bide__map_add(&m, &b, "k\0b", 3);
    bide__map_add(&m, &c, "", 0);
    EXPECT_TRUE(bide__map_find(&m, "k\0a", 3) == &a);
    EXPECT_TRUE(bide__map_find(&m, "k\0b", 3) == &b);
    EXPECT_TRUE(bide__map_find(&m, "x", 0) == &c);
    EXPECT_NULL(bide__map_find(&m, "k", 1));
    bide__map_free(&m);
}

UNIT(map_grows_as_well_as_memory_allows)
{
    EXPECT_EQ(bide__map_init(&m), 0);
    for (int i = 0; i < 200; i++) {
        snprintf(entries[i].key, sizeof entries[i].key, "%d", i);
        bide__alloc_fail_at(0); /* it cannot grow: the chains get longer */
        bide__map_add(&m, &entries[i].node, entries[i].key, strlen(entries[i].key));
        bide__alloc_fail_at(-1);
        entries[i].in = true;
    }
    for (int i = 0; i < 200; i++)
        EXPECT_TRUE(bide__map_find(&m, entries[i].key, strlen(entries[i].key)) == &entries[i].node);
    bide__map_free(&m);
    bide__alloc_fail_at(0);
    EXPECT_ERR(bide__map_init(&m), BIDE_ENOMEM);
}
