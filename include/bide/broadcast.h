/* SPDX-License-Identifier: MIT */
/*
 * broadcast.h - each item to each of those that listen, whichever thread they run in.
 *
 *     BIDE_BROADCAST_TYPE(news, struct price);            declares news and news_receiver
 *
 *     bide_auto news *all = bide_broadcast_new(news, 64);
 *     bide_auto news_receiver *mine = bide_broadcast_subscribe(all);
 *     BIDE_TRY(bide_broadcast_send(all, &price));         never waits
 *     BIDE_TRY(bide_broadcast_receive(mine, &price));     a task in any thread
 *
 * The newest items are kept, as many as it was made for.  A receiver that falls behind by more has missed the oldest: it is told
 * so, with BIDE_ELAGGED, once, and goes on with the oldest that is there.  Items are copied to each receiver: what they point to is the
 * program's care.
 *
 * All functions may be called in any thread, those that suspend in a task.  Each thread keeps a share of its own (bide_retain of
 * BIDE_BROADCAST(b) or BIDE_RECEIVER(r), in the thread that hands it over), or uses it no longer than its owner does.  Several tasks may
 * use one receiver: an item goes to one of them.  What is cancelled or out of time has taken nothing.  In a child of fork() they say
 * BIDE_ESTATE.
 */
#ifndef BIDE_BROADCAST_H
#define BIDE_BROADCAST_H

#include <bide/item.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_broadcast bide_broadcast;
typedef struct bide_receiver bide_receiver;

/* Declare a type of broadcasts, its name and the type of its items; and that of its receivers, whose name ends in _receiver. */
#define BIDE_BROADCAST_TYPE(name, type)    \
    typedef union name##_receiver {        \
        type *item_;                       \
        struct bide_receiver *receives_;   \
    } name##_receiver;                     \
    typedef union name {                   \
        type *item_;                       \
        name##_receiver *receiver_;        \
    } name

/* At most so many bytes of items are kept. */
#define BIDE_BROADCAST_BYTES ((size_t)256 << 20)

/*
 * Make a broadcast of a declared type, which keeps so many of the newest items: 1 or more.  Their memory is taken at once.
 *
 * Threads:   any; no loop is needed
 * Returns:   the broadcast, or NULL
 * Errors:    -EINVAL; BIDE_ELIMIT if they have more than BIDE_BROADCAST_BYTES; BIDE_ENOMEM
 * Owns:      the result is owned; when the last share of it is released, it is closed.  Its receivers live on
 * Example:   bide_auto news *all = bide_broadcast_new(news, 64);
 */
#define bide_broadcast_new(type, capacity) ((type *)(void *)bide_broadcast_new_of(BIDE__ITEM_SIZE(type), capacity))
BIDE_API BIDE_MUST_USE bide_broadcast *bide_broadcast_new_of(size_t item_size, size_t capacity);

/* The object behind a pointer to one of a declared type: news *mine = bide_retain(BIDE_BROADCAST(all)); */
#define BIDE_BROADCAST(b) ((void)sizeof((b)->receiver_), (struct bide_broadcast *)(void *)(b))
#define BIDE_RECEIVER(r) ((void)sizeof((r)->receives_), (struct bide_receiver *)(void *)(r))

/*
 * Listen: to what is sent from now on.
 *
 * Threads:   any; no loop is needed
 * Returns:   a receiver, or NULL
 * Errors:    -EINVAL; BIDE_ENOMEM; BIDE_ESTATE
 * Owns:      the result is owned; a task that waits has a share
 * Example:   bide_auto news_receiver *mine = bide_broadcast_subscribe(all);
 */
#define bide_broadcast_subscribe(b) ((__typeof__((b)->receiver_))(void *)bide_broadcast_subscribe_to(BIDE_BROADCAST(b)))
BIDE_API BIDE_MUST_USE bide_receiver *bide_broadcast_subscribe_to(bide_broadcast *b);

