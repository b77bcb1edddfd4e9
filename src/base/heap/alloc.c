/* SPDX-License-Identifier: MIT */
/*
 * alloc.c - the heap, counted.
 *
 * Every allocation of the library goes through here, so that a test can see what was not given back and can make the
 * n-th allocation fail for n = 0, 1, 2, ...  Hot paths do not come here: they recycle.
 */
#include "base/base.h"

#include <stdatomic.h>
#include <stdlib.h>

static atomic_long live;
static atomic_long fail_countdown = -1; /* negative: no failure is asked for */

static bool must_fail(void)
{
    if (likely(atomic_load_explicit(&fail_countdown, memory_order_relaxed) < 0))
        return false;
    return atomic_fetch_sub(&fail_countdown, 1) == 0;
}

static void *counted(void *p)
{
    if (p)
        atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    return p;
}

void *bide__malloc(size_t size)
{
    return must_fail() ? NULL : counted(malloc(size));
}

void *bide__calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : counted(calloc(n, size));
}

void *bide__realloc(void *old, size_t size)
{
    if (must_fail())
        return NULL;

    return old ? realloc(old, size) : counted(malloc(size));
}

void *bide__realloc_uncounted(void *old, size_t size)
{
    return must_fail() ? NULL : realloc(old, size);
}

never_indirect void bide__free(void *p)
{
    if (!p)
        return;
    atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    free(p);
}

char *bide__strndup(const char *text, size_t len)
{
    char *copy = bide__malloc(len + 1);
    if (!copy)
        return NULL;

    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *bide__strdup(const char *text)
{
    return bide__strndup(text, strlen(text));
}

size_t bide__alloc_live(void)
{
    return (size_t)atomic_load(&live);
}

bool bide__alloc_fail_at(long n)
{
    return atomic_exchange(&fail_countdown, n) >= 0;
}
