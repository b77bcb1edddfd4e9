/* SPDX-License-Identifier: MIT */
/*
 * heap.h - memory: the heap, counted, and arenas of what dies together.  Included by base.h.
 */
#ifndef BIDE_BASE_HEAP_H
#define BIDE_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include <bide/allocator.h>

#include "base/hardening.h"

/* ---- alloc.c: the heap, counted, so that tests see leaks and can make any allocation fail ---- */

void *bide__malloc(size_t size);
void *bide__calloc(size_t n, size_t size);
void *bide__realloc(void *old, size_t size);
never_indirect void bide__free(void *p);
void *bide__realloc_uncounted(void *old, size_t size); /* for what the user gives back with free() */
char *bide__strdup(const char *text);
char *bide__strndup(const char *text, size_t len);
size_t bide__alloc_live(void);
/* Fail the n-th allocation from now on (0: the next), once; negative: none.  True: what was asked for before never came. */
bool bide__alloc_fail_at(long n);
/* Take memory from there.  False: too late, something was allocated. */
bool bide__alloc_use(const bide_allocator *a);

/* ---- arena.c: memory that dies together; can be reset and used again without the heap ---- */

struct arena {
    struct arena_block *block; /* the newest first */
    char *next, *limit;
    size_t total, max; /* max: BIDE_ELIMIT beyond */
};

void bide__arena_init(struct arena *a, size_t max);
void bide__arena_free(struct arena *a);
/* Forget everything but keep the largest block. */
never_indirect void bide__arena_reset(struct arena *a);
/* 16-byte aligned; NULL and an error on record. */
never_indirect void *bide__arena_alloc(struct arena *a, size_t size);
/* A copy with a NUL behind it. */
never_indirect char *bide__arena_strndup(struct arena *a, const char *text, size_t len);

#endif
