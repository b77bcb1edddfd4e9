/* SPDX-License-Identifier: MIT */
/* test_queue.c - items on their way from task to task (asyncio checklist 6.10). */
#include <bide/queue.h>
#include <bide/select.h>
#include <bide/several.h>
#include <bide/sync.h>

#include "base/base.h"
#include "../core/trace.h"

BIDE_QUEUE_TYPE(int_queue, int);

static void turn(void)
{
    BIDE_IGNORE(bide_sleep_ms(0));
}

static int putter(int_queue *q, const char *name, int item)
{
    int r = bide_queue_put(q, &item);
    trace("%s:%d", name, r);
    return r;
}

static int getter(int_queue *q, const char *name)
{
    int item = -1, r = bide_queue_get(q, &item);
    trace("%s:%d", name, r < 0 ? r : item);
    return r;
}

static int smaller(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void expect_items(int_queue *q, const char *expected)
{
    char text[200] = "";
    int item;

    while (bide_queue_get_nowait(q, &item) == 0)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d ", item);
    EXPECT_STR(text, expected);
}

static void put_some(int_queue *q)
{
    static const int some[] = {5, 1, 4, 1, 3, 9, 2, 6, 5, 3, 5, 8};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        EXPECT_EQ(bide_queue_put(q, &some[i]), 0);
}

/* asyncio semantics 116 */
TEST(queue_hands_out_in_its_order)
{
    bide_auto int_queue *fifo = bide_queue_new(int_queue, 100);
    bide_auto int_queue *lifo = bide_queue_new(int_queue, 100, .order = BIDE_LIFO);
    bide_auto int_queue *least = bide_queue_new(int_queue, 100, .compare = smaller);
    put_some(fifo);
    put_some(lifo);
    put_some(least);
    EXPECT_EQ(bide_queue_len(least), 12);
    expect_items(fifo, "5 1 4 1 3 9 2 6 5 3 5 8 ");
    expect_items(lifo, "8 5 3 5 6 2 9 3 1 4 1 5 ");
    expect_items(least, "1 1 2 3 3 4 5 5 5 6 8 9 ");
    EXPECT_TRUE(bide_queue_is_empty(least));
}

struct job {
    char urgency;
    int number;
    double weight;
};
BIDE_QUEUE_TYPE(job_queue, struct job);

static int by_urgency(const void *a, const void *b)
{
    EXPECT_EQ((uintptr_t)b % _Alignof(struct job), 0);
    return ((const struct job *)a)->urgency - ((const struct job *)b)->urgency;
}

TEST(queue_of_the_smallest_keeps_the_order_of_equal_ones)
{
    bide_auto job_queue *q = bide_queue_new(job_queue, 0, .compare = by_urgency);
    struct job j = {.weight = 0.5};
    for (j.number = 0; j.number < 300; j.number++) {
        j.urgency = (char)(j.number * 7 % 3);
        EXPECT_EQ(bide_queue_put_nowait(q, &j), 0);
    }
    int last = -1, urgency = 0;
    while (bide_queue_get_nowait(q, &j) == 0) {
        if (j.urgency != urgency)
            last = -1;
        EXPECT_LE(urgency, j.urgency);
        EXPECT_LE(last + 1, j.number);
        urgency = j.urgency;
        last = j.number;
    }
    EXPECT_EQ(urgency, 2);
}

/* asyncio 117 */
TEST(queue_without_waiting_says_when_it_is_full_or_empty)
{
    bide_auto int_queue *q = bide_queue_new(int_queue, 2);
    int item = 1;
    EXPECT_ERR(bide_queue_get_nowait(q, &item), -EAGAIN);
    EXPECT_STR(bide_error_text(), "bide_queue_get_nowait: the queue is empty");
    EXPECT_EQ(bide_queue_put_nowait(q, &item), 0);
    EXPECT_FALSE(bide_queue_is_full(q));
    EXPECT_EQ(bide_queue_put_nowait(q, &item), 0);
    EXPECT_TRUE(bide_queue_is_full(q));
    EXPECT_ERR(bide_queue_put_nowait(q, &item), -EAGAIN);
    bide_auto int_queue *any = bide_queue_new(int_queue, 0);
    for (int i = 0; i < 1000; i++)
        EXPECT_EQ(bide_queue_put_nowait(any, &i), 0);
    EXPECT_FALSE(bide_queue_is_full(any));
    EXPECT_EQ(bide_queue_len(any), 1000);
}

TEST(queue_has_a_ceiling_of_bytes)
{
    EXPECT_TRUE(bide_queue_new(int_queue, 100, .max_bytes = 399) == NULL);
    EXPECT_EQ(bide_error_code(), BIDE_ELIMIT);
    EXPECT_TRUE(bide_queue_new(int_queue, BIDE_QUEUE_BYTES) == NULL);
    EXPECT_TRUE(bide_queue_new(int_queue, 0, .max_bytes = 3) == NULL);
    bide_auto int_queue *q = bide_queue_new(int_queue, 0, .max_bytes = 12);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(bide_queue_put(q, &i), 0);
    EXPECT_FALSE(bide_queue_is_full(q));
    EXPECT_ERR(bide_queue_put(q, &(int){4}), BIDE_ELIMIT);
    EXPECT_CONTAINS(bide_error_text(), "3 items are in the queue");
    EXPECT_TRUE(bide_queue_new(int_queue, 1, .order = (enum bide_order)2) == NULL);
    EXPECT_TRUE(bide_queue_new(int_queue, 1, .order = BIDE_LIFO, .compare = smaller) == NULL);
    EXPECT_EQ(bide_error_code(), -EINVAL);
}

/* asyncio semantics 117 */
TEST(queue_put_goes_on_when_a_get_made_room)
{
    bide_auto int_queue *q = bide_queue_new(int_queue, 1);
    int item = 0;
    EXPECT_EQ(bide_queue_put(q, &item), 0);
    bide_auto bide_task *a = bide_create_task(bide_coro(putter, q, "a", 1));
    bide_auto bide_task *b = bide_create_task(bide_coro(putter, q, "b", 2));
    turn();
    EXPECT_FALSE(bide_task_done(a));
    EXPECT_EQ(bide_queue_get(q, &item), 0);
    EXPECT_EQ(bide_await(a), 0);
    EXPECT_FALSE(bide_task_done(b));
    EXPECT_EQ(bide_queue_get(q, &item), 0);
    EXPECT_EQ(item, 1);
    EXPECT_EQ(bide_await(b), 0);
    EXPECT_TRACE("a:0 b:0");
}

TEST(queue_get_goes_on_when_an_item_came_in_order)
{
    bide_auto int_queue *q = bide_queue_new(int_queue, 0);
    bide_auto bide_task *a = bide_create_task(bide_coro(getter, q, "a"));
    bide_auto bide_task *b = bide_create_task(bide_coro(getter, q, "b"));
    turn();
    for (int i = 1; i < 3; i++)
        EXPECT_EQ(bide_queue_put(q, &i), 0);
    EXPECT_EQ(bide_gather(a, b), 0);
    EXPECT_TRACE("a:1 b:2");
}

/* asyncio 118; semantics 121, 122 */
TEST(queue_get_that_was_cancelled_loses_no_item)
{
    bide_auto int_queue *q = bide_queue_new(int_queue, 0);
    bide_auto bide_task *a = bide_create_task(bide_coro(getter, q, "a"));
    bide_auto bide_task *b = bide_create_task(bide_coro(getter, q, "b"));
    turn();
    EXPECT_EQ(bide_queue_put(q, &(int){1}), 0);
    bide_task_cancel(a);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    EXPECT_EQ(bide_await(b), 0);
    EXPECT_TRACE("a:-125 b:1");
    for (int i = 0; i < 100; i++)
        EXPECT_ERR(bide_wait_for(bide_queue_get_awaitable(q, &(int){0}), 1), BIDE_ETIMEDOUT);
    EXPECT_EQ(bide_queue_put(q, &(int){2}), 0);
    int item = 0;
    EXPECT_EQ(bide_queue_get(q, &item), 0);
    EXPECT_EQ(item, 2);
}

/* asyncio 118; semantics 123 */
TEST(queue_put_that_was_cancelled_passes_the_room_on)
{
    bide_auto int_queue *q = bide_queue_new(int_queue, 1);
    int item = 0;
    EXPECT_EQ(bide_queue_put(q, &item), 0);
    bide_auto bide_task *a = bide_create_task(bide_coro(putter, q, "a", 1));
    bide_auto bide_task *b = bide_create_task(bide_coro(putter, q, "b", 2));
    turn();
    EXPECT_EQ(bide_queue_get(q, &item), 0);
    bide_task_cancel(a);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    EXPECT_EQ(bide_await(b), 0);
    EXPECT_EQ(bide_queue_get(q, &item), 0);
    EXPECT_EQ(item, 2);
    EXPECT_TRUE(bide_queue_is_empty(q));
}

/* asyncio 119; semantics 124, 126 */
TEST(queue_join_waits_until_all_is_done)
{
    bide_auto int_queue *q = bide_queue_new(int_queue, 0);
    turns_begin();
    EXPECT_EQ(bide_queue_join(q), 0);
    EXPECT_EQ(bide_queue_join(q), 0);
    EXPECT_EQ(turns_end(), 0);
    EXPECT_ERR(bide_queue_task_done(q), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "called more often than items were put");
    int item;
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(bide_queue_put(q, &i), 0);
    bide_auto bide_future *j = bide_ensure_future(bide_queue_join_awaitable(q));
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(bide_queue_get(q, &item), 0);
        turn();
        EXPECT_FALSE(bide_future_done(j));
        EXPECT_EQ(bide_queue_task_done(q), 0);
    }
    EXPECT_EQ(bide_await(j), 0);
    EXPECT_ERR(bide_queue_task_done(q), BIDE_ESTATE);
}

