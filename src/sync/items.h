/* SPDX-License-Identifier: MIT */
/* items.h - the items of a queue or channel: copies in one block, which grows. */
#ifndef BIDE_SYNC_ITEMS_H
#define BIDE_SYNC_ITEMS_H

#include "base/base.h"

enum items_order { FIRST_IN_FIRST, LAST_IN_FIRST, SMALLEST_FIRST };

struct items {
    size_t item_size;
    size_t slot_size; /* in the block: with its number, if the smallest comes first */
    size_t max;       /* how many there may be */
    size_t n, cap;    /* cap is a power of two */
    size_t head;      /* FIRST_IN_FIRST: where the next to be taken lies, in the ring */
    uint64_t number;  /* of the next one put, so that equal ones keep their order */
    char *block;      /* NULL: none yet */
    int (*compare)(const void *a, const void *b);
    enum items_order order;
};

void bide__items_init(struct items *items, size_t item_size, size_t max, enum items_order order);
int bide__items_put(struct items *items, const void *item); /* 0, or BIDE_ENOMEM on record */
void bide__items_take(struct items *items, void *item);     /* there is one; item is a place for it */
/* Take all, hand each to item_free (NULL: nothing to do), and free the block. */
void bide__items_drop(struct items *items, void (*item_free)(void *item));

#endif
