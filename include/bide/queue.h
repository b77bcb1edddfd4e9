/* SPDX-License-Identifier: MIT */
/*
 * queue.h - queues of items between the tasks of one loop: first in first out, last in first out, or the smallest first.
 *
 * A queue is made for one type, which is declared once, outside of functions; items are copied in and out.
 *
 *     BIDE_QUEUE_TYPE(url_queue, struct url);
 *
 *     bide_auto url_queue *q = bide_queue_new(url_queue, 100);
 *     BIDE_TRY(bide_queue_put(q, &u));                a task
 *     BIDE_TRY(bide_queue_get(q, &u));                another one
 *
 * Order and errors are those of Python's asyncio.Queue, with the shutdown of 3.13.  A queue belongs to the loop that ran when it was
 * made (loop.h); between threads there are channels (channel.h).  Tasks are served in the order in which they came.  What is
 * cancelled or out of time has taken or put nothing.  A wait that need not wait does not let others run.
 */
#ifndef BIDE_QUEUE_H
#define BIDE_QUEUE_H

#include <stdbool.h>

#include <bide/item.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_queue bide_queue;

/* Declare a type of queues: its name, and the type of its items. */
#define BIDE_QUEUE_TYPE(name, type) BIDE__ITEM_TYPE(name, bide_queue, type)

enum bide_order { BIDE_FIFO, BIDE_LIFO };

/* The most bytes of items that wait in a queue, unless it was made with another .max_bytes. */
#define BIDE_QUEUE_BYTES ((size_t)256 << 20)

typedef struct bide_queue_args {
    size_t size; /* of this struct; set by the macro */
    size_t maxsize; /* how many items at most; 0: as .max_bytes allows */
    struct bide_use_named_options *guard_;
    enum bide_order order; /* default BIDE_FIFO */
    int (*compare)(const void *a, const void *b); /* of two items, as for qsort: the smallest first, of equal ones the first */
    void (*item_free)(void *item); /* what is to be done to items that nobody took */
    size_t max_bytes; /* maxsize times the size of an item at most; default BIDE_QUEUE_BYTES */
} bide_queue_args;

/*
 * Make a queue of a declared type, for at most so many items.
 *
 * Returns:   the queue, or NULL
 * Errors:    -EINVAL; BIDE_ELIMIT if that many items have more than .max_bytes; BIDE_ENOMEM
 * Owns:      the result is owned; the items in it are freed (.item_free) with the last share, that of a task that waits counting
 * Example:   bide_auto url_queue *q = bide_queue_new(url_queue, 100, .order = BIDE_LIFO);
 */
