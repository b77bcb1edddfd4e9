/* SPDX-License-Identifier: MIT */
/* test_channel.c - items on their way between the loops of several threads. */
#include <bide/channel.h>
#include <bide/select.h>
#include <bide/several.h>
#include <bide/sync.h>

#include <pthread.h>

#include "../core/trace.h"

BIDE_CHANNEL_TYPE(int_channel, int);

static void turn(void)
{
    BIDE_IGNORE(bide_sleep_ms(0));
}

static int sender(int_channel *c, int item)
{
    return bide_channel_send(c, &item);
}

static int receiver(int_channel *c)
{
    int item = -1, code = bide_channel_receive(c, &item);
    return code < 0 ? code : item;
}

/* ---- in one loop ---- */

TEST(channel_hands_out_in_order_and_waits_when_full_or_empty)
{
    bide_auto int_channel *c = bide_channel_new(int_channel, 2);
    bide_auto bide_task *r = bide_create_task(bide_coro(receiver, c));
    turn();
    for (int i = 1; i <= 3; i++)
        EXPECT_EQ(bide_channel_send(c, &i), 0);
    EXPECT_EQ(bide_await(r), 1);
    EXPECT_ERR(bide_channel_send_nowait(c, &(int){4}), -EAGAIN);
    bide_auto bide_task *s = bide_create_task(bide_coro(sender, c, 4));
    turn();
    EXPECT_FALSE(bide_task_done(s));
    EXPECT_EQ(receiver(c), 2);
    EXPECT_EQ(bide_await(s), 0);
    EXPECT_EQ(receiver(c), 3);
    EXPECT_EQ(receiver(c), 4);
    EXPECT_ERR(bide_channel_receive_nowait(c, &(int){0}), -EAGAIN);
}

TEST(channel_closed_hands_out_what_it_has)
{
    bide_auto int_channel *c = bide_channel_new(int_channel, 1);
    EXPECT_EQ(sender(c, 5), 0);
    bide_auto bide_task *s = bide_create_task(bide_coro(sender, c, 6));
    turn();
    EXPECT_EQ(bide_channel_close(c), 0);
    EXPECT_ERR(bide_await(s), BIDE_ECLOSED);
    EXPECT_EQ(receiver(c), 5);
    EXPECT_ERR(receiver(c), BIDE_ECLOSED);
    EXPECT_STR(bide_error_text(), "bide_channel_receive: the channel was closed, and is empty");
    EXPECT_ERR(sender(c, 1), BIDE_ECLOSED);

    bide_auto int_channel *d = bide_channel_new(int_channel, 1);
    bide_auto bide_task *r = bide_create_task(bide_coro(receiver, d));
    turn();
    bide_channel_close(d);
    EXPECT_ERR(bide_await(r), BIDE_ECLOSED);
}

TEST(channel_receive_cancelled_when_woken_passes_it_on)
{
    bide_auto int_channel *c = bide_channel_new(int_channel, 1);
    bide_auto bide_task *a = bide_create_task(bide_coro(receiver, c));
    bide_auto bide_task *b = bide_create_task(bide_coro(receiver, c));
    turn();
    EXPECT_EQ(sender(c, 9), 0);
    bide_task_cancel(a);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    EXPECT_EQ(bide_await(b), 9);
}

TEST(channel_is_one_of_several_to_choose_from, .real_time = true)
{
    bide_auto int_channel *c = bide_channel_new(int_channel, 1);
    bide_event stop = {0};
    int item = 0;
    EXPECT_EQ(bide_select(NULL, bide_channel_receive_awaitable(c, &item), bide_sleep_awaitable(2)), 1);
    EXPECT_EQ(bide_select(NULL, bide_event_awaitable(&stop), bide_channel_send_awaitable(c, &(int){3})), 1);
    EXPECT_EQ(bide_select(NULL, bide_event_awaitable(&stop), bide_channel_receive_awaitable(c, &item)), 1);
    EXPECT_EQ(item, 3);
}