/* asyncio 120 */
TEST(queue_shut_down_hands_out_what_it_has_and_ends_who_waits)
{
    bide_auto int_queue *q = bide_queue_new(int_queue, 1);
    int item = 7;
    EXPECT_EQ(bide_queue_put(q, &item), 0);
    bide_auto bide_task *p = bide_create_task(bide_coro(putter, q, "p", 1));
    turn();
    EXPECT_EQ(bide_queue_shutdown(q), 0);
    EXPECT_EQ(bide_queue_shutdown(q), 0);
    EXPECT_ERR(bide_await(p), BIDE_ECLOSED);
    EXPECT_STR(bide_error_text(), "bide_queue_put: the queue was shut down");
    EXPECT_ERR(bide_queue_put_nowait(q, &item), BIDE_ECLOSED);
    EXPECT_EQ(bide_queue_get(q, &item), 0);
    EXPECT_EQ(item, 7);
    EXPECT_ERR(bide_queue_get(q, &item), BIDE_ECLOSED);
    EXPECT_ERR(bide_queue_get_nowait(q, &item), BIDE_ECLOSED);

    bide_auto int_queue *r = bide_queue_new(int_queue, 1);
    bide_auto bide_task *g = bide_create_task(bide_coro(getter, r, "g"));
    turn();
    bide_queue_shutdown(r);
    EXPECT_ERR(bide_await(g), BIDE_ECLOSED);
    EXPECT_CONTAINS(bide_error_text(), "the queue was shut down, and is empty");
}

