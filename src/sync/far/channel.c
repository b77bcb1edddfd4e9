/* SPDX-License-Identifier: MIT */
/*
 * channel.c - items on their way between the loops of several threads.
 *
 * A ring under a lock, which nobody holds while he waits; tasks of any loop wait in two lists (far.h).  Who sends wakes the first that
 * wants to receive, and the other way round; the one that was woken looks when its turn comes, and waits again if another was
 * faster.  One that leaves passes on what it was woken for.
 *
 * Its shares are counted by themselves, for any thread may give one back.
 */
#include <bide/channel.h>
#include <stdatomic.h>

#include "sync/far/far.h"
#include "sync/items.h"

struct bide_channel {
    struct object object;
    atomic_size_t shares;
    unsigned process; /* bide__process when it was made */
    size_t item_size;
    void (*item_free)(void *item);
    pthread_mutex_t lock;
    struct items items; /* under it, and what follows */
    struct list_node receivers, senders;
    bool is_closed;
};

/* ---- life ---- */

static void channel_destroy(void *object)
{
    bide_channel *c = object;

    bide__items_drop(&c->items, c->item_free);
    pthread_mutex_destroy(&c->lock);
    bide__object_free(c);
}

static void channel_release(void *object)
{
    bide_channel *c = object;

    if (c->process == bide__process && atomic_fetch_sub(&c->shares, 1) == 1)
        bide__object_unref(c);
}

static void *channel_retain(void *object)
{
    atomic_fetch_add(&((bide_channel *)object)->shares, 1);
    return object;
}

static const struct object_type channel_type = {
    .name = "channel", .destroy = channel_destroy, .release = channel_release, .retain = channel_retain};

static int check_args(size_t item_size, const bide_channel_args *args)
{
    BIDE_TRY(bide__check_named(args->guard_, "bide_channel_new"));
    BIDE_TRY(bide__check_size("bide_channel_new", "capacity", args->capacity, 0));
    if (args->capacity == 0)
        return bide_fail(-EINVAL, "bide_channel_new: a capacity of 0");
    if (item_size == 0)
        return bide_fail(-EINVAL, "bide_channel_new: items of no bytes");
    if (item_size > BIDE_CHANNEL_BYTES || args->capacity > BIDE_CHANNEL_BYTES / item_size)
        return bide_fail(BIDE_ELIMIT, "bide_channel_new: %zu items of %zu bytes", args->capacity, item_size);
    return 0;
}

bide_channel *bide_channel_new_with(size_t item_size, const bide_channel_args *options)
{
    bide_channel_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_channel_new") < 0 || check_args(item_size, &args) < 0)
        return NULL;
    bide_channel *c = bide__object_zalloc(sizeof *c);
    if (!c) {
        bide__fail_nomem("bide_channel_new");
        return NULL;
    }

    bide__run_init(); /* a fork is noticed */
    bide__object_init(c, &channel_type);
    atomic_init(&c->shares, 1);
    c->process = bide__process;
    c->item_size = item_size;
    c->item_free = args.item_free;
    pthread_mutex_init(&c->lock, NULL);
    bide__items_init(&c->items, item_size, args.capacity, FIRST_IN_FIRST);
    bide__list_init(&c->receivers);
    bide__list_init(&c->senders);
    return c;
}

static int check_channel(const bide_channel *c, const char *function)
{
    if (!c)
        return bide_fail(-EINVAL, "%s: the channel is NULL", function);
    return c->process == bide__process ? 0 : bide__inherited(function);
}

static int check_item(const bide_channel *c, const void *item, size_t size, const char *function)
{
    int code = check_channel(c, function);
    if (code < 0)
        return code;
    if (!item || size != c->item_size)
        return bide_fail(-EINVAL, "%s: the item is NULL, or has not the %zu bytes of the channel's", function, c->item_size);
    return 0;
}

/* ---- sending; what follows is called with the lock held, where a name ends in _locked ---- */

static int send_locked(bide_channel *c, const void *item, const char *function)
{
    if (c->is_closed)
        return bide_fail(BIDE_ECLOSED, "%s: the channel was closed", function);
    if (c->items.n >= c->items.max)
        return OPERATION_WAITS;
    int code = bide__items_put(&c->items, item);
    if (code == 0)
        bide__far_wake_first(&c->receivers);
    return code;
}

static int send_check(const bide_operation *op)
{
    return check_item(op->object, op->place, op->words[0], "bide_channel_send");
}

static int send_attempt(const bide_operation *op, struct op_waiter *w)
{
    bide_channel *c = op->object;

    pthread_mutex_lock(&c->lock);
    if (w)
        bide__far_leave(w);
    int code = send_locked(c, op->place, "bide_channel_send");
    pthread_mutex_unlock(&c->lock);
    return code;
}

