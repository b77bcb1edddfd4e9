/* SPDX-License-Identifier: MIT */
/* test_backend.c - a pool over a backend that runs nothing by itself: what the front asks of it, and when. */
#include "pool_test.h"

/* Jobs that were submitted stay here until the test answers them. */
struct fake {
    struct list_node jobs;
    int nsubmitted, ncancelled, nforgotten, nends, nabandoned, nfreed, slot;
    int refusal;      /* what check returns */
    bool has_takers;  /* a job that is cancelled is over when the test says so */
};

static struct fake *fake_of(const bide_pool *p)
{
    return p->own;
}

static int fake_check(bide_pool *p, const bide_pool_call_args *args)
{
    int code = fake_of(p)->refusal;

    return code < 0 ? bide_fail(code, "%s: not here", args->job.name) : 0;
}

static void fake_submit(struct job *j, const bide_pool_call_args *args, int slot)
{
    struct fake *f = fake_of(j->pool);
    (void)args;

    f->nsubmitted++;
    f->slot = slot;
    if (f->has_takers)
        j->stage = JOB_BEGUN;
    bide__list_append(&f->jobs, &j->node);
}

static bool fake_cancel(struct job *j)
{
    fake_of(j->pool)->ncancelled++;
    return fake_of(j->pool)->has_takers;
}

static void fake_forget(struct job *j)
{
    fake_of(j->pool)->nforgotten++;
}

static void fake_end(bide_pool *p, bool at_once)
{
    (void)at_once;
    fake_of(p)->nends++;
}

static void fake_abandon(bide_pool *p)
{
    fake_of(p)->nabandoned++;
    bide__pool_fail_jobs(p);
}

static void fake_free(bide_pool *p)
{
    fake_of(p)->nfreed++;
}

static const struct pool_backend fake_backend = {
    .check = fake_check, .submit = fake_submit, .cancel = fake_cancel, .forget = fake_forget,
    .end = fake_end, .abandon = fake_abandon, .free = fake_free, .no_workers = "there are none",
};

static bide_pool *open_fake(struct fake *f)
{
    bide_pool *p = opened(bide__pool_new());

    *f = (struct fake){.slot = -2};
    bide__list_init(&f->jobs);
    p->args = (bide_pool_args){.max_pending = 2, .max_pending_bytes = 1 << 20, .grace_ms = 100, .close_ms = 100};
    p->backend = &fake_backend;
    p->own = f;
    EXPECT_OK(bide__pool_attach(p));
    p->state = POOL_OPEN;
    bide__pool_note_outside(p);
    return p;
}

static void answer(struct fake *f, int result)
{
    struct job *j = container_of(f->jobs.next, struct job, node);

    bide__job_succeed(j, result);
    bide__job_over(j);
}

TEST(backend_gets_a_job_and_its_answer_reaches_the_future)
{
    struct fake f;
    bide_auto bide_pool *p = open_fake(&f);
    bide_auto bide_future *job = bide_pool_submit(p, bide_job(job_nothing));

    EXPECT_EQ(f.nsubmitted, 1);
    EXPECT_EQ(f.slot, -1);
    answer(&f, 42);
    EXPECT_EQ(bide_await(job), 42);
    EXPECT_EQ(f.nforgotten, 1);
    EXPECT_EQ(p->pending, 0);
}

TEST(backend_that_refuses_a_call_gets_no_job)
{
    struct fake f;
    bide_auto bide_pool *p = open_fake(&f);

    f.refusal = -ENOTSUP;
    EXPECT_ERR(CALL(p, bide_job(job_nothing)), -ENOTSUP);
    EXPECT_CONTAINS(bide_error_text(), "job_nothing: not here");
    EXPECT_EQ(f.nsubmitted, 0);
    EXPECT_EQ(p->pending, 0);
    bide_error_clear();
}

TEST(job_cancelled_that_nobody_has_is_over_at_once)
{
    struct fake f;
    bide_auto bide_pool *p = open_fake(&f);
    bide_auto bide_future *job = bide_pool_submit(p, bide_job(job_nothing));

    EXPECT_TRUE(bide_future_cancel(job));
    EXPECT_ERR(bide_await(job), BIDE_ECANCELED);
    BIDE_IGNORE(bide_sleep_ms(0)); /* the pool is called back */
    EXPECT_EQ(f.ncancelled, 1);
    EXPECT_EQ(f.nforgotten, 1);
    EXPECT_EQ(p->pending, 0);
    bide_error_clear();
}

