/* SPDX-License-Identifier: MIT */
/*
 * allocator.h - a heap for bide_set_allocator that counts, and gives out no more than so many allocations.
 *
 * In front of each piece stands its size, so what it did not give out itself does not go unnoticed when it comes back.
 */
#ifndef TESTS_HARNESS_ALLOCATOR_H
#define TESTS_HARNESS_ALLOCATOR_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bide/allocator.h>
#include <bide/error.h>

struct counting_heap {
    atomic_size_t calls; /* that took or resized something */
    atomic_size_t live, bytes;
    size_t limit;        /* of calls; SIZE_MAX: none */
};

struct counted_piece {
    uint64_t word;
    size_t size;
};
#define COUNTED_PIECE 0x600dc0ffee600d11u

__attribute__((unused)) static void *counting_malloc(size_t size, void *user)
{
    struct counting_heap *h = user;
    if (atomic_fetch_add(&h->calls, 1) >= h->limit)
        return NULL;
    struct counted_piece *piece = malloc(sizeof *piece + size);
    if (!piece)
        return NULL;

    *piece = (struct counted_piece){COUNTED_PIECE, size};
    atomic_fetch_add(&h->live, 1);
    atomic_fetch_add(&h->bytes, size);
    return piece + 1;
}

__attribute__((unused)) static void *counting_calloc(size_t n, size_t size, void *user)
{
    void *p = counting_malloc(n * size, user);

    return p ? memset(p, 0, n * size) : NULL;
}

__attribute__((unused)) static void counting_free(void *p, void *user)
{
    struct counting_heap *h = user;
    struct counted_piece *piece = (struct counted_piece *)p - 1;
    if (piece->word != COUNTED_PIECE)
        abort();

    piece->word = 0;
    atomic_fetch_sub(&h->live, 1);
    atomic_fetch_sub(&h->bytes, piece->size);
    free(piece);
}

__attribute__((unused)) static void *counting_realloc(void *old, size_t size, void *user)
{
    size_t old_size = ((struct counted_piece *)old - 1)->size;
    void *p = counting_malloc(size, user);
    if (!p)
        return NULL;

    memcpy(p, old, size < old_size ? size : old_size);
    counting_free(old, user);
    return p;
}

__attribute__((unused)) static int counting_heap_use(struct counting_heap *h)
{
    return bide_set_allocator(.malloc = counting_malloc, .calloc = counting_calloc, .realloc = counting_realloc,
                              .free = counting_free, .user = h);
}

#endif
