/* SPDX-License-Identifier: MIT */
/*
 * histogram.h - how values are spread, in 8 KiB, however many there are: the latency of requests, the length of jobs.
 *
 * Sixteen buckets between a number and its double, so a quantile is right to 1 part in 16; values below 32 and the largest
 * are exact.  All zeros is an empty one.  It is plain data: it may be copied, be part of other structs and of shared
 * memory, and be sent to another process.  Nothing locks it: one thread at a time.
 */
#ifndef BIDE_HISTOGRAM_H
#define BIDE_HISTOGRAM_H

#include <stdint.h>

#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BIDE_HISTOGRAM_BUCKETS 960 /* 0 to INT64_MAX */

typedef struct bide_histogram {
    uint64_t count;  /* values in it */
    int64_t largest; /* of them */
    uint64_t buckets[BIDE_HISTOGRAM_BUCKETS];
} bide_histogram;

/*
 * Count one value; one below 0 is not counted.
 *
 * Threads:   any, one at a time for each histogram; no loop is needed
 * Example:   bide_histogram_add(&h, bide_response_timing(r).head)
 */
BIDE_API void bide_histogram_add(bide_histogram *h, int64_t value);

/*
 * The value that so many of a thousand are not above: 500 is the median, 990 the 99th percentile, 1000 the largest.
 *
 * Threads:   any, one at a time for each histogram; no loop is needed
 * Returns:   the middle of its bucket, at most the largest; 0 of an empty one
 * Example:   p99 = bide_histogram_quantile(&h, 990)
 */
BIDE_API BIDE_MUST_USE int64_t bide_histogram_quantile(const bide_histogram *h, unsigned per_mille);

#ifdef __cplusplus
}
#endif
#endif
