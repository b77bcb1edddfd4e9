/* SPDX-License-Identifier: MIT */
/*
 * test_select.c - operations: awaited, started as tasks, chosen among.  The operation of this file takes from a box that holds a
 * number of things; who waits is woken for each that is put in.
 */
#include <bide/select.h>

#include "core/core.h"
#include "core/turn/operation.h"
#include "trace.h"

struct box {
    bide_loop *loop;
    int things;
    bool is_broken;
    struct list_node takers;
    int enlisted; /* how many are */
};

static void box_init(struct box *b)
{
    *b = (struct box){.loop = bide_get_event_loop()};
    bide__list_init(&b->takers);
}

static void box_put(struct box *b)
{
    b->things++;
    bide__op_wake_first(&b->takers);
}

static int box_check(const bide_operation *op)
{
    const struct box *b = op->object;
    return b ? bide__check_operable(b->loop, "box_take") : bide_fail(-EINVAL, "box_take: the box is NULL");
}

static int box_attempt(const bide_operation *op, struct op_waiter *w)
{
    struct box *b = op->object;
    if (w)
        b->enlisted--;
    if (b->is_broken)
        return bide_fail(-EIO, "the box is broken");
    return b->things > 0 ? b->things-- : OPERATION_WAITS;
}

static void box_enlist(const bide_operation *op, struct op_waiter *w)
{
    struct box *b = op->object;
    b->enlisted++;
    bide__list_append(&b->takers, &w->clause.node);
}

static void box_withdraw(const bide_operation *op, struct op_waiter *w)
{
    struct box *b = op->object;
    bool was_triggered = bide__op_is_triggered(w);
    b->enlisted--;
    bide__list_remove(&w->clause.node);
    if (was_triggered && b->things > 0)
        bide__op_wake_first(&b->takers);
}

static const struct bide_operation_ops box_ops = {"box_take", box_check, box_attempt, box_enlist, box_withdraw};

static bide_awaitable box_awaitable(struct box *b)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = {.ops = &box_ops, .object = b}};
}

static int take(struct box *b, const char *name)
{
    int r = bide_await(box_awaitable(b));
    trace("%s%d", name, r);
    return r;
}

/* ---- awaiting one ---- */

TEST(operation_that_can_be_done_at_once_does_not_suspend)
{
    struct box b;
    box_init(&b);
    box_put(&b);
    turns_begin();
    EXPECT_EQ(bide_await(box_awaitable(&b)), 1);
    EXPECT_EQ(turns_end(), 0);
}

TEST(operation_waits_in_order_and_is_woken_once)
{
    struct box b;
    box_init(&b);
    bide_auto bide_task *t = bide_create_task(bide_coro(take, &b, "a"));
    bide_auto bide_task *u = bide_create_task(bide_coro(take, &b, "b"));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_EQ(b.enlisted, 2);
    box_put(&b);
    EXPECT_EQ(bide_await(t), 1);
    EXPECT_FALSE(bide_task_done(u));
    box_put(&b);
    EXPECT_EQ(bide_await(u), 1);
    EXPECT_TRACE("a1 b1");
    EXPECT_EQ(b.enlisted, 0);
}

TEST(operation_cancelled_when_woken_passes_it_on)
{
    struct box b;
    box_init(&b);
    bide_auto bide_task *t = bide_create_task(bide_coro(take, &b, "a"));
    bide_auto bide_task *u = bide_create_task(bide_coro(take, &b, "b"));
    BIDE_IGNORE(bide_sleep_ms(0));
    box_put(&b);
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_EQ(bide_await(u), 1);
    EXPECT_EQ(b.enlisted, 0);
}

TEST(operation_cancelled_before_it_is_woken_is_skipped)
{
    struct box b;
    box_init(&b);
    bide_auto bide_task *t = bide_create_task(bide_coro(take, &b, "a"));
    bide_auto bide_task *u = bide_create_task(bide_coro(take, &b, "b"));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(t);
    box_put(&b);
    EXPECT_EQ(bide_await(u), 1);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_EQ(b.enlisted, 0);
}

TEST(operation_whose_thing_is_gone_waits_again)
{
    struct box b;
    box_init(&b);
    bide_auto bide_task *t = bide_create_task(bide_coro(take, &b, "a"));
    BIDE_IGNORE(bide_sleep_ms(0));
    box_put(&b);
    EXPECT_EQ(bide_await(box_awaitable(&b)), 1); /* faster */
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_EQ(b.enlisted, 1);
    box_put(&b);
    EXPECT_EQ(bide_await(t), 1);
}

