/* SPDX-License-Identifier: MIT */
/*
 * options.h - named options, as functions get them, and figures, as they give them: from and to programs that may have been
 * built with other headers.
 *
 * Included by base.h, behind what it needs of that.
 */
#ifndef BIDE_BASE_OPTIONS_H
#define BIDE_BASE_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The guard_ of an options struct: an option that was given without its name is there. */
int bide__fail_unnamed(const char *function);
static inline int bide__check_named(const void *guard, const char *function)
{
    return likely(!guard) ? 0 : bide__fail_unnamed(function);
}

/* Copy options to `to`, whose struct has `known` bytes.  -EINVAL; BIDE_EVERSION: a member that we do not know is set. */
int bide__options_take(void *to, size_t known, const void *from, const char *function);

/* Are they those of our own headers, to be used where they are? */
static inline bool bide__options_are_own(const void *options, size_t known)
{
    return likely(options && *(const size_t *)options == known);
}

/*
 * A number as an option gives it: 0 (its default) or more, or the one that its comment names (BIDE_NONE, BIDE_UNLIMITED;
 * 0: it names none).  A size is seen as a signed number, so BIDE_NONE in one is -1, not all that there is.  -EINVAL.
 */
int bide__fail_number(const char *function, const char *name, int64_t n);
static inline int bide__check_number(const char *function, const char *name, int64_t n, int named)
{
    return likely(n >= 0 || n == named) ? 0 : bide__fail_number(function, name, n);
}

static inline int bide__check_size(const char *function, const char *name, size_t n, int named)
{
    return bide__check_number(function, name, (ptrdiff_t)n, named);
}

/*
 * A time as an option gives it: 0 (its default) to TIME_MAX_MS, the longest that is a number in nanoseconds too; BIDE_FOREVER, if
 * its comment names that.  -EINVAL.
 */
#define TIME_MAX_MS (INT64_MAX / 1000000)
int bide__fail_time(const char *function, const char *name, int64_t ms, bool may_be_forever);
static inline int bide__check_time(const char *function, const char *name, int64_t ms, bool may_be_forever)
{
    bool is_good = (uint64_t)ms <= TIME_MAX_MS || (may_be_forever && ms == BIDE_FOREVER);

    return likely(is_good) ? 0 : bide__fail_time(function, name, ms, may_be_forever);
}

/*
 * A limit as an option gives it, in numbers that can be added up, and what was checked before: 0 is its default, BIDE_UNLIMITED
 * and all beyond a quarter of the numbers that there are more than there will be.
 */
static inline int bide__count_or(int n, int otherwise)
{
    const int most = INT_MAX / 4;

    return n == BIDE_UNLIMITED || n > most ? most : n ? n : otherwise;
}

static inline size_t bide__size_or(size_t n, size_t otherwise)
{
    const size_t most = SIZE_MAX / 4;

    return n == (size_t)BIDE_UNLIMITED || (n > most && n <= PTRDIFF_MAX) ? most : n ? n : otherwise;
}

/* The other way, figures for a struct of `size` bytes: members that we do not have are 0. */
void bide__options_give(void *to, size_t size, const void *from, size_t known);

#endif
