/* SPDX-License-Identifier: MIT */
/* test_user.c - a user pointer at real objects: a task stays what it is, and takes it along to its end. */
#include <bide/loop.h>

#include "harness/harness.h"

static int freed;

static void count(void *user)
{
    freed += *(int *)user;
}

static int three(void)
{
    BIDE_TRY(bide_sleep_ms(1));
    return bide_user(bide_current_task()) ? 3 : 4;
}

TEST(user_pointer_of_a_task_is_there_inside_and_goes_with_it)
{
    int one = 1;
    bide_task *t = bide_create_task(bide_coro(three), .name = "with");
    EXPECT_EQ(bide_set_user(t, &one, count), 0);

    EXPECT_EQ(bide_await(t), 3);
    EXPECT_TRUE(bide_future_task(bide_task_future(t)) == t);
    EXPECT_STR(bide_task_name(t), "with");
    EXPECT_EQ(freed, 0);
    bide_release(t);
    EXPECT_EQ(freed, 1);
    bide_auto bide_task *next = bide_create_task(bide_coro(three)); /* the same memory, perhaps */
    EXPECT_NULL(bide_user(next));
    EXPECT_EQ(bide_await(next), 4);
}

TEST(user_pointer_of_a_detached_task_goes_when_it_ends)
{
    int one = 1;
    bide_task *t = bide_create_task(bide_coro(three));
    EXPECT_EQ(bide_set_user(t, &one, count), 0);
    bide_detach(t);
    EXPECT_EQ(bide_sleep_ms(10), 0);
    EXPECT_EQ(freed, 1);
}

TEST(user_pointer_of_a_future_stays_for_the_last_share)
{
    int one = 1;
    bide_future *f = bide_future_new();
    EXPECT_EQ(bide_set_user(f, &one, count), 0);
    bide_future *share = bide_retain(f);
    bide_release(f);
    EXPECT_EQ(freed, 0);
    EXPECT_TRUE(bide_user(share) == &one);
    bide_release(share);
    EXPECT_EQ(freed, 1);
}
