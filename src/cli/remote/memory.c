/* SPDX-License-Identifier: MIT */
/*
 * memory.c - copying from the memory of another process, with a cache of pages.
 */
#include "cli/remote/memory.h"

#include <stdlib.h>
#include <string.h>

void memory_free(struct memory *m)
{
    free(m->pages);
    m->pages = NULL;
}

void memory_forget(struct memory *m)
{
    for (size_t i = 0; m->pages && i < PAGES_KEPT; i++)
        m->pages[i].at = 0;
}

bool memory_copy(struct memory *m, uint64_t at, void *to, size_t len)
{
    struct piece p = {.at = at, .to = to, .len = len};

    if (len > 0)
        m->read(m, &p, 1);
    return p.came || len == 0;
}

static const struct page *page_at(struct memory *m, uint64_t at)
{
    if (!m->pages)
        m->pages = calloc(PAGES_KEPT, sizeof *m->pages);
    if (!m->pages || at == 0)
        return NULL;

    struct page *p = &m->pages[at / PAGE_BYTES % PAGES_KEPT];
    if (p->at == at)
        return p;
    p->at = memory_copy(m, at, p->bytes, PAGE_BYTES) ? at : 0;
    return p->at ? p : NULL;
}

bool memory_get(struct memory *m, uint64_t at, void *to, size_t len)
{
    for (size_t done = 0; done < len;) {
        uint64_t from = at + done, page = from - from % PAGE_BYTES;
        size_t n = PAGE_BYTES - (size_t)(from - page);
        if (n > len - done)
            n = len - done;
        const struct page *p = page_at(m, page);
        if (!p)
            return false;
        memcpy((char *)to + done, p->bytes + (from - page), n);
        done += n;
    }
    return true;
}

bool memory_number(struct memory *m, uint64_t at, size_t size, uint64_t *out)
{
    union {
        uint8_t one;
        uint16_t two;
        uint32_t four;
        uint64_t eight;
    } u = {.eight = 0};

    *out = 0;
    if ((size != 1 && size != 2 && size != 4 && size != 8) || !memory_get(m, at, &u, size))
        return false;
    *out = size == 1 ? u.one : size == 2 ? u.two : size == 4 ? u.four : u.eight;
    return true;
}

/* Page by page, because the page after the end of the text may not be mapped. */
bool memory_text(struct memory *m, uint64_t at, char *out, size_t size)
{
    size_t n = 0;

    out[0] = '\0';
    while (n + 1 < size) {
        size_t len = PAGE_BYTES - (size_t)((at + n) % PAGE_BYTES);
        if (len > size - 1 - n)
            len = size - 1 - n;
        if (!memory_get(m, at + n, out + n, len)) {
            out[0] = '\0';
            return false;
        }
        const char *end = memchr(out + n, '\0', len);
        if (end)
            return true;
        n += len;
        out[n] = '\0';
    }
    return true;
}
