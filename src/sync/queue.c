/* SPDX-License-Identifier: MIT */
/*
 * queue.c - items on their way from task to task.
 *
 * Who puts wakes the first that wants to get, and the other way round; the one that was woken looks when its turn comes, and waits
 * again, behind the others, if another was faster.  That is asyncio's order.  A task that waits has a share of the queue.
 */
#include <bide/queue.h>

#include "core/turn/operation.h"
#include "sync/items.h"

struct bide_queue {
    struct object object;
    bide_loop *loop; /* a share */
    struct items items;
    struct list_node getters, putters, joiners;
    uint64_t unfinished; /* put, and not said to be done */
    void (*item_free)(void *item);
    bool is_bounded, is_closed;
};

/* ---- life ---- */

static void queue_destroy(void *object)
{
    bide_queue *q = object;

    bide__items_drop(&q->items, q->item_free);
    bide__object_unref(q->loop);
    bide__object_free(q);
}

static void queue_release(void *object)
{
    const bide_queue *q = object;

    if (!bide__release_is_refused(q->loop, "bide_release of a queue"))
        bide__object_unref(object);
}

static const struct object_type queue_type = {.name = "queue", .destroy = queue_destroy, .release = queue_release};

/* How many items there may be; 0: the options are wrong, an error is on record. */
static size_t most(size_t item_size, const bide_queue_args *args)
{
    size_t max = (args->max_bytes ? args->max_bytes : BIDE_QUEUE_BYTES) / (item_size ? item_size : 1);
    if (item_size == 0 || (unsigned)args->order > BIDE_LIFO || (args->compare && args->order == BIDE_LIFO))
        bide_fail(-EINVAL, "bide_queue_new: %s", item_size == 0 ? "items of no bytes" : "not an order, or two");
    else if (bide__check_size("bide_queue_new", "maxsize", args->maxsize, 0) < 0 ||
             bide__check_size("bide_queue_new", "max_bytes", args->max_bytes, 0) < 0)
        return 0;
    else if (max == 0 || args->maxsize > max)
        bide_fail(BIDE_ELIMIT, "bide_queue_new: %zu items of %zu bytes are more than .max_bytes", args->maxsize, item_size);
    else
        return args->maxsize ? args->maxsize : max;
    return 0;
}

static enum items_order order_of(const bide_queue_args *args)
{
    if (args->compare)
        return SMALLEST_FIRST;
    return args->order == BIDE_LIFO ? LAST_IN_FIRST : FIRST_IN_FIRST;
}

bide_queue *bide_queue_new_with(size_t item_size, const bide_queue_args *options)
{
    bide_queue_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_queue_new") < 0 || bide__check_named(args.guard_, "bide_queue_new") < 0)
        return NULL;
    size_t max = most(item_size, &args);
    bide_loop *loop = max ? bide_get_event_loop() : NULL;
    bide_queue *q = loop ? bide__object_zalloc(sizeof *q) : NULL;
    if (!q) {
        if (loop)
            bide__fail_nomem("bide_queue_new");
        return NULL;
    }

    bide__object_init(q, &queue_type);
    q->loop = bide_retain(loop);
    bide__items_init(&q->items, item_size, max, order_of(&args));
    q->items.compare = args.compare;
    bide__list_init(&q->getters);
    bide__list_init(&q->putters);
    bide__list_init(&q->joiners);
    q->item_free = args.item_free;
    q->is_bounded = args.maxsize > 0;
    return q;
}

static int check_queue(const bide_queue *q, const char *function)
{
    return q ? bide__loop_check(q->loop, function) : bide_fail(-EINVAL, "%s: the queue is NULL", function);
}

static int check_waiting(const bide_queue *q, const char *function)
{
    return q ? bide__check_operable(q->loop, function) : check_queue(q, function);
}

static int check_item(const bide_queue *q, const void *item, size_t size, const char *function)
{
    if (!item)
        return bide_fail(-EINVAL, "%s: the item is NULL", function);
    if (size != q->items.item_size)
        return bide_fail(-EINVAL, "%s: the item has %zu bytes, those of the queue have %zu", function, size, q->items.item_size);
    return 0;
}

