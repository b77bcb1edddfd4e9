/* SPDX-License-Identifier: MIT */
/*
 * descriptors.c - as many open connections as this process may have.
 *
 * The soft limit is often 1024, for the sake of programs that call select(); we do not, so the hard one is ours.
 */
#include <sys/resource.h>

#include "cli/cli.h"

#define OTHERS 16 /* standard files, the loop's own, name servers, a file being read or written */

void descriptors_raise(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* the soft one remains: descriptors_allow sees it */
    }
}

bool descriptors_suffice(int needed)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= (rlim_t)needed)
        return true;
    say("%d open files are too few, %d are needed (ulimit -n)", (int)limit.rlim_cur, needed);
    return false;
}

int descriptors_allow(int wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > OTHERS + (rlim_t)wanted)
        return wanted;
    return limit.rlim_cur > OTHERS + 1 ? (int)limit.rlim_cur - OTHERS : 1;
}
