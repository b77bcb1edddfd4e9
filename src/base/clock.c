/* SPDX-License-Identifier: MIT */
/* clock.c - time that never jumps, and randomness that cannot be guessed. */
#include "base/base.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

unchecked_frame never_indirect int64_t bide__clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void bide__cond_init(pthread_cond_t *c)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(c, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void bide__random_bytes(void *out, size_t len)
{
    char *p = out;

    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0) { /* only before the kernel's pool is ready, or EINTR: both pass */
            if (errno == EINTR)
                continue;
            abort();
        }
        p += n;
        len -= (size_t)n;
    }
}
