/* SPDX-License-Identifier: MIT */
/*
 * ledger.c - a record of the objects that live, where they were made, and of those released lately.
 *
 * Kept for programs that are debugged (BIDE_DEBUG=1), and for those that AddressSanitizer looks at although it does not
 * look at this library.  An object then has memory of its own (fence.c), which is made inaccessible when it is
 * released: a later use faults, and core/stack/overflow.c reports it.  Where a checker sees the library's own accesses
 * (valgrind, a library built with AddressSanitizer), objects come from the heap, which it knows best.
 *
 * The last DEAD_MAX released objects are remembered, so that a second release can be named.
 *
 * Invariants (under lock):
 *   L1  an object has one entry, in its bucket, and in the list of the living or of the dead.
 *   L2  the dead are in the order of their death; their memory is closed until they are forgotten.
 */
#include "base/ledger/ledger.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/checker.h"
#include "base/ledger/ledger_entry.h"

#define DEAD_MAX 4096

bool bide__no_recycling, bide__ledger_is_kept;
void (*_Atomic bide__ledger_find_context)(struct ledger_context *c);

struct ledger bide__ledger = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .living = {&bide__ledger.living, &bide__ledger.living},
    .dead = {&bide__ledger.dead, &bide__ledger.dead},
};

#define ledger bide__ledger

/* ---- opening it ---- */

bool bide__debug_is_on(void)
{
    const char *value = getenv("BIDE_DEBUG");

    return value && *value && strcmp(value, "0") != 0;
}

void bide__ledger_open(void)
{
    bool debug = bide__debug_is_on();

    if (debug || bide__asan_runs() || bide__memcheck_runs())
        bide__no_recycling = true;
    if (debug || (bide__asan_runs() && !BIDE_IS_ASAN))
        bide__ledger_is_kept = true;
}

static bool wants_fence(void)
{
    return !BIDE_IS_ASAN && !bide__memcheck_runs();
}

/* ---- entries ---- */

static struct ledger_entry **bucket_of(const void *object)
{
    uint64_t hash = ((uint64_t)(uintptr_t)object >> 4) * 0x9e3779b97f4a7c15u;

    return &ledger.buckets[hash >> 50];
}

static struct ledger_entry *find(const void *object)
{
    struct ledger_entry *e = *bucket_of(object);

    while (e && e->object != object)
        e = e->next;
    return e;
}

static void forget(struct ledger_entry *e)
{
    struct ledger_entry **at = bucket_of(e->object);

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    bide__list_remove(&e->node);
    if (e->death)
        ledger.ndead--;
    free(e->death);
    free(e);
}

static void add(struct ledger_entry *e)
{
    struct ledger_entry *before = find(e->object);
    if (before) /* a dead one that lay on the heap */
        forget(before);

    struct ledger_entry **bucket = bucket_of(e->object);
    e->next = *bucket;
    *bucket = e;
    bide__list_append(&ledger.living, &e->node);
}

/* ---- making an object ---- */

static struct ledger_context context(void)
{
    struct ledger_context c = {.loop = NULL};

    if (bide__ledger_find_context)
        bide__ledger_find_context(&c);
    return c;
}

static void *alloc_memory(struct ledger_entry *e)
{
    e->fenced = wants_fence();
    if (!e->fenced)
        return bide__calloc(1, e->size);
    void *counted = bide__malloc(1);
    if (!counted)
        return NULL;
    void *p = bide__fence_alloc(e->size);
    if (!p) {
        bide__free(counted);
        return NULL;
    }
    e->counted = counted;
    return p;
}

void *bide__ledger_alloc(size_t size)
{
    struct ledger_entry *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;

    bide__list_init(&e->node);
    e->size = size;
    e->shares = 1;
    e->object = alloc_memory(e);
    if (!e->object) {
        free(e);
        return NULL;
    }
    e->loop = context().loop;
    bide__place_find(&e->made);
    pthread_mutex_lock(&ledger.lock);
    add(e);
    pthread_mutex_unlock(&ledger.lock);
    return e->object;
}

void bide__ledger_note(const void *object, const void *loop, const char *text)
{
    pthread_mutex_lock(&ledger.lock);
    struct ledger_entry *e = find(object);
    if (e) {
        e->loop = loop;
        snprintf(e->note, sizeof e->note, "%s", text);
    }
    pthread_mutex_unlock(&ledger.lock);
}

void bide__ledger_share(const void *object, int by)
{
    pthread_mutex_lock(&ledger.lock);
    struct ledger_entry *e = find(object);
    if (e)
        e->shares += by;
    pthread_mutex_unlock(&ledger.lock);
}

void bide__ledger_made_at(const void *object, char *buf, size_t cap)
{
    struct place made = {{NULL}};

    pthread_mutex_lock(&ledger.lock);
    const struct ledger_entry *e = find(object);
    if (e)
        made = e->made;
    pthread_mutex_unlock(&ledger.lock);
    bide__place_text(buf, cap, &made);
}

