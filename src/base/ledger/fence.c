/* SPDX-License-Identifier: MIT */
/*
 * fence.c - memory in pages of its own, which can be made inaccessible: a stale pointer faults.
 *
 * For the objects of a program that is debugged (ledger.c): a use after release faults, also in code that no checker
 * instruments.  Pages come from slabs and are used again when they are given back.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"
#include "base/ledger/ledger.h"

#define SLAB_PAGES 256

extern void __lsan_register_root_region(const void *low, size_t size) __attribute__((weak));

struct free_page {
    struct free_page *next;
};

static struct {
    pthread_mutex_t lock;
    struct free_page *free;
} pages = {.lock = PTHREAD_MUTEX_INITIALIZER};

static size_t page_bytes(void)
{
    static size_t bytes;

    return bytes ? bytes : (bytes = (size_t)sysconf(_SC_PAGESIZE));
}

/* What objects point to is not leaked: LeakSanitizer does not look into mappings by itself. */
static char *map(size_t size)
{
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;

    if (__lsan_register_root_region)
        __lsan_register_root_region(p, size);
    return p;
}

static void *take_page(void)
{
    size_t size = page_bytes();

    if (!pages.free) {
        char *slab = map(SLAB_PAGES * size);
        for (size_t i = SLAB_PAGES; slab && i > 0; i--) {
            struct free_page *p = (struct free_page *)(slab + (i - 1) * size);
            p->next = pages.free;
            pages.free = p;
        }
    }
    struct free_page *p = pages.free;
    if (p) {
        pages.free = p->next;
        p->next = NULL; /* the rest is zeros */
    }
    return p;
}

size_t bide__fence_size(size_t size)
{
    return (size + page_bytes() - 1) & ~(page_bytes() - 1);
}

void *bide__fence_alloc(size_t size)
{
    if (bide__fence_size(size) > page_bytes())
        return map(bide__fence_size(size));

    pthread_mutex_lock(&pages.lock);
    void *p = take_page();
    pthread_mutex_unlock(&pages.lock);
    return p;
}

/* Both calls may fail; then the memory stays accessible, and a use after release is not noticed. */
void bide__fence_close(void *object, size_t size)
{
    size_t bytes = bide__fence_size(size);

    madvise(object, bytes, MADV_DONTNEED);
    mprotect(object, bytes, PROT_NONE);
}

void bide__fence_free(void *object, size_t size)
{
    size_t bytes = bide__fence_size(size);

    if (mprotect(object, bytes, PROT_READ | PROT_WRITE))
        return; /* at the limit of memory maps: it stays closed */
    pthread_mutex_lock(&pages.lock);
    for (size_t at = 0; at < bytes; at += page_bytes()) {
        struct free_page *p = (struct free_page *)((char *)object + at);
        p->next = pages.free;
        pages.free = p;
    }
    pthread_mutex_unlock(&pages.lock);
}
