/* SPDX-License-Identifier: MIT */
/*
 * test_spin.c - looking before sleeping: how long is learned, and only where a processor is to spare.
 */
#include <sched.h>

#include "pool_test.h"

struct watched {
    long looks, comes_after;
};

static bool there_is(void *arg)
{
    struct watched *w = arg;

    return ++w->looks > w->comes_after;
}

static bool look(struct spin *s, long comes_after)
{
    struct watched w = {.comes_after = comes_after};

    s->rest_until_ns = 0; /* the test may have been preempted */
    return bide__spin(s, there_is, &w, -1);
}

#define NEVER 1000000000L

UNIT(spin_is_half_as_long_after_each_look_in_vain)
{
    struct spin s;
    bide__spin_init(&s);
    int64_t full = s.ns;

    EXPECT_TRUE(!look(&s, NEVER));
    EXPECT_EQ(s.ns, full / 2);
    EXPECT_TRUE(!look(&s, NEVER));
    EXPECT_EQ(s.ns, full / 4);
    EXPECT_TRUE(look(&s, 3));
    EXPECT_EQ(s.ns, full);
    for (int i = 0; i < 20; i++)
        look(&s, NEVER);
    EXPECT_LT(0, s.ns); /* never quite nothing: or it would not learn that the other side has become quick */
}

UNIT(spin_is_tried_again_after_short_sleeps_and_less_and_less_often)
{
    struct spin s;
    bide__spin_init(&s);
    int64_t full = s.ns;
    int sleeps = 0;

    for (int trial = 0; trial < 5; trial++) {
        EXPECT_TRUE(!look(&s, NEVER));
        for (bide__spin_slept(&s, 5000000); s.ns < full; sleeps++)
            bide__spin_slept(&s, 40000);
    }
    EXPECT_EQ(sleeps, 2 + 4 + 8 + 16 + 32);
}

UNIT(spin_keeps_to_the_next_timer)
{
    struct spin s;
    bide__spin_init(&s);
    struct watched w = {.comes_after = NEVER};

    EXPECT_TRUE(!bide__spin(&s, there_is, &w, 0));
    EXPECT_LE(w.looks, 16);
}

UNIT(spin_rests_while_others_want_the_processor)
{
    struct spin s;
    bide__spin_init(&s);
    struct watched w = {.comes_after = 0};

    s.rest_until_ns = INT64_MAX;
    EXPECT_TRUE(!bide__spin(&s, there_is, &w, -1));
    EXPECT_EQ(w.looks, 0);
}

static const int long_ms = 60000; /* the tests do not wait for the end of such a job */

static int sleep_everywhere(bide_pool *p)
{
    return bide_pool_each(p, bide_job(job_sleep, &long_ms));
}

static int busy_workers(const bide_pool *p)
{
    int n = 0;

    for (int i = 0; i < bide__local(p)->nslots; i++)
        n += bide__proxy_load(bide__local(p)->slots[i].proxy) == 1;
    return n;
}

static void wait_until_busy(const bide_pool *p, int workers)
{
    for (int i = 0; i < 500 && busy_workers(p) != workers; i++)
        BIDE_IGNORE(bide_sleep_ms(10));
    EXPECT_EQ(busy_workers(p), workers);
}

/* pool no. 53: nobody spins where there is no processor to spare */
TEST(nobody_spins_while_all_processors_have_work, .real_time = true)
{
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = bide__cpus_usable());
    bide_auto bide_task *all = bide_create_task(bide_coro(sleep_everywhere, p));

    int allowed = 0;
    wait_until_busy(p, bide__local(p)->nslots);
    for (int i = 0; i < bide__local(p)->nslots; i++)
        allowed += (int)atomic_load(&bide__local(p)->slots[i].proxy->segment.shared->may_spin);
    EXPECT_TRUE(!bide__local(p)->may_spin);
    EXPECT_LT(allowed, bide__local(p)->nslots); /* those that had theirs earlier, when a processor was to spare, stop by themselves */
    bide_task_cancel(all);
    EXPECT_ERR(bide_await(all), BIDE_ECANCELED);
    bide_error_clear();
}

TEST(one_job_may_be_awaited_awake_with_two_processors, .real_time = true)
{
    if (bide__cpus_usable() < 2)
        SKIP("one processor");
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = bide__cpus_usable());
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_sleep, &long_ms));

    wait_until_busy(p, 1);
    EXPECT_TRUE(bide__local(p)->may_spin);
    EXPECT_TRUE(bide_future_cancel(f));
}

TEST(nobody_spins_on_the_only_processor, .real_time = true)
{
    cpu_set_t before, one;
    int cpu = sched_getcpu();

    EXPECT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    CPU_SET((unsigned)cpu, &one);
    EXPECT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1);
    for (int i = 0; i < 100; i++) {
        EXPECT_OK(CALL(p, bide_job(job_nothing)));
        EXPECT_TRUE(!bide__local(p)->may_spin);
    }
    EXPECT_EQ(atomic_load(&bide__local(p)->slots[0].proxy->segment.shared->may_spin), 0);
    EXPECT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

/* One job after the other: the worker that was idle last has it, and not the one that has slept longest. */
TEST(jobs_go_to_the_worker_that_was_idle_last, .real_time = true)
{
    int had[3] = {0}, most = 0;
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 3);

    for (int i = 0; i < 60; i++) {
        int index = CALL(p, bide_job(job_index));
        EXPECT_TRUE(index >= 0 && index < 3);
        had[index]++;
        BIDE_IGNORE(bide_sleep_ms(1)); /* or it may not be idle yet, on a busy machine */
    }
    for (int i = 0; i < 3; i++)
        most = had[i] > most ? had[i] : most;
    EXPECT_LT(40, most); /* in turn, it would be 20 each */
}
