/* SPDX-License-Identifier: MIT */
/* test_broadcast.c - each item to each receiver, between the loops of several threads. */
#include <bide/broadcast.h>
#include <bide/select.h>
#include <bide/sync.h>

#include <pthread.h>

#include "base/heap/heap.h"
#include "../core/trace.h"

struct item {
    int from, number;
};
BIDE_BROADCAST_TYPE(int_news, int);
BIDE_BROADCAST_TYPE(item_news, struct item);

static void turn(void)
{
    BIDE_IGNORE(bide_sleep_ms(0));
}

static int receiver(int_news_receiver *r)
{
    int item = -1, code = bide_broadcast_receive(r, &item);
    return code < 0 ? code : item;
}

/* ---- in one loop ---- */

TEST(broadcast_gives_each_item_to_each_receiver_in_order)
{
    bide_auto int_news *all = bide_broadcast_new(int_news, 4);
    EXPECT_EQ(bide_broadcast_send(all, &(int){1}), 0); /* nobody listens */
    bide_auto int_news_receiver *a = bide_broadcast_subscribe(all);
    bide_auto int_news_receiver *b = bide_broadcast_subscribe(all);
    bide_auto bide_task *waits_a = bide_create_task(bide_coro(receiver, a));
    bide_auto bide_task *waits_b = bide_create_task(bide_coro(receiver, b));
    turn();
    for (int i = 2; i <= 4; i++)
        EXPECT_EQ(bide_broadcast_send(all, &i), 2);
    EXPECT_EQ(bide_await(waits_a), 2);
    EXPECT_EQ(bide_await(waits_b), 2);
    for (int i = 3; i <= 4; i++) {
        EXPECT_EQ(receiver(a), i);
        EXPECT_EQ(receiver(b), i);
    }
    EXPECT_ERR(bide_broadcast_receive_nowait(a, &(int){0}), -EAGAIN);
    bide_auto int_news_receiver *late = bide_broadcast_subscribe(all);
    EXPECT_ERR(bide_broadcast_receive_nowait(late, &(int){0}), -EAGAIN);
}

TEST(broadcast_tells_who_lags_how_many_were_missed)
{
    bide_auto int_news *all = bide_broadcast_new(int_news, 3);
    bide_auto int_news_receiver *slow = bide_broadcast_subscribe(all);
    bide_auto int_news_receiver *fast = bide_broadcast_subscribe(all);
    EXPECT_EQ(bide_broadcast_missed(slow), 0);
    for (int i = 1; i <= 8; i++) {
        EXPECT_EQ(bide_broadcast_send(all, &i), 2);
        EXPECT_EQ(receiver(fast), i);
    }
    EXPECT_ERR(receiver(slow), BIDE_ELAGGED);
    EXPECT_STR(bide_error_text(), "bide_broadcast_receive: too late for 5 items");
    EXPECT_EQ(bide_broadcast_missed(slow), 5);
    for (int i = 6; i <= 8; i++)
        EXPECT_EQ(receiver(slow), i);
    EXPECT_EQ(bide_broadcast_missed(fast), 0);
    for (int i = 9; i <= 12; i++)
        EXPECT_EQ(bide_broadcast_send(all, &i), 2);
    EXPECT_ERR(bide_broadcast_receive_nowait(slow, &(int){0}), BIDE_ELAGGED);
    EXPECT_EQ(bide_broadcast_missed(slow), 1);
    EXPECT_EQ(receiver(slow), 10);
}

TEST(broadcast_closed_gives_what_it_has_then_says_so)
{
    bide_auto int_news *all = bide_broadcast_new(int_news, 3);
    bide_auto int_news_receiver *a = bide_broadcast_subscribe(all);
    bide_auto int_news_receiver *b = bide_broadcast_subscribe(all);
    EXPECT_EQ(bide_broadcast_send(all, &(int){5}), 2);
    EXPECT_EQ(receiver(b), 5);
    bide_auto bide_task *waits = bide_create_task(bide_coro(receiver, b));
    turn();
    EXPECT_EQ(bide_broadcast_close(all), 0);
    EXPECT_EQ(bide_broadcast_close(all), 0);
    EXPECT_ERR(bide_await(waits), BIDE_ECLOSED);
    EXPECT_EQ(receiver(a), 5);
    EXPECT_ERR(receiver(a), BIDE_ECLOSED);
    EXPECT_STR(bide_error_text(), "bide_broadcast_receive: the broadcast was closed, and all is received");
    EXPECT_ERR(bide_broadcast_send(all, &(int){6}), BIDE_ECLOSED);
    bide_auto int_news_receiver *late = bide_broadcast_subscribe(all);
    EXPECT_ERR(receiver(late), BIDE_ECLOSED);
}

