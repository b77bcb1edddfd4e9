/* SPDX-License-Identifier: MIT */
/*
 * alloc.c - the heap, counted: that of the C library, or the program's own (bide_set_allocator).
 *
 * Every allocation of the library goes through here, so that a test can see what was not given back and can make the
 * n-th allocation fail for n = 0, 1, 2, ...  Hot paths do not come here: they recycle.
 */
#include "base/base.h"

#include <stdatomic.h>
#include <stdlib.h>

/* ---- where it comes from ---- */

static void *libc_malloc(size_t size, void *user)
{
    (void)user;
    return malloc(size);
}

static void *libc_calloc(size_t n, size_t size, void *user)
{
    (void)user;
    return calloc(n, size);
}

static void *libc_realloc(void *old, size_t size, void *user)
{
    (void)user;
    return realloc(old, size);
}

static void libc_free(void *p, void *user)
{
    (void)user;
    free(p);
}

static bide_allocator heap = {.malloc = libc_malloc, .calloc = libc_calloc, .realloc = libc_realloc, .free = libc_free};
static atomic_bool is_settled; /* something was allocated, or it is the program's: it stays as it is */

static void *calloc_by_malloc(size_t n, size_t size, void *user)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total))
        return NULL;
    void *p = heap.malloc(total, user);

    return p ? memset(p, 0, total) : NULL;
}

bool bide__alloc_use(const bide_allocator *a)
{
    if (atomic_exchange(&is_settled, true))
        return false;

    heap = *a;
    if (!heap.calloc)
        heap.calloc = calloc_by_malloc;
    return true;
}

/* ---- counted ---- */

static atomic_long live;
static atomic_long fail_countdown = -1; /* negative: no failure is asked for */

/*
 * Each allocation asks first.  Relaxed: bide__alloc_use is for the start of a program, before there are other threads that
 * could allocate; its exchange is for two who try it, of whom one succeeds.  The countdown is the tests', who make no race.
 */
static bool must_fail(void)
{
    if (unlikely(!atomic_load_explicit(&is_settled, memory_order_relaxed)))
        atomic_store_explicit(&is_settled, true, memory_order_relaxed);
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
    return must_fail() ? NULL : counted(heap.malloc(size, heap.user));
}

void *bide__calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : counted(heap.calloc(n, size, heap.user));
}

void *bide__realloc(void *old, size_t size)
{
    if (must_fail())
        return NULL;

    return old ? heap.realloc(old, size, heap.user) : counted(heap.malloc(size, heap.user));
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
    heap.free(p, heap.user);
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
