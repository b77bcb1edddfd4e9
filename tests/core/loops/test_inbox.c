/* SPDX-License-Identifier: MIT */
/* test_inbox.c - what comes to a loop from other threads: in order, so much in a turn, and never without bound. */
#include <pthread.h>
#include <unistd.h>

#include "core/core.h"
#include "trace.h"

static long called;

static void count_call(void *arg)
{
    (void)arg;
    called++;
}

static void *post_1000(void *loop)
{
    for (int i = 0; i < 1000; i++)
        if (bide_loop_call_soon_threadsafe(loop, count_call, NULL) < 0)
            return loop;
    return NULL;
}

static void run_in_thread(void *(*fn)(void *arg), void *arg)
{
    pthread_t thread;
    void *failed;

    EXPECT_EQ(pthread_create(&thread, NULL, fn, arg), 0);
    pthread_join(thread, &failed);
    EXPECT_NULL(failed);
}

TEST(inbox_turn_takes_256_calls_and_lets_tasks_run)
{
    run_in_thread(post_1000, bide_get_event_loop());
    for (long before = 0; called < 1000; before = called) {
        BIDE_IGNORE(bide_sleep_ms(0));
        EXPECT_LE(called - before, 256);
    }
}

static int post_1000_and_return(bide_loop *loop)
{
    return post_1000(loop) ? bide_error_code() : 0;
}

TEST(inbox_calls_from_a_thread_are_made_before_its_own_end_is_seen, .real_time = true)
{
    for (int i = 1; i <= 20; i++) {
        EXPECT_EQ(bide_to_thread(bide_coro(post_1000_and_return, bide_get_event_loop())), 0);
        EXPECT_EQ(called, i * 1000);
    }
}

static void *fill(void *loop)
{
    for (int i = 0; i < BIDE_CALLS_WAITING_MAX; i++)
        if (bide_loop_call_soon_threadsafe(loop, count_call, NULL) < 0)
            return loop;
    return bide_loop_call_soon_threadsafe(loop, count_call, NULL) == BIDE_ELIMIT ? NULL : loop;
}

TEST(inbox_that_is_full_says_so_and_has_room_again_later)
{
    run_in_thread(fill, bide_get_event_loop());
    while (called < BIDE_CALLS_WAITING_MAX)
        BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_EQ(bide_loop_call_soon_threadsafe(bide_get_event_loop(), count_call, NULL), 0);
    BIDE_IGNORE(bide_sleep_ms(1));
    BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_EQ(called, BIDE_CALLS_WAITING_MAX + 1);
}

UNIT(inbox_of_a_loop_that_is_closed_drops_what_it_has)
{
    bide_auto bide_loop *loop = bide_loop_new();
    run_in_thread(fill, loop);
    EXPECT_EQ(bide_loop_close(loop), 0);
    EXPECT_EQ(loop->calls_outside, 0);
    EXPECT_ERR(bide_loop_call_soon_threadsafe(loop, count_call, NULL), BIDE_ECLOSED);
    EXPECT_EQ(called, 0);
}

/* ---- a flood ---- */

static atomic_bool enough;
static atomic_long accepted, refused;

static void *flood(void *loop)
{
    while (!atomic_load(&enough)) {
        int code = bide_loop_call_soon_threadsafe(loop, count_call, NULL);
        atomic_fetch_add(code == 0 ? &accepted : &refused, 1);
        if (code < 0 && code != BIDE_ELIMIT)
            return loop;
    }
    return NULL;
}

TEST(inbox_flooded_by_two_threads_lets_tasks_and_timers_go_on, .real_time = true, .seconds = 60)
{
    bide_loop *loop = bide_get_event_loop();
    pthread_t threads[2];
    void *failed;
    int64_t longest = 0;

    for (int i = 0; i < 2; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, flood, loop), 0);
    int64_t begin = bide_loop_time_ms(loop);
    for (int i = 0; i < 200; i++) {
        int64_t before = bide_loop_time_ms(loop);
        BIDE_IGNORE(bide_sleep_ms(1));
        int64_t took = bide_loop_time_ms(loop) - before;
        longest = took > longest ? took : longest;
        EXPECT_LE(atomic_load(&loop->calls_outside), BIDE_CALLS_WAITING_MAX + 2);
    }
    int64_t took = bide_loop_time_ms(loop) - begin;
    atomic_store(&enough, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], &failed);
        EXPECT_NULL(failed);
    }
    while (called < atomic_load(&accepted))
        BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_LT(took, 20000); /* 200 sleeps of a millisecond; it was 20 s for one */
    EXPECT_LT(longest, 5000);
}
