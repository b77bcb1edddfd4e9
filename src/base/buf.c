/* SPDX-License-Identifier: MIT */
/*
 * buf.c - bytes that grow at the end, are taken from the front, and have a ceiling: drawn in base.h.
 */
#include "base/base.h"

#include <stdio.h>

never_indirect void bide__buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

never_indirect void bide__buf_free(struct buf *b)
{
    bide__free(b->data);
    bide__buf_init(b, b->max);
}

static void move_to_front(struct buf *b)
{
    if (b->start == 0)
        return;
    memmove(b->data, b->data + b->start, bide__buf_len(b));
    b->end -= b->start;
    b->start = 0;
}

static size_t grown_capacity(const struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : 512;

    while (cap < need)
        cap *= 2;
    return cap > b->max ? b->max : cap;
}

char *bide__buf_reserve(struct buf *b, size_t n)
{
    size_t need = bide__buf_len(b) + n;
    if (b->cap - b->end >= n && b->data)
        return b->data + b->end;

    if (n > b->max || need > b->max) {
        bide_fail(BIDE_ELIMIT, "a buffer would grow beyond %zu bytes", b->max);
        return NULL;
    }
    if (need > b->cap || !b->data) {
        size_t cap = grown_capacity(b, need);
        char *data = bide__realloc(b->data, cap ? cap : 1);
        if (!data) {
            bide__fail_nomem("a buffer");
            return NULL;
        }
        b->data = data;
        b->cap = cap;
    }
    if (b->cap - b->end < n)
        move_to_front(b);
    return b->data + b->end;
}

int bide__buf_append(struct buf *b, const void *data, size_t n)
{
    char *tail = bide__buf_reserve(b, n);
    if (!tail)
        return bide_error_code();

    memcpy(tail, data, n);
    b->end += n;
    return 0;
}

int bide__buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);

    char *tail = bide__buf_reserve(b, (size_t)n + 1);
    if (tail) {
        vsnprintf(tail, (size_t)n + 1, format, again);
        b->end += (size_t)n;
    }
    va_end(again);
    return tail ? 0 : bide_error_code();
}

static void move(struct buf *b)
{
    char *fresh = bide__malloc(b->cap);
    if (!fresh)
        return; /* only the check is lost */

    memcpy(fresh + b->start, b->data + b->start, b->end - b->start);
    bide__free(b->data);
    b->data = fresh;
}

void bide__buf_taken_back(struct buf *b)
{
    if (unlikely(bide__no_recycling && b->data))
        move(b);
}
