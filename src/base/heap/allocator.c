/* SPDX-License-Identifier: MIT */
/*
 * allocator.c - the program gives the library a heap of its own: the public side of alloc.c.
 */
#include <bide/allocator.h>

#include "base/base.h"

static int check(const bide_allocator *a)
{
    static const char function[] = "bide_set_allocator";
    int bad = bide__check_named(a->guard_, function);
    if (bad < 0)
        return bad;
    if (!a->malloc || !a->realloc || !a->free)
        return bide_fail(-EINVAL, "%s: .%s is NULL", function, !a->malloc ? "malloc" : !a->realloc ? "realloc" : "free");
    return 0;
}

int bide_set_allocator_with(const bide_allocator *allocator)
{
    bide_allocator a;
    int code = bide__options_take(&a, sizeof a, allocator, "bide_set_allocator");
    if (code == 0)
        code = check(&a);
    if (code == 0 && !bide__alloc_use(&a))
        code = bide_fail(BIDE_ESTATE, "bide_set_allocator: too late, memory was allocated, or an allocator set, before");
    return code;
}
