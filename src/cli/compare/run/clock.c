/* SPDX-License-Identifier: MIT */
/*
 * clock.c - the clock of runs.
 */
#include <time.h>

#include "cli/compare/run/run.h"

int64_t compare_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}
