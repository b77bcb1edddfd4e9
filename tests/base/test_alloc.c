/* SPDX-License-Identifier: MIT */
/* test_alloc.c - the heap is counted, and any allocation can be made to fail. */
#include "base/base.h"
#include "harness/harness.h"

UNIT(alloc_live_counts_what_was_not_given_back)
{
    size_t before = bide__alloc_live();
    void *a = bide__malloc(10), *b = bide__calloc(3, 5);
    char *c = bide__strdup("text"), *d = bide__realloc(NULL, 4);
    EXPECT_EQ(bide__alloc_live(), before + 4);
    d = bide__realloc(d, 4000);
    EXPECT_EQ(bide__alloc_live(), before + 4);
    EXPECT_STR(c, "text");
    EXPECT_EQ(*(char *)b, 0);
    bide__free(NULL);
    bide__free(a);
    bide__free(b);
    bide__free(c);
    bide__free(d);
    EXPECT_EQ(bide__alloc_live(), before);
}

UNIT(alloc_fail_at_fails_that_one_alone)
{
    EXPECT_FALSE(bide__alloc_fail_at(1));
    void *a = bide__malloc(1), *b = bide__malloc(1), *c = bide__malloc(1);
    EXPECT_TRUE(a && !b && c);
    EXPECT_FALSE(bide__alloc_fail_at(5)); /* the one before has come */
    EXPECT_TRUE(bide__alloc_fail_at(-1)); /* this one never did */
    bide__free(a);
    bide__free(c);
}

UNIT(alloc_realloc_that_fails_keeps_the_old)
{
    char *p = bide__strdup("old");
    bide__alloc_fail_at(0);
    EXPECT_NULL(bide__realloc(p, 100));
    EXPECT_STR(p, "old");
    bide__free(p);
}

UNIT(alloc_strndup_cuts)
{
    char *p = bide__strndup("abcdef", 3);
    EXPECT_STR(p, "abc");
    bide__free(p);
}
