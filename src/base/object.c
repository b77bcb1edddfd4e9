/* SPDX-License-Identifier: MIT */
/*
 * object.c - one way to let go of any bide object.
 *
 * Every public object begins with a struct object: its type and how many share it.  Objects belong to one thread, so
 * the count is a plain integer.
 *
 * What a program passes may be anything: a text (`bide_auto char *q`), an object that was released before.  A word in
 * the head tells a live object from those.  bide_release has no other way to report such a bug than standard error, and
 * does nothing else then.
 */
#include "base/base.h"

#include <errno.h>
#include <stdio.h>

/* It may read memory that is no object, or too short to be one: AddressSanitizer would report that before we can. */
static inline __attribute__((no_sanitize("address"))) bool has_word(const struct object *o, uint32_t word)
{
    return ((uintptr_t)o & (sizeof(void *) - 1)) == 0 && o->word == word; /* not aligned: not read */
}

/* The ledger knows without a look at the object, whose memory may be closed. */
static __attribute__((noinline, cold)) bool lives_by_ledger(const struct object *o)
{
    enum ledger_state state = bide__ledger_state(o, NULL, 0);

    return state == LEDGER_UNKNOWN ? has_word(o, OBJECT_LIVE) : state == LEDGER_LIVE;
}

static inline bool is_object(const struct object *o)
{
    return likely(!bide__ledger_is_kept) ? has_word(o, OBJECT_LIVE) : lives_by_ledger(o);
}

static void describe_misuse(const char *function, const struct object *o, char *text, size_t cap)
{
    char story[640];

    if (bide__ledger_is_kept && bide__ledger_state(o, story, sizeof story) == LEDGER_DEAD)
        snprintf(text, cap, "%s: it was released before: %s", function, story);
    else if (has_word(o, OBJECT_DEAD))
        snprintf(text, cap, "%s: the %s at %p was released before", function, o->type->name, (const void *)o);
    else
        snprintf(text, cap, "%s: %p is not an object of bide", function, (const void *)o);
}

static __attribute__((noinline, cold)) void report_misuse(const char *function, const struct object *o)
{
    char text[800];

    describe_misuse(function, o, text, sizeof text);
    fprintf(stderr, "bide: %s\n", text);
}

bool bide__object_check(const char *function, const void *object)
{
    if (likely(is_object(object)))
        return true;
    report_misuse(function, object);
    return false;
}

never_indirect void bide__object_unref(void *object)
{
    struct object *o = object;

    assert(o->refs > 0);
    if (--o->refs == 0) {
        if (unlikely(bide__ledger_is_kept))
            bide__ledger_dying(o);
        o->word = OBJECT_DEAD;
        o->type->destroy(o);
    }
}

static inline void let_go(struct object *o)
{
    if (o->type->release)
        o->type->release(o);
    else
        bide__object_unref(o);
}

/* What an object meets at its end does not replace the error that is on record. */
static __attribute__((noinline)) void let_go_beside_error(struct object *o)
{
    struct error_mark mark;

    bide__error_mark(&mark);
    let_go(o);
    bide__error_restore(&mark);
}

unchecked_frame void bide_release(void *object)
{
    struct object *o = object;
    const struct error_record *e = bide__error_current();
    if (!o)
        return;
    if (unlikely(!is_object(o))) {
        report_misuse("bide_release", o);
        return;
    }

    if (unlikely(bide__ledger_is_kept))
        bide__ledger_share(o, -1);
    if (unlikely(e->code != 0)) {
        let_go_beside_error(o);
        return;
    }
    let_go(o);
    if (unlikely(e->code != 0))
        bide_error_clear();
}

static __attribute__((noinline, cold)) void *refuse_retain(const struct object *o)
{
    char text[800] = "bide_retain: NULL";

    if (o)
        describe_misuse("bide_retain", o, text, sizeof text);
    bide_fail(-EINVAL, "%s", text);
    return NULL;
}

void *(bide_retain)(void *object)
{
    struct object *o = object;
    if (unlikely(!o || !is_object(o)))
        return refuse_retain(o);
    if (unlikely(bide__ledger_is_kept))
        bide__ledger_share(o, 1);

    return o->type->retain ? o->type->retain(o) : bide__object_ref(o);
}

/* ---- the user's pointer ---- */

/*
 * An object with a user pointer gets a type of its own, which differs in what happens at its end.  So an object without one
 * costs nothing, neither memory nor an instruction.
 *
 *      before   object -> task_type
 *      after    object -> struct user { a copy of task_type | own -> task_type | the pointer, user_free }
 */
struct user {
    struct object_type type;
    void *pointer;
    void (*free)(void *pointer);
};

static struct user *user_of(const struct object *o)
{
    return o->type->own ? (struct user *)(uintptr_t)container_of(o->type, struct user, type) : NULL;
}

void bide__free_user(void *pointer, void (*user_free)(void *pointer))
{
    struct error_mark mark;
    if (!user_free)
        return;

    bide__error_mark(&mark);
    user_free(pointer);
    bide__error_restore(&mark);
}

/* Take it from the object first: whatever user_free does, it finds the object without one. */
static void detach_user(struct object *o)
{
    struct user *u = user_of(o);

    o->type = u->type.own;
    bide__free_user(u->pointer, u->free);
    bide__free(u);
}

static void destroy_with_user(void *object)
{
    struct object *o = object;

    detach_user(o);
    o->type->destroy(o);
}

static int refuse_user(const char *function, const struct object *o)
{
    char text[800];

    if (!o)
        return bide_fail(-EINVAL, "%s: the object is NULL", function);
    describe_misuse(function, o, text, sizeof text);
    return bide_fail(-EINVAL, "%s", text);
}

/* 0, or an error on record: nothing has changed. */
static int attach_user(struct object *o, void *pointer, void (*user_free)(void *pointer))
{
    if (!o || !is_object(o))
        return refuse_user("bide_set_user", o);
    struct user *u = pointer || user_free ? bide__malloc(sizeof *u) : NULL;
    if (!u && (pointer || user_free))
        return bide__fail_nomem("bide_set_user");

    if (user_of(o))
        detach_user(o);
    if (!u)
        return 0;
    *u = (struct user){.type = *o->type, .pointer = pointer, .free = user_free};
    u->type.own = o->type;
    u->type.destroy = destroy_with_user;
    o->type = &u->type;
    return 0;
}

int bide_set_user(void *object, void *user, void (*user_free)(void *user))
{
    int code = attach_user(object, user, user_free);

    if (code < 0)
        bide__free_user(user, user_free);
    return code;
}

void *bide_user(const void *object)
{
    const struct object *o = object;
    if (!o || !is_object(o)) {
        refuse_user("bide_user", o);
        return NULL;
    }
    const struct user *u = user_of(o);
    return u ? u->pointer : NULL;
}
