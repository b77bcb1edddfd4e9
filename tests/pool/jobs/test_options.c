/* SPDX-License-Identifier: MIT */
/* test_options.c - options of a pool and its calls: of another build, and those that cannot be. */
#include "pool_test.h"

/* pool no. 11: the options know their size */
TEST(options_of_a_newer_caller_are_refused_and_of_an_older_one_filled_in, .real_time = true)
{
    struct {
        bide_pool_args args;
        char more[16];
    } newer = {.args = {.size = sizeof newer, .kind = BIDE_POOL_THREAD, .workers = 1}, .more = "new"};
    EXPECT_NULL(bide_pool_new_with(&newer.args));
    EXPECT_EQ(bide_error_code(), BIDE_EVERSION);
    EXPECT_CONTAINS(bide_error_text(), "bide_pool_new: an option is set that bide");
    bide_error_clear();

    bide_pool_args older = {.size = offsetof(bide_pool_args, concurrency), .kind = BIDE_POOL_THREAD, .workers = 1};
    older.concurrency = 999999; /* beyond its end: not looked at */
    bide_auto bide_pool *p = opened(bide_pool_new_with(&older));
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

TEST(options_that_cannot_be_are_refused, .real_time = true)
{
    EXPECT_NULL(bide_pool_new(.workers = -1));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "workers = -1");
    bide_error_clear();
    EXPECT_NULL(bide_pool_new(.ring_bytes = 100000));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    EXPECT_NULL(bide_pool_new(.concurrency = 5000));
    bide_error_clear();
    EXPECT_NULL(bide_pool_new(.kind = (enum bide_pool_kind)9));
    bide_error_clear();
    EXPECT_NULL(bide_pool_new(.prefetch = INT32_MAX));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    EXPECT_NULL(bide_pool_new(.retries = 300));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    EXPECT_NULL(bide_pool_new(.min_workers = -1));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    struct pair in = {1, 2};
    struct sum out;
    EXPECT_NULL(bide_pool_new(.init = bide_job(job_add, &in, &out)));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "init");
    bide_error_clear();
}

TEST(times_that_cannot_be_are_refused, .real_time = true)
{
    const bide_pool_args bad[] = {{.restart_window_ms = -1}, {.grace_ms = -1}, {.max_age_ms = -1}, {.idle_ms = -1},
                                  {.stall_ms = -1},          {.timeout_ms = -1}, {.close_ms = -1}, {.idle_ms = BIDE_FOREVER}};

    for (size_t i = 0; i < array_len(bad); i++) {
        bide_pool_args args = bad[i];
        args.size = sizeof args;
        args.kind = BIDE_POOL_THREAD;
        EXPECT_NULL(bide_pool_new_with(&args));
        EXPECT_ERR(bide_error_code(), -EINVAL);
        bide_error_clear();
    }
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1, .timeout_ms = BIDE_FOREVER, .close_ms = BIDE_FOREVER);
    EXPECT_OK(CALL(p, bide_job(job_nothing), .timeout_ms = BIDE_FOREVER));
    EXPECT_ERR(CALL(p, bide_job(job_nothing), .timeout_ms = BIDE_FOREVER - 1), -EINVAL);
    bide_error_clear();
    EXPECT_ERR(CALL(p, bide_job(job_nothing), .timeout_ms = -5), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "job_nothing: timeout_ms = -5");
    bide_error_clear();
}

/* What the options point to is needed for the call alone. */
TEST(program_may_be_forgotten_once_the_pool_is_open, .real_time = true)
{
    needs_processes();
    int die = 9;
    char program[] = "/proc/self/exe";
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_EXEC, .workers = 1, .program = program);

    strcpy(program, "/nobody");
    EXPECT_ERR(CALL(p, bide_job(job_die, &die)), BIDE_EWORKER);
    bide_error_clear();
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}