static void send_enlist(const bide_operation *op, struct op_waiter *w)
{
    bide_channel *c = op->object;

    pthread_mutex_lock(&c->lock);
    bide__far_enlist(&c->senders, w, c->is_closed || c->items.n < c->items.max);
    pthread_mutex_unlock(&c->lock);
}

static void send_withdraw(const bide_operation *op, struct op_waiter *w)
{
    bide_channel *c = op->object;

    pthread_mutex_lock(&c->lock);
    if (bide__far_leave(w) && c->items.n < c->items.max)
        bide__far_wake_first(&c->senders);
    pthread_mutex_unlock(&c->lock);
}

static const struct bide_operation_ops send_ops = {"bide_channel_send", send_check, send_attempt, send_enlist, send_withdraw,
                                                    .retain = channel_retain, .release = channel_release};

static bide_operation send_operation(bide_channel *c, const void *item, size_t size)
{
    return (bide_operation){.ops = &send_ops, .object = c, .place = (void *)(uintptr_t)item, .words = {size}};
}

int bide_channel_send_item(bide_channel *c, const void *item, size_t size)
{
    bide_operation op = send_operation(c, item, size);

    return bide__operation_await(&op);
}

bide_awaitable bide_channel_send_item_awaitable(bide_channel *c, const void *item, size_t size)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = send_operation(c, item, size)};
}

int bide_channel_send_item_nowait(bide_channel *c, const void *item, size_t size)
{
    int code = check_item(c, item, size, "bide_channel_send_nowait");
    if (code < 0)
        return code;

    pthread_mutex_lock(&c->lock);
    code = send_locked(c, item, "bide_channel_send_nowait");
    pthread_mutex_unlock(&c->lock);
    return code == OPERATION_WAITS ? bide_fail(-EAGAIN, "bide_channel_send_nowait: the channel is full") : code;
}

/* ---- receiving ---- */

static int receive_locked(bide_channel *c, void *item, const char *function)
{
    if (c->items.n == 0)
        return c->is_closed ? bide_fail(BIDE_ECLOSED, "%s: the channel was closed, and is empty", function) : OPERATION_WAITS;

    bide__items_take(&c->items, item);
    bide__far_wake_first(&c->senders);
    return 0;
}

static int receive_check(const bide_operation *op)
{
    return check_item(op->object, op->place, op->words[0], "bide_channel_receive");
}

static int receive_attempt(const bide_operation *op, struct op_waiter *w)
{
    bide_channel *c = op->object;

    pthread_mutex_lock(&c->lock);
    if (w)
        bide__far_leave(w);
    int code = receive_locked(c, op->place, "bide_channel_receive");
    pthread_mutex_unlock(&c->lock);
    return code;
}

static void receive_enlist(const bide_operation *op, struct op_waiter *w)
{
    bide_channel *c = op->object;

    pthread_mutex_lock(&c->lock);
    bide__far_enlist(&c->receivers, w, c->is_closed || c->items.n > 0);
    pthread_mutex_unlock(&c->lock);
}

static void receive_withdraw(const bide_operation *op, struct op_waiter *w)
{
    bide_channel *c = op->object;

    pthread_mutex_lock(&c->lock);
    if (bide__far_leave(w) && c->items.n > 0)
        bide__far_wake_first(&c->receivers);
    pthread_mutex_unlock(&c->lock);
}

static const struct bide_operation_ops receive_ops = {"bide_channel_receive", receive_check, receive_attempt, receive_enlist,
                                                      receive_withdraw,
                                                    .retain = channel_retain, .release = channel_release};

static bide_operation receive_operation(bide_channel *c, void *item, size_t size)
{
    return (bide_operation){.ops = &receive_ops, .object = c, .place = item, .words = {size}};
}

int bide_channel_receive_item(bide_channel *c, void *item, size_t size)
{
    bide_operation op = receive_operation(c, item, size);

    return bide__operation_await(&op);
}

bide_awaitable bide_channel_receive_item_awaitable(bide_channel *c, void *item, size_t size)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = receive_operation(c, item, size)};
}

int bide_channel_receive_item_nowait(bide_channel *c, void *item, size_t size)
{
    int code = check_item(c, item, size, "bide_channel_receive_nowait");
    if (code < 0)
        return code;

    pthread_mutex_lock(&c->lock);
    code = receive_locked(c, item, "bide_channel_receive_nowait");
    pthread_mutex_unlock(&c->lock);
    return code == OPERATION_WAITS ? bide_fail(-EAGAIN, "bide_channel_receive_nowait: the channel is empty") : code;
}

/* ---- the end ---- */

int bide_channel_finish(bide_channel *c)
{
    int code = check_channel(c, "bide_channel_close");
    if (code < 0)
        return code;

    pthread_mutex_lock(&c->lock);
    c->is_closed = true;
    bide__far_wake_all(&c->receivers);
    bide__far_wake_all(&c->senders);
    pthread_mutex_unlock(&c->lock);
    return 0;
}
