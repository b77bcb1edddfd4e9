/* SPDX-License-Identifier: MIT */
/*
 * switch.c - what it costs to yield to another task and to be resumed, through the loop.
 *
 *     bench-switch [TASKS [YIELDS]]      2 tasks; 10,000,000 yields in all
 *
 * One operation is one bide_sleep_ms(0): from the task to the loop and on to the next task.  Before it is measured the
 * tasks are woken in a random order, in which they then stay, so that neither the stacks nor the task structs are visited
 * in the order of their addresses.
 */
#include <bide/bide.h>

#include "bench.h"

static long tasks, rounds;
static bide_future **starts;

static int worker(bide_future *start)
{
    BIDE_TRY(bide_await(start));
    for (long i = 0; i < rounds; i++)
        BIDE_TRY(bide_sleep_ms(0));
    return 0;
}

static void shuffle(bide_future **list, long n)
{
    unsigned long state = 88172645463325252;
    for (long i = n - 1; i > 0; i--) {
        state = state * 6364136223846793005 + 1442695040888963407;
        long j = (long)((state >> 33) % (unsigned long)(i + 1));
        bide_future *swap = list[i];
        list[i] = list[j];
        list[j] = swap;
    }
}

static int app(void)
{
    struct bench b;
    bide_awaitable *all = calloc((size_t)tasks, sizeof *all);
    starts = calloc((size_t)tasks, sizeof(bide_future *));
    if (!all || !starts)
        return BIDE_ENOMEM;
    for (long i = 0; i < tasks; i++) {
        starts[i] = bide_future_new();
        bide_task *t = bide_create_task(bide_coro(worker, starts[i]));
        if (!starts[i] || !t)
            return bide_raise();
        all[i] = BIDE_AW(t);
    }
    BIDE_TRY(bide_sleep_ms(1));
    shuffle(starts, tasks);
    for (long i = 0; i < tasks; i++)
        BIDE_TRY(bide_future_set_result(starts[i], 0));

    bench_begin(&b);
    BIDE_TRY(bide_gather_n(all, (size_t)tasks));
    bench_end(&b, tasks * rounds);

    for (long i = 0; i < tasks; i++) {
        bide_release(all[i].as.task);
        bide_release(starts[i]);
    }
    free(all);
    free(starts);
    return 0;
}

int main(int argc, char **argv)
{
    tasks = bench_arg(argc, argv, 1, 2);
    rounds = bench_arg(argc, argv, 2, 10000000) / tasks;
    return bide_main(bide_coro(app));
}