TEST(operation_runs_as_a_task_in_gather_wait_for_and_shield)
{
    struct box b;
    box_init(&b);
    EXPECT_ERR(bide_wait_for(box_awaitable(&b), 10), BIDE_ETIMEDOUT);
    EXPECT_EQ(b.enlisted, 0);
    bide_auto bide_future *f = bide_ensure_future(box_awaitable(&b));
    EXPECT_STR(bide_task_name(bide_future_task(f)), "Task-2");
    box_put(&b);
    box_put(&b);
    EXPECT_EQ(bide_gather(f, box_awaitable(&b)), 0);
    EXPECT_EQ(b.things, 0);
    box_put(&b);
    EXPECT_EQ(bide_shield(box_awaitable(&b)), 1);
}

static int box_step(bide_generator *g, int outcome, bide_awaitable *next)
{
    BIDE_GENERATOR_BEGIN(g);
    BIDE_GENERATOR_AWAIT(g, *(bide_awaitable *)bide_user(bide_current_task()));
    BIDE_GENERATOR_END();
    return outcome;
}

TEST(operation_is_awaited_by_a_generator)
{
    struct box b;
    box_init(&b);
    bide_generator g = {.step = box_step};
    bide_awaitable a = box_awaitable(&b);
    bide_auto bide_task *t = bide_ensure_future(&g);
    EXPECT_EQ(bide_set_user(t, &a, NULL), 0);
    BIDE_IGNORE(bide_sleep_ms(5));
    box_put(&b);
    EXPECT_EQ(bide_await(t), 1);
}

TEST(operation_of_nothing_is_an_error)
{
    EXPECT_ERR(bide_await(box_awaitable(NULL)), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "box_take");
    bide_awaitable none = {.kind = BIDE_AW_OPERATION};
    EXPECT_ERR(bide_await(none), -EINVAL);
    EXPECT_ERR(bide_gather(none, bide_coro(nop)), -EINVAL);
}

/* ---- choosing ---- */

TEST(select_takes_what_can_be_done_at_once_in_order)
{
    struct box a, b;
    box_init(&a);
    box_init(&b);
    box_put(&b);
    box_put(&b);
    int result = -1;
    turns_begin();
    EXPECT_EQ(bide_select(&result, box_awaitable(&a), box_awaitable(&b)), 1);
    EXPECT_EQ(result, 2);
    EXPECT_EQ(bide_select(&result, box_awaitable(&b), box_awaitable(&a)), 0);
    EXPECT_EQ(turns_end(), 0);
    EXPECT_EQ(a.things + b.things, 0);
}

TEST(select_with_a_sleep_of_0_does_not_wait)
{
    struct box b;
    box_init(&b);
    turns_begin();
    EXPECT_EQ(bide_select(NULL, box_awaitable(&b), bide_sleep_awaitable(0)), 1);
    EXPECT_EQ(turns_end(), 0);
    box_put(&b);
    EXPECT_EQ(bide_select(NULL, box_awaitable(&b), bide_sleep_awaitable(0)), 0);
}

static int choose(struct box *a, struct box *b, int64_t ms)
{
    return bide_select(NULL, box_awaitable(a), box_awaitable(b), bide_sleep_awaitable(ms));
}

TEST(select_is_woken_by_the_first_and_the_others_lose_nothing)
{
    struct box a, b;
    box_init(&a);
    box_init(&b);
    bide_auto bide_task *t = bide_create_task(bide_coro(choose, &a, &b, 100));
    BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_EQ(a.enlisted + b.enlisted, 2);
    box_put(&b);
    box_put(&a); /* its task goes on already */
    EXPECT_EQ(bide_await(t), 1);
    EXPECT_EQ(a.things, 1);
    EXPECT_EQ(b.things, 0);
    EXPECT_EQ(a.enlisted + b.enlisted, 0);
}

TEST(select_whose_thing_is_gone_finds_the_other_that_came_meanwhile)
{
    struct box a, b;
    box_init(&a);
    box_init(&b);
    bide_auto bide_task *t = bide_create_task(bide_coro(choose, &a, &b, 100));
    BIDE_IGNORE(bide_sleep_ms(1));
    box_put(&a);
    box_put(&b);
    EXPECT_EQ(bide_await(box_awaitable(&a)), 1);
    EXPECT_EQ(bide_await(t), 1);
    EXPECT_EQ(a.enlisted + b.enlisted, 0);
}

