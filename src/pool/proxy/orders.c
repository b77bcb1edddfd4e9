/* SPDX-License-Identifier: MIT */
/*
 * orders.c - what the program says to a worker: that calls lie in its lane, orders, and in the end SIGKILL.
 *
 * Nothing here waits.  An order that finds no room in the lane is kept, and follows when the worker has read some; one
 * that reads nothing and has us keep more than any worker has a use for is killed.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pool/proxy/proxy.h"

#define ORDERS_MAX (1u << 18) /* for each of 69,632 jobs at most: memory, a cancellation */

void bide__proxy_flush(struct proxy *x)
{
    struct segment_shared *s = x->segment.shared;

    /* First what is there, then the look at whether it sleeps; the worker says first that it sleeps, and looks then. */
    x->dirty = false;
    bide__lane_publish(&x->segment.calls);
    bide__lane_publish(&x->segment.orders);
    if (atomic_load(&s->worker_sleeps) && atomic_exchange(&s->worker_sleeps, 0)) {
        bide__ring_bell(x->bell);
        bide__local(x->pool)->rung++;
    }
}

/* Room behind those that wait: in front of them, if that is half of it, so that nothing is moved twice for one order. */
static bool make_room_for_order(struct proxy *x)
{
    size_t waiting = x->norders - x->orders_at, cap = x->orders_cap ? x->orders_cap * 2 : 64;

    if (x->orders_at < x->orders_cap / 2 || x->orders_cap == 0) {
        struct record *more = bide__realloc(x->orders, cap * sizeof *more);
        if (!more)
            return false;
        x->orders = more;
        x->orders_cap = cap;
    }
    memmove(x->orders, x->orders + x->orders_at, waiting * sizeof *x->orders);
    x->orders_at = 0;
    x->norders = waiting;
    return true;
}

/* False: no memory, or it has asked for more than any worker has a use for, and reads nothing. */
static bool keep_order(struct proxy *x, const struct record *r)
{
    if (x->norders - x->orders_at >= ORDERS_MAX) {
        x->corrupt = true;
        return false;
    }
    if (x->norders == x->orders_cap && !make_room_for_order(x))
        return false;
    x->orders[x->norders++] = *r;
    return true;
}

/* The worker rings when it has read some; if it did so before we asked it to, there is room now. */
void bide__proxy_flush_orders(struct proxy *x)
{
    struct lane *l = &x->segment.orders;

    do {
        while (x->orders_at < x->norders && bide__lane_put(l, &x->orders[x->orders_at], NULL, 0, NULL, 0))
            x->orders_at++;
        if (x->orders_at < x->norders)
            atomic_exchange(&x->segment.shared->orders_wait, 1);
    } while (x->orders_at < x->norders && bide__lane_has_room(l, 0));
    if (x->orders_at == x->norders)
        x->orders_at = x->norders = 0;
    bide__proxy_flush(x);
}

/* Never waits: what has no room in the lane follows later. */
void bide__proxy_order(struct proxy *x, uint16_t kind, uint64_t id, uint64_t fn, uint64_t more, int code)
{
    struct record r = {.kind = kind, .id = id, .fn = fn, .more = more, .code = code};

    if (x->norders == 0 && bide__lane_put(&x->segment.orders, &r, NULL, 0, NULL, 0))
        bide__proxy_flush(x);
    else if (keep_order(x, &r))
        bide__proxy_flush_orders(x);
    else /* better no worker than one that waits forever, or has us keep more and more for it */
        bide__proxy_kill(x);
}

void bide__proxy_stop(struct proxy *x)
{
    if (x->state == ENDING)
        return;
    x->state = ENDING;
    bide__pool_await_outside(x->pool);
    bide__proxy_order(x, REC_STOP, 0, 0, 0, 0);
}

static void cancel_all(struct proxy *x, struct list_node *list)
{
    for (struct list_node *n = list->next; n != list; n = n->next)
        bide__proxy_order(x, REC_CANCEL, container_of(n, struct job, node)->id, 0, 0, 0);
}

void bide__proxy_send_kill(struct proxy *x)
{
    if (bide__fd_is_open(&x->pidfd))
        syscall(SYS_pidfd_send_signal, x->pidfd.fd, SIGKILL, NULL, 0);
}

/* A thread can only be asked, and once: if there is no memory for that, it does not help to ask again. */
void bide__proxy_kill(struct proxy *x)
{
    bool before = x->was_killed;

    x->was_killed = true;
    if (x->has_thread && !before) {
        cancel_all(x, &x->sent);
        cancel_all(x, &x->begun);
        bide__proxy_stop(x);
    } else if (!x->has_thread) {
        bide__proxy_send_kill(x);
    }
}

int bide__proxy_reject(struct proxy *x)
{
    x->corrupt = true;
    bide__proxy_kill(x);
    return -EBADMSG;
}