static int freed;

static void count_freed(void *item)
{
    freed += *(int *)item;
}

/* asyncio 120: what is dropped counts as done */
TEST(queue_shut_down_at_once_is_emptied_and_joined)
{
    bide_auto int_queue *q = bide_queue_new(int_queue, 0, .item_free = count_freed);
    int item;
    for (int i = 1; i <= 3; i++)
        EXPECT_EQ(bide_queue_put(q, &i), 0);
    EXPECT_EQ(bide_queue_get(q, &item), 0);
    bide_auto bide_future *j = bide_ensure_future(bide_queue_join_awaitable(q));
    turn();
    EXPECT_EQ(bide_queue_shutdown_now(q), 0);
    EXPECT_EQ(freed, 5);
    EXPECT_TRUE(bide_queue_is_empty(q));
    turn();
    EXPECT_FALSE(bide_future_done(j)); /* one was taken, and is still worked on */
    EXPECT_EQ(bide_queue_task_done(q), 0);
    EXPECT_EQ(bide_await(j), 0);
    EXPECT_ERR(bide_queue_get(q, &item), BIDE_ECLOSED);
}

TEST(queue_frees_the_items_that_nobody_took)
{
    int_queue *q = bide_queue_new(int_queue, 0, .item_free = count_freed);
    for (int i = 1; i <= 20; i++)
        EXPECT_EQ(bide_queue_put(q, &i), 0);
    bide_release(BIDE_QUEUE(q));
    EXPECT_EQ(freed, 210);
}

TEST(queue_lives_while_a_task_waits)
{
    int_queue *q = bide_queue_new(int_queue, 1);
    bide_auto bide_task *g = bide_create_task(bide_coro(getter, q, "g"));
    turn();
    bide_release(BIDE_QUEUE(q));
    bide_task_cancel(g);
    EXPECT_ERR(bide_await(g), BIDE_ECANCELED);
}

/* asyncio 6.12: put_nowait to a parked getter until it is awaited: 3 turns, with the task's start and the await of its end */
TEST(queue_takes_as_many_turns_as_asyncio)
{
    bide_auto int_queue *q = bide_queue_new(int_queue, 0);
    bide_auto bide_task *g = bide_create_task(bide_coro(getter, q, "g"));
    turns_begin();
    turn();
    EXPECT_EQ(bide_queue_put_nowait(q, &(int){1}), 0);
    EXPECT_EQ(bide_await(g), 0);
    EXPECT_EQ(turns_end(), 3);
}

