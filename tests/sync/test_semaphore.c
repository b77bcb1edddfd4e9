/* SPDX-License-Identifier: MIT */
/* test_semaphore.c - a number of permits (asyncio checklist 6.10). */
#include <bide/select.h>
#include <bide/several.h>
#include <bide/sync.h>

#include "../core/trace.h"

static void turn(void)
{
    BIDE_IGNORE(bide_sleep_ms(0));
}

static int taker(bide_semaphore *s, const char *name)
{
    int r = bide_semaphore_acquire(s);
    trace("%s%d", name, r);
    return r;
}

/* asyncio semantics 103 */
TEST(semaphore_counts_down_and_up)
{
    bide_semaphore s = BIDE_SEMAPHORE(2);
    turns_begin();
    EXPECT_FALSE(bide_semaphore_is_locked(&s));
    EXPECT_EQ(bide_semaphore_acquire(&s), 0);
    EXPECT_EQ(bide_semaphore_acquire(&s), 0);
    EXPECT_TRUE(bide_semaphore_is_locked(&s));
    EXPECT_EQ(turns_end(), 0);
    EXPECT_ERR(bide_wait_for(bide_semaphore_awaitable(&s), 1), BIDE_ETIMEDOUT);
    EXPECT_EQ(bide_semaphore_release(&s), 0);
    EXPECT_EQ(bide_semaphore_release(&s), 0);
    EXPECT_EQ(bide_semaphore_release(&s), 0); /* not bounded */
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(bide_wait_for(bide_semaphore_awaitable(&s), 1), 0);
    EXPECT_TRUE(bide_semaphore_is_locked(&s));
}

/* asyncio semantics 109 */
TEST(semaphore_of_none_waits_and_of_less_is_an_error)
{
    bide_semaphore none = {0}, less = BIDE_SEMAPHORE(-1);
    EXPECT_TRUE(bide_semaphore_is_locked(&none));
    EXPECT_ERR(bide_wait_for(bide_semaphore_awaitable(&none), 1), BIDE_ETIMEDOUT);
    EXPECT_ERR(bide_semaphore_acquire(&less), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "-1 permits");
    EXPECT_ERR(bide_semaphore_release(&less), -EINVAL);
    EXPECT_ERR(bide_semaphore_acquire(NULL), -EINVAL);
}

/* asyncio 115 */
TEST(semaphore_bounded_takes_no_more_than_it_had)
{
    bide_semaphore s = BIDE_BOUNDED_SEMAPHORE(1);
    EXPECT_ERR(bide_semaphore_release(&s), BIDE_ESTATE);
    EXPECT_EQ(bide_semaphore_acquire(&s), 0);
    EXPECT_EQ(bide_semaphore_release(&s), 0);
    EXPECT_ERR(bide_semaphore_release(&s), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "all 1 permits are there already");
}

/* asyncio 114: first come, first served, also when there is a permit left over */
TEST(semaphore_is_fair)
{
    bide_semaphore s = {0};
    bide_auto bide_task *a = bide_create_task(bide_coro(taker, &s, "a"));
    bide_auto bide_task *b = bide_create_task(bide_coro(taker, &s, "b"));
    turn();
    bide_semaphore_release(&s);
    bide_semaphore_release(&s);
    bide_semaphore_release(&s); /* a and b are granted one each, and have not run */
    EXPECT_TRUE(bide_semaphore_is_locked(&s));
    EXPECT_EQ(bide_semaphore_acquire(&s), 0);
    trace("main");
    EXPECT_EQ(bide_gather(a, b), 0);
    EXPECT_TRACE("a0 b0 main");
}

