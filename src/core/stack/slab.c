/* SPDX-License-Identifier: MIT */
/*
 * slab.c - mappings full of stacks, and the registry in which a signal handler finds them.
 *
 * Guards are installed in batches as a slab is used, because each costs a page-table entry (and for big stacks a whole
 * page table).
 *
 * The distance between slots is an odd number of pages, so that the tops of many stacks do not fall into the same sets
 * of the TLB, and is no multiple of 2 MiB, which transparent huge pages would fill.
 */
#include "core/stack/slab.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "core/stack/sanitize.h"

/* Stacks whose guards are installed together span about this much: in the beginning of a slab, and later. */
#define FIRST_BATCH_BYTES ((size_t)4 << 20)
#define GUARD_BATCH_BYTES ((size_t)32 << 20)
#define REGISTRY_SLOTS 16384

static _Thread_local char error_text[240];

void bide__stack_fail(int err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error_text, sizeof error_text, format, args);
    va_end(args);
    errno = err;
}

const char *bide__stack_error(void)
{
    return error_text[0] ? error_text : "no error";
}

/* ---- the registry: written by any thread, read by the overflow handler, no locks ---- */

#define CLAIMED ((uintptr_t)1)

static struct {
    atomic_uintptr_t slab; /* 0: free; CLAIMED: being filled in */
    atomic_size_t bytes;
} registry[REGISTRY_SLOTS];

static atomic_int registry_end; /* no entry at or above was ever used */

static bool registry_add(struct slab *slab)
{
    for (int i = 0; i < REGISTRY_SLOTS; i++) {
        uintptr_t unused = 0;
        if (!atomic_compare_exchange_strong(&registry[i].slab, &unused, CLAIMED))
            continue;
        slab->registered = i;
        atomic_store(&registry[i].bytes, slab->bytes);
        atomic_store(&registry[i].slab, (uintptr_t)slab);
        int end = atomic_load(&registry_end);
        while (end <= i && !atomic_compare_exchange_weak(&registry_end, &end, i + 1))
            ;
        return true;
    }
    return false;
}

static void registry_remove(const struct slab *slab)
{
    atomic_store(&registry[slab->registered].slab, 0);
}

/*
 * Two fields, no lock: `bytes` counts only if `slab` was the same before and after it was read.  A writer claims the entry
 * first, and publishes `slab` last; all of it is sequentially consistent.  Who asks for an address of a living stack
 * finds it, for that slab is not removed meanwhile.
 */
static struct slab *registry_find(uintptr_t addr)
{
    int end = atomic_load(&registry_end);
    for (int i = 0; i < end; i++) {
        uintptr_t base = atomic_load(&registry[i].slab);
        if (base > CLAIMED && addr - base < atomic_load(&registry[i].bytes) &&
            base == atomic_load(&registry[i].slab))
            return (struct slab *)base;
    }
    return NULL;
}

/* ---- geometry ---- */

static size_t header_bytes(void)
{
    return (sizeof(struct slab) + bide__page_bytes() - 1) & ~(bide__page_bytes() - 1);
}

static char *slot_base(struct slab *slab, uint32_t slot)
{
    return (char *)slab + header_bytes() + slot * slab->stride;
}

/*
 * Tops of stacks would all lie at the end of a page, and the few lines that a parked coroutine touches in the same sets
 * of the first-level cache: with 16 of them it would already thrash.  Eight offsets halve the cost of a switch among
 * 16 to 2,000, and take a third off it among 16,000; they cost at most 896 bytes of the top page.
 */
static size_t colour(uint32_t slot)
{
    return slot % 8 * 128;
}

struct stack *bide__slab_record(struct slab *slab, uint32_t slot)
{
    return (struct stack *)(slot_base(slab, slot) + slab->stride - colour(slot) - sizeof(struct stack));
}

struct stack *bide__slab_find_guard(const void *addr)
{
    struct slab *slab = registry_find((uintptr_t)addr);
    if (!slab || (uintptr_t)addr < (uintptr_t)slot_base(slab, 0))
        return NULL;
    size_t offset = (size_t)((uintptr_t)addr - (uintptr_t)slot_base(slab, 0));
    uint32_t slot = (uint32_t)(offset / slab->stride);
    if (slot >= slab->used || offset % slab->stride >= bide__guard_bytes())
        return NULL;
    return bide__slab_record(slab, slot);
}

