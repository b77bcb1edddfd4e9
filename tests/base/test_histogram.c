/* SPDX-License-Identifier: MIT */
/* test_histogram.c - how right its quantiles are. */
#include <bide/histogram.h>

#include "harness/harness.h"

UNIT(histogram_of_nothing_is_0)
{
    static bide_histogram h;

    bide_histogram_add(&h, -1);
    EXPECT_EQ(h.count, 0);
    EXPECT_EQ(bide_histogram_quantile(&h, 0), 0);
    EXPECT_EQ(bide_histogram_quantile(&h, 500), 0);
    EXPECT_EQ(bide_histogram_quantile(&h, 1000), 0);
}

UNIT(histogram_quantiles_are_right_to_one_part_in_16)
{
    static bide_histogram h;

    for (int64_t i = 1; i <= 100000; i++)
        bide_histogram_add(&h, i * 7);
    for (unsigned q = 10; q < 1000; q += 10) {
        double exact = q * 100 * 7, found = (double)bide_histogram_quantile(&h, q);
        EXPECT_TRUE(found > exact * (1 - 1 / 16.0) && found < exact * (1 + 1 / 16.0));
    }
    EXPECT_EQ(bide_histogram_quantile(&h, 1000), 700000);
}

UNIT(histogram_each_value_alone_is_exact)
{
    for (int bit = 0; bit < 63; bit++)
        for (int64_t near = -1; near <= 1; near++) {
            bide_histogram h = {0};
            int64_t value = (INT64_C(1) << bit) + near;
            bide_histogram_add(&h, value);
            int64_t found = bide_histogram_quantile(&h, 500);
            EXPECT_TRUE(found <= value && (double)found >= (double)value * (1 - 1 / 16.0));
            EXPECT_EQ(h.largest, value);
        }
}

UNIT(histogram_small_values_are_exact)
{
    static bide_histogram h;

    for (int64_t i = 0; i < 32; i++)
        bide_histogram_add(&h, i);
    EXPECT_EQ(bide_histogram_quantile(&h, 1), 0);
    EXPECT_EQ(bide_histogram_quantile(&h, 500), 15);
    EXPECT_EQ(bide_histogram_quantile(&h, 1000), 31);
}

UNIT(histogram_the_longest_time_there_is_has_a_bucket)
{
    static bide_histogram h;

    bide_histogram_add(&h, 5);
    bide_histogram_add(&h, INT64_MAX);
    EXPECT_EQ(h.count, 2);
    EXPECT_EQ(h.buckets[BIDE_HISTOGRAM_BUCKETS - 1], 1);
    EXPECT_EQ(bide_histogram_quantile(&h, 500), 5);
    EXPECT_TRUE(bide_histogram_quantile(&h, 1000) > INT64_MAX / 16 * 15);
}

/* A pool that runs for years counts more than 2^64 / 1000. */
UNIT(histogram_of_very_many_values_has_quantiles)
{
    static bide_histogram h = {.count = UINT64_MAX / 2, .largest = 9};

    h.buckets[3] = UINT64_MAX / 4;
    h.buckets[9] = UINT64_MAX / 4;
    EXPECT_EQ(bide_histogram_quantile(&h, 400), 3);
    EXPECT_EQ(bide_histogram_quantile(&h, 600), 9);
}
