/* SPDX-License-Identifier: MIT */
/* test_interface.c - what a program sees of a pool that works: call, submit, map, imap, each, payloads, descriptors. */
#include <fcntl.h>

#include "pool_test.h"

/* pool no. 1: results in input order; nothing to do is done at once */
KINDS(map_keeps_the_order_of_its_arguments)
{
    int n[200], codes[200];
    for (int i = 0; i < 200; i++)
        n[i] = i;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);

    EXPECT_OK(bide_pool_map(p, bide_jobs(job_return, n), 200, .codes = codes));
    for (int i = 0; i < 200; i++)
        EXPECT_EQ(codes[i], i);
    EXPECT_EQ(bide_pool_map(p, bide_jobs(job_return, n), 0), 0);
}

/* pool no. 1, 12: typed results in order; pool no. 4: call and submit */
KINDS(typed_structs_cross_and_come_back)
{
    struct pair in[50];
    struct sum out[50];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);

    for (int i = 0; i < 50; i++)
        in[i] = (struct pair){i, 1000};
    EXPECT_EQ(CALL(p, bide_job(job_add, &in[5], &out[5])), 7);
    EXPECT_EQ(out[5].sum, 1005);
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_add, in, out), 50));
    for (int i = 0; i < 50; i++)
        EXPECT_EQ(out[i].sum, 1000 + i);
    EXPECT_EQ(CALL(p, bide_job(job_length, "twelve chars")), 12);
    EXPECT_EQ(kind == BIDE_POOL_THREAD, out[0].pid == getpid());
}

/* pool no. 21: code, text, function, pid, attempt, trace */
KINDS(error_of_a_job_reaches_its_future_with_its_story)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_fail, "no such page"));

    EXPECT_NOT_NULL(f);
    EXPECT_ERR(bide_await(f), -EIO);
    EXPECT_STR(bide_error_text(), "job_fail: reading: no such page");
    const bide_pool_failure *why = bide_pool_failure_of(f);
    EXPECT_NOT_NULL(why);
    EXPECT_EQ(why->code, -EIO);
    EXPECT_STR(why->job, "job_fail");
    EXPECT_EQ(why->attempt, 1);
    EXPECT_EQ(why->pid, bide_pool_pid(p, 0));
    EXPECT_CONTAINS(why->trace, "in job_fail (");
}