TEST(broadcast_ends_with_its_last_share_and_its_receivers_live_on)
{
    int_news *all = bide_broadcast_new(int_news, 3);
    bide_broadcast *share = bide_retain(BIDE_BROADCAST(all));
    bide_auto int_news_receiver *r = bide_broadcast_subscribe(all);
    EXPECT_EQ(bide_broadcast_send(all, &(int){5}), 1);
    bide_release(BIDE_BROADCAST(all));
    EXPECT_EQ(bide_broadcast_send_item(share, &(int){6}, sizeof(int)), 1);
    bide_release(share);
    EXPECT_EQ(receiver(r), 5);
    EXPECT_EQ(receiver(r), 6);
    EXPECT_ERR(receiver(r), BIDE_ECLOSED);
}

TEST(broadcast_receiver_released_while_a_task_waits_lives_until_that_has_ended)
{
    bide_auto int_news *all = bide_broadcast_new(int_news, 3);
    int_news_receiver *r = bide_broadcast_subscribe(all);
    bide_auto bide_task *waits = bide_create_task(bide_coro(receiver, r));
    turn();
    bide_release(BIDE_RECEIVER(r));
    EXPECT_EQ(bide_broadcast_send(all, &(int){1}), 1);
    EXPECT_EQ(bide_await(waits), 1);
    EXPECT_EQ(bide_broadcast_send(all, &(int){2}), 0);
}

TEST(broadcast_receive_cancelled_when_woken_has_taken_nothing)
{
    bide_auto int_news *all = bide_broadcast_new(int_news, 3);
    bide_auto int_news_receiver *r = bide_broadcast_subscribe(all);
    bide_auto bide_task *a = bide_create_task(bide_coro(receiver, r));
    bide_auto bide_task *b = bide_create_task(bide_coro(receiver, r)); /* of the same: one of both gets it */
    turn();
    EXPECT_EQ(bide_broadcast_send(all, &(int){9}), 1);
    bide_task_cancel(a);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    EXPECT_EQ(bide_await(b), 9);

    bide_auto bide_task *c = bide_create_task(bide_coro(receiver, r));
    turn();
    bide_task_cancel(c);
    EXPECT_ERR(bide_await(c), BIDE_ECANCELED);
    EXPECT_EQ(bide_broadcast_send(all, &(int){10}), 1);
    EXPECT_EQ(receiver(r), 10);
}

TEST(broadcast_is_one_of_several_to_choose_from, .real_time = true)
{
    bide_auto int_news *all = bide_broadcast_new(int_news, 1);
    bide_auto int_news_receiver *r = bide_broadcast_subscribe(all);
    bide_event stop = {0};
    int item = 0, code = 0;
    EXPECT_EQ(bide_select(NULL, bide_broadcast_receive_awaitable(r, &item), bide_sleep_awaitable(2)), 1);
    EXPECT_EQ(bide_broadcast_send(all, &(int){3}), 1);
    EXPECT_EQ(bide_select(NULL, bide_event_awaitable(&stop), bide_broadcast_receive_awaitable(r, &item)), 1);
    EXPECT_EQ(item, 3);
    for (int i = 4; i <= 6; i++)
        EXPECT_EQ(bide_broadcast_send(all, &i), 1);
    bide_event_set(&stop); /* and nothing is missed because of it */
    EXPECT_EQ(bide_select(NULL, bide_event_awaitable(&stop), bide_broadcast_receive_awaitable(r, &item)), 0);
    EXPECT_EQ(bide_broadcast_missed(r), 0);
    EXPECT_EQ(bide_select(&code, bide_broadcast_receive_awaitable(r, &item), bide_event_awaitable(&stop)), 0);
    EXPECT_EQ(code, BIDE_ELAGGED);
    EXPECT_EQ(bide_broadcast_missed(r), 2);
    EXPECT_EQ(receiver(r), 6);
}

