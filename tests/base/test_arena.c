/* SPDX-License-Identifier: MIT */
/* test_arena.c - memory that dies together, is used again, and has a ceiling. */
#include <stdint.h>

#include "base/base.h"
#include "harness/harness.h"

static struct arena a;

UNIT(arena_gives_aligned_memory_that_does_not_overlap)
{
    char *parts[200];
    bide__arena_init(&a, 1 << 20);
    for (int i = 0; i < 200; i++) {
        parts[i] = bide__arena_alloc(&a, (size_t)i * 7 + 1);
        EXPECT_NOT_NULL(parts[i]);
        EXPECT_EQ((uintptr_t)parts[i] % 16, 0);
        memset(parts[i], i, (size_t)i * 7 + 1);
    }
    for (int i = 0; i < 200; i++)
        EXPECT_TRUE((unsigned char)parts[i][0] == i && (unsigned char)parts[i][i * 7] == i);
    bide__arena_free(&a);
}

UNIT(arena_reset_then_same_use_touches_the_heap_no_more)
{
    bide__arena_init(&a, 1 << 20);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 100; i++)
            EXPECT_NOT_NULL(bide__arena_alloc(&a, 100));
        size_t live = bide__alloc_live();
        bide__arena_reset(&a);
        if (round < 3)
            continue;
        EXPECT_EQ(bide__alloc_live(), live);
        bide__alloc_fail_at(0);
        EXPECT_NOT_NULL(bide__arena_alloc(&a, 100 * 100));
        EXPECT_TRUE(bide__alloc_fail_at(-1));
        bide__arena_reset(&a);
    }
    bide__arena_free(&a);
}

UNIT(arena_beyond_its_ceiling_is_an_error)
{
    static const size_t too_much[] = {5000, 4097, SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 15, SIZE_MAX - 16, SIZE_MAX / 2};
    bide__arena_init(&a, 1 << 20); /* a fresh one */
    EXPECT_NULL(bide__arena_alloc(&a, SIZE_MAX));
    EXPECT_NULL(bide__arena_alloc(&a, SIZE_MAX - 40));
    EXPECT_EQ(bide_error_code(), BIDE_ELIMIT);
    bide__arena_init(&a, 4096);
    EXPECT_NOT_NULL(bide__arena_alloc(&a, 1000));
    for (size_t i = 0; i < array_len(too_much); i++) {
        bide_error_clear();
        EXPECT_NULL(bide__arena_alloc(&a, too_much[i]));
        EXPECT_EQ(bide_error_code(), BIDE_ELIMIT);
    }
    EXPECT_NOT_NULL(bide__arena_alloc(&a, 1000)); /* what fits still does */
    bide__arena_free(&a);
}

UNIT(arena_without_memory_is_an_error)
{
    bide__arena_init(&a, 1 << 20);
    bide__alloc_fail_at(0);
    EXPECT_NULL(bide__arena_alloc(&a, 1));
    EXPECT_EQ(bide_error_code(), BIDE_ENOMEM);
    EXPECT_NOT_NULL(bide__arena_alloc(&a, 1));
    bide__arena_free(&a);
}

UNIT(arena_strndup_ends_in_a_nul)
{
    bide__arena_init(&a, 1 << 20);
    EXPECT_STR(bide__arena_strndup(&a, "hello world", 5), "hello");
    EXPECT_STR(bide__arena_strndup(&a, "", 0), "");
    bide__arena_free(&a);
}
