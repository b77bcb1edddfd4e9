/* SPDX-License-Identifier: MIT */
/*
 * object.h - the head of every public object.  Included by base.h, behind what it needs of that.
 */
#ifndef BIDE_BASE_OBJECT_H
#define BIDE_BASE_OBJECT_H

struct object_type {
    const char *name;
    void (*destroy)(void *object); /* the last share is gone: give everything back, the memory too */
    void (*release)(void *object); /* optional: in place of counting down (a task: cancel and wait) */
    void *(*retain)(void *object); /* optional: in place of counting up, of what several threads share; returns the object */
    /* Optional: which one, for a report; also of one that is about to be destroyed. */
    void (*describe)(const void *object, char *buf, size_t cap);
    bool is_held_by_its_own; /* objects made from it share it: it is no leak once the program has released it */
    uint16_t label_at; /* where in the object a const char * lies that says which one, for who looks from outside; 0: nowhere */
    const struct object_type *own; /* of an object with a user pointer: the type that it was made with; else NULL */
};

#define OBJECT_LIVE 0xb1de0b1eu
#define OBJECT_DEAD 0xdeadb1deu

struct object {
    const struct object_type *type;
    unsigned refs;
    uint32_t word; /* OBJECT_LIVE, or OBJECT_DEAD once released; anything else is no object of ours */
};

static inline void bide__object_init(void *object, const struct object_type *type)
{
    struct object *o = object;
    o->type = type;
    o->refs = 1;
    o->word = OBJECT_LIVE;
}

/*
 * The memory of an object.  Under a checker, and with BIDE_DEBUG=1, the ledger (ledger.c) keeps account of it.  Not initialized,
 * or zeros; NULL: no memory.
 */
static inline void *bide__object_alloc(size_t size)
{
    return unlikely(bide__ledger_is_kept) ? bide__ledger_alloc(size) : bide__malloc(size);
}
static inline void *bide__object_zalloc(size_t size)
{
    return unlikely(bide__ledger_is_kept) ? bide__ledger_alloc(size) : bide__calloc(1, size);
}
static inline void bide__object_free(void *object)
{
    if (unlikely(bide__ledger_is_kept))
        bide__ledger_free(object);
    else
        bide__free(object);
}

/* Is it of this type?  To be asked in place of a comparison, as a user pointer changes the pointer. */
static inline bool bide__object_is(const struct object *o, const struct object_type *type)
{
    return o->type == type || o->type->own == type;
}

/* Does it live?  If not, say so in the name of this function: to standard error. */
bool bide__object_check(const char *function, const void *object);

/* Count down without the type's release(). */
never_indirect void bide__object_unref(void *object);

/* Free a pointer of the program's (user_free NULL: nothing to do); what it puts on record is forgotten. */
void bide__free_user(void *pointer, void (*user_free)(void *pointer));

/* What the library itself shares is an object: no check, no call. */
static inline void *bide__object_ref(void *object)
{
    struct object *o = object;

    assert(o->word == OBJECT_LIVE);
    o->refs++;
    return o;
}
#define bide_retain(object) bide__object_ref(object)

#endif