/* Of one that waited; bide__object_unref itself may not be called through a pointer. */
static void let_go(void *queue)
{
    bide__object_unref(queue);
}

/* ---- putting ---- */

static bool is_full(const bide_queue *q)
{
    return q->is_bounded && q->items.n >= q->items.max;
}

static int put(bide_queue *q, const void *item, const char *function)
{
    if (q->is_closed)
        return bide_fail(BIDE_ECLOSED, "%s: the queue was shut down", function);
    if (is_full(q))
        return OPERATION_WAITS;
    if (q->items.n >= q->items.max)
        return bide_fail(BIDE_ELIMIT, "%s: %zu items are in the queue, which is as many as .max_bytes allows", function, q->items.n);
    int code = bide__items_put(&q->items, item);
    if (code < 0)
        return code;

    q->unfinished++;
    bide__op_wake_first(&q->getters);
    return 0;
}

static int put_check(const bide_operation *op)
{
    int code = check_waiting(op->object, "bide_queue_put");

    return code < 0 ? code : check_item(op->object, op->place, op->words[0], "bide_queue_put");
}

static int put_attempt(const bide_operation *op, struct op_waiter *w)
{
    (void)w;
    return put(op->object, op->place, "bide_queue_put");
}

static void put_enlist(const bide_operation *op, struct op_waiter *w)
{
    bide__list_append(&((bide_queue *)op->object)->putters, &w->clause.node);
}

static void put_withdraw(const bide_operation *op, struct op_waiter *w)
{
    bide_queue *q = op->object;
    bool was_woken = bide__op_is_triggered(w);

    bide__list_remove(&w->clause.node);
    if (was_woken && !is_full(q))
        bide__op_wake_first(&q->putters);
}

static const struct bide_operation_ops put_ops = {"bide_queue_put", put_check, put_attempt, put_enlist, put_withdraw,
                                                  .retain = bide__object_ref, .release = let_go};

static bide_operation put_operation(bide_queue *q, const void *item, size_t size)
{
    return (bide_operation){.ops = &put_ops, .object = q, .place = (void *)(uintptr_t)item, .words = {size}};
}

int bide_queue_put_item(bide_queue *q, const void *item, size_t size)
{
    bide_operation op = put_operation(q, item, size);

    return bide__operation_await(&op);
}

bide_awaitable bide_queue_put_item_awaitable(bide_queue *q, const void *item, size_t size)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = put_operation(q, item, size)};
}

int bide_queue_put_item_nowait(bide_queue *q, const void *item, size_t size)
{
    int code = check_queue(q, "bide_queue_put_nowait");
    if (code < 0 || (code = check_item(q, item, size, "bide_queue_put_nowait")) < 0)
        return code;
    if (q->loop->closed)
        return bide_fail(BIDE_ECLOSED, "bide_queue_put_nowait: the event loop is closed");

    code = put(q, item, "bide_queue_put_nowait");
    return code == OPERATION_WAITS ? bide_fail(-EAGAIN, "bide_queue_put_nowait: the queue is full") : code;
}

/* ---- getting ---- */

static int get(bide_queue *q, void *item, const char *function)
{
    if (q->items.n == 0)
        return q->is_closed ? bide_fail(BIDE_ECLOSED, "%s: the queue was shut down, and is empty", function) : OPERATION_WAITS;

    bide__items_take(&q->items, item);
    bide__op_wake_first(&q->putters);
    return 0;
}

static int get_check(const bide_operation *op)
{
    int code = check_waiting(op->object, "bide_queue_get");

    return code < 0 ? code : check_item(op->object, op->place, op->words[0], "bide_queue_get");
}

static int get_attempt(const bide_operation *op, struct op_waiter *w)
{
    (void)w;
    return get(op->object, op->place, "bide_queue_get");
}

static void get_enlist(const bide_operation *op, struct op_waiter *w)
{
    bide__list_append(&((bide_queue *)op->object)->getters, &w->clause.node);
}

