/* SPDX-License-Identifier: MIT */
/*
 * test_situations.c - a table: each function, and what it gives where no loop runs, in a callback, after the loop was closed, in
 * another thread and in a child of fork().  A value (a lock, an event) of a closed loop is free for the next; a queue is not.
 */
#include <bide/broadcast.h>
#include <bide/channel.h>
#include <bide/queue.h>
#include <bide/sync.h>

#include "harness/situations.h"
#include "../core/trace.h"

BIDE_QUEUE_TYPE(int_queue, int);
BIDE_CHANNEL_TYPE(int_channel, int);
BIDE_BROADCAST_TYPE(int_news, int);

/* What belongs to the loop of the test. */
static struct {
    int_queue *queue;
    int_channel *channel;
    int_news *news;
    int_news_receiver *receiver;
    bide_lock lock;
    bide_event event;
    bide_semaphore semaphore;
    bide_condition condition;
    bide_barrier barrier;
} theirs;

static int lock_acquire(void) { int code = bide_lock_acquire(&theirs.lock); return code < 0 ? code : bide_lock_release(&theirs.lock); }
static int lock_release(void) { return bide_lock_release(&theirs.lock); }
static int lock_look(void) { BIDE_IGNORE(bide_lock_is_held(&theirs.lock)); return bide_error_code(); }
static int event_wait(void) { return bide_event_wait(&theirs.event); }
static int event_set(void) { return bide_event_set(&theirs.event); }
static int event_look(void) { BIDE_IGNORE(bide_event_is_set(&theirs.event)); return bide_error_code(); }
static int semaphore_acquire(void)
{
    int code = bide_semaphore_acquire(&theirs.semaphore);
    return code < 0 ? code : bide_semaphore_release(&theirs.semaphore);
}
static int semaphore_release(void) { return bide_semaphore_release(&theirs.semaphore); }
static int semaphore_look(void) { BIDE_IGNORE(bide_semaphore_is_locked(&theirs.semaphore)); return bide_error_code(); }
static int condition_wait(void) { return bide_condition_wait(&theirs.condition); }
static int condition_notify(void) { return bide_condition_notify_all(&theirs.condition); }
static int barrier_look(void)
{
    BIDE_IGNORE(bide_barrier_waiting(&theirs.barrier));
    BIDE_IGNORE(bide_barrier_is_broken(&theirs.barrier));
    return bide_error_code();
}
static int barrier_reset(void) { return bide_barrier_reset(&theirs.barrier); }
static int queue_new(void)
{
    int_queue *q = bide_queue_new(int_queue, 1);
    if (!q)
        return bide_error_code();
    bide_release(BIDE_QUEUE(q));
    return 0;
}
static int queue_put(void) { return bide_queue_put(theirs.queue, &(int){1}); }
static int queue_put_nowait(void) { return bide_queue_put_nowait(theirs.queue, &(int){1}); }
static int queue_get(void) { int item; return bide_queue_get(theirs.queue, &item); }
static int queue_get_nowait(void) { int item; return bide_queue_get_nowait(theirs.queue, &item); }
static int queue_len(void) { BIDE_IGNORE(bide_queue_len(theirs.queue)); return bide_error_code(); }
static int queue_join(void) { return bide_queue_join(theirs.queue); }
static int queue_done(void) { return bide_queue_task_done(theirs.queue); }
static int queue_shutdown(void) { return bide_queue_shutdown(theirs.queue); }

static int channel_new(void)
{
    int_channel *c = bide_channel_new(int_channel, 1);
    if (!c)
        return bide_error_code();
    bide_release(BIDE_CHANNEL(c));
    return 0;
}
static int channel_send(void) { return bide_channel_send(theirs.channel, &(int){1}); }
static int channel_receive(void) { int item; return bide_channel_receive(theirs.channel, &item); }
static int channel_nowait(void)
{
    int item, code = bide_channel_send_nowait(theirs.channel, &(int){1});
    return code < 0 ? code : bide_channel_receive_nowait(theirs.channel, &item);
}

static int broadcast_new(void)
{
    int_news *b = bide_broadcast_new(int_news, 1);
    if (!b)
        return bide_error_code();
    bide_release(BIDE_BROADCAST(b));
    return 0;
}
static int broadcast_subscribe(void)
{
    int_news_receiver *r = bide_broadcast_subscribe(theirs.news);
    if (!r)
        return bide_error_code();
    bide_release(BIDE_RECEIVER(r));
    return 0;
}
static int broadcast_send(void) { int n = bide_broadcast_send(theirs.news, &(int){1}); return n < 0 ? n : 0; }
static int broadcast_receive(void) { int item; return bide_broadcast_receive(theirs.receiver, &item); }
static int broadcast_nowait(void)
{
    int item, code = broadcast_send();
    return code < 0 ? code : bide_broadcast_receive_nowait(theirs.receiver, &item);
}
static int broadcast_missed(void) { BIDE_IGNORE(bide_broadcast_missed(theirs.receiver)); return bide_error_code(); }

static void release_theirs(void)
{
    bide_release(BIDE_QUEUE(theirs.queue));
    bide_release(BIDE_CHANNEL(theirs.channel));
    bide_release(BIDE_RECEIVER(theirs.receiver));
    bide_release(BIDE_BROADCAST(theirs.news));
}

