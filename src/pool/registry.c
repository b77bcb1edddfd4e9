/* SPDX-License-Identifier: MIT */
/* registry.c - functions by name, for workers that are another run of the program (BIDE_POOL_TASK). */
#include "pool/pool.h"

static bide_pool_named *first;

void bide__pool_register(bide_pool_named *named)
{
    named->next = first;
    first = named;
}

size_t bide__name_for_record(char *to, const char *name)
{
    size_t n = strlen(name), padded = (n + 16) & ~(size_t)15;

    assert(n <= NAME_MAX_BYTES);
    memcpy(to, name, n + 1);
    memset(to + n, 0, padded - n);
    return padded;
}

const bide_pool_named *bide__named_by_name(const char *name, size_t len)
{
    for (const bide_pool_named *n = first; n; n = n->next)
        if (strlen(n->name) == len && memcmp(n->name, name, len) == 0)
            return n;
    return NULL;
}

const bide_pool_named *bide__named_by_fn(void (*fn)(void))
{
    for (const bide_pool_named *n = first; n; n = n->next)
        if (n->fn == fn)
            return n;
    return NULL;
}

int bide__named_check(void)
{
    for (const bide_pool_named *n = first; n; n = n->next) {
        const bide_pool_named *other = bide__named_by_name(n->name, strlen(n->name));
        if (other->fn != n->fn)
            return bide_fail(-EEXIST, "two functions are registered as %s (BIDE_POOL_TASK)", n->name);
    }
    return 0;
}