TEST(channel_refuses_what_is_none)
{
    int_channel *none = NULL;
    bide_auto int_channel *c = bide_channel_new(int_channel, 1);
    EXPECT_ERR(sender(none, 1), -EINVAL);
    EXPECT_ERR(bide_channel_close(none), -EINVAL);
    EXPECT_NULL(bide_channel_new_with(0, &(bide_channel_args){.size = sizeof(bide_channel_args), .capacity = 1}));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_ERR(bide_channel_receive(c, (int *)NULL), -EINVAL);
    EXPECT_ERR(bide_channel_send_item(BIDE_CHANNEL(c), "ab", 2), -EINVAL);
    EXPECT_TRUE(bide_channel_new(int_channel, 0) == NULL);
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_TRUE(bide_channel_new(int_channel, BIDE_CHANNEL_BYTES) == NULL);
    EXPECT_EQ(bide_error_code(), BIDE_ELIMIT);
}

static int choose_twice(int_channel *c)
{
    int a, b;
    return bide_select(NULL, bide_channel_receive_awaitable(c, &a), bide_channel_receive_awaitable(c, &b));
}

TEST(channel_chosen_from_twice_and_cancelled_when_woken_passes_the_item_on)
{
    bide_auto int_channel *c = bide_channel_new(int_channel, 1);
    bide_auto bide_task *a = bide_create_task(bide_coro(choose_twice, c));
    bide_auto bide_task *b = bide_create_task(bide_coro(receiver, c));
    turn();
    EXPECT_EQ(sender(c, 7), 0);
    bide_task_cancel(a);
    EXPECT_ERR(bide_await(a), BIDE_ECANCELED);
    EXPECT_EQ(bide_await(b), 7);
}

/* As a binding calls them. */
TEST(channel_without_types_is_one_of_bytes)
{
    bide_auto bide_channel *c = bide_channel_new_with(2, &(bide_channel_args){.size = sizeof(bide_channel_args), .capacity = 1});
    char item[2];
    EXPECT_EQ(bide_channel_send_item_nowait(c, "a", 2), 0);
    EXPECT_EQ(bide_channel_receive_item(c, item, 2), 0);
    EXPECT_EQ(bide_await(bide_channel_send_item_awaitable(c, "b", 2)), 0);
    EXPECT_EQ(bide_await(bide_channel_receive_item_awaitable(c, item, 2)), 0);
    EXPECT_STR(item, "b");
    EXPECT_ERR(bide_channel_receive_item_nowait(c, item, 2), -EAGAIN);
    EXPECT_EQ(bide_channel_finish(c), 0);
}

static int freed;

static void count_freed(void *item)
{
    freed += *(int *)item;
}

TEST(channel_lives_until_its_last_share_and_frees_what_nobody_took)
{
    int_channel *c = bide_channel_new(int_channel, 4, .item_free = count_freed);
    bide_channel *share = bide_retain(BIDE_CHANNEL(c));
    EXPECT_EQ(sender(c, 3) + sender(c, 4), 0);
    bide_release(BIDE_CHANNEL(c));
    EXPECT_EQ(freed, 0);
    bide_release(share);
    EXPECT_EQ(freed, 7);
}

/* ---- between threads ---- */

enum { THREADS = 4, EACH = 500 };

struct play {
    int_channel *c;
    unsigned seed;
    long long sent, received, sum_sent, sum_received; /* of this thread */
    bool sends;
};

static unsigned draw(struct play *p, unsigned below)
{
    p->seed = p->seed * 1103515245u + 12345u;
    return (p->seed >> 16) % below;
}

static int send_many(struct play *p)
{
    for (int i = 0; i < EACH;) {
        int item = (int)draw(p, 1000), code = 0;
        if (draw(p, 3) == 0)
            bide_timeout(1)
                code = bide_channel_send(p->c, &item);
        else
            code = bide_channel_send(p->c, &item);
        if (code == 0) {
            p->sent++;
            p->sum_sent += item;
            i++;
        } else if (code != BIDE_ETIMEDOUT) {
            return code;
        }
    }
    return 0;
}

