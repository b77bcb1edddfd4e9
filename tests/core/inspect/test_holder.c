/* SPDX-License-Identifier: MIT */
/* test_holder.c - the report of a deadlock names who holds the lock that is waited for. */
#include <bide/select.h>
#include <bide/several.h>
#include <bide/sync.h>

#include <sys/stat.h>

#include "core/core.h"
#include "harness/harness.h"

static char said[16384];

static void collect(bide_loop *loop, const char *message, void *arg)
{
    (void)loop;
    (void)arg;
    size_t len = strlen(said);
    snprintf(said + len, sizeof said - len, "%s\n", message);
}

/* Runs it to its deadlock, which is reported. */
static void expect_deadlock(bide_coroutine main_task)
{
    struct stat st;
    bide_loop *loop = bide_loop_new();
    EXPECT_NOT_NULL(loop);
    if (bide__signals_may_call_in(loop) || stat("/proc/self/task", &st) < 0 || st.st_nlink != 3) {
        bide_release(loop);
        SKIP("somebody else is in this process"); /* valgrind, TSan, qemu */
    }
    bide_loop_set_exception_handler(loop, collect, NULL);
    EXPECT_ERR(bide_run_until_complete(loop, main_task), BIDE_EDEADLOCK);
    bide_release(loop);
}

static bide_lock first, second;

static int takes_both(bide_lock *a, bide_lock *b)
{
    int code;
    bide_lock_hold(a, &code) {
        BIDE_TRY(bide_sleep_ms(0));
        BIDE_TRY(bide_lock_acquire(b));
        BIDE_TRY(bide_lock_release(b));
    }
    return code;
}

static int two_in_a_circle(void)
{
    bide_auto bide_task *a = bide_create_task(bide_coro(takes_both, &first, &second), .name = "a");
    bide_auto bide_task *b = bide_create_task(bide_coro(takes_both, &second, &first), .name = "b");
    return bide_gather(a, b);
}

UNIT(holder_of_a_lock_is_named_and_a_circle_of_locks_shown)
{
    expect_deadlock(bide_coro(two_in_a_circle));
    EXPECT_CONTAINS(said, ", waits for a (#2) (takes_both), b (#3) (takes_both)\n");
    EXPECT_CONTAINS(said, "  a (#2) (takes_both), made at ");
    EXPECT_CONTAINS(said, ", waits for bide_lock_acquire, held by b (#3) (takes_both)\n");
    EXPECT_CONTAINS(said, ", waits for bide_lock_acquire, held by a (#2) (takes_both)\n");
    EXPECT_TRUE(strstr(said, "  in a circle: a (#2) (takes_both) -> b (#3) (takes_both) -> a (#2) (takes_both)\n") ||
                strstr(said, "  in a circle: b (#3) (takes_both) -> a (#2) (takes_both) -> b (#3) (takes_both)\n"));
}

static int takes(bide_lock *l)
{
    return bide_lock_acquire(l);
}

/* One waits for a task, which waits for the lock that the first holds. */
static int holds_and_awaits(void)
{
    BIDE_TRY(bide_lock_acquire(&first));
    bide_auto bide_task *t = bide_create_task(bide_coro(takes, &first), .name = "taker");
    return bide_await(t);
}

UNIT(holder_that_awaits_the_waiter_is_a_circle)
{
    expect_deadlock(bide_coro(holds_and_awaits));
    EXPECT_CONTAINS(said, ", waits for bide_lock_acquire, held by Task-1 (holds_and_awaits)\n");
    EXPECT_CONTAINS(said, "  in a circle: ");
    EXPECT_CONTAINS(said, "taker (#2) (takes) -> Task-1 (holds_and_awaits)");
}

static int ends_holding_it(void)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(takes, &first));
    BIDE_TRY(bide_await(t));
    return bide_lock_acquire(&first);
}

UNIT(holder_that_has_ended_is_told_so)
{
    expect_deadlock(bide_coro(ends_holding_it));
    EXPECT_CONTAINS(said, ", waits for bide_lock_acquire, held by Task-2, which has ended\n");
    EXPECT_NULL(strstr(said, "circle"));
}

/* The lock is one of several: another one may end the wait, so there is no circle. */
static int chooses(void)
{
    bide_event never = {0};
    return bide_select(NULL, bide_lock_awaitable(&first), bide_event_awaitable(&never));
}

static int holds_and_awaits_a_choice(void)
{
    BIDE_TRY(bide_lock_acquire(&first));
    bide_auto bide_task *t = bide_create_task(bide_coro(chooses));
    return bide_await(t);
}

UNIT(holder_of_a_lock_among_several_is_not_in_a_circle)
{
    expect_deadlock(bide_coro(holds_and_awaits_a_choice));
    EXPECT_CONTAINS(said, "Task-2 (chooses), made at ");
    EXPECT_CONTAINS(said, ", waits for one of bide_lock_acquire held by Task-1 (holds_and_awaits_a_choice), bide_event_wait\n");
    EXPECT_NULL(strstr(said, "circle"));
}