/* asyncio 114; semantics 105 */
TEST(semaphore_permit_of_a_cancelled_task_goes_to_the_next)
{
    bide_semaphore s = {0};
    bide_auto bide_task *a = bide_create_task(bide_coro(taker, &s, "a"));
    bide_auto bide_task *b = bide_create_task(bide_coro(taker, &s, "b"));
    turn();
    bide_semaphore_release(&s);
    bide_task_cancel(a);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    EXPECT_EQ(bide_await(b), 0);
    EXPECT_TRUE(bide_semaphore_is_locked(&s));
    bide_auto bide_task *c = bide_create_task(bide_coro(taker, &s, "c"));
    bide_auto bide_task *d = bide_create_task(bide_coro(taker, &s, "d"));
    turn();
    bide_task_cancel(c);
    bide_semaphore_release(&s);
    EXPECT_EQ(bide_await(d), 0);
    EXPECT_ERR(bide_await(c), BIDE_ECANCELED);
}

TEST(semaphore_is_held_for_a_block)
{
    bide_semaphore s = BIDE_BOUNDED_SEMAPHORE(1);
    int code;
    bide_semaphore_hold(&s, &code)
        EXPECT_TRUE(bide_semaphore_is_locked(&s));
    EXPECT_EQ(code, 0);
    EXPECT_FALSE(bide_semaphore_is_locked(&s));
    bide_semaphore_hold(&s, &code) {
        bide_semaphore_hold(NULL, &code)
            FAIL("entered");
        EXPECT_EQ(code, -EINVAL);
    }
}

/* ---- asyncio 114, semantics 106: no permit is lost, and nobody waits while there are some ---- */

enum { TASKS = 12, PERMITS = 3 };

struct play {
    bide_semaphore s;
    int inside, taken, cancelled;
    unsigned seed;
    bool ends;
};

static unsigned draw(struct play *p, unsigned below)
{
    p->seed = p->seed * 1103515245u + 12345u;
    return (p->seed >> 16) % below;
}

static int player(struct play *p)
{
    bide_event never = {0};

    while (!p->ends) {
        int r = 0;
        if (draw(p, 2))
            r = bide_select(NULL, bide_semaphore_awaitable(&p->s), bide_event_awaitable(&never), bide_sleep_awaitable(draw(p, 3)));
        else
            bide_timeout(draw(p, 3) + 1)
                r = bide_semaphore_acquire(&p->s);
        p->cancelled += r == BIDE_ECANCELED;
        if (r == 0) {
            EXPECT_LE(++p->inside, PERMITS);
            p->taken++;
            BIDE_IGNORE(bide_sleep_ms(draw(p, 3)));
            p->inside--;
            EXPECT_EQ(bide_semaphore_release(&p->s), 0);
        }
        BIDE_IGNORE(bide_sleep_ms(0));
    }
    return 0;
}

TEST(semaphore_loses_no_permit_under_random_cancellation, .seconds = 30)
{
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct play p = {.s = BIDE_BOUNDED_SEMAPHORE(PERMITS), .seed = seed};
        bide_task *all[TASKS];
        for (int i = 0; i < TASKS; i++)
            all[i] = bide_create_task(bide_coro(player, &p));
        for (int i = 0; i < 300; i++) {
            if (draw(&p, 2))
                bide_task_cancel(all[draw(&p, TASKS)]);
            BIDE_IGNORE(bide_sleep_ms(draw(&p, 4) == 0));
        }
        p.ends = true;
        BIDE_IGNORE(bide_gather_n(all, TASKS)); /* some were cancelled before they began, or as they ended */
        for (int i = 0; i < TASKS; i++)
            bide_release(all[i]);
        for (int i = 0; i < PERMITS; i++)
            EXPECT_EQ(bide_wait_for(bide_semaphore_awaitable(&p.s), 1), 0);
        EXPECT_TRUE(bide_semaphore_is_locked(&p.s));
        EXPECT_LE(40, p.taken);
        EXPECT_LE(5, p.cancelled);
    }
}

/* As a binding holds one: without the macro. */
TEST(semaphore_is_entered_and_left)
{
    bide_semaphore s = BIDE_SEMAPHORE(1);
    int code = -1;
    bide_semaphore *held = bide_semaphore_enter(&s, &code);
    EXPECT_TRUE(held == &s && code == 0 && bide_semaphore_is_locked(&s));
    bide_semaphore_leave(&held);
    EXPECT_FALSE(bide_semaphore_is_locked(&s));
}