TEST(queue_refuses_what_is_none)
{
    int_queue *none = NULL;
    int item = 0;
    bide_auto int_queue *q = bide_queue_new(int_queue, 1);
    EXPECT_ERR(bide_queue_put(none, &item), -EINVAL);
    EXPECT_ERR(bide_queue_get(none, &item), -EINVAL);
    EXPECT_ERR(bide_queue_join(none), -EINVAL);
    EXPECT_ERR(bide_queue_shutdown(none), -EINVAL);
    EXPECT_ERR(bide_queue_get(q, (int *)NULL), -EINVAL);
    EXPECT_ERR(bide_queue_put_item(BIDE_QUEUE(q), "ab", 2), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "the item has 2 bytes, those of the queue have 4");
    EXPECT_TRUE(bide_queue_new_with(0, NULL) == NULL);
}

/* As a binding calls them: without the macros. */
TEST(queue_without_types_is_one_of_bytes)
{
    bide_auto bide_queue *q = bide_queue_new_with(3, &(bide_queue_args){.size = sizeof(bide_queue_args), .maxsize = 2});
    char item[3] = "";
    EXPECT_EQ(bide_queue_put_item(q, "ab", 3), 0);
    EXPECT_EQ(bide_queue_put_item_nowait(q, "cd", 3), 0);
    EXPECT_TRUE(bide_queue_full(q));
    EXPECT_EQ(bide_queue_items(q), 2);
    EXPECT_EQ(bide_queue_get_item(q, item, 3), 0);
    EXPECT_STR(item, "ab");
    EXPECT_EQ(bide_await(bide_queue_put_item_awaitable(q, "ef", 3)), 0);
    EXPECT_EQ(bide_await(bide_queue_get_item_awaitable(q, item, 3)), 0);
    EXPECT_EQ(bide_queue_get_item_nowait(q, item, 3), 0);
    EXPECT_STR(item, "ef");
    EXPECT_TRUE(bide_queue_empty(q));
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(bide_queue_item_done(q), 0);
    EXPECT_EQ(bide_queue_wait_done(q), 0);
    EXPECT_EQ(bide_await(bide_queue_done_awaitable(q)), 0);
    EXPECT_EQ(bide_queue_close(q, true), 0);
}

static int run_out(int_queue *q)
{
    int failed = 0;
    for (int i = 0; i < 40; i++)
        failed += bide_queue_put(q, &i) == BIDE_ENOMEM;
    return failed;
}

TEST(queue_without_memory_says_so_and_keeps_what_it_has)
{
    for (long n = 0; n < 8; n++) {
        bide__alloc_fail_at(n);
        bide_auto int_queue *q = bide_queue_new(int_queue, 0);
        int failed = q ? run_out(q) : 0;
        bide__alloc_fail_at(-1);
        if (!q)
            continue;
        EXPECT_EQ(bide_queue_len(q), 40 - failed);
        int item, last = -1;
        while (bide_queue_get_nowait(q, &item) == 0) {
            EXPECT_LE(last + 1, item);
            last = item;
        }
    }
}

static int choose_twice(int_queue *q)
{
    int a, b;
    return bide_select(NULL, bide_queue_get_awaitable(q, &a), bide_queue_get_awaitable(q, &b), bide_sleep_awaitable(50));
}

/* Its first waiter passes on what it was woken for, and the second is its own. */
TEST(queue_chosen_from_twice_and_cancelled_when_woken_passes_the_item_on)
{
    bide_auto int_queue *q = bide_queue_new(int_queue, 0);
    bide_auto bide_task *a = bide_create_task(bide_coro(choose_twice, q));
    bide_auto bide_task *b = bide_create_task(bide_coro(getter, q, "b"));
    turn();
    EXPECT_EQ(bide_queue_put(q, &(int){7}), 0);
    bide_task_cancel(a);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    EXPECT_EQ(bide_await(b), 0);
    EXPECT_TRACE("b:7");
}

/* ---- nothing is lost, whatever happens (asyncio 118) ---- */

enum { QUEUES = 3, PLAYERS = 12 };

struct play {
    int_queue *queues[QUEUES];
    unsigned seed;
    int put, got, sum, cancelled;
    bool ends;
};

static unsigned draw(struct play *p, unsigned below)
{
    p->seed = p->seed * 1103515245u + 12345u;
    return (p->seed >> 16) % below;
}

