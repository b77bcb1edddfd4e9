/* SPDX-License-Identifier: MIT */
/*
 * shim.c - an allocator in which one allocation fails: preloaded into a whole program by test_oom.py.
 *
 * Allocations are numbered from 1, in every process of the program: malloc, calloc, realloc and their kin, and anonymous
 * mappings, which stacks are made of.  Environment:
 *
 *     OOM_FAIL=n       the n-th fails
 *     OOM_ALL=1        and so do all behind it
 *     OOM_REPORT=FILE  without OOM_FAIL: a line with its number for the first allocation of every call stack;
 *                      with it: one line when the allocation has failed
 *
 * Nothing here allocates.  Numbers are written as they come, so that they are there whatever ends the process.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

#define DEPTH 10      /* frames that tell call stacks apart */
#define SEEN  (1 << 16)

static void *(*next_malloc)(size_t), *(*next_calloc)(size_t, size_t), *(*next_realloc)(void *, size_t);
static void *(*next_aligned)(size_t, size_t), *(*next_mmap)(void *, size_t, int, int, int, off_t);
static void (*next_free)(void *);
static _Atomic long count;
static long fail_at;
static bool fails_all;
static int report = -1;
static _Atomic uint64_t seen[SEEN];
static __thread bool inside;

/* dlsym may allocate before it has found the allocator. */
static char early[1 << 16];
static _Atomic size_t early_used;

static void *early_alloc(size_t size)
{
    size_t at = atomic_fetch_add(&early_used, (size + 31) & ~(size_t)15);

    return at + size <= sizeof early ? early + at : NULL;
}

static bool is_early(const void *p)
{
    return (uintptr_t)p - (uintptr_t)early < sizeof early;
}

/* ---- which one is it? ---- */

struct trace {
    int depth;
    uint64_t hash;
};

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *c, void *arg)
{
    struct trace *t = arg;

    t->hash = (t->hash ^ (uint64_t)_Unwind_GetIP(c)) * 0x9fb21c651e98df25u;
    t->hash ^= t->hash >> 29;
    return ++t->depth < DEPTH ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* Is this the first allocation of its call stack? */
static bool is_new_site(void)
{
    struct trace t = {0};

    _Unwind_Backtrace(add_frame, &t);
    for (size_t i = t.hash % SEEN;; i = (i + 1) % SEEN) {
        uint64_t free_slot = 0;
        if (atomic_compare_exchange_strong(&seen[i], &free_slot, t.hash | 1))
            return true;
        if (free_slot == (t.hash | 1))
            return false;
    }
}

static void write_number(long n)
{
    char line[24];
    int len = snprintf(line, sizeof line, "%ld\n", n);

    (void)!write(report, line, (size_t)len);
}

static bool fails(void)
{
    if (inside)
        return false;
    long n = ++count;
    if (fail_at == 0 && report >= 0) {
        inside = true;
        if (is_new_site())
            write_number(n);
        inside = false;
    }
    if (fail_at == 0 || n < fail_at || (n > fail_at && !fails_all))
        return false;
    if (n == fail_at && report >= 0)
        write_number(n);
    errno = ENOMEM;
    return true;
}

/* ---- the allocator ---- */

__attribute__((constructor)) static void set_up(void)
{
    if (next_malloc)
        return;
    inside = true;
    next_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    next_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    next_aligned = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "aligned_alloc");
    next_mmap = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
    next_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
    next_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    const char *at = getenv("OOM_FAIL"), *path = getenv("OOM_REPORT");
    fail_at = at ? atol(at) : 0;
    fails_all = getenv("OOM_ALL") != NULL;
    if (path) /* far away: the program may close what it does not know */
        report = fcntl(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), F_DUPFD_CLOEXEC, 200);
    inside = false;
}

void *malloc(size_t size)
{
    if (!next_malloc)
        set_up();
    if (!next_malloc)
        return early_alloc(size);
    return fails() ? NULL : next_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    if (!next_malloc)
        return early_alloc(n * size); /* all zeros */
    return fails() ? NULL : next_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    if (!next_malloc)
        set_up();
    if (fails())
        return NULL;
    if (!is_early(old))
        return next_realloc(old, size);
    void *p = next_malloc(size);
    if (p)
        memcpy(p, old, size < (size_t)(early + sizeof early - (char *)old) ? size : (size_t)(early + sizeof early - (char *)old));
    return p;
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size)
{
    return aligned_alloc(alignment, size);
}

void *reallocarray(void *old, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(old, n * size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : next_aligned(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *p = aligned_alloc(alignment, size);
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

void free(void *p)
{
    if (p && !is_early(p))
        next_free(p);
}

void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    if (!next_mmap)
        set_up();
    if ((flags & MAP_ANONYMOUS) && !(flags & MAP_FIXED) && fails())
        return MAP_FAILED;
    return next_mmap(at, len, protection, flags, fd, offset);
}
