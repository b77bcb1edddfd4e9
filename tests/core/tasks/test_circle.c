/* SPDX-License-Identifier: MIT */
/*
 * test_circle.c - tasks that wait for each other in a circle, through whatever waits: the wait that closes it is refused, and
 * one that can still end is not.  (test_chain.c has circles of plain awaits, and what a cancellation makes of them.)
 */
#include "core/core.h"
#include "harness/harness.h"

enum { MAX = 13 };

static bide_task *ring[MAX];
static int done;

static int nop(void)
{
    return 0;
}

/* ---- ways to wait ---- */

static int by_await(bide_task *t)
{
    return bide_await(t);
}

static int by_wait_for(bide_task *t)
{
    return bide_wait_for(t, 1000);
}

static int by_gather(bide_task *t)
{
    return bide_gather(bide_coro(nop), t);
}

static int by_gather_all(bide_task *t)
{
    int codes[2];
    return bide_gather_all(codes, t, bide_coro(nop));
}

static int by_shield(bide_task *t)
{
    return bide_shield(t);
}

static int by_shield_awaitable(bide_task *t)
{
    return bide_await(bide_shield_awaitable(t));
}

static int by_gather_of_shields(bide_task *t)
{
    return bide_gather(bide_coro(nop), bide_shield_awaitable(t));
}

static int by_wait_for_a_shield(bide_task *t)
{
    bide_awaitable a = bide_shield_awaitable(t);
    return bide_wait(&a, 1);
}

static int by_completed_of_shields(bide_task *t)
{
    bide_awaitable a = bide_shield_awaitable(t);
    bide_auto bide_completed *c = bide_as_completed(&a, 1);
    size_t which;
    return bide_completed_next(c, &which);
}

static int by_wait(bide_task *t)
{
    return bide_wait(&t, 1);
}

static int by_wait_first(bide_task *t)
{
    return bide_wait(&t, 1, .until = BIDE_FIRST_COMPLETED);
}

static int by_wait_error(bide_task *t)
{
    return bide_wait(&t, 1, .until = BIDE_FIRST_ERROR);
}

static int by_completed(bide_task *t)
{
    bide_auto bide_completed *c = bide_as_completed(&t, 1);
    bide_task *ended;
    return bide_completed_next(c, &ended);
}

struct stackless {
    bide_generator generator;
    bide_task *t;
    bool waits, shields;
};

static int stackless_step(bide_generator *g, int outcome, bide_awaitable *next)
{
    struct stackless *s = container_of(g, struct stackless, generator);
    if (s->waits)
        return outcome;

    s->waits = true;
    *next = s->shields ? bide_shield_awaitable(s->t) : BIDE_AW(s->t);
    return BIDE_YIELD;
}

/* In a task of its own, which is awaited. */
static int by_stackless(bide_task *t)
{
    struct stackless s = {.generator.step = stackless_step, .t = t};
    bide_auto bide_task *own = bide_create_task({0}, .generator = &s.generator);
    return bide_await(own);
}

static int by_stackless_shield(bide_task *t)
{
    struct stackless s = {.generator.step = stackless_step, .t = t, .shields = true};
    bide_auto bide_task *own = bide_create_task({0}, .generator = &s.generator);
    return bide_await(own);
}

static int (*const ways[])(bide_task *) = {
    by_await,      by_wait_for,   by_gather,    by_gather_all,       by_shield,            by_wait,              by_wait_first,
    by_wait_error, by_completed,  by_stackless, by_shield_awaitable, by_gather_of_shields, by_wait_for_a_shield, by_completed_of_shields,
    by_stackless_shield};

/* ---- circles ---- */

static int link_of(int i, int n, int (*wait)(bide_task *))
{
    int code = wait(ring[(i + 1) % n]);
    done++;
    return code;
}

/* They all end, one by itself; how do the others take its error?  That is their wait's business. */
static void expect_end(int n)
{
    int refused = 0;

    BIDE_IGNORE(bide_sleep_ms(5));
    EXPECT_EQ(done, n);
    for (int i = 0; i < n; i++) {
        EXPECT_TRUE(bide_task_done(ring[i]));
        refused += bide_task_result(ring[i]) == BIDE_EDEADLOCK;
        bide_release(ring[i]);
    }
    EXPECT_TRUE(refused > 0);
    done = 0;
    bide_error_clear();
}

