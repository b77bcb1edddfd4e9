/* SPDX-License-Identifier: MIT */
/*
 * broadcast.c - each item to each receiver, between the loops of several threads.
 *
 * A ring of the newest items, and a number for each that was ever sent.  A receiver knows the number of its next one: when that has
 * left the ring, it has lagged.  Who waits has received all there is; so all of them wait in one list (far.h), and the next
 * item wakes them all.  One that leaves has nothing to pass on: the item stays for the others of its receiver.
 *
 * The broadcast ends when its last share is given back; its memory stays for as long as receivers do.
 */
#include <bide/broadcast.h>
#include <limits.h>
#include <stdatomic.h>

#include "sync/far/far.h"

struct bide_broadcast {
    struct object object;
    atomic_size_t shares; /* of the program */
    atomic_size_t users;  /* of the memory: all of the shares together, and each receiver */
    unsigned process;     /* bide__process when it was made */
    size_t item_size, capacity;
    char *ring;
    pthread_mutex_t lock;
    struct list_node waiters; /* under it, and what follows */
    uint64_t sent;            /* so many; the last capacity of them are in the ring */
    size_t receivers;
    bool is_closed;
};

struct bide_receiver {
    struct object object;
    atomic_size_t shares;
    bide_broadcast *from;
    uint64_t next, missed; /* under its lock */
};

/* ---- life ---- */

static void broadcast_destroy(void *object)
{
    bide_broadcast *b = object;

    bide__free(b->ring);
    pthread_mutex_destroy(&b->lock);
    bide__object_free(b);
}

static void leave(bide_broadcast *b)
{
    if (atomic_fetch_sub(&b->users, 1) == 1)
        bide__object_unref(b);
}

static void close_it(bide_broadcast *b)
{
    pthread_mutex_lock(&b->lock);
    b->is_closed = true;
    bide__far_wake_all(&b->waiters);
    pthread_mutex_unlock(&b->lock);
}

static void broadcast_release(void *object)
{
    bide_broadcast *b = object;

    if (b->process != bide__process || atomic_fetch_sub(&b->shares, 1) != 1)
        return;
    close_it(b);
    leave(b);
}

static void *broadcast_retain(void *object)
{
    atomic_fetch_add(&((bide_broadcast *)object)->shares, 1);
    return object;
}

static void receiver_destroy(void *object)
{
    bide_receiver *r = object;

    leave(r->from);
    bide__object_free(r);
}

static void receiver_release(void *object)
{
    bide_receiver *r = object;

    if (r->from->process != bide__process || atomic_fetch_sub(&r->shares, 1) != 1)
        return;
    pthread_mutex_lock(&r->from->lock);
    r->from->receivers--;
    pthread_mutex_unlock(&r->from->lock);
    bide__object_unref(r);
}

static void *receiver_retain(void *object)
{
    atomic_fetch_add(&((bide_receiver *)object)->shares, 1);
    return object;
}

static const struct object_type broadcast_type = {
    .name = "broadcast", .destroy = broadcast_destroy, .release = broadcast_release, .retain = broadcast_retain};
static const struct object_type receiver_type = {
    .name = "receiver", .destroy = receiver_destroy, .release = receiver_release, .retain = receiver_retain};

static int check_sizes(size_t item_size, size_t capacity)
{
    if (capacity == 0)
        return bide_fail(-EINVAL, "bide_broadcast_new: a capacity of 0");
    if (item_size == 0 || item_size > BIDE_BROADCAST_BYTES || capacity > BIDE_BROADCAST_BYTES / item_size)
        return bide_fail(BIDE_ELIMIT, "bide_broadcast_new: %zu items of %zu bytes", capacity, item_size);
    return 0;
}

bide_broadcast *bide_broadcast_new_of(size_t item_size, size_t capacity)
{
    if (check_sizes(item_size, capacity) < 0)
        return NULL;
    char *ring = bide__malloc(item_size * capacity);
    bide_broadcast *b = ring ? bide__object_zalloc(sizeof *b) : NULL;
    if (!b) {
        bide__free(ring);
        bide__fail_nomem("bide_broadcast_new");
        return NULL;
    }

    bide__run_init(); /* a fork is noticed */
    bide__object_init(b, &broadcast_type);
    atomic_init(&b->shares, 1);
    atomic_init(&b->users, 1);
    b->process = bide__process;
    b->item_size = item_size;
    b->capacity = capacity;
    b->ring = ring;
    pthread_mutex_init(&b->lock, NULL);
    bide__list_init(&b->waiters);
    return b;
}

static int check_broadcast(const bide_broadcast *b, const char *function)
{
    if (!b)
        return bide_fail(-EINVAL, "%s: the broadcast is NULL", function);
    return b->process == bide__process ? 0 : bide__inherited(function);
}

bide_receiver *bide_broadcast_subscribe_to(bide_broadcast *b)
{
    if (check_broadcast(b, "bide_broadcast_subscribe") < 0)
        return NULL;
    bide_receiver *r = bide__object_zalloc(sizeof *r);
    if (!r) {
        bide__fail_nomem("bide_broadcast_subscribe");
        return NULL;
    }

    bide__object_init(r, &receiver_type);
    atomic_init(&r->shares, 1);
    atomic_fetch_add(&b->users, 1);
    r->from = b;
    pthread_mutex_lock(&b->lock);
    r->next = b->sent;
    b->receivers++;
    pthread_mutex_unlock(&b->lock);
    return r;
}

