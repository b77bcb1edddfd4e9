/* SPDX-License-Identifier: MIT */
/*
 * options.c - named options and figures of a program that was built with other headers.
 *
 * Each struct of options begins with its size and grows at its end alone, so the size says which members it has:
 *
 *      older program   | size | a | b |          what we know beyond is 0: the default
 *      this library    | size | a | b | c |
 *      newer program   | size | a | b | c | d |  d must be 0: else it asks for what is not there
 */
#include "base/base.h"

#include <bide/version.h>

#define OPTIONS_MAX 4096 /* no size: somebody left it out, and this is what was on the stack */

int bide__options_take(void *to, size_t known, const void *from, const char *function)
{
    if (!from)
        return bide_fail(-EINVAL, "%s: the options are NULL", function);
    size_t size = *(const size_t *)from, common = size < known ? size : known;
    if (size < sizeof size || size > OPTIONS_MAX)
        return bide_fail(-EINVAL, "%s: the .size of the options is %zu: set it to the size of their struct", function, size);
    for (size_t i = known; i < size; i++)
        if (((const char *)from)[i])
            return bide_fail(BIDE_EVERSION, "%s: an option is set that bide %s does not know: the program was built for a later one",
                             function, bide_version());

    memset(to, 0, known);
    memcpy(to, from, common);
    *(size_t *)to = known;
    return 0;
}

int bide__fail_number(const char *function, const char *name, int64_t n)
{
    return bide_fail(-EINVAL, "%s: %s = %lld: a negative number", function, name, (long long)n);
}

int bide__fail_time(const char *function, const char *name, int64_t ms, bool may_be_forever)
{
    if (ms < 0)
        return bide__fail_number(function, name, ms);
    return bide_fail(-EINVAL, "%s: %s = %lld: at most %lld%s", function, name, (long long)ms, (long long)TIME_MAX_MS,
                     may_be_forever ? ", or BIDE_FOREVER" : "");
}

void bide__options_give(void *to, size_t size, const void *from, size_t known)
{
    memcpy(to, from, size < known ? size : known);
    if (size > known)
        memset((char *)to + known, 0, size - known);
}
