/* SPDX-License-Identifier: MIT */
/*
 * handle.c - calls that the loop will make: call_soon, call_later, call_at, call_soon_threadsafe.
 *
 * The loop owns one share of a handle until the call was made or cancelled; then the handle is settled, and only shares
 * that were retained keep it.  Handles lie in chunks of the loop's and are used again: a program that sets a time limit for
 * each of many things makes and cancels one for each.  Alone lie those that come from other threads, which may not touch
 * the chunks, those that carry a context, and all where each use after release is to be seen.
 */
#include "core/core.h"

enum state {
    UNUSED,  /* in the loop's free list */
    TIMED,   /* armed */
    QUEUED,  /* in the ready queue */
    POSTED,  /* on its way from another thread */
    SETTLED, /* the call is being or was made, or never will be */
};

struct bide_handle {
    struct object object;
    bide_loop *loop; /* a share, but while it is POSTED */
    union {
        struct timer timer;    /* TIMED */
        struct ready ready;    /* QUEUED */
        bide_handle *free_next; /* UNUSED */
    };
    bide_callback *fn;
    void *arg;
    uint8_t state;
    bool cancelled, has_place, is_alone;
};

struct lone_handle {
    bide_handle handle;
    struct list_node all; /* loop->lone_handles until settled */
    struct inbox_item item;
    void (*arg_free)(void *arg); /* NULL: it is borrowed */
    struct task_context *context; /* a share of that of who asked for the call; NULL: empty */
};

#define CHUNK_HANDLES 64

struct handle_chunk {
    struct handle_chunk *next;
    bide_handle handles[CHUNK_HANDLES];
};

static struct lone_handle *as_lone(bide_handle *h)
{
    return container_of(h, struct lone_handle, handle);
}

/* ---- memory ---- */

static void give_back(bide_loop *loop, bide_handle *h)
{
    h->state = UNUSED;
    h->free_next = loop->free_handles;
    loop->free_handles = h;
}

static __attribute__((noinline)) bool add_chunk(bide_loop *loop)
{
    struct handle_chunk *c = bide__malloc(sizeof *c);
    if (!c)
        return false;

    c->next = loop->handle_chunks;
    loop->handle_chunks = c;
    for (size_t i = CHUNK_HANDLES; i > 0; i--) {
        c->handles[i - 1].object = (struct object){.word = OBJECT_DEAD};
        give_back(loop, &c->handles[i - 1]);
    }
    return true;
}

void bide__handles_free(bide_loop *loop)
{
    for (struct handle_chunk *c = loop->handle_chunks, *next; c; c = next) {
        next = c->next;
        bide__free(c);
    }
    loop->handle_chunks = NULL;
}

static void handle_destroy(void *object)
{
    bide_handle *h = object;
    bide_loop *loop = h->loop;
    bool is_shared = h->state != POSTED;

    if (unlikely(h->is_alone)) {
        if (as_lone(h)->context)
            bide__context_unref(as_lone(h)->context);
        bide__free_user(h->arg, as_lone(h)->arg_free);
        bide__object_free(h);
    } else {
        give_back(loop, h);
    }
    if (is_shared)
        bide__object_unref(loop);
}

static const struct object_type handle_type = {.name = "handle", .destroy = handle_destroy};

static void handle_init(bide_handle *h, bide_loop *loop, bide_callback *fn, void *arg, bool is_alone)
{
    bide__object_init(h, &handle_type);
    h->loop = loop;
    h->fn = fn;
    h->arg = arg;
    h->cancelled = h->has_place = false;
    h->is_alone = is_alone;
}

static __attribute__((noinline)) bide_handle *lone_new(bide_loop *loop, bide_callback *fn, void *arg)
{
    struct lone_handle *l = bide__object_zalloc(sizeof *l);
    if (!l)
        return NULL;

    handle_init(&l->handle, loop, fn, arg, true);
    bide__list_init(&l->all);
    bide__list_init(&l->item.node);
    return &l->handle;
}

/* In the loop's thread; not settled, and without a state. */
static bide_handle *handle_new(bide_loop *loop, bide_callback *fn, void *arg)
{
    bide_handle *h = loop->free_handles;
    if (unlikely(bide__no_recycling || loop->has_contexts)) {
        h = lone_new(loop, fn, arg);
        if (h) {
            bide__list_append(&loop->lone_handles, &as_lone(h)->all);
            as_lone(h)->context = loop == bide__loop_here ? bide__context_ref(bide__context_here()) : NULL;
        }
    } else if (h || add_chunk(loop)) {
        h = loop->free_handles;
        loop->free_handles = h->free_next;
        handle_init(h, loop, fn, arg, false);
    }
    if (!h)
        bide__fail_nomem("a call for the event loop");
    else
        bide_retain(loop);
    return h;
}

/* ---- its call ---- */

