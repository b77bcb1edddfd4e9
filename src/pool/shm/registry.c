/* SPDX-License-Identifier: MIT */
/* registry.c - functions by name, for workers that are another run of the program (BIDE_POOL_TASK). */
#include <stdio.h>

#include "pool/shm/shm.h"

static bide_pool_named *first;

void bide_pool_register(bide_pool_named *named)
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

/* By address here, by name there: what was written in the call may be a pointer's name, or a macro's. */
int bide__named_find(void (*fn)(void), const char *called, const char **name)
{
    const bide_pool_named *named = bide__named_by_fn(fn);
    if (!named)
        return bide_fail(BIDE_EFUNCTION, "%s is not registered: write BIDE_POOL_TASK(%s); so that other processes can find it",
                         called, called);
    if (strlen(named->name) > NAME_MAX_BYTES)
        return bide_fail(-ENAMETOOLONG, "%.40s...: a name of %zu bytes; %d at most", named->name, strlen(named->name), NAME_MAX_BYTES);
    *name = named->name;
    return 0;
}

/* As a prototype would be: "resize(24 bytes, 8 bytes)". */
static const char *describe(char *out, size_t cap, const char *name, const struct named_call *c)
{
    static const char *const words[] = {[BIDE_JOB_NONE] = "", [BIDE_JOB_TEXT] = "a text", [BIDE_JOB_BYTES] = "any bytes"};
    char in[32], result[32] = "";

    if (c->shape == BIDE_JOB_FIXED)
        snprintf(in, sizeof in, "%zu bytes", c->in_len);
    else
        snprintf(in, sizeof in, "%s", words[c->shape]);
    if (c->has_out)
        snprintf(result, sizeof result, ", %zu bytes", c->out_len);
    snprintf(out, cap, "%.64s(%s%s)", name, in, result);
    return out;
}

int bide__named_fits(const bide_pool_named *n, const struct named_call *c)
{
    const struct named_call own = {n->shape, n->has_out, n->in_len, n->out_len};
    char here[160], there[160];
    bool same_in = c->shape == own.shape && (c->shape != BIDE_JOB_FIXED || c->in_len == own.in_len);
    if (!n->takes_known || (same_in && c->has_out == own.has_out && c->out_len == own.out_len))
        return 0;

    return bide_fail(BIDE_EFUNCTION, "called as %s, but its worker has %s: two builds with different declarations",
                     describe(there, sizeof there, n->name, c), describe(here, sizeof here, n->name, &own));
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