static void get_withdraw(const bide_operation *op, struct op_waiter *w)
{
    bide_queue *q = op->object;
    bool was_woken = bide__op_is_triggered(w);

    bide__list_remove(&w->clause.node);
    if (was_woken && q->items.n > 0)
        bide__op_wake_first(&q->getters);
}

static const struct bide_operation_ops get_ops = {"bide_queue_get", get_check, get_attempt, get_enlist, get_withdraw,
                                                  .retain = bide__object_ref, .release = let_go};

static bide_operation get_operation(bide_queue *q, void *item, size_t size)
{
    return (bide_operation){.ops = &get_ops, .object = q, .place = item, .words = {size}};
}

int bide_queue_get_item(bide_queue *q, void *item, size_t size)
{
    bide_operation op = get_operation(q, item, size);

    return bide__operation_await(&op);
}

bide_awaitable bide_queue_get_item_awaitable(bide_queue *q, void *item, size_t size)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = get_operation(q, item, size)};
}

int bide_queue_get_item_nowait(bide_queue *q, void *item, size_t size)
{
    int code = check_queue(q, "bide_queue_get_nowait");
    if (code < 0 || (code = check_item(q, item, size, "bide_queue_get_nowait")) < 0)
        return code;

    code = get(q, item, "bide_queue_get_nowait");
    return code == OPERATION_WAITS ? bide_fail(-EAGAIN, "bide_queue_get_nowait: the queue is empty") : code;
}

/* ---- looking ---- */

size_t bide_queue_items(const bide_queue *q)
{
    return check_queue(q, "bide_queue_len") == 0 ? q->items.n : 0;
}

bool bide_queue_empty(const bide_queue *q)
{
    return check_queue(q, "bide_queue_is_empty") == 0 && q->items.n == 0;
}

bool bide_queue_full(const bide_queue *q)
{
    return check_queue(q, "bide_queue_is_full") == 0 && is_full(q);
}

/* ---- until all is done ---- */

static int join_check(const bide_operation *op)
{
    return check_waiting(op->object, "bide_queue_join");
}

static int join_attempt(const bide_operation *op, struct op_waiter *w)
{
    const bide_queue *q = op->object;

    return !w && q->unfinished > 0 ? OPERATION_WAITS : 0;
}

static void join_enlist(const bide_operation *op, struct op_waiter *w)
{
    bide__list_append(&((bide_queue *)op->object)->joiners, &w->clause.node);
}

static void join_withdraw(const bide_operation *op, struct op_waiter *w)
{
    (void)op;
    bide__list_remove(&w->clause.node);
}

static const struct bide_operation_ops join_ops = {"bide_queue_join", join_check, join_attempt, join_enlist, join_withdraw,
                                                   .retain = bide__object_ref, .release = let_go};

int bide_queue_wait_done(bide_queue *q)
{
    return bide__operation_await(&(bide_operation){.ops = &join_ops, .object = q});
}

bide_awaitable bide_queue_done_awaitable(bide_queue *q)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = {.ops = &join_ops, .object = q}};
}

static void wake_all(struct list_node *list)
{
    while (bide__op_wake_first(list))
        ;
}

static void finish(bide_queue *q, uint64_t n)
{
    q->unfinished -= n;
    if (q->unfinished == 0)
        wake_all(&q->joiners);
}

int bide_queue_item_done(bide_queue *q)
{
    int code = check_queue(q, "bide_queue_task_done");
    if (code < 0)
        return code;
    if (q->unfinished == 0)
        return bide_fail(BIDE_ESTATE, "bide_queue_task_done: called more often than items were put");

    finish(q, 1);
    return 0;
}

int bide_queue_close(bide_queue *q, bool immediate)
{
    int code = check_queue(q, "bide_queue_shutdown");
    if (code < 0)
        return code;

    q->is_closed = true;
    if (immediate) {
        uint64_t dropped = q->items.n < q->unfinished ? q->items.n : q->unfinished;
        bide__items_drop(&q->items, q->item_free);
        finish(q, dropped);
    }
    wake_all(&q->getters);
    wake_all(&q->putters);
    return 0;
}