/* ---- releasing it ---- */

/* "task one (#1), made at main (a.c:12), released by task two (#2) at two (a.c:30)"; as(): how places are written. */
static void tell(const struct ledger_entry *e, char *story, size_t cap, void (*as)(char *buf, size_t cap, const struct place *p))
{
    char made[PLACE_TEXT_MAX], released[PLACE_TEXT_MAX];
    const struct ledger_death *d = e->death;

    as(made, sizeof made, &e->made);
    as(released, sizeof released, &d->released);
    snprintf(story, cap, "%s%s%s, made at %s, released by %s at %s", e->type->name, d->label[0] ? " " : "", d->label, made, d->who, released);
}

static struct ledger_death *describe_death(const struct ledger_entry *e)
{
    struct ledger_context c = context();
    struct ledger_death *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;

    if (e->type->describe)
        e->type->describe(e->object, d->label, sizeof d->label);
    snprintf(d->who, sizeof d->who, "%s", c.who[0] ? c.who : "no task");
    bide__place_find(&d->released);
    return d;
}

void bide__ledger_dying(const void *object)
{
    pthread_mutex_lock(&ledger.lock);
    struct ledger_entry *e = find(object);
    pthread_mutex_unlock(&ledger.lock);
    if (!e || e->death) /* objects belong to one thread: nobody else changes it */
        return;

    const struct object_type *type = ((const struct object *)object)->type;
    e->type = type->own ? type->own : type; /* that of a user pointer ends with it */
    struct ledger_death *death = describe_death(e);
    if (!death)
        return;
    pthread_mutex_lock(&ledger.lock);
    e->death = death;
    tell(e, death->story, sizeof death->story, bide__place_addresses);
    bide__list_remove(&e->node);
    bide__list_append(&ledger.dead, &e->node);
    ledger.ndead++;
    pthread_mutex_unlock(&ledger.lock);
}

/* Under lock. */
static void forget_oldest(void)
{
    struct ledger_entry *e = container_of(ledger.dead.next, struct ledger_entry, node);

    if (e->fenced)
        bide__fence_free(e->object, e->size);
    forget(e);
}

void bide__ledger_free(void *object)
{
    pthread_mutex_lock(&ledger.lock);
    struct ledger_entry *e = find(object);
    void *heap = e && e->fenced ? e->counted : object;
    if (e && !e->death) { /* never became an object, or there was no memory for its death */
        if (e->fenced)
            bide__fence_free(object, e->size);
        forget(e);
    } else if (e) {
        if (e->fenced)
            bide__fence_close(object, e->size);
        e->closed = true;
        if (ledger.ndead > DEAD_MAX && container_of(ledger.dead.next, struct ledger_entry, node)->closed)
            forget_oldest();
    }
    pthread_mutex_unlock(&ledger.lock);
    bide__free(heap);
}

/* ---- questions ---- */

enum ledger_state bide__ledger_state(const void *object, char *story, size_t cap)
{
    enum ledger_state state = LEDGER_UNKNOWN;

    pthread_mutex_lock(&ledger.lock);
    const struct ledger_entry *e = find(object);
    struct ledger_entry dead;
    struct ledger_death death;
    if (e)
        state = e->death ? LEDGER_DEAD : LEDGER_LIVE;
    if (state == LEDGER_DEAD && cap > 0) {
        dead = *e;
        death = *e->death;
        dead.death = &death;
    }
    pthread_mutex_unlock(&ledger.lock);
    if (state == LEDGER_DEAD && cap > 0)
        tell(&dead, story, cap, bide__place_text);
    return state;
}

/* Without the lock: a thread that holds it may be the one that faulted.  The process is about to die in any case. */
const char *bide__ledger_story_at(const void *addr)
{
    if (!bide__ledger_is_kept)
        return NULL;
    for (struct list_node *n = ledger.dead.prev; n != &ledger.dead; n = n->prev) {
        const struct ledger_entry *e = container_of(n, struct ledger_entry, node);
        if (e->fenced && e->closed && (uintptr_t)addr - (uintptr_t)e->object < bide__fence_size(e->size))
            return e->death->story;
    }
    return NULL;
}

bool bide__ledger_is_left(const struct ledger_entry *e, const void *loop)
{
    const struct object_type *type = e->loop == loop && !e->death ? ((const struct object *)e->object)->type : NULL;

    return type && !(e->shares <= 0 && type->is_held_by_its_own); /* NULL: it is being made */
}

void bide__ledger_each(const void *loop, void (*visit)(void *arg, void *object), void *arg)
{
    pthread_mutex_lock(&ledger.lock);
    for (struct list_node *n = ledger.living.next; n != &ledger.living; n = n->next) {
        const struct ledger_entry *e = container_of(n, struct ledger_entry, node);
        if (bide__ledger_is_left(e, loop))
            visit(arg, e->object);
    }
    pthread_mutex_unlock(&ledger.lock);
}
