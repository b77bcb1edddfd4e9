/* SPDX-License-Identifier: MIT */
/* test_results.c - each future and each item has the result of its own job, wherever the caller's `out` points to. */
#include "pool_test.h"

#define N 60

struct rows {
    int at, n;
    bool wants_big;
    struct row out;        /* one for all jobs */
    struct row all[N];     /* or one for each */
    enum { ONE, EACH, NONE } outs;
};

static int next_row(void *arg, bide_job *job)
{
    struct rows *s = arg;
    if (s->at == N)
        return 0;
    s->n = s->at++;
    struct row *out = s->outs == ONE ? &s->out : s->outs == EACH ? &s->all[s->n] : NULL;
    *job = bide_job(job_row, &s->n, out);
    return 1;
}

static void expect_row(const void *data, size_t len, size_t number)
{
    struct row r;

    EXPECT_EQ(len, sizeof r);
    memcpy(&r, data, sizeof r);
    EXPECT_EQ(r.number, number);
    EXPECT_EQ(r.cells[29], number);
}

static void expect_items(enum bide_pool_kind kind, struct rows *s, bool unordered)
{
    bide_pool_item item;
    int r, n = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    bide_auto bide_pool_stream *stream = bide_pool_imap(p, next_row, s, .unordered = unordered, .window = 20);

    while ((r = bide_pool_next(stream, &item)) > 0) {
        expect_row(item.bytes.data, item.bytes.len, item.index);
        expect_row(bide_pool_result(item.future).data, bide_pool_result(item.future).len, item.index);
        if (s->outs == ONE)
            expect_row(&s->out, sizeof s->out, item.index);
        n++;
    }
    EXPECT_OK(r);
    EXPECT_EQ(n, N);
}

KINDS(imap_with_one_out_gives_each_item_its_own_result)
{
    expect_items(kind, &(struct rows){.outs = ONE}, false);
    expect_items(kind, &(struct rows){.outs = ONE}, true);
}

KINDS(imap_without_out_gives_each_item_its_own_result)
{
    expect_items(kind, &(struct rows){.outs = NONE}, false);
}

TEST(imap_with_many_outs_fills_each, .real_time = true)
{
    static struct rows s = {.outs = EACH};
    needs_processes();

    expect_items(BIDE_POOL_PROCESS, &s, true);
    for (size_t i = 0; i < N; i++)
        expect_row(&s.all[i], sizeof s.all[i], i);
}

static int next_sum(void *arg, bide_job *job)
{
    static struct pair in;
    int *at = arg;
    if (*at == N)
        return 0;
    in = (struct pair){(*at)++, 1000};
    *job = bide_job(job_add, &in, (struct sum *)NULL);
    return 1;
}

/* small enough to lie in the job itself */
KINDS(imap_small_struct_belongs_to_its_item)
{
    bide_pool_item item;
    int r, at = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    bide_auto bide_pool_stream *stream = bide_pool_imap(p, next_sum, &at);

    while ((r = bide_pool_next(stream, &item)) > 0) {
        struct sum sum;
        EXPECT_EQ(item.bytes.len, sizeof sum);
        memcpy(&sum, item.bytes.data, sizeof sum);
        EXPECT_EQ(sum.sum, item.index + 1000);
        EXPECT_EQ(item.code, 7);
    }
    EXPECT_OK(r);
}

static struct big number[8], reply;

/* a struct that goes through a block */
TEST(result_large_struct_is_kept_by_its_future, .real_time = true)
{
    bide_future *f[8];
    needs_processes();
    bide_auto bide_pool *p = OPEN(.workers = 2);

    for (int i = 0; i < 8; i++) {
        memset(number[i].bytes, i, sizeof number[i].bytes);
        f[i] = bide_pool_submit(p, bide_job(job_big, &number[i], &reply));
        EXPECT_TRUE(f[i]);
    }
    for (int i = 0; i < 8; i++) {
        EXPECT_OK(bide_await(f[i]));
        EXPECT_EQ(bide_pool_result(f[i]).len, sizeof reply);
        EXPECT_EQ(bide_pool_result(f[i]).data[99999], i + 1);
        bide_release(f[i]);
    }
}

static bide_future *submit_from_a_frame_that_ends(bide_pool *p, int n)
{
    struct row gone;
    bide_future *f = bide_pool_submit(p, bide_job(job_row, &n, &gone));

    EXPECT_TRUE(f);
    EXPECT_OK(bide_await(f));
    memset(&gone, 0xEE, sizeof gone);
    return f;
}

/* The future's bytes are its own: neither another job's nor those of a frame that is gone. */
KINDS(result_of_submitted_job_is_kept_by_its_future)
{
    bide_future *f[N];
    struct row out;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);

    for (int i = 0; i < N; i++)
        f[i] = bide_pool_submit(p, bide_job(job_row, &i, i % 2 ? &out : NULL));
    for (int i = 0; i < N; i++) {
        EXPECT_OK(bide_await(f[i]));
        expect_row(bide_pool_result(f[i]).data, bide_pool_result(f[i]).len, (size_t)i);
        bide_release(f[i]);
    }
    bide_auto bide_future *one = submit_from_a_frame_that_ends(p, 12);
    expect_row(bide_pool_result(one).data, bide_pool_result(one).len, 12);
}

TEST(each_of_a_job_with_a_result_is_refused, .real_time = true)
{
    struct pair in = {1, 2};
    struct sum out = {.sum = -1};
    needs_processes();
    bide_auto bide_pool *p = OPEN(.workers = 2);

    EXPECT_ERR(bide_pool_each(p, bide_job(job_add, &in, &out)), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "every worker would write it to the same place");
    EXPECT_EQ(out.sum, -1);
}