TEST(select_ends_by_its_sleep)
{
    struct box a, b;
    box_init(&a);
    box_init(&b);
    int64_t before = bide_loop_time_ms(bide_get_event_loop());
    EXPECT_EQ(choose(&a, &b, 100), 2);
    EXPECT_EQ(bide_loop_time_ms(bide_get_event_loop()) - before, 100);
    EXPECT_EQ(a.enlisted + b.enlisted, 0);
}

TEST(select_cancelled_or_out_of_time_takes_nothing)
{
    struct box a, b;
    box_init(&a);
    box_init(&b);
    bide_auto bide_task *t = bide_create_task(bide_coro(choose, &a, &b, 100));
    BIDE_IGNORE(bide_sleep_ms(1));
    box_put(&a);
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_EQ(a.things, 1);
    EXPECT_EQ(bide_await(box_awaitable(&a)), 1);
    int code = 0;
    bide_timeout(10)
        code = choose(&a, &b, 100);
    EXPECT_ERR(code, BIDE_ETIMEDOUT);
    EXPECT_EQ(a.enlisted + b.enlisted, 0);
}

/* Cancelled before it waits: the cancellation is delivered where it would wait, and not before. */
TEST(select_that_need_not_wait_is_not_cancelled)
{
    struct box a;
    box_init(&a);
    box_put(&a);
    bide_task_cancel(bide_current_task());
    EXPECT_EQ(bide_select(NULL, box_awaitable(&a)), 0);
    EXPECT_ERR(bide_select(NULL, box_awaitable(&a)), BIDE_ECANCELED);
}

TEST(select_tells_an_error_of_the_chosen_one_from_its_own)
{
    struct box a, b;
    box_init(&a);
    box_init(&b);
    b.is_broken = true;
    int result = 0;
    EXPECT_EQ(bide_select(&result, box_awaitable(&a), box_awaitable(&b)), 1);
    EXPECT_EQ(result, -EIO);
    EXPECT_STR(bide_error_text(), "the box is broken");
    EXPECT_ERR(bide_select(NULL, box_awaitable(&a), box_awaitable(&b)), -EIO);
    EXPECT_ERR(bide_select(&result, box_awaitable(&a), box_awaitable(NULL)), -EINVAL);
    EXPECT_ERR(bide_select_n(&result, (bide_awaitable *)NULL, 2), -EINVAL);
    EXPECT_ERR(bide_select_n(&result, (bide_task **)NULL, 0), -EINVAL);
    bide_task *none = NULL, *self = bide_current_task();
    EXPECT_ERR(bide_select(&result, none), -EINVAL);
    EXPECT_ERR(bide_select(&result, self), BIDE_EDEADLOCK);
}

TEST(select_watches_tasks_and_futures_and_cancels_none)
{
    struct box a;
    box_init(&a);
    bide_auto bide_task *t = bide_create_task(bide_coro(sleep_give, (int64_t)50, 7));
    bide_auto bide_future *f = bide_future_new();
    int result = 0;
    EXPECT_EQ(bide_select(&result, t, f, bide_sleep_awaitable(10)), 2);
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_FALSE(bide_future_done(f));
    EXPECT_EQ(bide_select(&result, f, box_awaitable(&a), t), 2);
    EXPECT_EQ(result, 7);
    EXPECT_EQ(bide_select(&result, f, t), 1); /* done already */
    EXPECT_EQ(result, 7);
    EXPECT_EQ(bide_future_set_error(f, -EDOM), 0);
    EXPECT_EQ(bide_select(&result, f, t), 0);
    EXPECT_EQ(result, -EDOM);
}

TEST(select_cancels_its_own_tasks_and_waits_for_them)
{
    struct box a;
    box_init(&a);
    int result = 0;
    EXPECT_EQ(bide_select(&result, bide_coro(until_cancelled, "x"), bide_coro(sleep_give, (int64_t)5, 3)), 1);
    EXPECT_EQ(result, 3);
    EXPECT_TRACE("x:cancelled");
    box_put(&a); /* then nothing else begins */
    EXPECT_EQ(bide_select(&result, bide_coro(until_cancelled, "y"), box_awaitable(&a)), 1);
    EXPECT_TRACE("x:cancelled");
}

