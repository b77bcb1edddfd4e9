/* SPDX-License-Identifier: MIT */
/* test_eager.c - .eager: a task that begins inside the call that makes it (checklist 6.9); bide_all_tasks. */
#include <sys/wait.h>
#include <unistd.h>

#include "core/core.h"
#include "trace.h"

static int says_and_gives(const char *word, int result)
{
    trace("%s", word);
    return result;
}

static int says_sleeps_gives(const char *word, int64_t ms)
{
    trace("%s", word);
    int r = bide_sleep_ms(ms);
    trace("%s:%s", word, r == BIDE_ECANCELED ? "cancelled" : "woke");
    return r < 0 ? r : 7;
}

/* asyncio 105 */
TEST(eager_that_does_not_wait_is_done_at_once_and_costs_no_turn)
{
    turns_begin();
    bide_auto bide_task *t = bide_create_task(bide_coro(says_and_gives, "in", 5), .eager = true);
    trace("out");
    EXPECT_TRUE(bide_task_done(t));
    EXPECT_EQ(bide_await(t), 5);
    EXPECT_EQ(turns_end(), 0);
    EXPECT_TRACE("in out");
}

/* asyncio 105, asyncio-suite 175 */
TEST(eager_that_waits_goes_on_as_a_task)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(says_sleeps_gives, "in", (int64_t)10), .eager = true, .name = "e");
    trace("out");
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_EQ(bide_await(t), 7);
    EXPECT_TRACE("in out in:woke");
}

static int looks_at_itself(bide_task *creator)
{
    EXPECT_TRUE(bide_current_task() != NULL && bide_current_task() != creator);
    EXPECT_ERR(bide_fail(-EDOM, "its own"), -EDOM);
    BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_ERR(bide_error_code(), -EDOM);
    return 0;
}

/* asyncio 106 */
TEST(eager_the_running_task_and_its_error_are_put_back)
{
    bide_task *self = bide_current_task();
    BIDE_IGNORE(bide_fail(-EPIPE, "the creator's"));
    bide_auto bide_task *t = bide_create_task(bide_coro(looks_at_itself, self), .eager = true);
    EXPECT_TRUE(bide_current_task() == self);
    EXPECT_ERR(bide_error_code(), -EPIPE);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_ERR(bide_error_code(), -EPIPE);
}

/* asyncio 107, asyncio-suite 177 */
TEST(eager_cancel_after_its_end_does_nothing_and_after_its_first_step_works)
{
    bide_auto bide_task *done = bide_create_task(bide_coro(give, 3), .eager = true);
    EXPECT_FALSE(bide_task_cancel(done));
    EXPECT_EQ(bide_task_result(done), 3);
    bide_auto bide_task *t = bide_create_task(bide_coro(says_sleeps_gives, "t", (int64_t)1000), .eager = true);
    EXPECT_TRUE(bide_task_cancel(t));
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRACE("t t:cancelled");
}

/* asyncio 108 */
TEST(eager_is_for_the_task_that_is_told_so)
{
    bide_auto bide_task *plain = bide_create_task(bide_coro(says_and_gives, "plain", 0), .eager = false);
    trace("out");
    EXPECT_EQ(bide_await(plain), 0);
    EXPECT_TRACE("out plain");
}

static int nests(int depth)
{
    if (depth == 0)
        return bide_sleep_ms(1) < 0 ? -1 : 0;
    bide_auto bide_task *t = BIDE_TRY_PTR(bide_create_task(bide_coro(nests, depth - 1), .eager = true));
    if (depth % 3 == 0)
        BIDE_TRY(bide_sleep_ms(depth));
    return bide_await(t) + 1;
}

TEST(eager_tasks_nest_each_on_its_own_stack)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(nests, 300), .eager = true);
    EXPECT_EQ(bide_await(t), 300);
}

static int cancels(bide_task *creator)
{
    bide_task_cancel(creator);
    return 0;
}

static int is_cancelled_by_its_child(void)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(cancels, bide_current_task()), .eager = true);
    return bide_sleep_ms(1);
}

TEST(eager_may_cancel_its_creator)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(is_cancelled_by_its_child));
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
}

struct steps {
    bide_generator g;
    int n;
};

