/* SPDX-License-Identifier: MIT */
/*
 * spawn.c - what it costs to start a trivial task, run it, and take its result.
 *
 *     bench-spawn [TASKS [BATCH]]      2,000,000 tasks, 1000 alive at a time
 *
 * One operation is create, run to the end, await, release.  The first batch, which maps the stacks, is not measured.
 */
#include <bide/bide.h>

#include "bench.h"

static long tasks, batch;

static int trivial(int result)
{
    return result;
}

static int run_batch(bide_task **alive)
{
    for (long i = 0; i < batch; i++)
        if (!(alive[i] = bide_create_task(bide_coro(trivial, 1))))
            return bide_raise();
    for (long i = 0; i < batch; i++) {
        BIDE_TRY(bide_await(alive[i]));
        bide_release(alive[i]);
    }
    return 0;
}

static int app(void)
{
    struct bench b;
    bide_task **alive = calloc((size_t)batch, sizeof *alive);
    if (!alive)
        return BIDE_ENOMEM;

    BIDE_TRY(run_batch(alive));
    bench_begin(&b);
    for (long done = 0; done < tasks; done += batch)
        BIDE_TRY(run_batch(alive));
    bench_end(&b, (tasks + batch - 1) / batch * batch);
    free(alive);
    return 0;
}

int main(int argc, char **argv)
{
    tasks = bench_arg(argc, argv, 1, 2000000);
    batch = bench_arg(argc, argv, 2, 1000);
    return bide_main(bide_coro(app));
}