/* The call was made, or never will be. */
static void settle(bide_handle *h)
{
    if (h->state == SETTLED)
        return;
    if (h->state == TIMED)
        bide__timer_disarm(h->loop, &h->timer);
    else if (h->state == QUEUED)
        bide__unpush(h->loop, &h->ready);
    h->state = SETTLED;
    if (h->has_place)
        bide__ring_unreserve(&h->loop->ring, 1);
    if (unlikely(h->is_alone))
        bide__list_remove(&as_lone(h)->all);
    bide__object_unref(h);
}

static void call(bide_handle *h)
{
    bide_retain(h);
    if (unlikely(h->is_alone && as_lone(h)->context))
        bide__context_outside = as_lone(h)->context;
    if (!h->cancelled)
        h->fn(h->arg);
    if (unlikely(h->is_alone))
        bide__context_outside = NULL;
    settle(h);
    bide__object_unref(h);
}

static void handle_run(struct ready *r)
{
    call(container_of(r, bide_handle, ready));
}

static void push(bide_handle *h)
{
    h->state = QUEUED;
    h->ready = (struct ready){.run = handle_run};
    bide__push(h->loop, &h->ready);
}

static void handle_due(struct timer *t)
{
    push(container_of(t, bide_handle, timer));
}

static void timed(bide_handle *h)
{
    h->state = TIMED;
    bide__timer_init(&h->timer, handle_due);
}

/* ---- calls from the loop's thread ---- */

static int check_call(const bide_loop *loop, bide_callback *fn, const char *function)
{
    int code = bide__loop_check(loop, function);
    if (code < 0)
        return code;
    if (loop->closed)
        return bide_fail(BIDE_ECLOSED, "the event loop is closed");
    return fn ? 0 : bide_fail(-EINVAL, "%s: the function is NULL", function);
}

/* A handle with a place in the queue. */
static inline bide_handle *handle_open(bide_loop *loop, bide_callback *fn, void *arg, const char *function)
{
    if (check_call(loop, fn, function) < 0 || bide__ring_reserve(&loop->ring, 1) < 0)
        return NULL;
    bide_handle *h = handle_new(loop, fn, arg);
    if (!h)
        bide__ring_unreserve(&loop->ring, 1);
    else
        h->has_place = true;
    return h;
}

bide_handle *bide_loop_call_soon(bide_loop *loop, bide_callback *fn, void *arg)
{
    bide_handle *h = handle_open(loop, fn, arg, __func__);

    if (h)
        push(h);
    return h;
}

bide_handle *bide_loop_call_later(bide_loop *loop, int64_t delay_ms, bide_callback *fn, void *arg)
{
    bide_handle *h = handle_open(loop, fn, arg, __func__);

    if (h) {
        timed(h);
        bide__timer_arm_among_many(loop, &h->timer, delay_ms);
    }
    return h;
}

bide_handle *bide_loop_call_at(bide_loop *loop, int64_t when_ms, bide_callback *fn, void *arg)
{
    bide_handle *h = handle_open(loop, fn, arg, __func__);

    if (h) {
        timed(h);
        bide__timer_arm_at(loop, &h->timer, when_ms);
    }
    return h;
}

/* ---- calls from other threads ---- */

/* In the loop's thread: take a place in the queue like everybody else; without memory the call is made at once. */
static void handle_arrived(struct inbox_item *item)
{
    struct lone_handle *l = container_of(item, struct lone_handle, item);
    bide_handle *h = &l->handle;

    atomic_fetch_sub_explicit(&h->loop->calls_outside, 1, memory_order_relaxed);
    bide_retain(h->loop);
    bide__list_append(&h->loop->lone_handles, &l->all);
    h->has_place = bide__ring_reserve(&h->loop->ring, 1) == 0;
    if (h->has_place) {
        push(h);
    } else {
        h->state = QUEUED;
        h->ready = (struct ready){.run = handle_run};
        call(h);
    }
}

static void handle_dropped(struct inbox_item *item)
{
    bide_handle *h = &container_of(item, struct lone_handle, item)->handle;

    atomic_fetch_sub_explicit(&h->loop->calls_outside, 1, memory_order_relaxed);
    bide__object_unref(h);
}

static int post_call(bide_loop *loop, bide_callback *fn, void *arg, void (*arg_free)(void *arg))
{
    bide_handle *h = lone_new(loop, fn, arg);
    if (!h)
        return bide__fail_nomem("a call for the event loop");

    struct lone_handle *l = as_lone(h);
    h->state = POSTED;
    l->arg_free = arg_free;
    l->item.run = handle_arrived;
    l->item.drop = handle_dropped;
    if (bide__loop_post(loop, &l->item))
        return 0;
    l->arg_free = NULL; /* it is still the caller's */
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
    if (!h || (h->state != SETTLED && !bide__loop_allows(h->loop, "bide_handle_cancel")))
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
    for (struct handle_chunk *c = loop->handle_chunks; c; c = c->next)
        for (size_t i = 0; i < CHUNK_HANDLES; i++)
            if (c->handles[i].state == TIMED || c->handles[i].state == QUEUED)
                settle(&c->handles[i]);
    while (!bide__list_is_empty(&loop->lone_handles))
        settle(&container_of(loop->lone_handles.next, struct lone_handle, all)->handle);
}
