/* SPDX-License-Identifier: MIT */
/* rows.c - the spans of a track by their number: a hash table whose size is known beforehand, because a record makes at most one. */
#include <sys/mman.h>

#include "inspect/timeline/export.h"

int bide__rows_open(struct rows *r, size_t records)
{
    size_t cap = 64;
    while (cap < records * 2)
        cap *= 2;

    *r = (struct rows){.cap = cap, .bytes = cap * sizeof(struct row)};
    r->all = mmap(NULL, r->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (r->all == MAP_FAILED)
        r->all = NULL;
    return r->all ? 0 : -ENOMEM;
}

void bide__rows_close(struct rows *r)
{
    if (r->all)
        munmap(r->all, r->bytes);
    r->all = NULL;
}

struct row *bide__row(struct rows *r, enum timeline_span span, uint64_t id)
{
    uint64_t h = (id ^ (uint64_t)span << 60) * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (h ^ h >> 31) & (r->cap - 1);

    for (;; at = (at + 1) & (r->cap - 1)) {
        struct row *row = &r->all[at];
        if (row->span == (unsigned)span + 1 && row->id == id)
            return row;
        if (row->span != 0)
            continue;
        if (r->used * 4 >= r->cap * 3)
            return NULL;
        r->used++;
        *row = (struct row){.id = id, .span = (uint8_t)(span + 1)};
        return row;
    }
}
