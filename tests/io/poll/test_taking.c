/* SPDX-License-Identifier: MIT */
/* test_taking.c - functions for a descriptor with an argument of their own: it is freed exactly once, at each end that there is. */
#include <unistd.h>

#include <bide/context.h>
#include <bide/descriptor.h>
#include <bide/loop.h>

#include "base/base.h"
#include "harness/harness.h"

static int one = 1, called, freed;
static int ends[2];

static void free_it(void *arg)
{
    freed += *(int *)arg;
    BIDE_IGNORE(bide_fail(-EDOM, "of no interest"));
}

static void call_it(void *arg)
{
    EXPECT_EQ(freed, 0);
    called += *(int *)arg;
}

/* A pipe with a byte in it, whose reader is called. */
static void begin(bide_callback *fn)
{
    EXPECT_EQ(pipe(ends), 0);
    EXPECT_EQ(write(ends[1], "x", 1), 1);
    EXPECT_EQ(bide_loop_add_reader_taking(bide_get_event_loop(), ends[0], fn, &one, free_it), 0);
}

static void end(void)
{
    close(ends[0]);
    close(ends[1]);
}

TEST(taking_reader_is_called_and_freed_when_it_is_removed, .real_time = true)
{
    begin(call_it);
    EXPECT_EQ(bide_sleep_ms(5), 0);
    EXPECT_LT(0, called);
    EXPECT_EQ(freed, 0);
    EXPECT_TRUE(bide_loop_remove_reader(bide_get_event_loop(), ends[0]));
    EXPECT_EQ(freed, 1);
    EXPECT_EQ(bide_error_code(), 0);
    end();
}

TEST(taking_writer_is_freed_when_it_is_removed, .real_time = true)
{
    EXPECT_EQ(pipe(ends), 0);
    EXPECT_EQ(bide_loop_add_writer_taking(bide_get_event_loop(), ends[1], call_it, &one, free_it), 0);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_LT(0, called);
    EXPECT_TRUE(bide_loop_remove_writer(bide_get_event_loop(), ends[1]));
    EXPECT_EQ(freed, 1);
    end();
}

TEST(taking_reader_is_freed_when_it_is_replaced, .real_time = true)
{
    static int other = 10;
    begin(call_it);
    EXPECT_EQ(bide_loop_add_reader_taking(bide_get_event_loop(), ends[0], call_it, &other, free_it), 0);
    EXPECT_EQ(freed, 1);
    EXPECT_EQ(bide_fd_forget(ends[0]), 1);
    EXPECT_EQ(freed, 11);
    end();
}

static void removes_itself(void *arg)
{
    EXPECT_TRUE(bide_loop_remove_reader(bide_get_event_loop(), ends[0]));
    call_it(arg); /* not freed yet */
}

TEST(taking_reader_that_removes_itself_is_freed_when_it_has_returned, .real_time = true)
{
    begin(removes_itself);
    EXPECT_EQ(bide_sleep_ms(5), 0);
    EXPECT_EQ(called, 1);
    EXPECT_EQ(freed, 1);
    end();
}

static void counts_and_removes(void *arg)
{
    called += *(int *)arg;
    bide_loop_remove_reader(bide_get_event_loop(), ends[0]);
}

static void hands_over(void *arg)
{
    EXPECT_EQ(bide_loop_add_reader(bide_get_event_loop(), ends[0], counts_and_removes, arg), 0);
    EXPECT_EQ(freed, 0);
}

TEST(taking_reader_that_replaces_itself_is_freed_when_it_has_returned, .real_time = true)
{
    begin(hands_over);
    EXPECT_EQ(bide_sleep_ms(5), 0);
    EXPECT_EQ(called, 1);
    EXPECT_EQ(freed, 1);
    end();
}

static int leaves_one(void)
{
    begin(call_it);
    return 0;
}

UNIT(taking_reader_is_freed_when_the_loop_is_closed)
{
    bide_auto bide_loop *loop = bide_loop_new();
    EXPECT_EQ(bide_run_until_complete(loop, bide_coro(leaves_one)), 0);
    EXPECT_EQ(freed, 0);
    EXPECT_EQ(bide_loop_close(loop), 0);
    EXPECT_EQ(freed, 1);
    end();
}

TEST(taking_reader_is_freed_when_the_call_fails, .real_time = true)
{
    bide_loop *loop = bide_get_event_loop();
    EXPECT_ERR(bide_loop_add_reader_taking(loop, -1, call_it, &one, free_it), -EBADF);
    EXPECT_EQ(freed, 1);
    EXPECT_EQ(bide_error_code(), -EBADF);
    EXPECT_ERR(bide_loop_add_writer_taking(loop, 1, NULL, &one, free_it), -EINVAL);
    EXPECT_ERR(bide_loop_add_reader_taking(NULL, 0, call_it, &one, free_it), -EINVAL);
    EXPECT_EQ(freed, 3);
    EXPECT_EQ(pipe(ends), 0);
    for (long n = 0;; n++) {
        bide__alloc_fail_at(n);
        int code = bide_loop_add_reader_taking(loop, ends[0], call_it, &one, free_it);
        bide__alloc_fail_at(-1);
        EXPECT_EQ(freed, 4 + n - (code == 0));
        if (code == 0)
            break;
        EXPECT_ERR(code, BIDE_ENOMEM);
    }
    EXPECT_TRUE(bide_loop_remove_reader(loop, ends[0]));
    end();
}

static char key;

static void sees(void *arg)
{
    called += bide_context_get(&key) == arg;
    bide_loop_remove_reader(bide_get_event_loop(), ends[0]);
}

TEST(reader_has_the_context_of_the_task_that_added_it, .real_time = true)
{
    EXPECT_EQ(pipe(ends), 0);
    EXPECT_EQ(write(ends[1], "x", 1), 1);
    EXPECT_EQ(bide_context_set(&key, &one), 0);
    EXPECT_EQ(bide_loop_add_reader(bide_get_event_loop(), ends[0], sees, &one), 0);
    EXPECT_EQ(bide_context_set(&key, NULL), 0);
    EXPECT_EQ(bide_sleep_ms(5), 0);
    EXPECT_EQ(called, 1);
    end();
}
