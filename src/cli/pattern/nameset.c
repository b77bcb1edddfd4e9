/* SPDX-License-Identifier: MIT */
/*
 * nameset.c - a table of hashes, open addressing, at most three quarters full.
 */
#include "cli/pattern/nameset.h"

#include <stdlib.h>

#define FIRST_SLOTS 1024
#define LATEST      4096 /* more than are under way at once */

void nameset_init(struct nameset *s, size_t max)
{
    *s = (struct nameset){.max = max};
    s->key = siphash_new_key(); /* names may come from a server: without a key it could choose those that collide */
}

void nameset_free(struct nameset *s)
{
    free(s->slots);
    free(s->latest);
    *s = (struct nameset){0};
}

static uint64_t hash(const struct nameset *s, const char *name, size_t len)
{
    uint64_t h = siphash(s->key, name, len);

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

static bool has(const struct nameset *s, uint64_t h)
{
    return s->nslots && s->slots[find(s->slots, s->nslots, h)] == h;
}

static enum nameset_answer add_latest(struct nameset *s, uint64_t h)
{
    if (!s->latest && !(s->latest = calloc(LATEST, sizeof *s->latest)))
        return NAMESET_NO_MEMORY;
    uint64_t *slot = &s->latest[h % LATEST];
    if (*slot == h)
        return NAMESET_THERE;

    *slot = h;
    return NAMESET_FULL;
}

static enum nameset_answer add(struct nameset *s, uint64_t h)
{
    if (has(s, h))
        return NAMESET_THERE;
    if (s->used >= s->max)
        return add_latest(s, h);
    if (s->used * 4 >= s->nslots * 3 && !grow(s))
        return NAMESET_NO_MEMORY;
    s->slots[find(s->slots, s->nslots, h)] = h;
    s->used++;
    return NAMESET_NEW;
}

bool nameset_is_full(const struct nameset *s)
{
    return s->used + 2 > s->max;
}

bool nameset_has(const struct nameset *s, const char *name, size_t len)
{
    return has(s, hash(s, name, len));
}

enum nameset_answer nameset_add(struct nameset *s, const char *name, size_t len)
{
    return add(s, hash(s, name, len));
}

enum nameset_answer nameset_claim(struct nameset *s, const char *name, size_t len, uint64_t owner)
{
    uint64_t h = hash(s, name, len), pair[2] = {h, owner};
    uint64_t owned = hash(s, (const char *)pair, sizeof pair);
    enum nameset_answer a = add(s, h);

    if (a == NAMESET_NEW)
        a = add(s, owned);
    else if (a == NAMESET_THERE && has(s, owned))
        return NAMESET_OWN;
    return a;
}
