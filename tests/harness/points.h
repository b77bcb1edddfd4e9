/* SPDX-License-Identifier: MIT */
/*
 * points.h - for tests that do a thing again and again, and each time fail at another point: where to cancel, which allocation
 * fails, and what must not be left behind.
 *
 *     struct holdings before;  holdings_note(&before);
 *     for (int n = 0; cancelled_at(n); n += next_point(n)) holdings_expect(&before, "what", n);
 */
#ifndef TESTS_POINTS_H
#define TESTS_POINTS_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include <bide/task.h>

#include "core/core.h"
#include "core/turn/task.h"
#include "harness/harness.h"

#define POINTS_UNUSED __attribute__((unused))

/* How far from the n-th point to the next that is tried: 1 with $BIDE_TEST_EVERY, else more the further it goes. */
POINTS_UNUSED static int next_point(int n)
{
    return getenv("BIDE_TEST_EVERY") ? 1 : 1 + n / 12;
}

/* ---- cancelling ---- */

/*
 * It is run in every turn of the loop, and cancels the task at the n-th moment: one at which a task has parked; or, late, one at
 * which the task was woken and has not run yet.
 */
struct spy {
    struct ready ready;
    bide_loop *loop;
    bide_task *task;
    uint32_t steps; /* of the loop, when it looked last */
    bool late;
    int left;       /* moments until then */
    bool has_cancelled;
};

static void spy_run(struct ready *r)
{
    struct spy *spy = container_of(r, struct spy, ready);
    uint32_t steps = bide__loop_steps(spy->loop);
    bool is_queued = bide__ready_is_queued(&spy->task->ready);
    bool is_moment = spy->late ? is_queued : steps != spy->steps && !is_queued;

    spy->steps = steps;
    if (is_moment && spy->left-- == 0)
        spy->has_cancelled = bide_task_cancel(spy->task);
    bide__push(spy->loop, r);
}

/* Await the task, which is the caller's and is released, and cancel it at that moment.  Returns its code. */
POINTS_UNUSED static int await_cancelled_at(bide_task *task, int moment, bool late, bool *was_cancelled)
{
    struct spy spy = {.ready.run = spy_run, .loop = bide__loop_here, .task = task, .late = late, .left = moment};

    EXPECT_NOT_NULL(task);
    EXPECT_EQ(bide__ring_reserve(&spy.loop->ring, 1), 0);
    bide__push(spy.loop, &spy.ready);
    int code = bide_await(task);
    bide__unpush(spy.loop, &spy.ready);
    bide__ring_unreserve(&spy.loop->ring, 1);
    bide_release(task);
    *was_cancelled = spy.has_cancelled;
    return code;
}

/* ---- what a process has ---- */

struct holdings {
    size_t allocations, tasks;
    int descriptors;
};

POINTS_UNUSED static void holdings_note(struct holdings *h)
{
    DIR *dir = opendir("/proc/self/fd");

    EXPECT_NOT_NULL(dir);
    *h = (struct holdings){.allocations = bide__alloc_live(), .tasks = bide__tasks_live()};
    for (struct dirent *e; (e = readdir(dir));)
        h->descriptors += e->d_name[0] != '.';
    closedir(dir);
}

/* It has no more than then; a thread may need a moment to close what it had. */
POINTS_UNUSED static void holdings_expect(const struct holdings *h, const char *what, int n)
{
    struct holdings now;

    for (int i = 0; i < 200; i++) {
        holdings_note(&now);
        if (now.allocations <= h->allocations && now.tasks <= h->tasks && now.descriptors <= h->descriptors)
            return;
        usleep(1000);
    }
    FAIL("%s, point %d: %zu allocations, %zu tasks and %d descriptors have become %zu, %zu and %d", what, n, h->allocations, h->tasks,
         h->descriptors, now.allocations, now.tasks, now.descriptors);
}

/* ---- memory ---- */

/* Run it with each allocation failing in turn: it is out of memory, or goes on without, and leaves nothing behind. */
POINTS_UNUSED static void fail_each_allocation(bide_coroutine program)
{
    struct holdings before;

    EXPECT_EQ(bide_run(program), 0); /* what is made once is made now */
    for (int n = 0; n < 200; n++) {
        holdings_note(&before);
        bide__alloc_fail_at(n);
        int code = bide_run(program);
        bool enough = bide__alloc_fail_at(-1);
        holdings_expect(&before, "an allocation that fails", n);
        if (enough)
            return;
        if (code != 0)
            EXPECT_ERR(code, BIDE_ENOMEM);
    }
    FAIL("it never ended");
}

#endif