TEST(circle_through_any_wait_is_refused)
{
    for (size_t w = 0; w < array_len(ways); w++)
        for (int n = 2; n <= 3; n++) {
            for (int i = 0; i < n; i++)
                ring[i] = bide_create_task(bide_coro(link_of, i, n, ways[w]));
            expect_end(n);
        }
}

TEST(circle_through_two_kinds_of_waits_is_refused)
{
    for (size_t v = 0; v < array_len(ways); v++)
        for (size_t w = 0; w < array_len(ways); w++) {
            for (int i = 0; i < 3; i++)
                ring[i] = bide_create_task(bide_coro(link_of, i, 3, i == 1 ? ways[v] : ways[w]));
            expect_end(3);
        }
}

TEST(circle_through_all_kinds_of_waits_is_refused)
{
    for (int i = 0; i < MAX; i++)
        ring[i] = bide_create_task(bide_coro(link_of, i, (int)MAX, ways[(size_t)i + 2]));
    expect_end(MAX);
}

static int waits_text(void)
{
    EXPECT_ERR(bide_shield(ring[0]), BIDE_EDEADLOCK);
    EXPECT_CONTAINS(bide_error_text(), "bide_shield: b would wait for itself: a, which it awaits, waits for it");
    return 0;
}

TEST(circle_that_is_refused_names_who_waits_for_whom)
{
    ring[0] = bide_create_task(bide_coro(link_of, 0, 2, by_gather), .name = "a");
    ring[1] = bide_create_task(bide_coro(waits_text), .name = "b");
    EXPECT_EQ(bide_gather(ring[0], ring[1]), 0);
    bide_release(ring[0]);
    bide_release(ring[1]);
}

/* ---- those that would be content with another one ---- */

/* Each waits for the first of the two others. */
static int first_of_the_others(int i)
{
    bide_task *others[] = {ring[(i + 1) % 3], ring[(i + 2) % 3]};
    int code = bide_wait(others, 2, .until = BIDE_FIRST_COMPLETED);
    done++;
    return code;
}

static int next_of_the_others(int i)
{
    bide_task *others[] = {ring[(i + 1) % 3], ring[(i + 2) % 3]}, *ended;
    bide_auto bide_completed *c = bide_as_completed(others, 2);
    int code = bide_completed_next(c, &ended);
    done++;
    return code;
}

TEST(circle_of_waits_for_the_first_of_the_others_is_refused)
{
    int (*const each[])(int) = {first_of_the_others, next_of_the_others};

    for (size_t k = 0; k < array_len(each); k++) {
        for (int i = 0; i < 3; i++)
            ring[i] = bide_create_task(bide_coro(each[k], i));
        expect_end(3);
    }
}

static int nap(int ms)
{
    return bide_sleep_ms(ms);
}

/* ring[1] waits for us; a nap may end before. */
static int first_of_two(bide_task *nap_task)
{
    bide_task *both[] = {ring[1], nap_task}, *ended;
    EXPECT_EQ(bide_wait(both, 2, .until = BIDE_FIRST_COMPLETED), 1);
    EXPECT_EQ(bide_wait(both, 2, .until = BIDE_FIRST_COMPLETED), 1); /* it holds already */
    bide_auto bide_completed *c = bide_as_completed(both, 2);
    EXPECT_EQ(bide_completed_next(c, &ended), 1);
    EXPECT_TRUE(ended == nap_task);
    EXPECT_ERR(bide_completed_next(c, &ended), BIDE_EDEADLOCK); /* now there is only ring[1] */
    EXPECT_ERR(bide_wait(both, 2), BIDE_EDEADLOCK);
    EXPECT_ERR(bide_wait(both, 2, .timeout_ms = BIDE_FOREVER), BIDE_EDEADLOCK);
    EXPECT_ERR(bide_wait(both, 2, .until = BIDE_FIRST_ERROR), BIDE_EDEADLOCK);
    EXPECT_EQ(bide_wait(both, 2, .timeout_ms = 5), 1); /* it ends */
    bide_error_clear();
    done++;
    return 0;
}

static int takes_in_time(bide_task *from)
{
    bide_task *ended;
    bide_auto bide_completed *c = bide_as_completed(&from, 1, .timeout_ms = 5);
    return bide_completed_next(c, &ended) == 1 ? bide_task_result(ended) : -EIO;
}

