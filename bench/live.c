/* SPDX-License-Identifier: MIT */
/*
 * live.c - many tasks alive at once: made, parked, and then woken or cancelled, awaited and released.
 *
 *     bench-live [wake|cancel [TASKS]]      wake, 100,000
 *
 * To be woken, all await one future.  again_ns is what it takes when all is done once more: the first time each task has its
 * page of stack from the kernel.
 */
#include <bide/bide.h>

#include "bench.h"

static long tasks;
static bool cancelled;
static bide_future *gate;

static int waits(void)
{
    return bide_await(gate);
}

static int round_of(bide_task **all)
{
    gate = bide_future_new();
    for (long i = 0; i < tasks; i++)
        if (!(all[i] = bide_create_task(bide_coro(waits))))
            return bide_raise();
    BIDE_TRY(bide_sleep_ms(0));
    if (cancelled)
        for (long i = 0; i < tasks; i++)
            bide_task_cancel(all[i]);
    else
        BIDE_TRY(bide_future_set_result(gate, 0));
    for (long i = 0; i < tasks; i++) {
        int code = bide_await(all[i]);
        if (code != (cancelled ? BIDE_ECANCELED : 0))
            return bide_fail(BIDE_ESTATE, "a task ended with %d", code);
        bide_release(all[i]);
    }
    bide_release(gate);
    return 0;
}

static int app(void)
{
    double wall[2], cpu[2];
    bide_task **all = calloc((size_t)tasks, sizeof(bide_task *));
    if (!all)
        return BIDE_ENOMEM;

    for (int i = 0; i < 2; i++) {
        wall[i] = -bench_seconds(CLOCK_MONOTONIC);
        cpu[i] = -bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
        BIDE_TRY(round_of(all));
        cpu[i] += bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
        wall[i] += bench_seconds(CLOCK_MONOTONIC);
    }
    printf("{\"ops\":%ld,\"secs\":%.6f,\"cpu_s\":%.6f,\"rss_kb\":%ld,\"again_ns\":%.1f}\n", tasks, wall[0], cpu[0],
           bench_peak_rss_kb(), cpu[1] * 1e9 / (double)tasks);
    free(all);
    return 0;
}

int main(int argc, char **argv)
{
    cancelled = argc > 1 && strcmp(argv[1], "cancel") == 0;
    if (argc > 1 && !cancelled && strcmp(argv[1], "wake") != 0) {
        fprintf(stderr, "usage: %s [wake|cancel [TASKS]]\n", argv[0]);
        return 2;
    }
    tasks = bench_arg(argc, argv, 2, 100000);
    return bide_main(bide_coro(app));
}
