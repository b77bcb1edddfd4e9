/* SPDX-License-Identifier: MIT */
/*
 * guarded.h - input flush against an unreadable page: a parser that reads one byte too far dies on
 * the spot.
 */
#ifndef TESTS_HARNESS_GUARDED_H
#define TESTS_HARNESS_GUARDED_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guarded {
    char *map, *data;
    size_t map_size;
};

/* A writable copy whose last byte is the last of its page. */
static inline struct guarded guarded_copy(const char *bytes, size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (len + page - 1) / page * page;
    struct guarded g = {.map_size = room + page};

    g.map = mmap(NULL, g.map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED || mprotect(g.map + room, page, PROT_NONE) != 0)
        abort();
    g.data = g.map + room - len;
    memcpy(g.data, bytes, len);
    return g;
}

static inline void guarded_free(struct guarded *g)
{
    munmap(g->map, g->map_size);
}

#endif
