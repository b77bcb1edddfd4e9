/* SPDX-License-Identifier: MIT */
/* test_functions.c - which functions workers have: by pointer, by name, of another build, or none. */
#include "pool_test.h"

static int not_registered(void)
{
    return 0;
}

/* pool no. 6: by pointer; no. 7: by name, for EXEC; refused at submit */
TEST(function_without_a_name_is_refused_for_exec, .real_time = true)
{
    needs_processes();
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_EXEC, .workers = 1);

    EXPECT_ERR(CALL(p, bide_job(not_registered)), BIDE_EFUNCTION);
    EXPECT_CONTAINS(bide_error_text(), "BIDE_POOL_TASK(not_registered)");
    bide_error_clear();
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

/* pool no. 6: code that the workers do not have is refused with the names of function and object */
#define NAME_10 xxxxxxxxxx
#define LONG_(x) job_long_##x##x##x##x##x##x##x##x##x##x##x##x##x##x##x##x##x##x##x##x
#define LONG(x) LONG_(x)
#define LONG_NAME LONG(NAME_10)
#define REGISTER(f) BIDE_POOL_TASK(f)

/* 209 bytes. */
static int LONG_NAME(void)
{
    return 209;
}
REGISTER(LONG_NAME);

/* It is sent by the name that it is registered under: through a pointer, a macro, with a name of any length. */
PROCESS_KINDS(function_is_found_whatever_it_is_called_here)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    int (*a_pointer)(const int *) = job_return, n = 6;

    EXPECT_EQ(CALL(p, bide_job(a_pointer, &n)), 6);
    EXPECT_EQ(CALL(p, bide_job(LONG_NAME)), 209);
    EXPECT_EQ(CALL(p, bide_job(a_pointer, &n)), 6);
}

/* What a program of another build would send: the function says what it takes (BIDE_POOL_TASK with its parameters). */
TEST(call_made_for_another_struct_is_refused, .real_time = true)
{
    needs_processes();
    struct pair in[2] = {{40, 2}};
    struct sum out[2];
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_EXEC, .workers = 1);
    bide_job good = bide_job(job_add, in, out), larger = good, without = good, shorter = good;

    larger.in_len = 2 * sizeof *in;
    EXPECT_ERR(bide_pool_call(p, larger), BIDE_EFUNCTION);
    EXPECT_STR(bide_error_text(), "job_add: called as job_add(32 bytes, 16 bytes), but its worker has "
                                  "job_add(16 bytes, 16 bytes): two builds with different declarations");
    bide_error_clear();
    shorter.out_len = 4;
    EXPECT_ERR(bide_pool_call(p, shorter), BIDE_EFUNCTION);
    bide_error_clear();
    without.has_out = false;
    EXPECT_ERR(bide_pool_call(p, without), BIDE_EFUNCTION);
    EXPECT_CONTAINS(bide_error_text(), "called as job_add(16 bytes), but");
    bide_error_clear();
    EXPECT_EQ(bide_pool_call(p, good), 7);
    EXPECT_EQ(out[0].sum, 42);
}

TEST(name_that_is_too_long_is_refused, .real_time = true)
{
    char name[260];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    static bide_pool_named named = {.fn = (void (*)(void))strlen};
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_EXEC, .workers = 1);

    named.name = name;
    bide_pool_register(&named);
    bide_job job = {.fn = (void (*)(void))strlen, .name = "strlen"};
    EXPECT_ERR(bide_pool_call(p, job), -ENAMETOOLONG);
    bide_error_clear();
    named.name = "test_long_name"; /* it stays in the list */
}

static int job_registered_late(void)
{
    return 0;
}

/* pool no. 7: registered here, but not in the worker's program: its own error, and nobody else's */
TEST(function_that_the_worker_does_not_know_fails_there, .real_time = true)
{
    needs_processes();
    static bide_pool_named named = {"job_registered_late", (void (*)(void))job_registered_late, NULL};
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_EXEC, .workers = 1);

    bide_pool_register(&named); /* by the test alone: a worker is this program, but does not run it */
    EXPECT_ERR(CALL(p, bide_job(job_registered_late)), BIDE_EFUNCTION);
    EXPECT_CONTAINS(bide_error_text(), "job_registered_late: not registered in the worker's program");
    bide_error_clear();
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

TEST(function_loaded_after_the_workers_is_refused, .real_time = true)
{
    needs_processes();
    struct image *none = calloc(1, sizeof *none);

    EXPECT_ERR(bide__image_check(none, (void (*)(void))job_nothing, "job_nothing"), BIDE_EFUNCTION);
    EXPECT_CONTAINS(bide_error_text(), "job_nothing is in ");
    EXPECT_CONTAINS(bide_error_text(), "test-pool");
    EXPECT_CONTAINS(bide_error_text(), "bide_pool_prepare()");
    bide_error_clear();
    free(none);

    static char data[64]; /* no code at all */
    bide_auto bide_pool *p = OPEN(.workers = 1);
    bide_job job = {.fn = (void (*)(void))(uintptr_t)data, .name = "made_code"};
    EXPECT_NULL(bide_pool_submit(p, job));
    EXPECT_EQ(bide_error_code(), BIDE_EFUNCTION);
    EXPECT_CONTAINS(bide_error_text(), "made_code");
    bide_error_clear();
}

/* pool no. 7: two functions of one name fail at the start */
UNIT(function_names_must_differ)
{
    static bide_pool_named twice = {"job_pid", (void (*)(void))job_nothing, NULL};

    EXPECT_EQ(bide__named_check(), 0);
    bide_pool_register(&twice);
    EXPECT_ERR(bide_pool_prepare(), -EEXIST);
    EXPECT_CONTAINS(bide_error_text(), "job_pid");
}
