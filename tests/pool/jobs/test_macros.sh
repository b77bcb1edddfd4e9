#!/bin/sh
# SPDX-License-Identifier: MIT
# test_macros.sh - what a compiler says of bide_job and its kin: what is right compiles without a warning, what is wrong
# does not, and says why.  The header of jobs is all that they need.
set -eu
source=${BIDE_SOURCE:-$(cd "$(dirname "$0")/../../.." && pwd)}
status=0

compile() { # CODE: what stands in a file behind the header; prints what the compiler says
    printf '#include <bide/job.h>\n%s\n' "$1" |
        ${CC:-cc} -std=c11 -Wall -Wextra -Werror=incompatible-pointer-types -Wno-unused -I"$source/include" -fsyntax-only -x c - 2>&1
}

compiles() { # CODE
    if said=$(compile "$functions $1") && [ -z "$said" ]; then
        return
    fi
    printf 'does not compile without a word: %s\n%s\n' "$1" "$said"
    status=1
}

refused() { # CODE WORDS
    if said=$(compile "$functions $1"); then
        printf 'compiles: %s\n' "$1"
        status=1
    elif ! printf %s "$said" | grep -qF "$2"; then
        printf 'another reason: %s\n%s\n' "$1" "$said"
        status=1
    fi
}

functions='
struct in { int a; }; struct out { long b[3]; };
int none(void); int text(const char *); int one(const struct in *); int two(const struct in *, struct out *); int bytes(bide_bytes);
extern struct in i, is[3]; extern struct out o, os[3]; extern const char *ts[3]; extern long l;
'

for job in 'bide_job(none)' 'bide_job(text, "x")' 'bide_job(one, &i)' 'bide_job(two, &i, &o)' 'bide_jobs(text, ts)' \
    'bide_jobs(one, is)' 'bide_jobs(two, is, os)' 'bide_job_bytes(bytes, ((bide_bytes){"x", 1}))'; do
    compiles "bide_job f(void) { return $job; }"
done
for task in 'none, void' 'text, const char *' 'one, const struct in *' 'two, const struct in *, struct out *' 'bytes, bide_bytes' 'one'; do
    compiles "BIDE_POOL_TASK($task);"
done
# What it is registered as: the shape, and how many bytes.
compiles '_Static_assert(BIDE__TYPE_SHAPE(void) == BIDE_JOB_NONE && BIDE__TYPE_SHAPE(const char *) == BIDE_JOB_TEXT, "");
_Static_assert(BIDE__TYPE_SHAPE(bide_bytes) == BIDE_JOB_BYTES && BIDE__TYPE_SHAPE(const struct in *) == BIDE_JOB_FIXED, "");
_Static_assert(BIDE__TYPE_LEN(const struct in *) == 4 && BIDE__TYPE_LEN(struct out *) == 3 * sizeof(long), "");'

words='bide_job takes a function, one argument and one result: put more into a struct'
for more in ', 1' ', 1, 2' ', 1, 2, 3' ', 1, 2, 3, 4' ', 1, 2, 3, 4, 5'; do
    refused "bide_job f(void) { return bide_job(two, &i, &o$more); }" "$words"
done
refused 'bide_job f(void) { return bide_jobs(two, is, os, 1); }' 'bide_jobs takes a function, an array of arguments and one of results'
refused 'bide_job f(void) { return bide_jobs(none); }' 'bide_jobs takes an array of arguments: a function of none is bide_job(f)'
refused 'bide_job f(void) { return bide_job(one); }' 'too few arguments'
refused 'bide_job f(void) { return bide_job(none, &i); }' 'too many arguments'
refused 'bide_job f(void) { return bide_job(one, &l); }' 'incompatible'
refused 'BIDE_POOL_TASK(two, const struct in *, struct out *, int);' 'BIDE_POOL_TASK takes a function and the types of its argument and its result'
refused 'BIDE_POOL_TASK(one, const struct out *);' 'not compatible'
refused 'BIDE_POOL_TASK(one, void);' 'not compatible'
exit $status
