/* SPDX-License-Identifier: MIT */
/* test_condition.c - waiting under a lock for what others change under it (asyncio checklist 6.10). */
#include <bide/several.h>
#include <bide/sync.h>

#include "../core/trace.h"

struct shop {
    bide_condition c;
    int goods;
};

static void turn(void)
{
    BIDE_IGNORE(bide_sleep_ms(0));
}

static int buyer(struct shop *s, const char *name)
{
    int code;
    bide_lock_hold(bide_condition_lock(&s->c), &code) {
        code = bide_condition_wait_until(&s->c, s->goods > 0);
        EXPECT_TRUE(bide_lock_is_held(bide_condition_lock(&s->c)));
        if (code == 0)
            s->goods--;
        trace("%s%d", name, code);
    }
    return code;
}

static void deliver(struct shop *s, size_t n)
{
    int code;
    bide_lock_hold(bide_condition_lock(&s->c), &code) {
        s->goods += (int)n;
        EXPECT_EQ(bide_condition_notify(&s->c, n), 0);
    }
    EXPECT_EQ(code, 0);
}

/* asyncio semantics 94 */
TEST(condition_wait_gives_the_lock_back_and_has_it_again)
{
    struct shop s = {0};
    bide_auto bide_task *a = bide_create_task(bide_coro(buyer, &s, "a"));
    bide_auto bide_task *b = bide_create_task(bide_coro(buyer, &s, "b"));
    turn();
    EXPECT_FALSE(bide_lock_is_held(bide_condition_lock(&s.c)));
    deliver(&s, 1);
    EXPECT_EQ(bide_await(a), 0);
    EXPECT_FALSE(bide_task_done(b));
    deliver(&s, 1);
    EXPECT_EQ(bide_await(b), 0);
    EXPECT_TRACE("a0 b0");
}

static int waits_once(struct shop *s, const char *name)
{
    int code;
    bide_lock_hold(bide_condition_lock(&s->c), &code) {
        code = bide_condition_wait(&s->c);
        trace("%s%d", name, code);
    }
    return code;
}

TEST(condition_notify_all_wakes_all_in_order)
{
    struct shop s = {0};
    bide_task *all[5];
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (int i = 0; i < 5; i++)
        all[i] = bide_create_task(bide_coro(waits_once, &s, names[i]));
    turn();
    EXPECT_EQ(bide_lock_acquire(bide_condition_lock(&s.c)), 0);
    EXPECT_EQ(bide_condition_notify(&s.c, 2), 0);
    EXPECT_EQ(bide_condition_notify_all(&s.c), 0);
    EXPECT_EQ(bide_lock_release(bide_condition_lock(&s.c)), 0);
    EXPECT_EQ(bide_gather_n(all, 5), 0);
    EXPECT_TRACE("a0 b0 c0 d0 e0");
    for (int i = 0; i < 5; i++)
        bide_release(all[i]);
}

/* asyncio 112; semantics 96: the lock is held by another for long; the cancellation is reported when it is held again */
TEST(condition_cancelled_wait_has_the_lock_again)
{
    struct shop s = {0};
    bide_lock *l = bide_condition_lock(&s.c);
    bide_auto bide_task *a = bide_create_task(bide_coro(buyer, &s, "a"));
    turn();
    EXPECT_EQ(bide_lock_acquire(l), 0);
    bide_task_cancel(a);
    for (int i = 0; i < 5; i++)
        turn();
    EXPECT_FALSE(bide_task_done(a));
    bide_task_cancel(a); /* once more, while it waits for the lock */
    turn();
    EXPECT_FALSE(bide_task_done(a));
    bide_lock_release(l);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    EXPECT_FALSE(bide_lock_is_held(l));
    EXPECT_EQ(bide_wait_for(bide_lock_awaitable(l), 1), 0);
    bide_lock_release(l);
}

TEST(condition_wait_out_of_time_has_the_lock_again)
{
    struct shop s = {0};
    bide_lock *l = bide_condition_lock(&s.c);
    EXPECT_EQ(bide_lock_acquire(l), 0);
    int code = 0;
    bide_timeout(5) {
        code = bide_condition_wait(&s.c);
        EXPECT_TRUE(bide_lock_is_held(l));
        EXPECT_ERR(bide_sleep_ms(1), BIDE_ETIMEDOUT); /* the block's time is still over */
    }
    EXPECT_ERR(code, BIDE_ETIMEDOUT);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(bide_lock_release(l), 0);
}

/* asyncio 112; semantics 97, 98 */
TEST(condition_notify_of_a_cancelled_task_goes_to_the_next)
{
    struct shop s = {0};
    bide_auto bide_task *a = bide_create_task(bide_coro(waits_once, &s, "a"));
    bide_auto bide_task *b = bide_create_task(bide_coro(waits_once, &s, "b"));
    turn();
    EXPECT_EQ(bide_lock_acquire(bide_condition_lock(&s.c)), 0);
    EXPECT_EQ(bide_condition_notify(&s.c, 1), 0);
    bide_task_cancel(a);
    EXPECT_EQ(bide_lock_release(bide_condition_lock(&s.c)), 0);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    EXPECT_EQ(bide_await(b), 0);
}

/* asyncio 112: cancelled first, the notification finds the next at once */
TEST(condition_notify_skips_a_cancelled_task)
{
    struct shop s = {0};
    bide_auto bide_task *a = bide_create_task(bide_coro(waits_once, &s, "a"));
    bide_auto bide_task *b = bide_create_task(bide_coro(waits_once, &s, "b"));
    turn();
    EXPECT_EQ(bide_lock_acquire(bide_condition_lock(&s.c)), 0);
    bide_task_cancel(a);
    EXPECT_EQ(bide_condition_notify(&s.c, 1), 0);
    EXPECT_EQ(bide_lock_release(bide_condition_lock(&s.c)), 0);
    EXPECT_EQ(bide_await(b), 0);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
}

/* asyncio 113; semantics 99 */
TEST(condition_without_the_lock_is_an_error)
{
    bide_condition c = {0};
    EXPECT_ERR(bide_condition_wait(&c), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "bide_condition_wait: the lock is not held");
    EXPECT_ERR(bide_condition_notify(&c, 1), BIDE_ESTATE);
    EXPECT_ERR(bide_condition_notify_all(&c), BIDE_ESTATE);
    EXPECT_ERR(bide_condition_wait(NULL), -EINVAL);
    EXPECT_ERR(bide_condition_notify_all(NULL), -EINVAL);
    EXPECT_TRUE(bide_condition_lock(NULL) == NULL);
}

TEST(condition_uses_a_lock_of_the_user)
{
    bide_lock l = {0};
    bide_condition c = {.lock = &l}, d = {.lock = &l};
    EXPECT_TRUE(bide_condition_lock(&c) == &l);
    EXPECT_EQ(bide_lock_acquire(&l), 0);
    EXPECT_EQ(bide_condition_notify_all(&c), 0);
    EXPECT_EQ(bide_condition_notify_all(&d), 0);
    bide_lock_release(&l);
}
