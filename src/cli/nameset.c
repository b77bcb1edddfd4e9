/* SPDX-License-Identifier: MIT */
/*
 * nameset.c - a table of hashes, open addressing, at most three quarters full.
 */
#include "cli/nameset.h"

#include <sys/random.h>

#include "cli/names.h"

#define FIRST_SLOTS 1024

void nameset_init(struct nameset *s, size_t max)
{
    *s = (struct nameset){.max = max};
    /* Names may come from a server: without a key it could choose those that collide. */
    if (getrandom(&s->key, sizeof s->key, GRND_NONBLOCK) != (ssize_t)sizeof s->key)
        s->key = (uint64_t)(uintptr_t)s * 0x9e3779b97f4a7c15u;
}

void nameset_free(struct nameset *s)
{
    free(s->slots);
    *s = (struct nameset){0};
}

static uint64_t hash(const struct nameset *s, const char *name, size_t len)
{
    uint64_t h = names_hash(name, len) ^ s->key;

    for (size_t i = 0; i < len; i++) /* keyed from the first byte on, not only at the end */
        h = (h ^ (unsigned char)name[i]) * 0x9fb21c651e98df25u + (h >> 29);
    h ^= h >> 31;
    return h ? h : 1;
}

static size_t find(const uint64_t *slots, size_t nslots, uint64_t h)
{
    size_t i = (size_t)h & (nslots - 1);

    while (slots[i] != 0 && slots[i] != h)
        i = (i + 1) & (nslots - 1);
    return i;
}

static bool grow(struct nameset *s)
{
    size_t nslots = s->nslots ? s->nslots * 2 : FIRST_SLOTS;
    uint64_t *slots = calloc(nslots, sizeof *slots);
    if (!slots)
        return false;

    for (size_t i = 0; i < s->nslots; i++)
        if (s->slots[i])
            slots[find(slots, nslots, s->slots[i])] = s->slots[i];
    free(s->slots);
    s->slots = slots;
    s->nslots = nslots;
    return true;
}

bool nameset_has(const struct nameset *s, const char *name, size_t len)
{
    uint64_t h = s->nslots ? hash(s, name, len) : 0;

    return s->nslots && s->slots[find(s->slots, s->nslots, h)] == h;
}

enum nameset_answer nameset_add(struct nameset *s, const char *name, size_t len)
{
    uint64_t h = hash(s, name, len);
    size_t at = s->nslots ? find(s->slots, s->nslots, h) : 0;

    if (s->nslots && s->slots[at] == h)
        return NAMESET_THERE;
    if (s->used >= s->max)
        return NAMESET_FULL;
    if (s->used * 4 >= s->nslots * 3 && !grow(s))
        return NAMESET_NO_MEMORY;
    s->slots[find(s->slots, s->nslots, h)] = h;
    s->used++;
    return NAMESET_NEW;
}
