/* SPDX-License-Identifier: MIT */
/* test_payloads.c - arguments and results: small and large, as bytes, as structs, built in place. */
#include "pool_test.h"

/* pool no. 8: bytes of any length; no. 9: in place */
KINDS(payloads_of_every_size_come_back_whole, .seconds = 30)
{
    size_t sizes[] = {0, 1, 63, 64, 65, 4096, RECORD_PAYLOAD_MAX - 1, RECORD_PAYLOAD_MAX, RECORD_PAYLOAD_MAX + 1, 100000, 5000000};
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    char *data = malloc(5000000);

    for (size_t i = 0; i < 5000000; i++)
        data[i] = (char)(i * 31 >> 3);
    for (size_t i = 0; i < array_len(sizes); i++)
        for (int copy = 0; copy < 2; copy++) {
            bide_bytes in = {data, sizes[i]};
            bide_auto bide_future *f = copy ? bide_pool_submit(p, bide_job_bytes(job_echo_copy, in))
                                            : bide_pool_submit(p, bide_job_bytes(job_echo, in));
            EXPECT_OK(f ? bide_await(f) : bide_error_code());
            EXPECT_EQ(bide_pool_result(f).len, sizes[i]);
            EXPECT_MEM(bide_pool_result(f).data, data, sizes[i]);
        }
    free(data);
}

/* pool no. 9: the result is built in place, at once or piece by piece */
KINDS(results_are_built_in_place)
{
    size_t sizes[] = {100, 15999, 16000, 17000, 300000};
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    for (size_t i = 0; i < array_len(sizes); i++)
        for (int grow = 0; grow < 2; grow++) {
            bide_auto bide_future *f = grow ? bide_pool_submit(p, bide_job(job_grow, &sizes[i]))
                                            : bide_pool_submit(p, bide_job(job_fill, &sizes[i]));
            EXPECT_OK(f ? bide_await(f) : bide_error_code());
            bide_bytes got = bide_pool_result(f);
            EXPECT_EQ(got.len, sizes[i]);
            for (size_t k = 0; k < got.len; k++)
                if (got.data[k] != (char)(k * 7))
                    FAIL("byte %zu of %zu is %d", k, got.len, got.data[k]);
        }
}

/* pool no. 9: 1 MiB there and back in place: neither side copies it */
PROCESS_KINDS(payload_of_a_mebibyte_in_place_is_not_copied)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    for (int i = 0; i < 50; i++) {
        char *buffer = bide_pool_buffer(p, 1 << 20);
        EXPECT_NOT_NULL(buffer);
        buffer[12345] = (char)i;
        bide_bytes in = {buffer, 1 << 20};
        bide_auto bide_future *f = bide_pool_submit(p, bide_job_bytes(job_echo, in));
        EXPECT_OK(f ? bide_await(f) : bide_error_code());
        EXPECT_TRUE(bide_pool_result(f).data == buffer);
        EXPECT_EQ(((const char *)bide_pool_result(f).data)[12345], (char)i);
        EXPECT_NULL(bide__job_of(f)->in_block); /* it has become the result, and there is no other */
        EXPECT_EQ(p->arena.nblocks, 1);
    }
}

KINDS(large_structs_cross_too)
{
    struct big *in = calloc(1, sizeof *in), *out = calloc(1, sizeof *out);
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    in->bytes[99999] = 41;
    EXPECT_OK(CALL(p, bide_job(job_big, in, out)));
    EXPECT_EQ(out->bytes[99999], 42);
    EXPECT_EQ(out->bytes[0], 1);
    free(in);
    free(out);
}

TEST(payload_beyond_two_gigabytes_is_refused, .real_time = true)
{
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1);
    bide_bytes in = {"", (size_t)PAYLOAD_MAX + 1};

    EXPECT_NULL(bide_pool_submit(p, bide_job_bytes(job_echo, in)));
    EXPECT_EQ(bide_error_code(), -E2BIG);
    bide_error_clear();
    EXPECT_NULL(bide_pool_buffer(p, (size_t)PAYLOAD_MAX + 1));
    EXPECT_EQ(bide_error_code(), -E2BIG);
    bide_error_clear();
    size_t n = (size_t)PAYLOAD_MAX + 1;
    EXPECT_ERR(CALL(p, bide_job(job_fill, &n)), -E2BIG);
}

