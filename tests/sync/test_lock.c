/* SPDX-License-Identifier: MIT */
/* test_lock.c - one task at a time (asyncio checklist 6.10). */
#include <bide/select.h>
#include <bide/several.h>
#include <bide/sync.h>

#include "../core/trace.h"

static void turn(void)
{
    BIDE_IGNORE(bide_sleep_ms(0));
}

static int holder(bide_lock *l, const char *name, int64_t ms)
{
    BIDE_TRY(bide_lock_acquire(l));
    trace("+%s", name);
    int r = bide_sleep_ms(ms);
    trace("-%s", name);
    bide_lock_release(l);
    return r;
}

/* asyncio 109; semantics 82, 83, 89 */
TEST(lock_is_given_in_order_and_does_not_suspend_when_free)
{
    bide_lock l = {0};
    turns_begin();
    EXPECT_EQ(bide_lock_acquire(&l), 0);
    EXPECT_EQ(turns_end(), 0);
    EXPECT_TRUE(bide_lock_is_held(&l));
    bide_auto bide_task *a = bide_create_task(bide_coro(holder, &l, "a", (int64_t)5));
    bide_auto bide_task *b = bide_create_task(bide_coro(holder, &l, "b", (int64_t)5));
    bide_auto bide_task *c = bide_create_task(bide_coro(holder, &l, "c", (int64_t)5));
    turn();
    EXPECT_EQ(bide_lock_release(&l), 0);
    EXPECT_FALSE(bide_lock_is_held(&l)); /* until a runs */
    bide_auto bide_task *late = bide_create_task(bide_coro(holder, &l, "d", (int64_t)5));
    EXPECT_EQ(bide_gather(a, b, c, late), 0);
    EXPECT_TRACE("+a -a +b -b +c -c +d -d");
}

/* asyncio 109: who comes between release and the turn of the first one waits behind it */
TEST(lock_is_not_taken_by_one_who_comes_between)
{
    bide_lock l = {0};
    EXPECT_EQ(bide_lock_acquire(&l), 0);
    bide_auto bide_task *a = bide_create_task(bide_coro(holder, &l, "a", (int64_t)0));
    turn();
    bide_lock_release(&l);
    EXPECT_EQ(bide_lock_acquire(&l), 0);
    trace("main");
    bide_lock_release(&l);
    EXPECT_EQ(bide_await(a), 0);
    EXPECT_TRACE("+a -a main");
}

/* asyncio 110; semantics 85, 87 */
TEST(lock_waiter_cancelled_when_woken_passes_it_on)
{
    bide_lock l = {0};
    EXPECT_EQ(bide_lock_acquire(&l), 0);
    bide_auto bide_task *a = bide_create_task(bide_coro(holder, &l, "a", (int64_t)0));
    bide_auto bide_task *b = bide_create_task(bide_coro(holder, &l, "b", (int64_t)0));
    turn();
    bide_lock_release(&l);
    bide_task_cancel(a);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    EXPECT_EQ(bide_await(b), 0);
    EXPECT_FALSE(bide_lock_is_held(&l));
}

/* asyncio 110: the first was cancelled before the release, and has not run since */
TEST(lock_waiter_cancelled_before_the_release_passes_it_on)
{
    bide_lock l = {0};
    EXPECT_EQ(bide_lock_acquire(&l), 0);
    bide_auto bide_task *a = bide_create_task(bide_coro(holder, &l, "a", (int64_t)0));
    bide_auto bide_task *b = bide_create_task(bide_coro(holder, &l, "b", (int64_t)0));
    turn();
    bide_task_cancel(a);
    bide_lock_release(&l);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    EXPECT_EQ(bide_await(b), 0);
    /* ... and all of those that wait are cancelled: then it may be taken at once */
    EXPECT_EQ(bide_lock_acquire(&l), 0);
    bide_auto bide_task *c = bide_create_task(bide_coro(holder, &l, "c", (int64_t)0));
    turn();
    bide_task_cancel(c);
    bide_lock_release(&l);
    turns_begin();
    EXPECT_EQ(bide_lock_acquire(&l), 0);
    EXPECT_EQ(turns_end(), 0);
    bide_lock_release(&l);
}