TEST(broadcast_refuses_what_is_none)
{
    int_news *none = NULL;
    int_news_receiver *nobody = NULL;
    bide_auto int_news *all = bide_broadcast_new(int_news, 1);
    bide_auto int_news_receiver *r = bide_broadcast_subscribe(all);
    EXPECT_ERR(bide_broadcast_send(none, &(int){1}), -EINVAL);
    EXPECT_ERR(bide_broadcast_close(none), -EINVAL);
    EXPECT_TRUE(bide_broadcast_subscribe(none) == NULL);
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_ERR(receiver(nobody), -EINVAL);
    bide_error_clear();
    EXPECT_EQ(bide_broadcast_missed(nobody), 0);
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_ERR(bide_broadcast_receive(r, (int *)NULL), -EINVAL);
    EXPECT_ERR(bide_broadcast_send(all, (int *)NULL), -EINVAL);
    EXPECT_TRUE(bide_broadcast_new(int_news, 0) == NULL);
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_TRUE(bide_broadcast_new(int_news, BIDE_BROADCAST_BYTES) == NULL);
    EXPECT_EQ(bide_error_code(), BIDE_ELIMIT);
}

/* As a binding calls them. */
TEST(broadcast_without_types_is_one_of_bytes)
{
    bide_auto bide_broadcast *all = bide_broadcast_new_of(2, 1);
    bide_auto bide_receiver *r = bide_broadcast_subscribe_to(all);
    char item[2];
    EXPECT_ERR(bide_broadcast_send_item(all, "ab", 3), -EINVAL);
    EXPECT_EQ(bide_broadcast_send_item(all, "a", 2), 1);
    EXPECT_ERR(bide_broadcast_receive_item(r, item, 1), -EINVAL);
    EXPECT_EQ(bide_broadcast_receive_item(r, item, 2), 0);
    EXPECT_STR(item, "a");
    EXPECT_EQ(bide_broadcast_send_item(all, "b", 2), 1);
    EXPECT_EQ(bide_await(bide_broadcast_receive_item_awaitable(r, item, 2)), 0);
    EXPECT_STR(item, "b");
    EXPECT_ERR(bide_broadcast_receive_item_nowait(r, item, 2), -EAGAIN);
    EXPECT_EQ(bide_receiver_missed(r), 0);
    EXPECT_EQ(bide_broadcast_finish(all), 0);
}

static int make_and_use(void)
{
    bide_auto int_news *all = BIDE_TRY_PTR(bide_broadcast_new(int_news, 2));
    bide_auto int_news_receiver *r = BIDE_TRY_PTR(bide_broadcast_subscribe(all));
    BIDE_TRY(bide_broadcast_send(all, &(int){4}));
    return receiver(r);
}

TEST(broadcast_out_of_memory_says_so_and_keeps_nothing)
{
    EXPECT_EQ(make_and_use(), 4);
    for (long n = 0;; n++) {
        size_t before = bide__alloc_live();
        bide__alloc_fail_at(n);
        int code = make_and_use();
        bool enough = bide__alloc_fail_at(-1);
        EXPECT_EQ(bide__alloc_live(), before);
        EXPECT_EQ(code, enough ? 4 : BIDE_ENOMEM);
        if (enough) {
            EXPECT_EQ(n, 3); /* the ring, the broadcast, the receiver; sending and receiving need none */
            break;
        }
    }
}

/* ---- between threads ---- */

enum { SENDERS = 3, LISTENERS = 3, EACH = 2000 };

struct play {
    item_news *all;           /* of one that sends */
    item_news_receiver *mine; /* of one that listens */
    int self;
    unsigned seed;
    int code;
    long long received, missed, last[SENDERS];
};

static unsigned draw(struct play *p, unsigned below)
{
    p->seed = p->seed * 1103515245u + 12345u;
    return (p->seed >> 16) % below;
}

static int send_many(struct play *p)
{
    for (int i = 1; i <= EACH; i++) {
        BIDE_TRY(bide_broadcast_send(p->all, &(struct item){.from = p->self, .number = i}));
        if (draw(p, 64) == 0)
            BIDE_TRY(bide_sleep_ms(draw(p, 2)));
    }
    return 0;
}