#define bide_queue_new(type, ...)                                       \
    BIDE__CALL((type *)(void *)bide_queue_new_with(BIDE__ITEM_SIZE(type), \
                                                   BIDE__ARGS(bide_queue_args, .maxsize = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_queue *bide_queue_new_with(size_t item_size, const bide_queue_args *args);

/* The queue behind a pointer to one of a declared type: bide_release(BIDE_QUEUE(q)), and for the functions under the macros. */
#define BIDE_QUEUE(q) BIDE__ITEM_OBJECT(bide_queue, q)

/*
 * Put a copy of an item into a queue.
 *
 * Suspends:  while it is full; a cancellation point then
 * Returns:   0
 * Errors:    BIDE_ECLOSED after bide_queue_shutdown, also for those that wait by then; BIDE_ELIMIT if it is unbounded and has
 *            .max_bytes; BIDE_ENOMEM; BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ENOLOOP outside a task; -EINVAL
 * Owns:      what the item points to goes to who gets it, if this is 0
 * Example:   BIDE_TRY(bide_queue_put(q, &(struct url){"https://a.example"}));
 */
#define bide_queue_put(q, ...) bide_queue_put_item(BIDE_QUEUE(q), BIDE__ITEM_TO(q, (__VA_ARGS__)), sizeof(*(q)->item_))
BIDE_API BIDE_MUST_USE int bide_queue_put_item(bide_queue *q, const void *item, size_t size);

/*
 * Take the next item out of a queue.
 *
 * Suspends:  while it is empty; a cancellation point then
 * Returns:   0, and the item in *item
 * Errors:    BIDE_ECLOSED when it is empty after bide_queue_shutdown; BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ENOLOOP; -EINVAL
 * Example:   while ((code = bide_queue_get(q, &u)) == 0)
 */
#define bide_queue_get(q, item) bide_queue_get_item(BIDE_QUEUE(q), BIDE__ITEM_FROM(q, item), sizeof(*(q)->item_))
BIDE_API BIDE_MUST_USE int bide_queue_get_item(bide_queue *q, void *item, size_t size);

/*
 * The same without waiting.
 *
 * Returns:   0
 * Errors:    -EAGAIN where the others would wait; else theirs
 */
#define bide_queue_put_nowait(q, ...) bide_queue_put_item_nowait(BIDE_QUEUE(q), BIDE__ITEM_TO(q, (__VA_ARGS__)), sizeof(*(q)->item_))
#define bide_queue_get_nowait(q, item) bide_queue_get_item_nowait(BIDE_QUEUE(q), BIDE__ITEM_FROM(q, item), sizeof(*(q)->item_))
BIDE_API BIDE_MUST_USE int bide_queue_put_item_nowait(bide_queue *q, const void *item, size_t size);
BIDE_API BIDE_MUST_USE int bide_queue_get_item_nowait(bide_queue *q, void *item, size_t size);

/*
 * The same, to be awaited: bide_select(NULL, bide_queue_get_awaitable(q, &u), bide_event_awaitable(&stop)).  The queue and *item are
 * borrowed until then; an item is put or taken only if that is what is chosen.
 */
#define bide_queue_put_awaitable(q, ...) bide_queue_put_item_awaitable(BIDE_QUEUE(q), BIDE__ITEM_TO(q, (__VA_ARGS__)), sizeof(*(q)->item_))
#define bide_queue_get_awaitable(q, item) bide_queue_get_item_awaitable(BIDE_QUEUE(q), BIDE__ITEM_FROM(q, item), sizeof(*(q)->item_))
BIDE_API bide_awaitable bide_queue_put_item_awaitable(bide_queue *q, const void *item, size_t size);
BIDE_API bide_awaitable bide_queue_get_item_awaitable(bide_queue *q, void *item, size_t size);

/* ---- how many; what is left to do ---- */

/*
 * How many items are in it; whether it has none; whether it has as many as it was made for (never, if that is unbounded).
 *
 * Returns:   the number; 0 or false also where it may not be used
 */
#define bide_queue_len(q) bide_queue_items(BIDE_QUEUE(q))
#define bide_queue_is_empty(q) bide_queue_empty(BIDE_QUEUE(q))
#define bide_queue_is_full(q) bide_queue_full(BIDE_QUEUE(q))
BIDE_API size_t bide_queue_items(const bide_queue *q);
BIDE_API bool bide_queue_empty(const bide_queue *q);
BIDE_API bool bide_queue_full(const bide_queue *q);

/*
 * Mark an item that was taken as done: once for each.
 *
 * Returns:   0
 * Errors:    BIDE_ESTATE if all that were put are done already; -EINVAL
 */
#define bide_queue_task_done(q) bide_queue_item_done(BIDE_QUEUE(q))
BIDE_API int bide_queue_item_done(bide_queue *q);

/*
 * Wait until each item that was put is done (bide_queue_task_done).
 *
 * Suspends:  until then; not at all if nothing is left; a cancellation point
 * Returns:   0
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ENOLOOP; -EINVAL
 */
#define bide_queue_join(q) bide_queue_wait_done(BIDE_QUEUE(q))
#define bide_queue_join_awaitable(q) bide_queue_done_awaitable(BIDE_QUEUE(q))
BIDE_API BIDE_MUST_USE int bide_queue_wait_done(bide_queue *q);
/* The same, to be awaited.  q is borrowed until then. */
BIDE_API bide_awaitable bide_queue_done_awaitable(bide_queue *q);

/*
 * Shut it down: putting is BIDE_ECLOSED from now on, and getting once it is empty, also for tasks that wait.  bide_queue_shutdown_now
 * also empties it, and each item that it drops counts as done.
 *
 * Returns:   0; again is fine
 * Errors:    -EINVAL; BIDE_ESTATE
 */
#define bide_queue_shutdown(q) bide_queue_close(BIDE_QUEUE(q), false)
#define bide_queue_shutdown_now(q) bide_queue_close(BIDE_QUEUE(q), true)
BIDE_API int bide_queue_close(bide_queue *q, bool immediate);

#ifdef __cplusplus
}
#endif
#endif