/* ---- life of a slab ---- */

static uint32_t batch_size(const struct slab *slab)
{
    size_t n = (slab->guarded ? GUARD_BATCH_BYTES : FIRST_BATCH_BYTES) / slab->stride;
    if (n > GUARD_BATCH_MAX)
        n = GUARD_BATCH_MAX;
    if (n > slab->count - slab->guarded)
        n = slab->count - slab->guarded;
    return n ? (uint32_t)n : 1;
}

static bool guard_next_batch(struct slab *slab)
{
    slab->guards.first = slot_base(slab, slab->guarded);
    uint32_t done = bide__guard_install(&slab->guards, batch_size(slab));
    slab->guarded += done;
    return done > 0;
}

static void *map_stacks(size_t bytes)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    madvise(base, bytes, MADV_NOHUGEPAGE); /* advice: a kernel without huge pages refuses it */
    return base;
}

struct slab *bide__slab_map(size_t size, uint32_t count)
{
    size_t stride = bide__guard_bytes() + size + bide__page_bytes();
    struct slab *slab = NULL;
    for (; count > 0 && !slab; count = slab ? count : count / 2)
        slab = map_stacks(header_bytes() + count * stride);
    if (!slab) {
        bide__stack_fail(ENOMEM, "cannot map a stack of %zu KiB: %s (memory limit, overcommit, or vm.max_map_count)",
                         size >> 10, strerror(errno));
        return NULL;
    }
    slab->bytes = header_bytes() + count * stride;
    slab->size = size;
    slab->stride = slab->guards.stride = stride;
    slab->count = count;
    if (registry_add(slab))
        return slab;
    munmap(slab, slab->bytes);
    bide__stack_fail(ENOMEM, "too many stacks: the limit is %d slabs of them", REGISTRY_SLOTS);
    return NULL;
}

void bide__slab_unmap(struct slab *slab)
{
    registry_remove(slab);
    bide__guard_unmapped(&slab->guards);
    size_t bytes = slab->bytes;
    bide__memory_taken(slab, bytes);
    munmap(slab, bytes);
}

/* Fill in the record of a slot that has no memory yet. */
static struct stack *format_record(struct slab *slab, uint32_t slot)
{
    struct stack *s = bide__slab_record(slab, slot);
    bide__memory_taken(s, sizeof *s);
    *s = (struct stack){
        .size = slab->size,
        .low = slot_base(slab, slot) + bide__guard_bytes(),
        .slab = slab,
        .slot = slot,
    };
    return s;
}

struct stack *bide__slab_carve(struct slab *slab)
{
    if (slab->used == slab->guarded && !guard_next_batch(slab))
        return NULL;
    return format_record(slab, slab->used++);
}

/* ---- cold stacks ---- */

/* The next run of set bits at or after from; false: none. */
static bool next_run(const struct slab *slab, uint32_t from, uint32_t *first, uint32_t *end)
{
    uint32_t i = from;
    while (i < slab->used && !(slab->to_release[i / 64] >> i % 64 & 1))
        i++;
    *first = i;
    while (i < slab->used && slab->to_release[i / 64] >> i % 64 & 1)
        i++;
    *end = i;
    return *first < *end;
}

uint32_t bide__slab_release(struct slab *slab)
{
    uint32_t first, end, released = 0;
    for (uint32_t from = 0; next_run(slab, from, &first, &end); from = end) {
        bide__memory_taken(slot_base(slab, first), (end - first) * slab->stride);
        madvise(slot_base(slab, first), (end - first) * slab->stride, MADV_DONTNEED); /* guards survive it */
        released += end - first;
    }
    for (uint32_t i = 0; i < SLAB_MAX_SLOTS / 64; i++) {
        slab->cold[i] |= slab->to_release[i];
        slab->to_release[i] = 0;
    }
    slab->cold_count += released;
    slab->release = false;
    return released;
}

struct stack *bide__slab_thaw(struct slab *slab)
{
    uint32_t word = 0;
    while (slab->cold[word] == 0)
        word++;
    uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(slab->cold[word]);
    slab->cold[word] &= slab->cold[word] - 1;
    slab->cold_count--;
    return format_record(slab, slot);
}
