/* SPDX-License-Identifier: MIT */
/*
 * handle.c - calls that the loop will make: call_soon, call_later, call_at, call_soon_threadsafe.
 *
 * The loop owns one share of a handle until the call was made or cancelled; then the handle is settled, and only shares
 * that were retained keep it.
 */
#include "core/core.h"

struct bide_handle {
    struct object object;
    struct ready ready;
    struct timer timer;
    struct inbox_item item;
    struct list_node all; /* loop->handles until settled */
    bide_loop *loop;      /* a share, but for the handle of another thread: then until the loop takes it */
    bide_callback *fn;
    void *arg;
    void (*arg_free)(void *arg); /* NULL: it is borrowed */
    bool cancelled, settled, has_place;
};

static void handle_destroy(void *object)
{
    bide_handle *h = object;

    bide__free_user(h->arg, h->arg_free);
    bide__object_free(h);
}

static const struct object_type handle_type = {.name = "handle", .destroy = handle_destroy};

/* The call was made, or never will be. */
static void settle(bide_handle *h)
{
    if (h->settled)
        return;
    h->settled = true;
    bide__timer_disarm(h->loop, &h->timer);
    bide__unpush(h->loop, &h->ready);
    if (h->has_place)
        bide__ring_unreserve(&h->loop->ring, 1);
    bide__list_remove(&h->all);
    bide__object_unref(h);
}

static void call(bide_handle *h)
{
    bide_retain(h);
    if (!h->cancelled)
        h->fn(h->arg);
    settle(h);
    bide__object_unref(h);
}

static void handle_run(struct ready *r)
{
    call(container_of(r, bide_handle, ready));
}

static void handle_due(struct timer *t)
{
    bide_handle *h = container_of(t, bide_handle, timer);

    bide__push(h->loop, &h->ready);
}

static bide_handle *handle_new(bide_loop *loop, bide_callback *fn, void *arg)
{
    bide_handle *h = bide__object_zalloc(sizeof *h);
    if (!h) {
        bide__fail_nomem("a call for the event loop");
        return NULL;
    }
    bide__object_init(h, &handle_type);
    h->ready.run = handle_run;
    bide__timer_init(&h->timer, handle_due);
    bide__list_init(&h->item.node);
    bide__list_init(&h->all);
    h->loop = loop;
    h->fn = fn;
    h->arg = arg;
    return h;
}

/* A handle with a place in the queue, in the loop's list. */
static bide_handle *handle_open(bide_loop *loop, bide_callback *fn, void *arg, const char *function)
{
    if (bide__loop_check(loop, function) < 0)
        return NULL;
    if (loop->closed) {
        bide_fail(BIDE_ECLOSED, "the event loop is closed");
        return NULL;
    }
    if (!fn) {
        bide_fail(-EINVAL, "%s: the function is NULL", function);
        return NULL;
    }
    bide_handle *h = handle_new(loop, fn, arg);
    if (!h)
        return NULL;
    if (bide__ring_reserve(&loop->ring, 1) < 0) {
        bide__object_free(h);
        return NULL;
    }
    h->has_place = true;
    bide__list_append(&loop->handles, &h->all);
    return h;
}

bide_handle *bide_loop_call_soon(bide_loop *loop, bide_callback *fn, void *arg)
{
    bide_handle *h = handle_open(loop, fn, arg, __func__);

    if (h)
        bide__push(loop, &h->ready);
    return h;
}

bide_handle *bide_loop_call_later(bide_loop *loop, int64_t delay_ms, bide_callback *fn, void *arg)
{
    bide_handle *h = handle_open(loop, fn, arg, __func__);

    if (h)
        bide__timer_arm(loop, &h->timer, delay_ms);
    return h;
}

bide_handle *bide_loop_call_at(bide_loop *loop, int64_t when_ms, bide_callback *fn, void *arg)
{
    bide_handle *h = handle_open(loop, fn, arg, __func__);

    if (h)
        bide__timer_arm_at(loop, &h->timer, when_ms);
    return h;
}

/* In the loop's thread: take a place in the queue like everybody else; without memory the call is made at once. */
static void handle_arrived(struct inbox_item *item)
{
    bide_handle *h = container_of(item, bide_handle, item);

    atomic_fetch_sub_explicit(&h->loop->calls_outside, 1, memory_order_relaxed);
    bide__list_append(&h->loop->handles, &h->all);
    h->has_place = bide__ring_reserve(&h->loop->ring, 1) == 0;
    if (h->has_place) {
        bide__push(h->loop, &h->ready);
    } else {
        call(h);
    }
}

static void handle_dropped(struct inbox_item *item)
{
    bide_handle *h = container_of(item, bide_handle, item);

    atomic_fetch_sub_explicit(&h->loop->calls_outside, 1, memory_order_relaxed);
    bide__object_unref(h);
}

static int post_call(bide_loop *loop, bide_callback *fn, void *arg, void (*arg_free)(void *arg))
{
    bide_handle *h = handle_new(loop, fn, arg);
    if (!h)
        return BIDE_ENOMEM;

    h->arg_free = arg_free;
    h->item.run = handle_arrived;
    h->item.drop = handle_dropped;
    if (bide__loop_post(loop, &h->item))
        return 0;
    h->arg_free = NULL; /* it is still the caller's */
    bide__object_unref(h);
    return bide_fail(BIDE_ECLOSED, "bide_loop_call_soon_threadsafe: the event loop is closed");
}

static int call_from_outside(bide_loop *loop, bide_callback *fn, void *arg, void (*arg_free)(void *arg))
{
    int code = BIDE_ELIMIT;
    if (!loop || bide__loop_is_inherited(loop))
        return bide__loop_check_slow(loop, "bide_loop_call_soon_threadsafe");
    if (!fn)
        return bide_fail(-EINVAL, "bide_loop_call_soon_threadsafe: the function is NULL");

    if (atomic_fetch_add_explicit(&loop->calls_outside, 1, memory_order_relaxed) < BIDE_CALLS_WAITING_MAX)
        code = post_call(loop, fn, arg, arg_free);
    else
        bide_fail(code, "bide_loop_call_soon_threadsafe: %d calls wait for the event loop already", BIDE_CALLS_WAITING_MAX);
    if (code < 0)
        atomic_fetch_sub_explicit(&loop->calls_outside, 1, memory_order_relaxed);
    return code;
}

int bide_loop_call_soon_threadsafe(bide_loop *loop, bide_callback *fn, void *arg)
{
    return call_from_outside(loop, fn, arg, NULL);
}

int bide_loop_call_soon_threadsafe_taking(bide_loop *loop, bide_callback *fn, void *arg, void (*arg_free)(void *arg))
{
    int code = call_from_outside(loop, fn, arg, arg_free);

    if (code < 0)
        bide__free_user(arg, arg_free);
    return code;
}

void bide_handle_cancel(bide_handle *h)
{
    if (!h || (!h->settled && !bide__loop_allows(h->loop, "bide_handle_cancel")))
        return;
    h->cancelled = true;
    settle(h);
}

bool bide_handle_cancelled(const bide_handle *h)
{
    return h && h->cancelled;
}

void bide__handles_close(bide_loop *loop)
{
    while (!bide__list_is_empty(&loop->handles))
        settle(container_of(loop->handles.next, bide_handle, all));
}
