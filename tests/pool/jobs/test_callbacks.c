/* SPDX-License-Identifier: MIT */
/*
 * test_callbacks.c - when functions of the program are called: by the loop, between two steps of tasks, and never inside a call of
 * the program's (loop.h).
 */
#include "pool_test.h"

static struct {
    bool inside;     /* in a call that does not suspend */
    int events, progress, done;
    int by_task;     /* were called while a task ran */
    int within;      /* were called inside such a call */
} seen;

static void note(int *counter)
{
    (*counter)++;
    seen.by_task += bide_current_task() != NULL;
    seen.within += seen.inside;
}

static void on_event(const bide_pool_event *e, void *arg)
{
    (void)e;
    (void)arg;
    note(&seen.events);
}

static void on_progress(bide_future *f, uint64_t done, uint64_t total, bide_bytes part, void *arg)
{
    (void)f;
    (void)done;
    (void)total;
    (void)part;
    (void)arg;
    note(&seen.progress);
}

static void on_done(bide_future *f, void *arg)
{
    (void)f;
    (void)arg;
    note(&seen.done);
}

static int reports_progress(void)
{
    return bide_worker_progress(1, 2);
}
BIDE_POOL_TASK(reports_progress, void);

static bide_future *submit(bide_pool *p, bide_job job)
{
    seen.inside = true;
    bide_future *f = bide_pool_submit(p, job, .nowait = true, .on_progress = on_progress);
    seen.inside = false;
    EXPECT_NOT_NULL(f);
    seen.inside = true;
    EXPECT_EQ(bide_future_add_done_callback(f, on_done, NULL), 0);
    seen.inside = false;
    return f;
}

static void expect_only_the_loop_called(void)
{
    EXPECT_EQ(seen.by_task, 0);
    EXPECT_EQ(seen.within, 0);
}

KINDS(callbacks_of_submit_are_called_by_the_loop)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .on_event = on_event);
    bide_auto bide_future *f = submit(p, bide_job(reports_progress));

    EXPECT_EQ(seen.progress + seen.done, 0);
    EXPECT_OK(bide_await(f));
    EXPECT_EQ(bide_sleep_ms(0), 0);
    EXPECT_EQ(seen.progress, 1);
    EXPECT_EQ(seen.done, 1);
    EXPECT_LE(1, seen.events);
    seen.inside = true;
    EXPECT_EQ(bide_future_add_done_callback(f, on_done, NULL), 0); /* on one that is done: in the next turn */
    seen.inside = false;
    EXPECT_EQ(seen.done, 1);
    EXPECT_EQ(bide_sleep_ms(0), 0);
    EXPECT_EQ(seen.done, 2);
    expect_only_the_loop_called();
}

KINDS(callbacks_of_cancel_and_kill_are_called_by_the_loop)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .on_event = on_event);
    bide_auto bide_future *cancelled = submit(p, bide_job(reports_progress));
    bide_auto bide_future *killed = submit(p, bide_job(reports_progress));

    seen.inside = true;
    EXPECT_TRUE(bide_future_cancel(cancelled));
    seen.inside = false;
    EXPECT_EQ(seen.done, 0);
    EXPECT_EQ(bide_pool_kill(p), 0);
    EXPECT_EQ(bide_sleep_ms(0), 0);
    EXPECT_EQ(seen.done, 2);
    EXPECT_TRUE(bide_future_result(killed) < 0);
    bide_error_clear();
    expect_only_the_loop_called();
}

KINDS(callbacks_of_resize_and_close_are_called_by_the_loop)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .on_event = on_event);
    int before = seen.events;

    EXPECT_OK(bide_pool_resize(p, 3));
    EXPECT_LE(before + 2, seen.events);
    EXPECT_OK(bide_pool_resize(p, 1));
    bide_auto bide_future *f = submit(p, bide_job(reports_progress));
    EXPECT_OK(bide_pool_close(p, 5000, NULL));
    EXPECT_EQ(bide_sleep_ms(0), 0);
    EXPECT_EQ(seen.done, 1);
    EXPECT_EQ(seen.progress, 1);
    expect_only_the_loop_called();
}

static int resize_to(bide_pool *p, int workers)
{
    return bide_pool_resize(p, workers);
}

/* More than the helper's socket takes at once, so that it waits for the first of them; the others cannot be asked for yet. */
TEST(callbacks_of_a_resize_that_is_cancelled_are_called_by_the_loop, .real_time = true, .seconds = 20)
{
    needs_processes();
    bide_auto bide_pool *p = OPEN(.workers = 1, .on_event = on_event);
    bide_auto bide_task *t = bide_create_task(bide_coro(resize_to, p, 1024));

    EXPECT_EQ(bide_sleep_ms(0), 0);
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    bide_error_clear();
    EXPECT_EQ(bide_pool_kill(p), 0);
    expect_only_the_loop_called();
}
