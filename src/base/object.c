/* SPDX-License-Identifier: MIT */
/*
 * object.c - one way to let go of any bide object.
 *
 * Every public object begins with a struct object: its type and how many share it.  Objects belong to one thread, so
 * the count is a plain integer.
 */
#include "base/base.h"

void bide__object_unref(void *object)
{
    struct object *o = object;

    assert(o->refs > 0);
    if (--o->refs == 0)
        o->type->destroy(o);
}

void bide_release(void *object)
{
    struct object *o = object;
    if (!o)
        return;

    struct error_mark mark;
    bide__error_mark(&mark);
    if (o->type->release)
        o->type->release(o);
    else
        bide__object_unref(o);
    bide__error_restore(&mark);
}

void *bide_retain(void *object)
{
    struct object *o = object;

    o->refs++;
    return o;
}
