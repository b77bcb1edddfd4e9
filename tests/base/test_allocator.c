/* SPDX-License-Identifier: MIT */
/* test_allocator.c - a heap of the program's own: what it is asked for, and when it is too late to give one. */
#include <bide/allocator.h>

#include "base/base.h"
#include "harness/allocator.h"
#include "harness/harness.h"

UNIT(allocator_set_first_gives_all_memory)
{
    struct counting_heap heap = {.limit = SIZE_MAX};
    EXPECT_ERR(counting_heap_use(&heap), 0);

    char *a = bide__malloc(10), *b = bide__calloc(3, 5), *c = bide__strdup("text");
    EXPECT_EQ(heap.live, 3);
    for (int i = 0; i < 15; i++)
        EXPECT_EQ(b[i], 0);
    c = bide__realloc(c, 4000);
    EXPECT_STR(c, "text");
    char *d = bide__realloc(NULL, 4);
    EXPECT_EQ(heap.live, 4);
    bide__free(a);
    bide__free(b);
    bide__free(c);
    bide__free(d);
    EXPECT_EQ(heap.live, 0);
    EXPECT_EQ(heap.bytes, 0);
}

UNIT(allocator_without_calloc_gives_zeros_by_malloc)
{
    struct counting_heap heap = {.limit = SIZE_MAX};
    EXPECT_ERR(bide_set_allocator(.malloc = counting_malloc, .realloc = counting_realloc, .free = counting_free, .user = &heap), 0);

    char *p = bide__malloc(64);
    memset(p, 'x', 64);
    bide__free(p);
    p = bide__calloc(8, 8);
    for (int i = 0; i < 64; i++)
        EXPECT_EQ(p[i], 0);
    bide__free(p);
    EXPECT_NULL(bide__calloc(SIZE_MAX / 2, 3));
    EXPECT_EQ(heap.live, 0);
}

UNIT(allocator_after_the_first_allocation_is_refused)
{
    struct counting_heap heap = {.limit = SIZE_MAX};
    char *p = bide__malloc(1);

    EXPECT_ERR(counting_heap_use(&heap), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "bide_set_allocator: too late");
    bide__free(p);
    EXPECT_ERR(counting_heap_use(&heap), BIDE_ESTATE); /* nothing lives, and yet: what one sees does not depend on that */
    EXPECT_EQ(heap.live, 0);
}

UNIT(allocator_set_twice_is_refused)
{
    struct counting_heap heap = {.limit = SIZE_MAX}, other = {.limit = SIZE_MAX};
    EXPECT_ERR(counting_heap_use(&heap), 0);
    EXPECT_ERR(counting_heap_use(&other), BIDE_ESTATE);

    bide__free(bide__malloc(1));
    EXPECT_EQ(heap.calls, 1);
    EXPECT_EQ(other.calls, 0);
}

UNIT(allocator_that_lacks_a_function_is_refused_and_may_be_set_again)
{
    struct counting_heap heap = {.limit = SIZE_MAX};

    EXPECT_ERR(bide_set_allocator(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "bide_set_allocator: .malloc is NULL");
    EXPECT_ERR(bide_set_allocator(.malloc = counting_malloc, .free = counting_free), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), ".realloc is NULL");
    EXPECT_ERR(bide_set_allocator(.malloc = counting_malloc, .realloc = counting_realloc), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), ".free is NULL");
    EXPECT_ERR(bide_set_allocator_with(NULL), -EINVAL);
    EXPECT_ERR(counting_heap_use(&heap), 0);
}

UNIT(allocator_that_has_no_more_fails_the_allocation)
{
    struct counting_heap heap = {.limit = 1};
    EXPECT_ERR(counting_heap_use(&heap), 0);

    char *p = bide__strdup("old");
    EXPECT_NULL(bide__malloc(1));
    EXPECT_NULL(bide__calloc(1, 1));
    EXPECT_NULL(bide__realloc(p, 100));
    EXPECT_STR(p, "old");
    EXPECT_EQ(bide__alloc_live(), 1);
    bide__free(p);
    EXPECT_EQ(heap.live, 0);
}