static const struct situation_row rows[] = {
    {"bide_broadcast_new", broadcast_new, {W, W, W, W, W, W}},
    {"bide_broadcast_subscribe", broadcast_subscribe, {NEVER, W, W, W, BIDE_ESTATE, W}},
    {"bide_broadcast_send", broadcast_send, {NEVER, W, W, W, BIDE_ESTATE, W}},
    {"bide_broadcast_receive", broadcast_receive, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, W}},
    {"bide_broadcast_receive_nowait", broadcast_nowait, {NEVER, W, W, W, BIDE_ESTATE, W}},
    {"bide_broadcast_missed", broadcast_missed, {NEVER, W, W, W, BIDE_ESTATE, W}},
    {"bide_channel_new", channel_new, {W, W, W, W, W, W}},
    {"bide_channel_send", channel_send, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, W}},
    {"bide_channel_receive", channel_receive, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, W}},
    {"bide_channel_send_nowait", channel_nowait, {NEVER, W, W, W, BIDE_ESTATE, W}},
    {"bide_queue_new", queue_new, {W, W, W, W, W, W}},
    /* Values; "no loop" has those of nobody. */
    {"bide_lock_acquire", lock_acquire, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_lock_release", lock_release, {BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_lock_is_held", lock_look, {W, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_event_wait", event_wait, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_event_set", event_set, {W, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_event_is_set", event_look, {W, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_semaphore_acquire", semaphore_acquire, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_semaphore_release", semaphore_release, {W, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_semaphore_is_locked", semaphore_look, {W, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_condition_wait", condition_wait, {BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_condition_notify_all", condition_notify, {BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_barrier_waiting", barrier_look, {W, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_barrier_reset", barrier_reset, {-EINVAL, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, W}},
    /* A queue of a closed loop can be looked at, and emptied. */
    {"bide_queue_put_nowait", queue_put_nowait, {NEVER, W, BIDE_ECLOSED, BIDE_ESTATE, BIDE_ESTATE, BIDE_ECLOSED}},
    {"bide_queue_put", queue_put, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_queue_len", queue_len, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_queue_get", queue_get, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_queue_get_nowait", queue_get_nowait, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_queue_join", queue_join, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_queue_task_done", queue_done, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_queue_shutdown", queue_shutdown, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
};

static void check_all(enum situation s)
{
    situation_check(rows, sizeof rows / sizeof *rows, s);
}

static int use(void)
{
    theirs.semaphore = (bide_semaphore)BIDE_SEMAPHORE(1);
    theirs.barrier = (bide_barrier)BIDE_BARRIER(1);
    theirs.queue = bide_queue_new(int_queue, 10);
    theirs.channel = bide_channel_new(int_channel, 10);
    theirs.news = bide_broadcast_new(int_news, 10);
    theirs.receiver = bide_broadcast_subscribe(theirs.news);
    for (int i = 0; i < 2; i++)
        BIDE_TRY(bide_queue_put(theirs.queue, &i));
    BIDE_TRY(bide_event_set(&theirs.event));
    BIDE_TRY(lock_acquire());
    BIDE_TRY(semaphore_acquire());
    bide_lock *l = bide_condition_lock(&theirs.condition);
    BIDE_TRY(bide_lock_acquire(l));
    BIDE_TRY(bide_condition_notify_all(&theirs.condition));
    BIDE_TRY(bide_lock_release(l));
    return bide_barrier_wait(&theirs.barrier);
}

UNIT(situation_without_a_loop_follows_the_contracts)
{
    check_all(NO_LOOP);
}

static void in_callback(bide_future *f, void *arg)
{
    (void)f;
    *(int *)arg += 1;
    check_all(CALLBACK);
}

TEST(situation_in_a_done_callback_follows_the_contracts)
{
    int calls = 0;
    bide_auto bide_future *f = bide_future_new();
    EXPECT_EQ(use(), 0);
    EXPECT_EQ(bide_future_add_done_callback(f, in_callback, &calls), 0);
    EXPECT_EQ(bide_future_set_result(f, 0), 0);
    BIDE_IGNORE(bide_sleep_ms(5));
    EXPECT_EQ(calls, 1);
    release_theirs();
}

UNIT(situation_after_the_loop_was_closed_follows_the_contracts)
{
    EXPECT_EQ(bide_run(bide_coro(use)), 0);
    check_all(CLOSED);
    release_theirs();
}

UNIT(situation_in_a_task_of_another_loop_follows_the_contracts)
{
    EXPECT_EQ(bide_run(bide_coro(use)), 0);
    situation_check_in_second_loop(check_all);
    release_theirs();
}

TEST(situation_in_another_thread_follows_the_contracts, .real_time = true)
{
    EXPECT_EQ(use(), 0);
    situation_check_in_thread(check_all);
    release_theirs();
}

TEST(situation_in_a_forked_child_follows_the_contracts, .real_time = true)
{
    EXPECT_EQ(use(), 0);
    situation_check_in_child(check_all);
    release_theirs();
}

static int holds_for_good(void)
{
    return bide_lock_acquire(&theirs.lock);
}

UNIT(situation_a_lock_held_when_its_loop_was_closed_is_free_in_the_next)
{
    EXPECT_EQ(bide_run(bide_coro(holds_for_good)), 0);
    EXPECT_EQ(bide_run(bide_coro(holds_for_good)), 0);
}
