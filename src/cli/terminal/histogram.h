/* SPDX-License-Identifier: MIT */
/*
 * histogram.h - how times are spread, in 2 KiB, however many there are.
 *
 * Sixteen buckets between a number and its double: a quantile is exact to 6 %; the largest is exact.
 */
#ifndef BIDE_CLI_TERMINAL_HISTOGRAM_H
#define BIDE_CLI_TERMINAL_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS 592 /* up to 2^40 - 1: in microseconds 12 days */

struct histogram {
    uint64_t count, largest;
    uint32_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, int64_t value); /* below 0: nothing is counted */
/* The value that so many per mille are not above; 0 of nothing. */
uint64_t histogram_quantile(const struct histogram *h, unsigned per_mille);

#endif
