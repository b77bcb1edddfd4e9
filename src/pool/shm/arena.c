/* SPDX-License-Identifier: MIT */
/*
 * arena.c - large payloads, in memory that all workers see.
 *
 * A file without a name that grows; blocks of powers of two, from 16 KiB, handed out and taken back by us alone.  A
 * worker that wants one for its result asks for it, so nothing has to be found out after its death: what its jobs held
 * is in our table.  The address space is reserved at once; memory comes when it is touched.
 *
 * Invariants:
 *   A1  a block belongs to one job at a time, or to the user who asked for a buffer, or is in the list of its class.
 *   A2  a free block keeps its memory while no more than WARM_MAX bytes do so; else it is given back to the kernel.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/checker.h"
#include "pool/shm/shm.h"

#define WARM_MAX ((uint64_t)64 << 20)
#define GROW_MIN ((uint64_t)4 << 20)

int bide__pool_arena_open(struct pool_arena *a)
{
    *a = (struct pool_arena){.generation = bide__fork_generation(), .memory = bide__fd_above_standard(memfd_create("bide-arena", MFD_CLOEXEC))};
    if (a->memory < 0)
        return bide_fail(-errno, "memory for large payloads: memfd_create: %s", bide_strerror(-errno));
    for (unsigned i = 0; i < BLOCK_CLASSES; i++)
        bide__list_init(&a->free[i]);
    return 0;
}

void bide__pool_arena_close(struct pool_arena *a)
{
    for (size_t i = 0; i < a->nblocks; i++)
        bide__free(a->blocks[i]);
    bide__free(a->blocks);
    if (a->base) {
        if (bide__no_recycling)
            bide__memory_shared(a->base, a->used);
        munmap(a->base, ARENA_BYTES);
    }
    if (a->memory >= 0)
        close(a->memory);
    *a = (struct pool_arena){.memory = -1};
}

static int map(struct pool_arena *a)
{
    if (a->base)
        return 0;
    void *p = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, a->memory, 0);
    if (p == MAP_FAILED)
        return bide_fail(-errno, "addresses for large payloads: %s", bide_strerror(-errno));
    a->base = p;
    return 0;
}

static int grow(struct pool_arena *a, uint64_t to)
{
    if (to <= a->bytes)
        return 0;
    if (to > ARENA_BYTES)
        return bide_fail(BIDE_ENOMEM, "large payloads: more than %llu GiB at once", (unsigned long long)(ARENA_BYTES >> 30));
    uint64_t bytes = (to + GROW_MIN - 1) & ~(GROW_MIN - 1);
    if (ftruncate(a->memory, (off_t)bytes) < 0)
        return bide_fail(-errno, "memory for large payloads: %s", bide_strerror(-errno));
    a->bytes = bytes;
    return 0;
}

static struct block *add(struct pool_arena *a, unsigned class_)
{
    uint64_t size = (uint64_t)1 << (class_ + BLOCK_SHIFT_MIN);
    if (map(a) < 0 || grow(a, a->used + size) < 0)
        return NULL;

    if (a->nblocks == a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 16;
        struct block **more = bide__realloc(a->blocks, cap * sizeof *more);
        if (!more) {
            bide__fail_nomem("a large payload");
            return NULL;
        }
        a->blocks = more;
        a->cap = cap;
    }
    struct block *b = bide__calloc(1, sizeof *b);
    if (!b) {
        bide__fail_nomem("a large payload");
        return NULL;
    }
    bide__list_init(&b->node);
    b->offset = a->used;
    b->class_ = class_;
    a->used += size;
    a->blocks[a->nblocks++] = b;
    return b;
}

/* Of at most PAYLOAD_MAX: beyond the largest power of two it would not end. */
static unsigned class_of(uint64_t len)
{
    unsigned c = 0;

    while (((uint64_t)1 << (c + BLOCK_SHIFT_MIN)) < len)
        c++;
    return c;
}

struct block *bide__block_get(struct pool_arena *a, uint64_t len)
{
    if (len > PAYLOAD_MAX) {
        bide_fail(-E2BIG, "a payload of %llu bytes: 2 GiB at most", (unsigned long long)len);
        return NULL;
    }
    unsigned c = class_of(len);
    struct block *b;
    if (bide__list_is_empty(&a->free[c])) {
        b = add(a, c);
    } else {
        b = container_of(a->free[c].next, struct block, node);
        bide__list_remove(&b->node);
        uint64_t size = (uint64_t)1 << (c + BLOCK_SHIFT_MIN);
        a->warm -= a->warm < size ? a->warm : size;
    }
    if (b) {
        b->owner = BLOCK_JOBS;
        b->len = len;
        if (unlikely(bide__no_recycling))
            bide__memory_shared(a->base + b->offset, (uint64_t)1 << (c + BLOCK_SHIFT_MIN));
    }
    return b;
}

void bide__block_put(struct pool_arena *a, struct block *b)
{
    uint64_t size = (uint64_t)1 << (b->class_ + BLOCK_SHIFT_MIN);

    if (bide__was_forked(a->generation))
        return; /* a forked child: the memory is the parent's, too */
    assert(b->owner != BLOCK_FREE);
    b->owner = BLOCK_FREE;
    if (a->warm + size > WARM_MAX)
        fallocate(a->memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)b->offset, (off_t)size);
    else
        a->warm += size;
    if (unlikely(bide__no_recycling)) /* so that a later read of the result is found */
        bide__memory_free(a->base + b->offset, size);
    bide__list_prepend(&a->free[b->class_], &b->node); /* the warmest first */
}

struct block *bide__block_at(const struct pool_arena *a, const void *p)
{
    uintptr_t base = (uintptr_t)a->base, addr = (uintptr_t)p;
    if (!a->base || addr < base || addr >= base + a->used)
        return NULL;

    uint64_t offset = addr - base;
    size_t low = 0, high = a->nblocks;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (a->blocks[mid]->offset == offset)
            return a->blocks[mid];
        if (a->blocks[mid]->offset < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}