static int fail_later(void)
{
    BIDE_TRY(bide_sleep_ms(2));
    return bide_fail(-EDOM, "later");
}

TEST(select_keeps_the_story_of_the_chosen_one)
{
    int result = 0;
    EXPECT_EQ(bide_select(&result, bide_coro(until_cancelled, "x"), bide_coro(fail_later)), 1);
    EXPECT_EQ(result, -EDOM);
    EXPECT_STR(bide_error_text(), "later");
    EXPECT_ERR(bide_select(NULL, bide_coro(until_cancelled, "x"), bide_coro(fail_later)), -EDOM);
}

TEST(select_from_an_array_of_many)
{
    enum { N = 100 };
    struct box boxes[N];
    bide_awaitable all[N];
    for (int i = 0; i < N; i++) {
        box_init(&boxes[i]);
        all[i] = box_awaitable(&boxes[i]);
    }
    box_put(&boxes[70]);
    EXPECT_EQ(bide_select_n(NULL, all, N), 70);
    all[N - 1] = bide_sleep_awaitable(3);
    EXPECT_EQ(bide_select_n(NULL, all, N), N - 1);
    bide_task *tasks[20];
    for (int i = 0; i < 20; i++)
        tasks[i] = bide_create_task(bide_coro(sleep_give, (int64_t)(100 - i), i));
    int result = 0;
    EXPECT_EQ(bide_select_n(&result, tasks, 20), 19);
    EXPECT_EQ(result, 19);
    for (int i = 0; i < 20; i++)
        bide_release(tasks[i]);
}

/* ---- nothing is lost, whatever happens ---- */

enum { BOXES = 4, TAKERS = 12, STEPS = 400 };

struct play {
    struct box boxes[BOXES];
    unsigned seed;
    int taken, put, cancelled;
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
        bide_awaitable some[3];
        size_t n = 1 + draw(p, 2);
        for (size_t i = 0; i < n; i++)
            some[i] = box_awaitable(&p->boxes[draw(p, BOXES)]);
        bool has_time = draw(p, 2);
        some[n] = bide_sleep_awaitable((int64_t)draw(p, 3));
        int which = 0;
        bide_timeout(1 + draw(p, 4))
            which = bide_select_n(NULL, some, n + has_time);
        if (which >= 0 && which < (int)n)
            p->taken++;
        else if (which == BIDE_ECANCELED)
            p->cancelled++;
        else if (which < 0 && which != BIDE_ETIMEDOUT)
            FAIL("%d", which);
        if (draw(p, 3) == 0)
            BIDE_IGNORE(bide_sleep_ms(0));
    }
    return 0;
}

static void play(unsigned seed)
{
    struct play p = {.seed = seed};
    bide_task *players[TAKERS];
    for (int i = 0; i < BOXES; i++)
        box_init(&p.boxes[i]);
    for (int i = 0; i < TAKERS; i++)
        players[i] = bide_create_task(bide_coro(player, &p));
    for (int i = 0; i < STEPS; i++) {
        for (unsigned n = draw(&p, 5); n > 0; n--) {
            box_put(&p.boxes[draw(&p, BOXES)]);
            p.put++;
        }
        if (draw(&p, 2) == 0)
            bide_task_cancel(players[draw(&p, TAKERS)]);
        BIDE_IGNORE(bide_sleep_ms(draw(&p, 3) == 0 ? 1 : 0));
        int left = 0;
        for (int k = 0; k < BOXES; k++)
            left += p.boxes[k].things;
        EXPECT_EQ(p.taken + left, p.put);
    }
    BIDE_IGNORE(bide_sleep_ms(10)); /* whoever waits has nothing to take, and nothing lies where somebody waits */
    for (int k = 0; k < BOXES; k++)
        EXPECT_TRUE(p.boxes[k].enlisted == 0 || p.boxes[k].things == 0);
    p.ends = true;
    BIDE_IGNORE(bide_gather_n(players, TAKERS));
    for (int i = 0; i < TAKERS; i++)
        bide_release(players[i]);
    for (int k = 0; k < BOXES; k++)
        EXPECT_EQ(p.boxes[k].enlisted, 0);
    EXPECT_LE(50, p.taken);
    EXPECT_LE(5, p.cancelled);
}

TEST(select_loses_nothing_under_random_cancellation)
{
    for (unsigned seed = 1; seed <= 100; seed++)
        play(seed);
}