static void count(struct play *p, int code, bool is_put, int item)
{
    p->cancelled += code == BIDE_ECANCELED;
    if (code == 0 && is_put) {
        p->put++;
        p->sum += item;
    } else if (code == 0) {
        p->got++;
        p->sum -= item;
    }
}

static int player(struct play *p)
{
    while (!p->ends) {
        int_queue *a = p->queues[draw(p, QUEUES)], *b = p->queues[draw(p, QUEUES)];
        int in = (int)draw(p, 1000), out = -1, code = 0;
        switch (draw(p, 4)) {
        case 0:
            bide_timeout(draw(p, 3) + 1)
                code = bide_queue_put(a, &in);
            count(p, code, true, in);
            break;
        case 1:
            bide_timeout(draw(p, 3) + 1)
                code = bide_queue_get(a, &out);
            count(p, code, false, out);
            break;
        default:
            code = bide_select(NULL, bide_queue_put_awaitable(a, &in), bide_queue_get_awaitable(b, &out),
                               bide_sleep_awaitable(draw(p, 3)));
            count(p, code == 0 || code == 1 ? 0 : code, code == 0, code == 0 ? in : out);
        }
        if (draw(p, 3) == 0)
            BIDE_IGNORE(bide_sleep_ms(draw(p, 2)));
        else
            turn();
    }
    return 0;
}

static void check(struct play *p)
{
    int left = 0;
    for (int i = 0; i < QUEUES; i++)
        left += (int)bide_queue_len(p->queues[i]);
    EXPECT_EQ(p->put, p->got + left);
}

TEST(queue_loses_nothing_under_random_cancellation, .seconds = 30)
{
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct play p = {.seed = seed};
        bide_task *all[PLAYERS];
        for (int i = 0; i < QUEUES; i++)
            p.queues[i] = i == 0   ? bide_queue_new(int_queue, 2)
                          : i == 1 ? bide_queue_new(int_queue, 1, .order = BIDE_LIFO)
                                   : bide_queue_new(int_queue, 3, .compare = smaller);
        for (int i = 0; i < PLAYERS; i++)
            all[i] = bide_create_task(bide_coro(player, &p));
        for (int i = 0; i < 300; i++) {
            if (draw(&p, 2))
                bide_task_cancel(all[draw(&p, PLAYERS)]);
            BIDE_IGNORE(bide_sleep_ms(draw(&p, 4) == 0));
            check(&p);
        }
        p.ends = true;
        BIDE_IGNORE(bide_gather_n(all, PLAYERS));
        check(&p);
        for (int i = 0; i < PLAYERS; i++)
            bide_release(all[i]);
        for (int i = 0, item; i < QUEUES; i++) {
            while (bide_queue_get_nowait(p.queues[i], &item) == 0)
                p.sum -= item;
            bide_release(BIDE_QUEUE(p.queues[i]));
        }
        EXPECT_EQ(p.sum, 0); /* the very items */
        EXPECT_LE(50, p.put);
        EXPECT_LE(5, p.cancelled);
    }
}

/* A task that was woken and waits again has a share for all of that time. */
TEST(queue_released_while_a_woken_task_has_to_wait_again_lives_until_that_ends)
{
    int_queue *q = bide_queue_new(int_queue, 1);
    int item = 1;
    EXPECT_EQ(bide_queue_put(q, &item), 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(putter, q, "put", 2));
    turn();
    EXPECT_EQ(bide_queue_get_nowait(q, &item), 0);
    EXPECT_EQ(bide_queue_put_nowait(q, &item), 0); /* faster than the task */
    bide_release(bide_take(q));
    turn();
    turn();
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_TRUE(bide_task_cancel(t));
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
}

static int chooser(int_queue *q, int_queue *other)
{
    int a, b, result;
    return bide_select(&result, bide_queue_get_awaitable(q, &a), bide_queue_get_awaitable(other, &b));
}

TEST(queue_released_while_a_woken_choice_has_to_wait_again_lives_until_that_ends)
{
    int_queue *q = bide_queue_new(int_queue, 1);
    bide_auto int_queue *other = bide_queue_new(int_queue, 1);
    int item = 1;
    bide_auto bide_task *t = bide_create_task(bide_coro(chooser, q, other));
    turn();
    EXPECT_EQ(bide_queue_put_nowait(q, &item), 0);
    EXPECT_EQ(bide_queue_get_nowait(q, &item), 0);
    bide_release(bide_take(q));
    turn();
    turn();
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_EQ(bide_queue_put_nowait(other, &item), 0);
    EXPECT_EQ(bide_await(t), 1);
}