/* A result that does not fit the caller's struct is an error of that job alone. */
KINDS(result_of_another_size_than_the_struct_is_an_error)
{
    struct sum out = {.sum = 77};
    int n = 1;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    EXPECT_ERR(CALL(p, bide_job(job_wrong_size, &n, &out)), -EMSGSIZE);
    EXPECT_CONTAINS(bide_error_text(), "job_wrong_size: the result has 20 bytes, the caller expects 16");
    EXPECT_EQ(out.sum, 77);
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

TEST(buffer_that_nobody_submits_can_be_put_back, .real_time = true)
{
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1);
    void *a = bide_pool_buffer(p, 100000);

    bide_pool_put(p, a);
    EXPECT_TRUE(bide_pool_buffer(p, 100000) == a);
    bide_pool_put(p, a);
    bide_pool_put(p, NULL);
}

static int job_add_up(bide_bytes in)
{
    int sum = 0;

    for (size_t i = 0; i < in.len; i++)
        sum += ((const char *)in.data)[i];
    return sum;
}
BIDE_POOL_TASK(job_add_up);

static bide_bytes filled_buffer(bide_pool *p, char with)
{
    char *b = bide_pool_buffer(p, 100000);

    if (!b)
        FAIL("bide_pool_buffer: %s", bide_error_text());
    memset(b, with, 100000);
    return (bide_bytes){b, 100000};
}

/* A job has the buffer: nobody else gets it, by no second submit, and by no put. */
KINDS(buffer_belongs_to_one_job_at_a_time)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_bytes b = filled_buffer(p, 1);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job_bytes(job_add_up, b));

    EXPECT_NULL(bide_pool_submit(p, bide_job_bytes(job_add_up, b)));
    EXPECT_EQ(bide_error_code(), -EBUSY);
    bide_error_clear();
    bide_pool_put(p, (void *)(uintptr_t)b.data);
    bide_bytes other = filled_buffer(p, 2);
    EXPECT_TRUE(other.data != b.data);
    EXPECT_EQ(bide_await(f), 100000);
    EXPECT_ERR(CALL(p, bide_job_bytes(job_add_up, b)), -EBUSY); /* not even when the job is over */
    bide_error_clear();
    bide_pool_put(p, (void *)(uintptr_t)other.data);
    bide_pool_put(p, (void *)(uintptr_t)other.data);
    bide_bytes one = filled_buffer(p, 1), two = filled_buffer(p, 1);
    EXPECT_TRUE(one.data != two.data);
}

/* A submit that fails has taken nothing: the same bytes go with the next one. */
KINDS(buffer_stays_the_callers_when_submit_fails)
{
    int bad = 999;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_bytes b = filled_buffer(p, 1);

    EXPECT_NULL(bide_pool_submit(p, bide_job_bytes(job_add_up, b), .fds = &bad, .nfds = 1));
    EXPECT_EQ(bide_error_code(), -EBADF);
    bide_error_clear();
    bide_bytes too_long = {b.data, 100001}, other = filled_buffer(p, 2);
    EXPECT_TRUE(other.data != b.data);
    EXPECT_NULL(bide_pool_submit(p, bide_job_bytes(job_add_up, too_long)));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    EXPECT_EQ(CALL(p, bide_job_bytes(job_add_up, b)), 100000);
    EXPECT_EQ(CALL(p, bide_job_bytes(job_add_up, other)), 200000);
}

/* The same argument for every worker is copied; so is a result that becomes an argument. */
KINDS(buffer_for_every_worker_and_result_as_an_argument_are_copied)
{
    int codes[2];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    bide_bytes b = filled_buffer(p, 1);

    EXPECT_OK(bide_pool_each(p, bide_job_bytes(job_add_up, b), .codes = codes));
    EXPECT_EQ(codes[0], 100000);
    EXPECT_EQ(codes[1], 100000);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job_bytes(job_echo, b));
    EXPECT_EQ(bide_await(f), 0);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(CALL(p, bide_job_bytes(job_add_up, bide_pool_result(f))), 100000);
}
