/* SPDX-License-Identifier: MIT */
/* backoff.c - waits that double, and are spread. */
#include <bide/backoff.h>

#include "base/base.h"

int64_t bide_backoff_limit_ms(int attempt, int64_t base_ms, int64_t most_ms)
{
    int64_t limit = base_ms < most_ms ? base_ms : most_ms;

    for (int i = 1; i < attempt && limit > 0 && limit < most_ms; i++)
        limit = limit > most_ms / 2 ? most_ms : limit * 2;
    return limit > 0 ? limit : 0;
}

int64_t bide_jitter_ms(int64_t most_ms)
{
    uint64_t random;

    if (most_ms <= 0)
        return 0;
    bide__random_bytes(&random, sizeof random);
    return (int64_t)(random % ((uint64_t)most_ms + 1));
}

int64_t bide_backoff_ms(int attempt, int64_t base_ms, int64_t most_ms)
{
    return bide_jitter_ms(bide_backoff_limit_ms(attempt, base_ms, most_ms));
}
