/* SPDX-License-Identifier: MIT */
/*
 * segment.c - what one worker and we share: three lanes and a page of flags, in memory without a name.
 *
 *     | flags, slots | calls | orders | answers |
 *
 * Calls wait for a runner; orders (cancel, stop, a block was granted) must not wait behind them, so they have a lane of
 * their own.
 */
#include "pool/shm/shm.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t head_bytes(int concurrency)
{
    size_t n = sizeof(struct segment_shared) + (size_t)concurrency * sizeof(struct worker_slot);

    return (n + 4095) & ~(size_t)4095;
}

static void lay_out(struct segment *s, uint32_t ring_bytes, int concurrency)
{
    char *at = (char *)s->shared + head_bytes(concurrency);

    bide__lane_init(&s->calls, &s->shared->calls, at, ring_bytes);
    bide__lane_init(&s->orders, &s->shared->orders, at + ring_bytes, ORDERS_BYTES);
    bide__lane_init(&s->answers, &s->shared->answers, at + ring_bytes + ORDERS_BYTES, ring_bytes);
}

static int map(struct segment *s, int flags, int fd)
{
    void *p = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (p == MAP_FAILED)
        return bide_fail(-errno, "memory for a worker's lanes: %s", bide_strerror(-errno));
    s->shared = p;
    return 0;
}

int bide__segment_create(struct segment *s, uint32_t ring_bytes, int concurrency, bool with_memfd)
{
    *s = (struct segment){.memory = -1, .bytes = head_bytes(concurrency) + 2 * (size_t)ring_bytes + ORDERS_BYTES};
    if (with_memfd) {
        s->memory = bide__fd_above_standard(memfd_create("bide-worker", MFD_CLOEXEC));
        if (s->memory < 0)
            return bide_fail(-errno, "memory for a worker: memfd_create: %s", bide_strerror(-errno));
        if (ftruncate(s->memory, (off_t)s->bytes) < 0) {
            int code = bide_fail(-errno, "memory for a worker: ftruncate: %s", bide_strerror(-errno));
            close(s->memory);
            s->memory = -1;
            return code;
        }
    }
    int code = map(s, with_memfd ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS, s->memory);
    if (code < 0) {
        bide__segment_close(s);
        return code;
    }
    lay_out(s, ring_bytes, concurrency);
    return 0;
}

int bide__segment_attach(struct segment *s, int memory, uint32_t ring_bytes, int concurrency)
{
    *s = (struct segment){.memory = memory, .bytes = head_bytes(concurrency) + 2 * (size_t)ring_bytes + ORDERS_BYTES};
    int code = map(s, MAP_SHARED, memory);
    if (code < 0)
        return code;
    lay_out(s, ring_bytes, concurrency);
    return 0;
}

void bide__segment_share(struct segment *s, const struct segment *ours, uint32_t ring_bytes, int concurrency)
{
    *s = (struct segment){.memory = -1, .shared = ours->shared, .bytes = ours->bytes};
    lay_out(s, ring_bytes, concurrency);
}

void bide__segment_close(struct segment *s)
{
    if (s->shared)
        munmap(s->shared, s->bytes);
    if (s->memory >= 0)
        close(s->memory);
    s->shared = NULL;
    s->memory = -1;
}
