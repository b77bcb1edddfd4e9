/* SPDX-License-Identifier: MIT */
/*
 * slab.h - one mapping, carved into slots of guard + stack.  For stack.c and overflow.c.
 *
 *      | header page | guard | stack | guard | stack | guard | stack | ...  not yet used: no guards, no memory
 *
 * Invariants:
 *   L1  used <= guarded <= count; slots below used were handed out at least once.
 *   L2  a slot's cold bit is set only while nobody uses the slot and its stack holds no memory.
 *   L3  every mapped slab is in the registry, so that a signal handler finds it without a lock.
 */
#ifndef BIDE_CORE_SLAB_H
#define BIDE_CORE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/stack/stack.h"

#define SLAB_MAX_SLOTS 4096
#define GUARD_BATCH_MAX 64

/* ---- guard.c ---- */

/* Guards at equal distances.  Zeroed but for first and stride. */
struct guards {
    char *first;
    size_t stride;
    uint32_t mprotected; /* how many were made so; then madvise does not work here */
};

/* Learn once what guards this kernel offers.  0, or a negative errno with the text set. */
int bide__guard_probe(void);
/* Install up to n (at most GUARD_BATCH_MAX) from first on.  Returns how many; 0 with errno and the text set. */
uint32_t bide__guard_install(struct guards *g, uint32_t n);
/* The mapping with these guards is gone. */
void bide__guard_unmapped(const struct guards *g);

size_t bide__guard_bytes(void);
size_t bide__page_bytes(void);

/* ---- slab.c ---- */

struct slab {
    size_t bytes;  /* of the mapping, which starts at this header */
    size_t size;   /* usable bytes of a stack */
    size_t stride; /* bytes from slot to slot */
    uint32_t count, used, guarded;
    uint32_t cold_count;
    struct slab *next; /* in its class */
    struct guards guards;
    int32_t registered; /* place in the registry */
    bool release;       /* some bit of to_release is set */
    uint64_t cold[SLAB_MAX_SLOTS / 64];
    uint64_t to_release[SLAB_MAX_SLOTS / 64];
};

/* Map a slab of at most count stacks of size usable bytes; fewer if memory is short.  NULL: errno and the text. */
struct slab *bide__slab_map(size_t size, uint32_t count);
void bide__slab_unmap(struct slab *slab);

/* Take the next slot that was never used; NULL with errno and the text if it cannot be guarded. */
struct stack *bide__slab_carve(struct slab *slab);

/* The record of a slot; its contents mean something only while the slot is live or hot. */
struct stack *bide__slab_record(struct slab *slab, uint32_t slot);

/* Give the memory of all slots marked in to_release back; they become cold.  Returns how many. */
uint32_t bide__slab_release(struct slab *slab);
/* Take a cold slot; there is one. */
struct stack *bide__slab_thaw(struct slab *slab);

/* For the overflow handler: the slot whose guard holds addr.  Async-signal-safe. */
struct stack *bide__slab_find_guard(const void *addr);

/* Set errno and the calling thread's text. */
void bide__stack_fail(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
