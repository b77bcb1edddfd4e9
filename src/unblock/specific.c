/* SPDX-License-Identifier: MIT */
/*
 * specific.c - thread-specific data per task, if the program asks for it (bide_unblock_set).
 *
 * Libraries keep state of a flow of control in it: OpenSSL its error queue, in which one task would find the errors of another.  A key
 * has a number that changes when it is deleted and created again, as in libc, so that values of a deleted key are not seen.  The values
 * of a task are passed to the key's destructor when its coroutine has returned.
 *
 * Keys that were created before this library was initialized stay the thread's: those of allocators and sanitizers, which are used in here.
 */
#include <limits.h>
#include <stdatomic.h>

#include "unblock/unblock.h"

#define KEYS_MAX PTHREAD_KEYS_MAX
#define PER_BLOCK 32
#define ROUNDS PTHREAD_DESTRUCTOR_ITERATIONS

/* number: odd while the key exists. */
static struct key {
    atomic_uint number;
    void (*_Atomic destroy)(void *value);
} keys[KEYS_MAX];

struct value {
    unsigned number; /* of the key, when it was set */
    void *data;
};

struct values {
    struct value *block[KEYS_MAX / PER_BLOCK];
};

bool bide__unblock_keeps_values;
static atomic_bool has_begun;

__attribute__((constructor)) static void begin(void)
{
    atomic_store(&has_begun, true);
}

UNINSTRUMENTED static bool is_there(pthread_key_t key)
{
    return key < KEYS_MAX && atomic_load_explicit(&keys[key].number, memory_order_relaxed) & 1;
}

/* Keys are recorded even if the option is off: it may be turned on later. */
static void note_key(pthread_key_t key, void (*destroy)(void *value))
{
    atomic_store(&keys[key].destroy, destroy);
    atomic_fetch_add(&keys[key].number, is_there(key) ? 2 : 1);
}

UNINSTRUMENTED int pthread_key_create(pthread_key_t *key, void (*destroy)(void *value))
{
    int error = NEXT(pthread_key_create)(key, destroy);
    if (error == 0 && *key < KEYS_MAX && atomic_load(&has_begun))
        note_key(*key, destroy);
    return error;
}

int pthread_key_delete(pthread_key_t key)
{
    if (is_there(key))
        atomic_fetch_add(&keys[key].number, 1);
    return NEXT(pthread_key_delete)(key);
}

static struct value *find(const struct values *v, pthread_key_t key)
{
    struct value *block = v ? v->block[key / PER_BLOCK] : NULL;

    return block ? &block[key % PER_BLOCK] : NULL;
}

/* NULL: no memory. */
static struct value *enter(struct guest *g, pthread_key_t key)
{
    if (!g->values)
        g->values = calloc(1, sizeof *g->values);
    if (!g->values)
        return NULL;
    struct value **block = &g->values->block[key / PER_BLOCK];

    if (!*block)
        *block = calloc(PER_BLOCK, sizeof **block);
    return *block ? &(*block)[key % PER_BLOCK] : NULL;
}

/* The task whose value is meant; NULL: the thread's. */
UNINSTRUMENTED static bide_task *task_for(pthread_key_t key)
{
    return unlikely(bide__unblock_keeps_values) && is_there(key) ? bide__unblock_task() : NULL;
}

static void *value_of(bide_task *t, pthread_key_t key)
{
    const struct guest *g = bide__unblock_guest(t);
    const struct value *v = g ? find(g->values, key) : NULL;

    return v && v->number == atomic_load(&keys[key].number) ? v->data : NULL;
}

static int set_value(bide_task *t, pthread_key_t key, const void *data)
{
    struct guest *g = bide__unblock_guest(t);
    struct value *v = g ? data ? enter(g, key) : find(g->values, key) : NULL;
    if (!v)
        return data ? ENOMEM : 0;

    *v = (struct value){.number = atomic_load(&keys[key].number), .data = (void *)(uintptr_t)data};
    return 0;
}

UNINSTRUMENTED void *pthread_getspecific(pthread_key_t key)
{
    bide_task *t = task_for(key);

    return likely(!t) ? NEXT(pthread_getspecific)(key) : value_of(t, key);
}

UNINSTRUMENTED int pthread_setspecific(pthread_key_t key, const void *data)
{
    bide_task *t = task_for(key);

    return likely(!t) ? NEXT(pthread_setspecific)(key, data) : set_value(t, key, data);
}

/* ---- the end of a task ---- */

/* Returns whether there were any values.  Each is set to NULL first: a destructor may set it again, for another round. */
static bool destroy_round(struct values *all)
{
    bool any = false;

    for (pthread_key_t key = 0; key < KEYS_MAX; key++) {
        struct value *v = find(all, key);
        if (!v) {
            key |= PER_BLOCK - 1;
            continue;
        }
        void *data = v->data;
        void (*destroy)(void *value) = atomic_load(&keys[key].destroy);
        v->data = NULL;
        if (data && destroy && is_there(key) && v->number == atomic_load(&keys[key].number)) {
            destroy(data);
            any = true;
        }
    }
    return any;
}

void bide__unblock_end_values(struct guest *g)
{
    for (int i = 0; i < ROUNDS && g->values && destroy_round(g->values); i++)
        ;
    for (int i = 0; g->values && i < KEYS_MAX / PER_BLOCK; i++)
        free(g->values->block[i]);
    free(g->values);
    g->values = NULL;
}

ALSO_AS(__pthread_getspecific, pthread_getspecific, nothrow, leaf);
ALSO_AS(__pthread_setspecific, pthread_setspecific, nothrow, leaf);
ALSO_AS(__pthread_key_create, pthread_key_create, nothrow, leaf);