static int naps_then_gathers(bide_task *t)
{
    BIDE_TRY(nap(1));
    return bide_gather(t);
}

/* Who is asked for a circle looks at all who wait for it; one that takes in time is no part of any. */
TEST(circle_is_not_sought_behind_a_list_with_a_time)
{
    bide_auto bide_task *sleeper = bide_create_task(bide_coro(nap, 3));
    bide_auto bide_task *last = bide_create_task(bide_coro(naps_then_gathers, sleeper));
    bide_auto bide_task *middle = bide_create_task(bide_coro(naps_then_gathers, last));
    EXPECT_EQ(takes_in_time(middle), 0);
}

TEST(wait_that_something_else_can_end_is_no_circle)
{
    for (size_t w = 0; w < array_len(ways); w++) {
        bide_auto bide_task *other = bide_create_task(bide_coro(nap, 3));
        ring[0] = bide_create_task(bide_coro(first_of_two, other));
        ring[1] = bide_create_task(bide_coro(link_of, 1, 2, ways[w]));
        int code = bide_gather(ring[0], ring[1]);
        EXPECT_TRUE(code == 0);
        EXPECT_EQ(done, 2);
        done = 0;
        bide_release(ring[0]);
        bide_release(ring[1]);
    }
}

/* ring[0] waits for the first of ring[1] and a nap, ring[1] for ring[0]: ring[1] is no part of a circle, nor who awaits it. */
static int first_of_ring_1_and(bide_task *nap_task)
{
    bide_task *both[] = {ring[1], nap_task};
    return bide_wait(both, 2, .until = BIDE_FIRST_COMPLETED);
}

TEST(wait_for_one_that_is_content_with_another_is_no_circle)
{
    for (size_t w = 0; w < array_len(ways); w++) {
        bide_auto bide_task *other = bide_create_task(bide_coro(nap, 3));
        ring[0] = bide_create_task(bide_coro(first_of_ring_1_and, other));
        ring[1] = bide_create_task(bide_coro(link_of, 1, 3, ways[w]));
        ring[2] = bide_create_task(bide_coro(link_of, 2, 3, ways[w]));
        BIDE_IGNORE(bide_sleep_ms(1));
        EXPECT_EQ(done, 0);
        EXPECT_EQ(bide_wait(ring, 3), 3);
        for (int i = 0; i < 3; i++) {
            EXPECT_TRUE(bide_task_result(ring[i]) >= 0);
            bide_release(ring[i]);
        }
        done = 0;
    }
}

/* Both waits of ring[0] lead back: what it gathers, and what that waits for. */
static int gathers_two(void)
{
    int code = bide_gather(ring[1], ring[2]);
    done++;
    return code;
}

TEST(circle_that_only_one_of_several_closes_is_refused)
{
    for (size_t w = 0; w < array_len(ways); w++) {
        ring[0] = bide_create_task(bide_coro(gathers_two));
        ring[1] = bide_create_task(bide_coro(nap, 2));
        ring[2] = bide_create_task(bide_coro(link_of, 2, 3, ways[w]));
        BIDE_IGNORE(bide_sleep_ms(1));
        EXPECT_TRUE(bide_task_done(ring[2]));
        EXPECT_ERR(bide_task_result(ring[2]), BIDE_EDEADLOCK);
        BIDE_IGNORE(bide_sleep_ms(5));
        EXPECT_EQ(done, 2);
        for (int i = 0; i < 3; i++)
            bide_release(ring[i]);
        done = 0;
        bide_error_clear();
    }
}

/* ---- many ---- */

static int of_many(bide_task **main_task)
{
    return bide_await(*main_task);
}

TEST(circle_of_a_task_and_one_of_10000_that_it_gathers_is_refused)
{
    enum { MANY = 10000 };
    static bide_task *naps[MANY + 1];
    bide_task *self = bide_current_task();

    for (int i = 0; i < MANY; i++)
        naps[i] = bide_create_task(bide_coro(nap, 10), .stack_size = 16384);
    naps[MANY] = bide_create_task(bide_coro(of_many, &self));
    EXPECT_EQ(bide_wait(naps, MANY + 1), MANY + 1);
    EXPECT_ERR(bide_task_result(naps[MANY]), BIDE_EDEADLOCK);
    for (int i = 0; i <= MANY; i++)
        bide_release(naps[i]);
}
