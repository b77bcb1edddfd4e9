/* SPDX-License-Identifier: MIT */
/* test_imap.c - jobs that a source makes, and their results as they come. */
#include "pool_test.h"

struct numbers {
    int next, end, taken;
    int64_t pause_ms;
    int n;
};

static int next_number(void *arg, bide_job *job)
{
    struct numbers *s = arg;
    if (s->next == s->end)
        return 0;
    if (s->pause_ms)
        BIDE_TRY(bide_sleep_ms(s->pause_ms));
    s->n = s->next++;
    s->taken++;
    *job = bide_job(job_return, &s->n);
    return 1;
}

/* pool no. 2: ordered */
KINDS(imap_gives_results_in_the_order_of_the_source)
{
    struct numbers numbers = {.end = 300};
    bide_pool_item item;
    int r, n = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    bide_auto bide_pool_stream *s = bide_pool_imap(p, next_number, &numbers, .window = 10);

    while ((r = bide_pool_next(s, &item)) > 0) {
        EXPECT_EQ(item.index, n);
        EXPECT_EQ(item.code, n);
        n++;
    }
    EXPECT_OK(r);
    EXPECT_EQ(n, 300);
    EXPECT_EQ(bide_pool_next(s, &item), 0);
}

static int next_sleep(void *arg, bide_job *job)
{
    struct numbers *s = arg;
    static int ms;

    if (s->next == s->end)
        return 0;
    ms = s->next++ == 0 ? 300 : 5;
    *job = bide_job(job_sleep, &ms);
    return 1;
}

/* pool no. 2: unordered: the first that is finished comes first, at once */
KINDS(imap_unordered_does_not_wait_for_a_slow_first_one)
{
    struct numbers numbers = {.end = 5};
    bide_pool_item item;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    bide_auto bide_pool_stream *s = bide_pool_imap(p, next_sleep, &numbers, .unordered = true);
    int64_t start = now_us();

    for (int i = 0; i < 4; i++) {
        EXPECT_EQ(bide_pool_next(s, &item), 1);
        EXPECT_NE(item.index, 0);
    }
    EXPECT_LT(now_us() - start, 200000 * SLOW);
    EXPECT_EQ(bide_pool_next(s, &item), 1);
    EXPECT_EQ(item.index, 0);
    EXPECT_EQ(bide_pool_next(s, &item), 0);
}

/* pool no. 3: never more than window ahead, also of a source without end */
KINDS(imap_reads_an_endless_source_only_as_far_as_its_window)
{
    struct numbers numbers = {.end = -1};
    bide_pool_item item;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    bide_auto bide_pool_stream *s = bide_pool_imap(p, next_number, &numbers, .window = 7);

    for (int i = 0; i < 50; i++) {
        EXPECT_EQ(bide_pool_next(s, &item), 1);
        EXPECT_LE(numbers.taken, i + 1 + 7);
    }
    BIDE_IGNORE(bide_sleep_ms(20));
    EXPECT_LE(numbers.taken, 50 + 7);
}

static int bad_source(void *arg, bide_job *job)
{
    (void)arg, (void)job;
    return bide_fail(-EPROTO, "no more lines: the file is broken");
}

TEST(imap_error_of_the_source_ends_the_stream, .real_time = true)
{
    bide_pool_item item;
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1);
    bide_auto bide_pool_stream *s = bide_pool_imap(p, bad_source, NULL);

    EXPECT_ERR(bide_pool_next(s, &item), -EPROTO);
    EXPECT_CONTAINS(bide_error_text(), "the file is broken");
}

static int next_failing(void *arg, bide_job *job)
{
    int *n = arg;
    *job = bide_job(job_fail, "odd");
    return (*n)++ < 3;
}

/* An error of a job is an item, not the end. */
TEST(imap_error_of_a_job_is_an_item, .real_time = true)
{
    bide_pool_item item;
    int n = 0;
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1);
    bide_auto bide_pool_stream *s = bide_pool_imap(p, next_failing, &n);

    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(bide_pool_next(s, &item), 1);
        EXPECT_EQ(item.code, -EIO);
    }
    EXPECT_EQ(bide_pool_next(s, &item), 0);
}

/* A source that waits does not hold up results; dropping the stream drops the rest. */
TEST(imap_slow_source_does_not_hold_up_results, .real_time = true)
{
    struct numbers numbers = {.end = -1, .pause_ms = 30};
    bide_pool_item item;
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1);
    bide_auto bide_pool_stream *s = bide_pool_imap(p, next_number, &numbers);

    for (int i = 0; i < 3; i++)
        EXPECT_EQ(bide_pool_next(s, &item), 1);
    EXPECT_LE(numbers.taken, 4);
}