static int take(struct play *p, int code, const struct item *item)
{
    if (code == BIDE_ELAGGED)
        p->missed += (long long)bide_broadcast_missed(p->mine);
    if (code < 0)
        return code == BIDE_ELAGGED || code == BIDE_ECANCELED ? 0 : code;
    if (item->number <= p->last[item->from])
        return -EPROTO; /* twice, or out of order */
    p->last[item->from] = item->number;
    p->received++;
    return 0;
}

static int listen_in_task(struct play *p)
{
    int code = 0;
    while (code == 0) {
        struct item item = {0};
        int result = 0;
        if (draw(p, 2) == 0) {
            code = take(p, bide_broadcast_receive(p->mine, &item), &item);
            continue;
        }
        int which = bide_select(&result, bide_broadcast_receive_awaitable(p->mine, &item), bide_sleep_awaitable(draw(p, 3)));
        if (which == 0)
            code = take(p, result, &item);
        else if (which < 0 && which != BIDE_ECANCELED)
            code = which;
    }
    p->code = code; /* its outcome may be that of a cancellation which came too late */
    return 0;
}

static int listen_and_be_cancelled(struct play *p)
{
    bide_auto bide_task *t = BIDE_TRY_PTR(bide_create_task(bide_coro(listen_in_task, p)));
    turn(); /* it begins */
    while (!bide_task_done(t)) {
        bide_task_cancel(t);
        BIDE_IGNORE(bide_sleep_ms(draw(p, 2)));
    }
    return p->code == BIDE_ECLOSED ? 0 : -EPROTO;
}

static void *run(void *arg)
{
    struct play *p = arg;
    int code = p->all ? bide_run(bide_coro(send_many, p)) : bide_run(bide_coro(listen_and_be_cancelled, p));
    if (p->all)
        bide_release(BIDE_BROADCAST(p->all)); /* the last one closes it */
    else
        bide_release(BIDE_RECEIVER(p->mine));
    return code < 0 ? p : NULL;
}

static void play(size_t capacity, bool may_miss)
{
    item_news *all = bide_broadcast_new(item_news, capacity);
    struct play plays[SENDERS + LISTENERS] = {{0}};
    pthread_t threads[SENDERS + LISTENERS];
    for (int i = SENDERS + LISTENERS - 1; i >= 0; i--) { /* those that listen first */
        plays[i].self = i;
        plays[i].seed = (unsigned)i + 1;
        if (i < SENDERS)
            plays[i].all = bide_retain(BIDE_BROADCAST(all));
        else
            plays[i].mine = bide_broadcast_subscribe(all);
        EXPECT_EQ(pthread_create(&threads[i], NULL, run, &plays[i]), 0);
    }
    bide_release(BIDE_BROADCAST(all));
    for (int i = 0; i < SENDERS + LISTENERS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        EXPECT_TRUE(failed == NULL);
        if (i >= SENDERS) {
            EXPECT_EQ(plays[i].received + plays[i].missed, SENDERS * EACH);
            EXPECT_TRUE(may_miss || plays[i].missed == 0);
        }
    }
}

UNIT(broadcast_between_threads_loses_nothing_under_random_cancellation, .seconds = 60)
{
    play(SENDERS * EACH, false);
}

UNIT(broadcast_between_threads_counts_what_was_missed_under_random_cancellation, .seconds = 60)
{
    play(3, true);
}

static void *send_from_thread(void *broadcast)
{
    int_news *all = broadcast;
    for (int i = 0; i < 100; i++)
        BIDE_IGNORE(bide_broadcast_send(all, &i));
    bide_broadcast_close(all);
    return NULL;
}

/* A thread without a loop sends. */
TEST(broadcast_from_a_plain_thread_wakes_the_loop, .real_time = true)
{
    bide_auto int_news *all = bide_broadcast_new(int_news, 100);
    bide_auto int_news_receiver *r = bide_broadcast_subscribe(all);
    pthread_t thread;
    EXPECT_EQ(pthread_create(&thread, NULL, send_from_thread, all), 0);
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(receiver(r), i);
    EXPECT_ERR(receiver(r), BIDE_ECLOSED);
    pthread_join(thread, NULL);
}
