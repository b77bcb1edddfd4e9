/* SPDX-License-Identifier: MIT */
/* test_leaks.c - what a program left behind when its loop is closed; tests/public/library/released.sh has whole programs. */
#include <bide/debug.h>
#include <dlfcn.h>
#include <stdlib.h>

#include "base/checker.h"
#include "core/core.h"
#include "harness/harness.h"

static char heard[16384];
static bool is_deaf;

static void note_message(bide_loop *loop, const char *message, void *arg)
{
    (void)loop, (void)arg;
    if (!is_deaf)
        strcat(strcat(heard, message), "\n");
}

static size_t lines_with(const char *text)
{
    size_t n = 0;
    for (const char *at = heard; (at = strstr(at, text)); at++)
        n++;
    return n;
}

/* A place of leaves_tasks; libdw has its name, if the maps of the process are its own. */
static void expect_place(size_t times)
{
    void *libdw = dlopen("libdw.so.1", RTLD_NOW);

    if (!getenv("BIDE_TEST_EMULATED"))
        EXPECT_EQ(lines_with(libdw ? "made at leaves_tasks (loops/test_leaks.c:" : "[0x"), times);
    EXPECT_NULL(strstr(heard, "an unknown place"));
    if (libdw)
        dlclose(libdw);
}

static void *kept[64];

static int fails(void)
{
    return bide_fail(BIDE_ESTATE, "no luck");
}

static int drops_failed(int n)
{
    for (int i = 0; i < n; i++)
        kept[i] = bide_create_task(bide_coro(fails), .name = "dropped");
    return bide_sleep_ms(1);
}

/* Runs it on a loop of its own, whose reports are heard. */
static void run(bide_awaitable a, bool debug)
{
    if (debug)
        setenv("BIDE_DEBUG", "1", 1);
    else
        unsetenv("BIDE_DEBUG");
    bide_loop *loop = bide_loop_new();
    bide_loop_set_exception_handler(loop, note_message, NULL);
    if (debug)
        EXPECT_EQ(bide_loop_set_slow_ms(loop, 60000), 0); /* slow steps, as of valgrind, are not what is tested */
    EXPECT_EQ(bide_run_until_complete_with(loop, a), 0);
    EXPECT_EQ(bide_loop_close(loop), 0);
    is_deaf = true;
    for (size_t i = 0; i < array_len(kept); i++)
        bide_release(kept[i]);
    bide_release(loop);
}

UNIT(failed_task_that_was_dropped_is_reported_when_the_loop_is_closed)
{
    if (bide__memcheck_runs() || BIDE_IS_ASAN)
        SKIP("tasks are not found without a ledger where nothing is recycled");
    run(BIDE_AW(bide_coro(drops_failed, 1)), false);
    EXPECT_STR(heard, "task dropped: its error was never retrieved: no luck\n");
}

/* asyncio 35 */
UNIT(failed_tasks_that_were_dropped_are_reported_with_the_ledger)
{
    run(BIDE_AW(bide_coro(drops_failed, 2)), true);
    EXPECT_EQ(lines_with("task dropped: its error was never retrieved: no luck\n"), 2);
    EXPECT_CONTAINS(heard, "not released when the event loop was closed: 2 tasks\n");
    EXPECT_CONTAINS(heard, "not released: 2 tasks of fails, made at ");
    EXPECT_EQ(lines_with("it was made at "), 2);
}

static int sleeps(void)
{
    return bide_sleep_ms(3600000);
}

static int leaves_tasks(int n)
{
    for (int i = 0; i < n; i++)
        kept[i] = bide_create_task(bide_coro(sleeps), .name = "left");
    return bide_sleep_ms(0);
}

