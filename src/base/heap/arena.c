/* SPDX-License-Identifier: MIT */
/*
 * arena.c - memory that dies together.
 *
 * Blocks double in size.  A reset keeps the largest (the newest) block, so a recycled arena soon serves every request
 * from one block and never touches the heap again.
 */
#include "base/base.h"

struct arena_block {
    struct arena_block *older;
    size_t size;
};

/* The header is padded, so that what follows is aligned for anything. */
#define HEADER ((sizeof(struct arena_block) + 15) & ~(size_t)15)
#define FIRST_BLOCK 2048

void bide__arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){.max = max};
}

static void free_blocks(struct arena_block *b)
{
    while (b) {
        struct arena_block *older = b->older;
        bide__free(b);
        b = older;
    }
}

void bide__arena_free(struct arena *a)
{
    free_blocks(a->block);
    bide__arena_init(a, a->max);
}

never_indirect void bide__arena_reset(struct arena *a)
{
    struct arena_block *b = a->block;
    if (!b)
        return;
    if (unlikely(bide__no_recycling)) { /* so that a stale pointer into it is found */
        bide__arena_free(a);
        return;
    }

    free_blocks(b->older);
    b->older = NULL;
    a->total = b->size;
    a->next = (char *)b + HEADER;
    a->limit = (char *)b + b->size;
}

static int over_the_ceiling(const struct arena *a)
{
    return bide_fail(BIDE_ELIMIT, "more than %zu bytes in one arena", a->max);
}

static int add_block(struct arena *a, size_t need)
{
    size_t size = a->block ? a->block->size * 2 : FIRST_BLOCK;
    if (size < need + HEADER)
        size = need + HEADER;
    if (size > a->max || a->total > a->max - size) {
        size = need + HEADER; /* near the ceiling: just what is needed */
        if (size > a->max || a->total > a->max - size)
            return over_the_ceiling(a);
    }

    struct arena_block *b = bide__malloc(size);
    if (!b)
        return bide__fail_nomem("an arena");
    *b = (struct arena_block){a->block, size};
    a->block = b;
    a->total += size;
    a->next = (char *)b + HEADER;
    a->limit = (char *)b + size;
    return 0;
}

never_indirect void *bide__arena_alloc(struct arena *a, size_t size)
{
    if (size > a->max) { /* also keeps the sums below from wrapping */
        over_the_ceiling(a);
        return NULL;
    }
    size = (size + 15) & ~(size_t)15;
    if ((size_t)(a->limit - a->next) < size && add_block(a, size) < 0)
        return NULL;

    void *p = a->next;
    a->next += size;
    return p;
}

never_indirect char *bide__arena_strndup(struct arena *a, const char *text, size_t len)
{
    char *copy = bide__arena_alloc(a, len + 1);
    if (!copy)
        return NULL;

    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}