/* ---- sending ---- */

static char *slot(const bide_broadcast *b, uint64_t number)
{
    return b->ring + (size_t)(number % b->capacity) * b->item_size;
}

int bide_broadcast_send_item(bide_broadcast *b, const void *item, size_t size)
{
    int code = check_broadcast(b, "bide_broadcast_send");
    if (code < 0)
        return code;
    if (!item || size != b->item_size)
        return bide_fail(-EINVAL, "bide_broadcast_send: the item is NULL, or has not the %zu bytes of the broadcast's", b->item_size);

    pthread_mutex_lock(&b->lock);
    if (b->is_closed) {
        code = bide_fail(BIDE_ECLOSED, "bide_broadcast_send: the broadcast was closed");
    } else {
        memcpy(slot(b, b->sent++), item, size);
        bide__far_wake_all(&b->waiters);
        code = b->receivers < INT_MAX ? (int)b->receivers : INT_MAX;
    }
    pthread_mutex_unlock(&b->lock);
    return code;
}

int bide_broadcast_finish(bide_broadcast *b)
{
    int code = check_broadcast(b, "bide_broadcast_close");
    if (code == 0)
        close_it(b);
    return code;
}

/* ---- receiving; what follows is called with the lock held, where a name ends in _locked ---- */

static int check_receiver(const bide_receiver *r, const char *function)
{
    if (!r)
        return bide_fail(-EINVAL, "%s: the receiver is NULL", function);
    return r->from->process == bide__process ? 0 : bide__inherited(function);
}

static int check_place(const bide_receiver *r, const void *item, size_t size, const char *function)
{
    int code = check_receiver(r, function);
    if (code < 0)
        return code;
    if (!item || size != r->from->item_size)
        return bide_fail(-EINVAL, "%s: the item is NULL, or has not the %zu bytes of the broadcast's", function, r->from->item_size);
    return 0;
}

static int receive_locked(bide_receiver *r, void *item, const char *function)
{
    const bide_broadcast *b = r->from;
    uint64_t oldest = b->sent > b->capacity ? b->sent - b->capacity : 0;

    if (r->next == b->sent)
        return b->is_closed ? bide_fail(BIDE_ECLOSED, "%s: the broadcast was closed, and all is received", function) : OPERATION_WAITS;
    if (r->next < oldest) {
        r->missed = oldest - r->next;
        r->next = oldest;
        return bide_fail(BIDE_ELAGGED, "%s: too late for %llu items", function, (unsigned long long)r->missed);
    }
    memcpy(item, slot(b, r->next++), b->item_size);
    return 0;
}

static int receive_check(const bide_operation *op)
{
    return check_place(op->object, op->place, op->words[0], "bide_broadcast_receive");
}

static int receive_attempt(const bide_operation *op, struct op_waiter *w)
{
    bide_receiver *r = op->object;

    pthread_mutex_lock(&r->from->lock);
    if (w)
        bide__far_leave(w);
    int code = receive_locked(r, op->place, "bide_broadcast_receive");
    pthread_mutex_unlock(&r->from->lock);
    return code;
}

static void receive_enlist(const bide_operation *op, struct op_waiter *w)
{
    bide_receiver *r = op->object;
    bide_broadcast *b = r->from;

    pthread_mutex_lock(&b->lock);
    bide__far_enlist(&b->waiters, w, b->is_closed || r->next < b->sent);
    pthread_mutex_unlock(&b->lock);
}

static void receive_withdraw(const bide_operation *op, struct op_waiter *w)
{
    bide_receiver *r = op->object;

    pthread_mutex_lock(&r->from->lock);
    bide__far_leave(w);
    pthread_mutex_unlock(&r->from->lock);
}

static const struct bide_operation_ops receive_ops = {"bide_broadcast_receive", receive_check, receive_attempt, receive_enlist,
                                                      receive_withdraw,
                                                      .retain = receiver_retain, .release = receiver_release};

static bide_operation receive_operation(bide_receiver *r, void *item, size_t size)
{
    return (bide_operation){.ops = &receive_ops, .object = r, .place = item, .words = {size}};
}

int bide_broadcast_receive_item(bide_receiver *r, void *item, size_t size)
{
    bide_operation op = receive_operation(r, item, size);

    return bide__operation_await(&op);
}

bide_awaitable bide_broadcast_receive_item_awaitable(bide_receiver *r, void *item, size_t size)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = receive_operation(r, item, size)};
}

int bide_broadcast_receive_item_nowait(bide_receiver *r, void *item, size_t size)
{
    int code = check_place(r, item, size, "bide_broadcast_receive_nowait");
    if (code < 0)
        return code;

    pthread_mutex_lock(&r->from->lock);
    code = receive_locked(r, item, "bide_broadcast_receive_nowait");
    pthread_mutex_unlock(&r->from->lock);
    return code == OPERATION_WAITS ? bide_fail(-EAGAIN, "bide_broadcast_receive_nowait: there is nothing new") : code;
}

uint64_t bide_receiver_missed(bide_receiver *r)
{
    if (check_receiver(r, "bide_broadcast_missed") < 0)
        return 0;

    pthread_mutex_lock(&r->from->lock);
    uint64_t missed = r->missed;
    pthread_mutex_unlock(&r->from->lock);
    return missed;
}