UNIT(tasks_pending_when_the_loop_is_closed_are_reported_in_debug_mode)
{
    run(BIDE_AW(bide_coro(leaves_tasks, 13)), true);
    EXPECT_EQ(lines_with("was pending when the event loop was closed, and is cancelled: made at "), 10);
    EXPECT_CONTAINS(heard, "task left (#2) was pending when");
    expect_place(10);
    EXPECT_CONTAINS(heard, "3 more tasks were pending when the event loop was closed\n");
}

static int leaves_tasks_in_debug_mode(void)
{
    EXPECT_EQ(bide_loop_set_debug(bide__loop_here, true), 0);
    return leaves_tasks(2);
}

UNIT(tasks_pending_when_the_loop_is_closed_are_reported_with_their_places_without_the_ledger)
{
    run(BIDE_AW(bide_coro(leaves_tasks_in_debug_mode)), false);
    expect_place(2);
}

/* In a task, whose stack is too small for who looks up names: libdw takes an eighth of a MiB. */
static int drops_one_at_once(void)
{
    bide_task *t = bide_create_task(bide_coro(fails), .name = "dropped");
    BIDE_TRY(bide_sleep_ms(1));
    bide_release(t);
    EXPECT_CONTAINS(heard, "task dropped: its error was never retrieved: no luck\nit was made at ");
    return 0;
}

UNIT(error_that_was_not_retrieved_is_reported_in_a_task_with_its_place)
{
    run(BIDE_AW(bide_coro(drops_one_at_once)), true);
}

UNIT(tasks_pending_when_the_loop_is_closed_are_cancelled_in_silence_otherwise)
{
    if (bide__asan_runs())
        SKIP("the ledger is kept");
    run(BIDE_AW(bide_coro(leaves_tasks, 2)), false);
    EXPECT_STR(heard, "");
}

UNIT(failed_tasks_by_the_dozen_are_counted)
{
    run(BIDE_AW(bide_coro(drops_failed, 37)), true);
    EXPECT_EQ(lines_with("never retrieved: no luck\n"), 10);
    EXPECT_CONTAINS(heard, "27 more tasks failed, and their errors were never retrieved\n");
}

/* Fourteen places. */
#define MAKE kept[n++] = bide_future_new();
static int makes_futures(void)
{
    int n = 0;
    MAKE MAKE MAKE MAKE MAKE MAKE MAKE MAKE MAKE MAKE MAKE MAKE MAKE MAKE
    for (volatile int i = 0; i < 20; i++) /* volatile: unrolled, it would be twenty places */
        kept[n++] = bide_future_new();
    return 0;
}

UNIT(places_by_the_dozen_are_shown_in_part_the_largest_first)
{
    run(BIDE_AW(bide_coro(makes_futures)), true);
    EXPECT_EQ(lines_with("not released"), 12); /* a sum, ten places, and how many more there are */
    EXPECT_CONTAINS(heard, "\nnot released: ... and 5 more places\n");
    EXPECT_TRUE(strncmp(heard, "not released when the event loop was closed: 34 futures\nnot released: 20 futures, made at ", 89) == 0);
}

static int tidies_up(void)
{
    bide_auto bide_future *f = bide_future_new();
    bide_auto bide_task *t = bide_create_task(bide_coro(fails));
    bide_detach(bide_create_task(bide_coro(makes_futures)));
    BIDE_IGNORE(bide_await(t));
    for (size_t i = 0; i < array_len(kept); i++) {
        bide_release(kept[i]);
        kept[i] = NULL;
    }
    return bide_sleep_ms(1);
}

UNIT(what_is_released_is_not_reported)
{
    run(BIDE_AW(bide_coro(tidies_up)), true);
    EXPECT_STR(heard, "");
}

UNIT(many_released_objects_are_remembered_within_bounds)
{
    setenv("BIDE_DEBUG", "1", 1);
    bide_auto bide_loop *loop = bide_loop_new();
    for (int i = 0; i < 20000; i++)
        bide_release(bide_future_new());
    EXPECT_TRUE(bide__alloc_live() < 5000); /* each that is remembered has one */
}
