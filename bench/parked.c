/* SPDX-License-Identifier: MIT */
/*
 * parked.c - what a task costs in memory while it waits.
 *
 *     bench-parked [stackful|stackless [TASKS]]      stackful, 100,000
 *
 * All tasks sleep.  rss_kb is what resident memory and page tables (VmRSS + VmPTE) have grown by since before the first
 * one was made, with all that belongs to them: structs, stacks, timers, the ready queue, the generators of the stackless
 * ones, and the program's array of pointers to them.
 */
#include <unistd.h>

#include <bide/bide.h>

#include "bench.h"

#define AN_HOUR_MS 3600000

static long tasks;
static bool stackless;

static int sleeper(void)
{
    return bide_sleep_ms(AN_HOUR_MS);
}

static int sleeper_step(bide_generator *g, int outcome, bide_awaitable *next)
{
    BIDE_GENERATOR_BEGIN(g);
    BIDE_GENERATOR_AWAIT(g, bide_sleep_awaitable(AN_HOUR_MS));
    BIDE_GENERATOR_END();
    return outcome;
}

static long memory_kb(void)
{
    return bench_status_kb("VmRSS:") + bench_status_kb("VmPTE:");
}

static int start_all(bide_task **all, bide_generator *generators)
{
    for (long i = 0; i < tasks; i++) {
        if (stackless)
            generators[i].step = sleeper_step;
        all[i] = stackless ? bide_ensure_future(&generators[i]) : bide_create_task(bide_coro(sleeper));
        if (!all[i])
            return bide_raise();
    }
    return bide_sleep_ms(0);
}

static int app(void)
{
    long before = memory_kb();
    double wall = bench_seconds(CLOCK_MONOTONIC), cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    bide_task **all = calloc((size_t)tasks, sizeof *all);
    bide_generator *generators = stackless ? calloc((size_t)tasks, sizeof *generators) : NULL;
    if (!all || (stackless && !generators))
        return BIDE_ENOMEM;

    BIDE_TRY(start_all(all, generators));
    wall = bench_seconds(CLOCK_MONOTONIC) - wall;
    cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    long grown = memory_kb() - before;
    printf("%ld %s tasks: %.1f bytes each\n", tasks, stackless ? "stackless" : "stackful",
           (double)grown * 1024 / (double)tasks);
    bench_report(tasks, wall, cpu, grown);
    _exit(0); /* to wake them all is not part of it */
}

int main(int argc, char **argv)
{
    stackless = argc > 1 && strcmp(argv[1], "stackless") == 0;
    if (argc > 1 && !stackless && strcmp(argv[1], "stackful") != 0) {
        fprintf(stderr, "usage: %s [stackful|stackless [TASKS]]\n", argv[0]);
        return 2;
    }
    tasks = bench_arg(argc, argv, 2, 100000);
    return bide_main(bide_coro(app));
}