TEST(job_cancelled_that_a_worker_has_is_over_when_it_answers)
{
    struct fake f;
    bide_auto bide_pool *p = open_fake(&f);
    f.has_takers = true;
    bide_auto bide_future *job = bide_pool_submit(p, bide_job(job_nothing));

    EXPECT_TRUE(bide_future_cancel(job));
    EXPECT_ERR(bide_await(job), BIDE_ECANCELED);
    BIDE_IGNORE(bide_sleep_ms(0)); /* the pool is called back */
    EXPECT_EQ(f.ncancelled, 1);
    EXPECT_EQ(f.nforgotten, 0);
    EXPECT_EQ(p->pending, 1);
    bide__job_over(container_of(f.jobs.next, struct job, node));
    EXPECT_EQ(f.nforgotten, 1);
    EXPECT_EQ(p->pending, 0);
    bide_error_clear();
}

TEST(job_over_lets_the_next_one_in)
{
    struct fake f;
    bide_auto bide_pool *p = open_fake(&f);
    bide_auto bide_future *first = bide_pool_submit(p, bide_job(job_nothing));
    bide_auto bide_future *second = bide_pool_submit(p, bide_job(job_nothing));

    EXPECT_NULL(bide_pool_submit(p, bide_job(job_nothing), .nowait = true));
    EXPECT_EQ(bide_error_code(), -EAGAIN);
    bide_error_clear();
    answer(&f, 1);
    bide_auto bide_future *third = bide_pool_submit(p, bide_job(job_nothing), .nowait = true);
    EXPECT_TRUE(third != NULL);
    answer(&f, 2);
    answer(&f, 3);
    EXPECT_EQ(bide_await(first) + bide_await(second) + bide_await(third), 6);
}

/* What is awaited is not in the loop, so its virtual clock waits, too. */
TEST(clock_stands_still_while_there_are_jobs)
{
    struct fake f;
    bide_auto bide_pool *p = open_fake(&f);
    unsigned before = p->loop->outside;
    bide_auto bide_future *job = bide_pool_submit(p, bide_job(job_nothing));

    EXPECT_EQ(p->loop->outside, before + 1);
    answer(&f, 0);
    EXPECT_EQ(p->loop->outside, before);
}

TEST(pool_closed_ends_its_backend_once_and_fails_what_waits)
{
    struct fake f;
    bide_pool *p = open_fake(&f);
    bide_pool_counts counts;
    bide_auto bide_future *job = bide_pool_submit(p, bide_job(job_nothing));

    EXPECT_OK(bide_pool_close(p, 0, &counts));
    EXPECT_ERR(bide_await(job), BIDE_ECLOSED);
    EXPECT_EQ(counts.cancelled, 1);
    EXPECT_EQ(f.nends, 1);
    EXPECT_OK(bide_pool_close(p, 0, NULL));
    EXPECT_EQ(f.nends, 1);
    bide_error_clear();
    bide_release(job);
    job = NULL;
    bide_release(p);
    EXPECT_EQ(f.nfreed, 1);
    EXPECT_EQ(f.nabandoned, 0);
}

static int leave_a_job(struct fake *f, bide_future **job)
{
    *job = bide_pool_submit(open_fake(f), bide_job(job_nothing));
    return 0;
}

UNIT(loop_closed_first_abandons_its_pools)
{
    struct fake f;
    bide_future *job = NULL;
    bide_loop *loop = bide_loop_new();

    EXPECT_OK(bide_run_until_complete(loop, bide_coro(leave_a_job, &f, &job)));
    bide_pool *p = bide__job_of(job)->pool;
    EXPECT_OK(bide_loop_close(loop));
    EXPECT_EQ(f.nabandoned, 1);
    EXPECT_EQ(f.nends, 0);
    EXPECT_EQ(job->result, BIDE_ECLOSED);
    bide_release(job);
    bide_release(p);
    EXPECT_EQ(f.nfreed, 1);
    bide_release(loop);
}

TEST(each_says_why_a_backend_has_no_workers)
{
    struct fake f;
    bide_auto bide_pool *p = open_fake(&f);

    EXPECT_ERR(bide_pool_each(p, bide_job(job_nothing)), -ENOTSUP);
    EXPECT_CONTAINS(bide_error_text(), "bide_pool_each: there are none");
    EXPECT_EQ(bide_pool_size(p), 0);
    bide_error_clear();
}