/* Two tasks a thread, which are cancelled now and then. */
static int receive_many(struct play *p)
{
    for (;;) {
        int item = 0, result = 0;
        int which = bide_select(&result, bide_channel_receive_awaitable(p->c, &item), bide_sleep_awaitable(draw(p, 3)));
        if (which < 0 && which != BIDE_ECANCELED)
            return which;
        if (which != 0)
            continue;
        if (result < 0)
            return result == BIDE_ECLOSED ? 0 : result;
        p->received++;
        p->sum_received += item;
    }
}

static int receive_all(struct play *p)
{
    bide_auto bide_task *a = bide_create_task(bide_coro(receive_many, p));
    bide_auto bide_task *b = bide_create_task(bide_coro(receive_many, p));
    while (!bide_task_done(a) || !bide_task_done(b)) {
        bide_task_cancel(draw(p, 2) ? a : b);
        BIDE_IGNORE(bide_sleep_ms(draw(p, 2)));
    }
    return 0;
}

static void *run(void *arg)
{
    struct play *p = arg;
    int code = p->sends ? bide_run(bide_coro(send_many, p)) : bide_run(bide_coro(receive_all, p));
    (bide_release)(p->c);
    return code < 0 ? p : NULL;
}

UNIT(channel_between_threads_loses_nothing_under_random_cancellation, .seconds = 60)
{
    int_channel *c = bide_channel_new(int_channel, 3);
    struct play plays[2 * THREADS];
    pthread_t threads[2 * THREADS];
    long long sent = 0, received = 0, sum = 0;
    for (unsigned i = 0; i < 2 * THREADS; i++) {
        plays[i] = (struct play){.c = (int_channel *)(void *)bide_retain(BIDE_CHANNEL(c)), .seed = i + 1, .sends = i < THREADS};
        EXPECT_EQ(pthread_create(&threads[i], NULL, run, &plays[i]), 0);
    }
    for (int i = 0; i < 2 * THREADS; i++) {
        void *failed = NULL;
        if (i == THREADS)
            EXPECT_EQ(bide_channel_close(c), 0); /* all of the senders have ended */
        pthread_join(threads[i], &failed);
        EXPECT_TRUE(failed == NULL);
        sent += plays[i].sent;
        received += plays[i].received;
        sum += plays[i].sum_sent - plays[i].sum_received;
    }
    EXPECT_EQ(sent, THREADS * EACH);
    EXPECT_EQ(received, sent);
    EXPECT_EQ(sum, 0);
    bide_release(BIDE_CHANNEL(c));
}

static void *send_from_thread(void *channel)
{
    int_channel *c = channel;
    for (int i = 0; i < 100; i++)
        while (bide_channel_send_nowait(c, &i) == -EAGAIN)
            ;
    bide_channel_close(c);
    return NULL;
}

/* A thread without a loop sends. */
TEST(channel_from_a_plain_thread_wakes_the_loop, .real_time = true)
{
    bide_auto int_channel *c = bide_channel_new(int_channel, 8);
    pthread_t thread;
    EXPECT_EQ(pthread_create(&thread, NULL, send_from_thread, c), 0);
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(receiver(c), i);
    EXPECT_ERR(receiver(c), BIDE_ECLOSED);
    pthread_join(thread, NULL);
}

static int receives_one(int_channel *c)
{
    int item;
    return bide_channel_receive(c, &item);
}

TEST(channel_released_while_a_woken_task_has_to_wait_again_lives_until_that_ends)
{
    int_channel *c = bide_channel_new(int_channel, 1);
    int item = 1;
    bide_auto bide_task *t = bide_create_task(bide_coro(receives_one, c));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_EQ(bide_channel_send_nowait(c, &item), 0);
    EXPECT_EQ(bide_channel_receive_nowait(c, &item), 0);
    bide_release(bide_take(c));
    for (int i = 0; i < 4; i++)
        BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_TRUE(bide_task_cancel(t));
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
}
