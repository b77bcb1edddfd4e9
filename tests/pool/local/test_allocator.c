/* SPDX-License-Identifier: MIT */
/* test_allocator.c - a heap of the program's own: a pool takes all from it and gives all back. */
#include "base/base.h"
#include "harness/allocator.h"
#include "pool_test.h"

static int use_pool(int kind)
{
    struct pair in[40];
    struct sum out[40];
    bide_auto bide_pool *p = bide_pool_new(.kind = (enum bide_pool_kind)kind, .workers = 2);
    if (!p)
        return bide_raise();

    for (int i = 0; i < 40; i++)
        in[i] = (struct pair){i, 1};
    BIDE_TRY(bide_pool_map(p, bide_jobs(job_add, in, out), 40));
    return (int)out[39].sum;
}

static void expect_all_is_given_back(enum bide_pool_kind kind)
{
    struct counting_heap heap = {.limit = SIZE_MAX};
    EXPECT_ERR(counting_heap_use(&heap), 0);

    EXPECT_EQ(bide_run(bide_coro(use_pool, (int)kind)), 40);
    EXPECT_LT(10, heap.calls);
    EXPECT_EQ(heap.live, bide__alloc_live());
    EXPECT_EQ(heap.live, 0);
}

UNIT(allocator_of_the_program_ends_at_zero_after_a_pool_of_threads)
{
    expect_all_is_given_back(BIDE_POOL_THREAD);
}

UNIT(allocator_of_the_program_ends_at_zero_after_a_pool_of_processes)
{
    needs_processes();
    expect_all_is_given_back(BIDE_POOL_PROCESS);
}
