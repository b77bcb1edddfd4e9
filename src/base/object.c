/* SPDX-License-Identifier: MIT */
/*
 * object.c - one way to let go of any bide object.
 *
 * Every public object begins with a struct object: its type and how many share it.  Objects belong to one thread, so
 * the count is a plain integer.
 *
 * What a program hands in may be anything: a text (`bide_auto char *q`), an object that was released before.  A word in
 * the head says so.  That is a bug of the program, which nothing else would show it, so it is written to standard error
 * as a stack overflow is; then nothing happens.
 */
#include "base/base.h"

#include <errno.h>
#include <stdio.h>

/* Not aligned: not read. */
static inline bool is_object(const struct object *o)
{
    return ((uintptr_t)o & (sizeof(void *) - 1)) == 0 && o->word == OBJECT_LIVE;
}

static bool was_object(const struct object *o)
{
    return ((uintptr_t)o & (sizeof(void *) - 1)) == 0 && o->word == OBJECT_DEAD;
}

static void say_misuse(const char *function, const struct object *o, char *text, size_t cap)
{
    if (was_object(o))
        snprintf(text, cap, "%s: the %s at %p was released before", function, o->type->name, (const void *)o);
    else
        snprintf(text, cap, "%s: %p is not an object of bide", function, (const void *)o);
}

void bide__object_unref(void *object)
{
    struct object *o = object;

    assert(o->refs > 0);
    if (--o->refs == 0) {
        o->word = OBJECT_DEAD;
        o->type->destroy(o);
    }
}

static __attribute__((noinline, cold)) void refuse_release(const struct object *o)
{
    char text[160];

    say_misuse("bide_release", o, text, sizeof text);
    fprintf(stderr, "bide: %s\n", text);
}

void bide_release(void *object)
{
    struct object *o = object;
    if (!o)
        return;
    if (unlikely(!is_object(o))) {
        refuse_release(o);
        return;
    }

    struct error_mark mark;
    bide__error_mark(&mark);
    if (o->type->release)
        o->type->release(o);
    else
        bide__object_unref(o);
    bide__error_restore(&mark);
}

static __attribute__((noinline, cold)) void *refuse_retain(const struct object *o)
{
    char text[160] = "bide_retain: NULL";

    if (o)
        say_misuse("bide_retain", o, text, sizeof text);
    bide_fail(-EINVAL, "%s", text);
    return NULL;
}

void *(bide_retain)(void *object)
{
    struct object *o = object;
    if (unlikely(!o || !is_object(o)))
        return refuse_retain(o);

    return bide__object_ref(o);
}