static int step(bide_generator *g, int outcome, bide_awaitable *next)
{
    struct steps *s = (struct steps *)g;
    (void)outcome;
    trace("step%d", s->n);
    if (s->n++ == 2)
        return 9;
    *next = bide_sleep_awaitable(1);
    return BIDE_YIELD;
}

TEST(eager_stackless_takes_its_first_step)
{
    struct steps s = {.g.step = step};
    bide_auto bide_task *t = bide_create_task((bide_coroutine){0}, .generator = &s.g, .eager = true);
    trace("out");
    EXPECT_EQ(bide_await(t), 9);
    EXPECT_TRACE("step0 out step1 step2");
}

static bide_task *from_callback;

static void make_one(void *unused)
{
    (void)unused;
    from_callback = bide_create_task(bide_coro(says_sleeps_gives, "c", (int64_t)5), .eager = true);
    trace("callback");
    EXPECT_TRUE(bide_current_task() == NULL);
}

TEST(eager_in_a_callback_of_the_loop)
{
    bide_loop_call_soon(bide_get_event_loop(), make_one, NULL);
    BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_EQ(bide_await(from_callback), 7);
    bide_release(from_callback);
    EXPECT_TRACE("c callback c:woke");
}

UNIT(eager_where_no_loop_runs_begins_with_the_loop)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(says_and_gives, "in", 4), .eager = true);
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_EQ(bide_run_until_complete(bide_get_event_loop(), t), 4);
    EXPECT_TRACE("in");
}

UNIT(eager_where_tasks_carry_state)
{
    bide__tasks_carry_state();
    EXPECT_EQ(bide_run(bide_coro(nests, 20)), 20);
}

static int forks(void)
{
    pid_t child = fork();
    if (child > 0)
        EXPECT_EQ(waitpid(child, NULL, 0), child);
    return child == 0 ? 1 : 0;
}

static int creator_of_a_fork(int *went_on)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(forks), .eager = true);
    ++*went_on;
    return bide_await(t);
}

/* In the child no other task goes on, its creator neither. */
UNIT(eager_step_that_forks_ends_the_childs_loop, .real_time = true)
{
    int went_on = 0, pipes[2];
    EXPECT_EQ(pipe(pipes), 0);
    pid_t parent = getpid();
    int r = bide_run(bide_coro(creator_of_a_fork, &went_on));
    if (getpid() != parent) {
        char said = r == BIDE_ESTATE && went_on == 0 ? 'y' : 'n';
        BIDE_IGNORE(write(pipes[1], &said, 1));
        _exit(0);
    }
    char said = 0;
    EXPECT_EQ(r, 0);
    EXPECT_EQ(went_on, 1);
    EXPECT_EQ(read(pipes[0], &said, 1), 1);
    EXPECT_EQ(said, 'y');
    close(pipes[0]);
    close(pipes[1]);
}

/* ---- all tasks ---- */

static int sees_all(size_t want)
{
    bide_task *all[8] = {0};
    EXPECT_EQ(bide_all_tasks(all, 8), want);
    EXPECT_TRUE(all[want - 1] == bide_current_task());
    return 0;
}

/* asyncio 44 */
TEST(all_tasks_are_those_that_have_not_ended_also_one_in_its_first_step)
{
    bide_task *all[2] = {0};
    EXPECT_EQ(bide_all_tasks(NULL, 0), 1);
    bide_auto bide_task *a = bide_create_task(bide_coro(nop)), *b = bide_create_task(bide_coro(sleep_give, (int64_t)5, 1));
    bide_auto bide_task *e = bide_create_task(bide_coro(sees_all, (size_t)4), .eager = true);
    EXPECT_EQ(bide_all_tasks(all, 2), 3);
    EXPECT_TRUE(all[0] == bide_current_task() && all[1] == a);
    EXPECT_EQ(bide_await(a), 0);
    EXPECT_EQ(bide_all_tasks(all, 2), 2);
    EXPECT_TRUE(all[1] == b);
    EXPECT_EQ(bide_await(b), 1);
    EXPECT_EQ(bide_await(e), 0);
}

UNIT(all_tasks_without_a_loop_are_none)
{
    EXPECT_EQ(bide_all_tasks(NULL, 0), 0);
}
