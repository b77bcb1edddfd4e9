/* SPDX-License-Identifier: MIT */
/*
 * names.c - numbers for the names of functions and tasks: a hash table that only grows, and is read without a lock.
 *
 * The key of a function is the address of its name, so that a lookup is one comparison.  The name of a task belongs to the program and
 * may be freed: its key is a hash of the text.
 */
#include "base/base.h"
#include "base/timeline/timeline.h"

#define OF_BYTES ((uint64_t)1 << 63)
#define PLACES (2 * TIMELINE_NAMES)
#define LOOKS 64 /* probes, before a name is left out */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void bide__timeline_names_forget(void)
{
    pthread_mutex_init(&lock, NULL);
}

static uint64_t mix(uint64_t x)
{
    x *= UINT64_C(0x9e3779b97f4a7c15);
    return x ^ x >> 29;
}

static uint64_t hash(const char *text, size_t len)
{
    uint64_t h = len;

    for (size_t i = 0; i < len; i++)
        h = mix(h ^ (unsigned char)text[i]);
    return h | OF_BYTES;
}

/* The number of this key; 0: it is not there, and *place is where to add it (PLACES: nowhere). */
static uint16_t find(const struct names *n, uint64_t key, size_t *place)
{
    size_t at = mix(key) % PLACES;

    for (int i = 0; i < LOOKS; i++, at = (at + 1) % PLACES) {
        uint64_t there = atomic_load_explicit(&n->keys[at], memory_order_acquire);
        *place = at;
        if (there == key)
            return atomic_load_explicit(&n->ids[at], memory_order_relaxed);
        if (there == 0)
            return 0;
    }
    *place = PLACES;
    return 0;
}

/* Under lock. */
static uint16_t add(struct names *n, uint64_t key, size_t place, const char *text, size_t len)
{
    uint32_t id = atomic_load_explicit(&n->count, memory_order_relaxed);
    uint32_t used = atomic_load_explicit(&n->used, memory_order_relaxed);
    if (place == PLACES || id + 1 >= TIMELINE_NAMES || used + len + 1 > TIMELINE_NAME_BYTES)
        return 0;

    memcpy(n->text + used, text, len);
    n->text[used + len] = '\0';
    atomic_store_explicit(&n->at[id + 1], used, memory_order_relaxed);
    atomic_store_explicit(&n->used, used + (uint32_t)len + 1, memory_order_relaxed);
    atomic_store_explicit(&n->ids[place], (uint16_t)(id + 1), memory_order_relaxed);
    atomic_store_explicit(&n->count, id + 1, memory_order_release);
    atomic_store_explicit(&n->keys[place], key, memory_order_release);
    return (uint16_t)(id + 1);
}

static __attribute__((noinline)) uint16_t add_new(struct names *n, uint64_t key, const char *text)
{
    size_t place, len = strnlen(text, TIMELINE_NAME_SHOWN);

    pthread_mutex_lock(&lock);
    uint16_t id = find(n, key, &place);
    if (id == 0)
        id = add(n, key, place, text, len);
    if (id != 0 && key & OF_BYTES)
        atomic_fetch_add_explicit(&n->of_tasks, 1, memory_order_relaxed);
    pthread_mutex_unlock(&lock);
    return id;
}

uint16_t bide__name_of_function(const char *text)
{
    struct names *n = atomic_load_explicit(&bide__timeline.names, memory_order_acquire);
    size_t place;
    if (!n || !text)
        return 0;

    uint16_t id = find(n, (uintptr_t)text, &place);
    return likely(id != 0) ? id : add_new(n, (uintptr_t)text, text);
}

uint16_t bide__name_of_task(const char *text)
{
    struct names *n = atomic_load_explicit(&bide__timeline.names, memory_order_acquire);
    size_t place;
    if (!n || !text)
        return 0;

    uint64_t key = hash(text, strnlen(text, TIMELINE_NAME_SHOWN));
    uint16_t id = find(n, key, &place);
    if (id == 0 && atomic_load_explicit(&n->of_tasks, memory_order_relaxed) < TIMELINE_NAMES_OF_TASKS)
        id = add_new(n, key, text);
    return id;
}
