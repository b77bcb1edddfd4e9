/* SPDX-License-Identifier: MIT */
/*
 * histogram.c - buckets whose width grows with the value: the first 16 of width 1, then 16 for each doubling.
 */
#include "cli/terminal/histogram.h"

#define LARGEST (((uint64_t)1 << 40) - 1)

static unsigned bucket_of(uint64_t value)
{
    if (value < 16)
        return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - 4;
    return shift * 16 + (unsigned)(value >> shift);
}

/* The middle of a bucket. */
static uint64_t value_of(unsigned bucket)
{
    if (bucket < 32)
        return bucket;
    unsigned shift = bucket / 16 - 1;
    return ((uint64_t)(bucket % 16 + 16) << shift) + ((uint64_t)1 << shift >> 1);
}

void histogram_add(struct histogram *h, int64_t value)
{
    if (value < 0)
        return;
    uint64_t v = (uint64_t)value < LARGEST ? (uint64_t)value : LARGEST;

    h->count++;
    h->largest = v > h->largest ? v : h->largest;
    h->buckets[bucket_of(v)]++;
}

uint64_t histogram_quantile(const struct histogram *h, unsigned per_mille)
{
    uint64_t want = (h->count * per_mille + 999) / 1000, seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS && h->count > 0; i++) {
        seen += h->buckets[i];
        if (seen >= want && seen > 0) {
            uint64_t value = value_of(i);
            return value < h->largest ? value : h->largest;
        }
    }
    return 0;
}
