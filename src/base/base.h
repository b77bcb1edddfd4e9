/* SPDX-License-Identifier: MIT */
/*
 * base.h - the room's header: what every other room builds on.  No loop, no I/O.
 *
 * In reading order: heap, list, object, error, clock, buf, map.
 */
#ifndef BIDE_BASE_H
#define BIDE_BASE_H

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <bide/error.h>
#include <bide/object.h>

#include "base/hardening.h"
#include "base/heap/heap.h"
#include "base/ledger/ledger.h"
#include "base/list.h"

/* What checks the type of the argument at compile time knows public types only. */
#undef bide_release
#undef bide_retain

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define array_len(a) (sizeof(a) / sizeof *(a))

/* A state that must not be: said in debug builds (-Db_ndebug=false), assumed elsewhere. */
#include <assert.h>

#include "base/object.h"

/* ---- shown.c ---- */

/* Foreign text for a message: at most 64 bytes of UTF-8, "?" for what a terminal could obey. */
const char *bide__shown(char out[80], const char *text, size_t len);
/* The same where it matters which bytes they are: \r, \x1b; to be shown between quotes. */
const char *bide__escaped(char out[80], const char *text, size_t len);

/* ---- util/descriptor.c ---- */

/* What we make is never 0, 1 or 2, also where those are closed.  -1: errno says why. */
int bide__fd_above_standard(int fd);
int bide__fds_above_standard(int pair[2]); /* both closed on failure */

/* ---- clock.c ---- */

/* CLOCK_MONOTONIC, nanoseconds. */
never_indirect int64_t bide__clock_ns(void);
void bide__cond_init(pthread_cond_t *c); /* whose times are those of this clock */

/* When a time that begins now will be over, in nanoseconds; INT64_MAX (never) if no number is as large. */
static inline int64_t bide__ns_after(int64_t now_ns, int64_t ms)
{
    int64_t ns, end;

    return __builtin_mul_overflow(ms, 1000000, &ns) || __builtin_add_overflow(now_ns, ns, &end) ? INT64_MAX : end;
}

/* How long it is until then, rounded up: 0 if it is over, BIDE_FOREVER if never. */
static inline int64_t bide__ms_until(int64_t end_ns, int64_t now_ns)
{
    if (end_ns == INT64_MAX)
        return BIDE_FOREVER;
    return end_ns > now_ns ? (end_ns - now_ns - 1) / 1000000 + 1 : 0;
}

/* ---- buf.c: bytes that grow at the end, are taken from the front, and have a ceiling ---- */

/*
 *     data        start            end              cap        max
 *     |  consumed  |    contents    |    free room   |  - - - - |
 */
struct buf {
    char *data;           /* the allocation */
    size_t start, end;    /* what is in it: data[start..end) */
    size_t cap, max;      /* max: never grow beyond */
};

static inline size_t bide__buf_len(const struct buf *b)
{
    return b->end - b->start;
}

static inline char *bide__buf_head(const struct buf *b)
{
    return (char *)((uintptr_t)b->data + b->start); /* NULL + 0 is not defined for pointers */
}

never_indirect void bide__buf_init(struct buf *b, size_t max);
never_indirect void bide__buf_free(struct buf *b);
/* Room for n more bytes at the tail; NULL and an error on record: BIDE_ELIMIT or BIDE_ENOMEM. */
char *bide__buf_reserve(struct buf *b, size_t n);
static inline void bide__buf_commit(struct buf *b, size_t n)
{
    b->end += n;
}
static inline void bide__buf_consume(struct buf *b, size_t n)
{
    b->start += n;
    if (b->start == b->end)
        b->start = b->end = 0;
}
int bide__buf_append(struct buf *b, const void *data, size_t n);
/* Bytes before `start` were lent out and came back: under a checker the buffer moves, so that a stale pointer is found. */
void bide__buf_taken_back(struct buf *b);
int bide__buf_printf(struct buf *b, const char *format, ...) BIDE_PRINTF(2, 3);

/* ---- map.c: bytes -> pointer, for hosts and names.  Hash with a random seed; no order ---- */

/*
 *     map.slots  [ 0 ]  [ 1 ]  [ 2 ] ...      hash & (nslots - 1)
 *                         |
 *                         '--> node in a struct of the user's --next--> node --> NULL      their keys are theirs
 */
struct map_node { /* inside what is mapped */
    struct map_node *next;
    uint64_t hash;
    const char *key; /* borrowed: lives as long as the node */
    size_t key_len;
};

struct map {
    struct map_node **slots;
    size_t nslots, count;
    uint64_t seed;
};

int bide__map_init(struct map *m);
void bide__map_free(struct map *m); /* the nodes are not touched */
struct map_node *bide__map_find(const struct map *m, const char *key, size_t key_len);
/* The key must not be in it yet.  Cannot fail: growing is best effort. */
void bide__map_add(struct map *m, struct map_node *n, const char *key, size_t key_len);
void bide__map_remove(struct map *m, struct map_node *n);

/* Random bytes from the kernel (secrets, seeds, jitter). */
void bide__random_bytes(void *out, size_t len);

#include "base/error.h"
#include "base/options.h"

#endif
