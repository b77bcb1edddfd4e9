/* SPDX-License-Identifier: MIT */
/* histogram.c - buckets whose width grows with the value: the first 32 of width 1, then 16 for each doubling. */
#include <bide/histogram.h>

static unsigned bucket_of(uint64_t value)
{
    if (value < 32)
        return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - 4;
    return shift * 16 + (unsigned)(value >> shift);
}

static int64_t middle_of(unsigned bucket)
{
    if (bucket < 32)
        return bucket;
    unsigned shift = bucket / 16 - 1;
    return ((int64_t)(bucket % 16 + 16) << shift) + ((int64_t)1 << shift >> 1);
}

void bide_histogram_add(bide_histogram *h, int64_t value)
{
    if (value < 0)
        return;
    h->count++;
    h->largest = value > h->largest ? value : h->largest;
    h->buckets[bucket_of((uint64_t)value)]++;
}

int64_t bide_histogram_quantile(const bide_histogram *h, unsigned per_mille)
{
    /* One of so many in order, rounded up; in two parts, because count * 1000 can be too much. */
    uint64_t want = h->count / 1000 * per_mille + (h->count % 1000 * per_mille + 999) / 1000, seen = 0;

    for (unsigned i = 0; i < BIDE_HISTOGRAM_BUCKETS && h->count > 0; i++) {
        seen += h->buckets[i];
        if (seen >= want && seen > 0) {
            int64_t value = middle_of(i);
            return value < h->largest ? value : h->largest;
        }
    }
    return 0;
}