/*
 * Send a copy of an item to all who listen.  It waits for none of them.
 *
 * Threads:   any; no loop is needed
 * Returns:   how many listen
 * Errors:    BIDE_ECLOSED after bide_broadcast_close; BIDE_ESTATE; -EINVAL
 * Example:   BIDE_TRY(bide_broadcast_send(all, &price));
 */
#define bide_broadcast_send(b, ...) \
    bide_broadcast_send_item(BIDE_BROADCAST(b), BIDE__ITEM_TO(b, (__VA_ARGS__)), sizeof(*(b)->item_))
BIDE_API BIDE_MUST_USE int bide_broadcast_send_item(bide_broadcast *b, const void *item, size_t size);

/*
 * Receive the next item.
 *
 * Threads:   any
 * Suspends:  until there is one; a cancellation point then
 * Returns:   0
 * Errors:    BIDE_ELAGGED: items were missed, bide_broadcast_missed() of them; the next call gives the oldest that is there.
 *            BIDE_ECLOSED after bide_broadcast_close, behind the last item.  BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ENOLOOP outside a
 *            task; BIDE_ESTATE; -EINVAL
 * Example:   while ((code = bide_broadcast_receive(mine, &price)) == 0 || code == BIDE_ELAGGED)
 */
#define bide_broadcast_receive(r, item) bide_broadcast_receive_item(BIDE_RECEIVER(r), BIDE__ITEM_FROM(r, item), sizeof(*(r)->item_))
BIDE_API BIDE_MUST_USE int bide_broadcast_receive_item(bide_receiver *r, void *item, size_t size);

/*
 * The same without waiting: in any thread, also one that has no loop.
 *
 * Threads:   any; no loop is needed
 * Returns:   0
 * Errors:    -EAGAIN where it would wait; else those of bide_broadcast_receive
 */
#define bide_broadcast_receive_nowait(r, item) \
    bide_broadcast_receive_item_nowait(BIDE_RECEIVER(r), BIDE__ITEM_FROM(r, item), sizeof(*(r)->item_))
BIDE_API BIDE_MUST_USE int bide_broadcast_receive_item_nowait(bide_receiver *r, void *item, size_t size);

/*
 * The same, to be awaited: bide_select(&code, bide_broadcast_receive_awaitable(mine, &price), bide_event_awaitable(&stop)).
 *
 * Threads:   any
 * Owns:      the receiver and *item are borrowed until then
 */
#define bide_broadcast_receive_awaitable(r, item) \
    bide_broadcast_receive_item_awaitable(BIDE_RECEIVER(r), BIDE__ITEM_FROM(r, item), sizeof(*(r)->item_))
BIDE_API bide_awaitable bide_broadcast_receive_item_awaitable(bide_receiver *r, void *item, size_t size);

/*
 * How many items the newest BIDE_ELAGGED of this receiver stands for.
 *
 * Threads:   any; no loop is needed
 * Returns:   a number; 0 if it has missed none, and for an error
 * Errors:    -EINVAL; BIDE_ESTATE: on record
 * Example:   if (code == BIDE_ELAGGED) fprintf(stderr, "%llu missed\n", (unsigned long long)bide_broadcast_missed(mine));
 */
#define bide_broadcast_missed(r) bide_receiver_missed(BIDE_RECEIVER(r))
BIDE_API uint64_t bide_receiver_missed(bide_receiver *r);

/*
 * Send nothing more.  Receivers get what is kept, then BIDE_ECLOSED.
 *
 * Threads:   any; no loop is needed
 * Returns:   0; again is fine
 * Errors:    -EINVAL; BIDE_ESTATE
 */
#define bide_broadcast_close(b) bide_broadcast_finish(BIDE_BROADCAST(b))
BIDE_API int bide_broadcast_finish(bide_broadcast *b);

#ifdef __cplusplus
}
#endif
#endif
