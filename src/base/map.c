/* SPDX-License-Identifier: MIT */
/*
 * map.c - bytes to pointer, for host names and the like.
 *
 * Chained; the nodes live inside what is mapped, so only the slots are allocated.  The hash is seeded at random, so
 * that names chosen by an enemy do not all fall into one chain.
 */
#include "base/base.h"

#define FIRST_SLOTS 16

static uint64_t hash_bytes(uint64_t seed, const char *key, size_t len)
{
    uint64_t h = seed ^ 0xcbf29ce484222325u;

    for (size_t i = 0; i < len; i++) {
        h = (h ^ (unsigned char)key[i]) * 0x100000001b3u;
        h ^= h >> 29;
    }
    h *= 0x9e3779b97f4a7c15u;
    return h ^ (h >> 32);
}

int bide__map_init(struct map *m)
{
    *m = (struct map){.nslots = FIRST_SLOTS};
    m->slots = bide__calloc(FIRST_SLOTS, sizeof *m->slots);
    if (!m->slots)
        return bide__fail_nomem("a map");

    bide__random_bytes(&m->seed, sizeof m->seed);
    return 0;
}

void bide__map_free(struct map *m)
{
    bide__free(m->slots);
    *m = (struct map){0};
}

static struct map_node **slot_of(const struct map *m, uint64_t hash)
{
    return &m->slots[hash & (m->nslots - 1)];
}

struct map_node *bide__map_find(const struct map *m, const char *key, size_t key_len)
{
    uint64_t hash = hash_bytes(m->seed, key, key_len);

    for (struct map_node *n = *slot_of(m, hash); n; n = n->next)
        if (n->hash == hash && n->key_len == key_len && memcmp(n->key, key, key_len) == 0)
            return n;
    return NULL;
}

static void push(struct map *m, struct map_node *n)
{
    struct map_node **slot = slot_of(m, n->hash);

    n->next = *slot;
    *slot = n;
}

/* Without memory for more slots the chains just grow longer. */
static void grow(struct map *m)
{
    struct map_node **old = m->slots;
    size_t nold = m->nslots;
    struct map_node **slots = bide__calloc(nold * 2, sizeof *slots);
    if (!slots)
        return;

    m->slots = slots;
    m->nslots = nold * 2;
    for (size_t i = 0; i < nold; i++) {
        for (struct map_node *n = old[i], *next; n; n = next) {
            next = n->next;
            push(m, n);
        }
    }
    bide__free(old);
}

void bide__map_add(struct map *m, struct map_node *n, const char *key, size_t key_len)
{
    n->key = key;
    n->key_len = key_len;
    n->hash = hash_bytes(m->seed, key, key_len);
    if (++m->count > m->nslots)
        grow(m);
    push(m, n);
}

void bide__map_remove(struct map *m, struct map_node *n)
{
    for (struct map_node **at = slot_of(m, n->hash); *at; at = &(*at)->next) {
        if (*at == n) {
            *at = n->next;
            m->count--;
            return;
        }
    }
}
