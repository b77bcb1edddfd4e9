/* SPDX-License-Identifier: MIT */
/*
 * hand_off.c - what it costs that one task lets another go on: through queues, events, a lock, a choice, channels.
 *
 *     bench-hand_off MODE [HAND_OFFS]      queue, event, lock, select, channel; 5,000,000
 *
 * Two tasks wake one another in turn; one operation is one hand-off: from the call that makes the other ready until that returns
 * from its wait.
 */
#include <bide/bide.h>
#include <bide/channel.h>

#include "bench.h"

BIDE_QUEUE_TYPE(long_queue, long);
BIDE_CHANNEL_TYPE(long_channel, long);

static long rounds;

/* Each has an own one that it waits for, and that of the other. */
struct player {
    long_queue *own, *others;
    bide_event *own_event, *others_event;
    long_channel *own_channel, *others_channel;
    bide_lock *lock;
    bide_event *never;
    bool begins;
};

static int by_queue(struct player *p)
{
    long item = 0;
    if (p->begins)
        BIDE_TRY(bide_queue_put(p->others, &item));
    for (long i = 0; i < rounds; i++) {
        BIDE_TRY(bide_queue_get(p->own, &item));
        BIDE_TRY(bide_queue_put(p->others, &item));
    }
    return 0;
}

static int by_select(struct player *p)
{
    long item = 0;
    if (p->begins)
        BIDE_TRY(bide_queue_put(p->others, &item));
    for (long i = 0; i < rounds; i++) {
        BIDE_TRY(bide_select(NULL, bide_event_awaitable(p->never), bide_queue_get_awaitable(p->own, &item)));
        BIDE_TRY(bide_queue_put(p->others, &item));
    }
    return 0;
}

static int by_event(struct player *p)
{
    if (p->begins)
        bide_event_set(p->others_event);
    for (long i = 0; i < rounds; i++) {
        BIDE_TRY(bide_event_wait(p->own_event));
        bide_event_clear(p->own_event);
        bide_event_set(p->others_event);
    }
    return 0;
}

/* The other one waits whenever this one has it. */
static int by_lock(struct player *p)
{
    for (long i = 0; i < rounds; i++) {
        BIDE_TRY(bide_lock_acquire(p->lock));
        if (i == 0)
            BIDE_TRY(bide_sleep_ms(0));
        bide_lock_release(p->lock);
    }
    return 0;
}

static int by_channel(struct player *p)
{
    long item = 0;
    if (p->begins)
        BIDE_TRY(bide_channel_send(p->others_channel, &item));
    for (long i = 0; i < rounds; i++) {
        BIDE_TRY(bide_channel_receive(p->own_channel, &item));
        BIDE_TRY(bide_channel_send(p->others_channel, &item));
    }
    return 0;
}

static int play(int (*how)(struct player *p))
{
    struct bench b;
    bide_auto long_queue *q = BIDE_TRY_PTR(bide_queue_new(long_queue, 2)), *r = BIDE_TRY_PTR(bide_queue_new(long_queue, 2));
    bide_auto long_channel *c = BIDE_TRY_PTR(bide_channel_new(long_channel, 2)), *d = BIDE_TRY_PTR(bide_channel_new(long_channel, 2));
    bide_event e = {0}, f = {0}, never = {0};
    bide_lock lock = {0};
    struct player one = {q, r, &e, &f, c, d, &lock, &never, true}, two = {r, q, &f, &e, d, c, &lock, &never, false};

    bench_begin(&b);
    BIDE_TRY(bide_gather(bide_coro(how, &one), bide_coro(how, &two)));
    bench_end(&b, rounds * 2);
    return 0;
}

static int app(const char *mode)
{
    static const struct {
        const char *name;
        int (*how)(struct player *p);
    } modes[] = {{"queue", by_queue}, {"event", by_event}, {"lock", by_lock}, {"select", by_select}, {"channel", by_channel}};

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(mode, modes[i].name) == 0)
            return play(modes[i].how);
    return bide_fail(-EINVAL, "%s: queue, event, lock, select or channel", mode);
}

int main(int argc, char **argv)
{
    rounds = bench_arg(argc, argv, 2, 5000000) / 2;
    return bide_main(bide_coro(app, argc > 1 ? argv[1] : "queue"));
}
