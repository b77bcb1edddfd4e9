/* SPDX-License-Identifier: MIT */
/*
 * channel.h - items on their way between tasks of several threads, each of which runs a loop of its own: each item to one of
 * them.  (To all: broadcast.h.)
 *
 * They are made for one type of item, as queues are (queue.h), and copy it in and out.
 *
 *     BIDE_CHANNEL_TYPE(page_channel, struct page);
 *
 *     bide_auto page_channel *c = bide_channel_new(page_channel, 64);
 *     BIDE_TRY(bide_channel_send(c, &page));              a task in one thread
 *     BIDE_TRY(bide_channel_receive(c, &page));           one in another
 *
 * All functions may be called in any thread, those that suspend in a task.  Each thread keeps a share of its own (bide_retain of
 * BIDE_CHANNEL(c), in the thread that hands it over), or uses the channel no longer than its owner does.  What is cancelled or out of time has
 * sent or taken nothing, and may be one of several in bide_select.  In a child of fork() they say BIDE_ESTATE.
 */
#ifndef BIDE_CHANNEL_H
#define BIDE_CHANNEL_H

#include <bide/item.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- channel ---- */

typedef struct bide_channel bide_channel;

/* Declare a type of channels: its name, and the type of its items. */
#define BIDE_CHANNEL_TYPE(name, type) BIDE__ITEM_TYPE(name, bide_channel, type)

/* At most so many bytes of items wait in a channel. */
#define BIDE_CHANNEL_BYTES ((size_t)256 << 20)

typedef struct bide_channel_args {
    size_t size; /* of this struct; set by the macro */
    size_t capacity; /* how many items wait in it at most; 1 or more */
    struct bide_use_named_options *guard_;
    void (*item_free)(void *item); /* what is to be done to items that nobody took, in the thread of the last share */
} bide_channel_args;

/*
 * Make a channel of a declared type, for at most so many items that wait.
 *
 * Threads:   any; no loop is needed
 * Returns:   the channel, or NULL
 * Errors:    -EINVAL; BIDE_ELIMIT if they have more than BIDE_CHANNEL_BYTES; BIDE_ENOMEM
 * Owns:      the result is owned; a task that waits has a share
 * Example:   bide_auto page_channel *c = bide_channel_new(page_channel, 64);
 */
#define bide_channel_new(type, ...)                                         \
    BIDE__CALL((type *)(void *)bide_channel_new_with(BIDE__ITEM_SIZE(type), \
                                                     BIDE__ARGS(bide_channel_args, .capacity = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_channel *bide_channel_new_with(size_t item_size, const bide_channel_args *args);

/* The channel behind a pointer to one of a declared type: page_channel *mine = bide_retain(BIDE_CHANNEL(c)); */
#define BIDE_CHANNEL(c) BIDE__ITEM_OBJECT(bide_channel, c)

/*
 * Send a copy of an item, or receive the next one.
 *
 * Threads:   any
 * Suspends:  while the channel is full, or empty; a cancellation point then
 * Returns:   0
 * Errors:    BIDE_ECLOSED after bide_channel_close; to who receives only when it is empty.  BIDE_ECANCELED; BIDE_ETIMEDOUT;
 *            BIDE_ENOLOOP outside a task; BIDE_ENOMEM; BIDE_ESTATE; -EINVAL
 * Owns:      what the item points to goes to who receives it, if this is 0
 * Example:   while ((code = bide_channel_receive(c, &page)) == 0)
 */
#define bide_channel_send(c, ...) bide_channel_send_item(BIDE_CHANNEL(c), BIDE__ITEM_TO(c, (__VA_ARGS__)), sizeof(*(c)->item_))
#define bide_channel_receive(c, item) bide_channel_receive_item(BIDE_CHANNEL(c), BIDE__ITEM_FROM(c, item), sizeof(*(c)->item_))
BIDE_API BIDE_MUST_USE int bide_channel_send_item(bide_channel *c, const void *item, size_t size);
BIDE_API BIDE_MUST_USE int bide_channel_receive_item(bide_channel *c, void *item, size_t size);

/*
 * The same without waiting: in any thread, also one that has no loop.
 *
 * Threads:   any; no loop is needed
 * Returns:   0
 * Errors:    -EAGAIN where the others would wait; else theirs
 */
#define bide_channel_send_nowait(c, ...) bide_channel_send_item_nowait(BIDE_CHANNEL(c), BIDE__ITEM_TO(c, (__VA_ARGS__)), sizeof(*(c)->item_))
#define bide_channel_receive_nowait(c, item) \
    bide_channel_receive_item_nowait(BIDE_CHANNEL(c), BIDE__ITEM_FROM(c, item), sizeof(*(c)->item_))
BIDE_API BIDE_MUST_USE int bide_channel_send_item_nowait(bide_channel *c, const void *item, size_t size);
BIDE_API BIDE_MUST_USE int bide_channel_receive_item_nowait(bide_channel *c, void *item, size_t size);

/*
 * The same, to be awaited: bide_select(NULL, bide_channel_receive_awaitable(c, &page), bide_event_awaitable(&stop)).
 *
 * Threads:   any
 * Owns:      the channel and *item are borrowed until then
 */
#define bide_channel_send_awaitable(c, ...) \
    bide_channel_send_item_awaitable(BIDE_CHANNEL(c), BIDE__ITEM_TO(c, (__VA_ARGS__)), sizeof(*(c)->item_))
#define bide_channel_receive_awaitable(c, item) \
    bide_channel_receive_item_awaitable(BIDE_CHANNEL(c), BIDE__ITEM_FROM(c, item), sizeof(*(c)->item_))
BIDE_API bide_awaitable bide_channel_send_item_awaitable(bide_channel *c, const void *item, size_t size);
BIDE_API bide_awaitable bide_channel_receive_item_awaitable(bide_channel *c, void *item, size_t size);

/*
 * Close it: nothing more can be sent.  The items in it can still be received; after the last one, receiving is BIDE_ECLOSED.
 *
 * Threads:   any; no loop is needed
 * Returns:   0; again is fine
 * Errors:    -EINVAL; BIDE_ESTATE
 */
#define bide_channel_close(c) bide_channel_finish(BIDE_CHANNEL(c))
BIDE_API int bide_channel_finish(bide_channel *c);

#ifdef __cplusplus
}
#endif
#endif
