/* SPDX-License-Identifier: MIT */
/*
 * items.c - items in one block: a ring, a stack, or a heap.
 *
 * The block begins small and doubles.  A heap keeps the number of each item behind it, so that of equal ones the first comes first.
 */
#include "sync/items.h"

#define FEW 8
#define SLOT_ALIGN 16

void bide__items_init(struct items *items, size_t item_size, size_t max, enum items_order order)
{
    size_t slot_size = item_size;
    if (order == SMALLEST_FIRST) /* the items stay aligned, for compare() sees them where they lie */
        slot_size = (item_size + sizeof items->number + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;

    *items = (struct items){.item_size = item_size, .slot_size = slot_size, .max = max, .order = order};
}

static char *slot(const struct items *items, size_t i)
{
    size_t at = items->order == FIRST_IN_FIRST ? (items->head + i) & (items->cap - 1) : i;

    return items->block + at * items->slot_size;
}

static int grow(struct items *items)
{
    size_t cap = items->cap ? items->cap * 2 : FEW, bytes;
    char *block = __builtin_mul_overflow(cap, items->slot_size, &bytes) ? NULL : bide__malloc(bytes);
    if (!block)
        return bide__fail_nomem("an item of a queue");

    for (size_t i = 0; i < items->n; i++)
        memcpy(block + i * items->slot_size, slot(items, i), items->slot_size);
    bide__free(items->block);
    items->block = block;
    items->cap = cap;
    items->head = 0;
    return 0;
}

/* ---- a heap: no item comes before the one above it ---- */

static bool comes_before(const struct items *items, const char *a, const char *b)
{
    uint64_t number_a, number_b;
    int r = items->compare(a, b);
    if (r != 0)
        return r < 0;

    memcpy(&number_a, a + items->item_size, sizeof number_a);
    memcpy(&number_b, b + items->item_size, sizeof number_b);
    return number_a < number_b;
}

static void swap_slots(const struct items *items, size_t i, size_t k)
{
    char *a = slot(items, i), *b = slot(items, k);

    for (size_t at = 0; at < items->slot_size; at++) {
        char c = a[at];
        a[at] = b[at];
        b[at] = c;
    }
}

static void sift_up(const struct items *items, size_t i)
{
    while (i > 0 && comes_before(items, slot(items, i), slot(items, (i - 1) / 2))) {
        swap_slots(items, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
}

static void sift_down(const struct items *items, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
            if (child < items->n && comes_before(items, slot(items, child), slot(items, least)))
                least = child;
        if (least == i)
            return;
        swap_slots(items, i, least);
        i = least;
    }
}

/* ---- in and out ---- */

/* Mostly a pointer or a number: one move, and not a call. */
static inline void copy_item(void *to, const void *from, size_t size)
{
    if (size == sizeof(void *))
        memcpy(to, from, sizeof(void *));
    else
        memcpy(to, from, size);
}

int bide__items_put(struct items *items, const void *item)
{
    if (unlikely(items->n == items->cap)) {
        int code = grow(items);
        if (code < 0)
            return code;
    }
    char *last = slot(items, items->n++);
    copy_item(last, item, items->item_size);
    if (items->order == SMALLEST_FIRST) {
        memcpy(last + items->item_size, &items->number, sizeof items->number);
        items->number++;
        sift_up(items, items->n - 1);
    }
    return 0;
}

void bide__items_take(struct items *items, void *item)
{
    bool is_stack = items->order == LAST_IN_FIRST;

    copy_item(item, slot(items, is_stack ? items->n - 1 : 0), items->item_size);
    items->n--;
    if (items->order == FIRST_IN_FIRST)
        items->head = (items->head + 1) & (items->cap - 1);
    if (items->order == SMALLEST_FIRST && items->n > 0) {
        memcpy(slot(items, 0), slot(items, items->n), items->slot_size);
        sift_down(items, 0);
    }
}

void bide__items_drop(struct items *items, void (*item_free)(void *item))
{
    for (size_t i = 0; i < items->n && item_free; i++)
        item_free(slot(items, i));
    bide__free(items->block);
    items->block = NULL;
    items->n = items->cap = items->head = 0;
}