/* asyncio 115; semantics 88 */
TEST(lock_that_is_not_held_is_not_released)
{
    bide_lock l = {0};
    EXPECT_ERR(bide_lock_release(&l), BIDE_ESTATE);
    EXPECT_STR(bide_error_text(), "bide_lock_release: the lock is not held");
    bide_auto bide_task *a = bide_create_task(bide_coro(holder, &l, "a", (int64_t)5));
    turn();
    EXPECT_ERR(bide_lock_release(&l), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "held by another task");
    EXPECT_EQ(bide_await(a), 0);
    EXPECT_ERR(bide_lock_release(NULL), -EINVAL);
    EXPECT_ERR(bide_lock_acquire(NULL), -EINVAL);
}

TEST(lock_taken_twice_by_one_task_is_a_deadlock)
{
    bide_lock l = {0};
    EXPECT_EQ(bide_lock_acquire(&l), 0);
    EXPECT_ERR(bide_lock_acquire(&l), BIDE_EDEADLOCK);
    EXPECT_CONTAINS(bide_error_text(), "this task holds the lock already");
    EXPECT_EQ(bide_lock_release(&l), 0);
}

/* asyncio semantics 82 */
TEST(lock_is_held_for_a_block_and_given_back_on_every_way_out)
{
    bide_lock l = {0};
    int code = -1, entered = 0;
    bide_lock_hold(&l, &code) {
        EXPECT_EQ(code, 0);
        EXPECT_TRUE(bide_lock_is_held(&l));
        entered++;
    }
    EXPECT_FALSE(bide_lock_is_held(&l));
    for (int i = 0; i < 2; i++)
        bide_lock_hold(&l, &code) {
            entered++;
            break;
        }
    EXPECT_FALSE(bide_lock_is_held(&l));
    EXPECT_EQ(entered, 3);

    bide_auto bide_task *a = bide_create_task(bide_coro(holder, &l, "a", (int64_t)50));
    turn();
    bide_timeout(5)
        bide_lock_hold(&l, &code)
            entered++;
    EXPECT_ERR(code, BIDE_ETIMEDOUT);
    EXPECT_EQ(entered, 3);
    EXPECT_EQ(bide_await(a), 0);
}

TEST(lock_is_held_or_was_not_asked_for_after_a_choice)
{
    bide_lock l = {0};
    bide_event e = {0};
    EXPECT_EQ(bide_select(NULL, bide_lock_awaitable(&l), bide_sleep_awaitable(0)), 0);
    EXPECT_TRUE(bide_lock_is_held(&l));
    bide_lock_release(&l);
    bide_auto bide_task *a = bide_create_task(bide_coro(holder, &l, "a", (int64_t)5));
    turn();
    bide_auto bide_task *b = bide_create_task(bide_coro(holder, &l, "b", (int64_t)5));
    EXPECT_EQ(bide_select(NULL, bide_lock_awaitable(&l), bide_sleep_awaitable(2)), 1);
    EXPECT_EQ(bide_gather(a, b), 0);
    EXPECT_FALSE(bide_lock_is_held(&l));
    bide_event_set(&e);
    EXPECT_EQ(bide_select(NULL, bide_event_awaitable(&e), bide_lock_awaitable(&l)), 0);
    EXPECT_FALSE(bide_lock_is_held(&l));
}

/* ---- at random: never two, never lost (asyncio 110) ---- */

enum { TASKS = 10 };

struct play {
    bide_lock locks[2];
    int inside[2], held, cancelled;
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
    while (!p->ends) {
        int which = 0;
        if (draw(p, 2))
            which = bide_select(NULL, bide_lock_awaitable(&p->locks[0]), bide_lock_awaitable(&p->locks[1]),
                                bide_sleep_awaitable((int64_t)draw(p, 3) + 1));
        else
            bide_timeout(draw(p, 3) + 1)
                which = bide_lock_acquire(&p->locks[0]);
        p->cancelled += which == BIDE_ECANCELED;
        if (which < 0 || which > 1)
            continue;
        EXPECT_EQ(p->inside[which]++, 0);
        p->held++;
        BIDE_IGNORE(bide_sleep_ms((int64_t)draw(p, 2)));
        p->inside[which]--;
        EXPECT_EQ(bide_lock_release(&p->locks[which]), 0);
        BIDE_IGNORE(bide_sleep_ms(0));
    }
    return 0;
}

TEST(lock_is_never_held_twice_nor_lost_under_random_cancellation, .seconds = 30)
{
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct play p = {.seed = seed};
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
        for (int i = 0; i < 2; i++)
            EXPECT_EQ(bide_wait_for(bide_lock_awaitable(&p.locks[i]), 1), 0);
        EXPECT_LE(40, p.held);
        EXPECT_LE(5, p.cancelled);
    }
}
