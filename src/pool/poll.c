/* SPDX-License-Identifier: MIT */
/*
 * poll.c - when the lanes are looked at: whenever the loop is about to ask the kernel, and when it comes back.
 *
 * pool_wait stands before the loop's own poller.  It hands queued jobs over, takes results in, and if that woke
 * somebody it does not ask the kernel at all (but now and then).  Before the loop sleeps it says so in every worker's
 * segment, and looks once more.  So while both sides are awake, a job costs no system call.
 *
 * Invariants:
 *   P1  we_sleep is set only around the kernel's wait, and the lanes are looked at after it was set.
 *   P2  the poller is replaced just while the loop has pools.
 */
#include "pool/pool.h"

/* Turns without asking the kernel while results come. */
#define SKIP_MAX 64

struct pool_poll {
    struct loop_closer closer;
    bide_loop *loop;
    struct list_node pools;
    const struct poller_ops *inner;
    unsigned skipped;
    struct spin spin;
};

static const char poll_key;

/* ---- a turn ---- */

static struct proxy *proxy_at(struct list_node *n)
{
    return container_of(n, struct proxy, node);
}

/* What was found out about the worker itself, now that all it had to say was read. */
static void act_on(struct proxy *x)
{
    if (x->has_ended)
        bide__proxy_died(x);
    else if (x->birth_code < 0)
        bide__proxy_not_born(x);
    else if (x->state == STARTING && x->said_ready && (x->pid > 0 || x->has_thread))
        bide__slot_take_over(x);
}

static void pool_turn(bide_pool *p)
{
    if (bide__pool_is_parents(p))
        return; /* a forked child: the lanes are the parent's to read */
    for (struct list_node *n = p->proxies.next, *next; n != &p->proxies; n = next) {
        next = n->next; /* this one may go; no other does */
        bide__proxy_drain(proxy_at(n));
        act_on(proxy_at(n));
    }
    bide__pool_dispatch(p);
    bide__pool_adjust(p);
    bide__stats_publish(p);
    bide__pool_note_outside(p);
}

static void all_turn(struct pool_poll *pp)
{
    for (struct list_node *n = pp->pools.next, *next; n != &pp->pools; n = next) {
        next = n->next;
        pool_turn(container_of(n, bide_pool, in_loop));
    }
}

/* While something is awaited that is not in the loop, its virtual clock must not jump. */
void bide__pool_note_outside(bide_pool *p)
{
    bool want = p->pending > 0 || p->state == POOL_ENDING || p->state == POOL_OPENING;

    for (struct list_node *n = p->proxies.next; !want && n != &p->proxies; n = n->next)
        want = proxy_at(n)->state != READY;
    if (want != p->outside)
        p->loop->outside += want ? 1 : -1u;
    p->outside = want;
}

/* ---- falling asleep ---- */

/* Has it sent nothing, and does it not wait for us?  One that wrote nonsense is being killed: its pidfd reports the end. */
static bool worker_is_quiet(struct proxy *x)
{
    if (x->corrupt)
        return true;
    return bide__lane_is_empty(&x->segment.answers) && !atomic_load(&x->segment.shared->stuck) &&
           (x->norders == 0 || !bide__lane_has_room(&x->segment.orders, 0));
}

static bool is_quiet(bide_pool *p)
{
    for (struct list_node *n = p->proxies.next; n != &p->proxies; n = n->next)
        if (!worker_is_quiet(proxy_at(n)))
            return false;
    return !bide__pool_could_dispatch(p);
}

static bool all_quiet(struct pool_poll *pp)
{
    for (struct list_node *n = pp->pools.next; n != &pp->pools; n = n->next)
        if (!is_quiet(container_of(n, bide_pool, in_loop)))
            return false;
    return true;
}

static void say_sleeps(struct pool_poll *pp, uint32_t sleeps)
{
    for (struct list_node *n = pp->pools.next; n != &pp->pools; n = n->next) {
        bide_pool *p = container_of(n, bide_pool, in_loop);
        for (struct list_node *m = p->proxies.next; m != &p->proxies; m = m->next)
            atomic_store(&proxy_at(m)->segment.shared->we_sleep, sleeps);
    }
}

static bool may_spin(const struct pool_poll *pp)
{
    for (struct list_node *n = pp->pools.next; n != &pp->pools; n = n->next) {
        const bide_pool *p = container_of(n, bide_pool, in_loop);
        if (p->pending > 0 && p->may_spin)
            return true;
    }
    return false;
}

static bool there_is_news(void *pp)
{
    return !all_quiet(pp);
}

static struct pool_poll *here(bide_loop *loop)
{
    struct loop_closer *c = bide__loop_find(loop, &poll_key);

    return c ? container_of(c, struct pool_poll, closer) : NULL;
}

/* Timers that were armed in our turn (a job's deadline) came too late for the time-out that the loop computed. */
static int64_t not_beyond_next_timer(bide_loop *loop, int64_t timeout_ns)
{
    int64_t next_ms = bide__wheel_next_ms(&loop->wheel);
    if (next_ms < 0 || loop->virtual_time || timeout_ns == 0)
        return timeout_ns;

    int64_t ns = next_ms * 1000000 - bide__clock_ns();
    ns = ns > 0 ? ns : 0;
    return timeout_ns < 0 || ns < timeout_ns ? ns : timeout_ns;
}

static int pool_wait(void *poller, int64_t timeout_ns)
{
    bide_loop *loop = bide__loop_here;
    if (!loop)
        return bide_fail(BIDE_ESTATE, "this is a forked child, and the event loop is its parent's");
    struct pool_poll *pp = here(loop);
    bool idle = bide__ring_count(&loop->ring) == 0;

    all_turn(pp);
    if (idle && bide__ring_count(&loop->ring) > 0 && pp->skipped < SKIP_MAX) {
        pp->skipped++;
        return 0;
    }
    pp->skipped = 0;
    if (bide__ring_count(&loop->ring) > 0 || (timeout_ns != 0 && may_spin(pp) && bide__spin(&pp->spin, there_is_news, pp, timeout_ns)))
        timeout_ns = 0;
    timeout_ns = not_beyond_next_timer(loop, timeout_ns);
    if (timeout_ns != 0) {
        say_sleeps(pp, 1);
        if (!all_quiet(pp))
            timeout_ns = 0;
    }
    int64_t start = timeout_ns != 0 ? bide__clock_ns() : 0;
    int code = pp->inner->wait(poller, timeout_ns);
    if (timeout_ns != 0)
        bide__spin_slept(&pp->spin, bide__clock_ns() - start);
    say_sleeps(pp, 0);
    all_turn(pp);
    return code;
}

static void pool_poller_close(void *poller)
{
    bide__epoll_ops.close(poller); /* never: on_loop_close puts the loop's own back before */
}

static void pool_poller_wake(void *poller)
{
    bide__epoll_ops.wake(poller);
}

static const struct poller_ops pool_poller_ops = {.close = pool_poller_close, .wait = pool_wait, .wake = pool_poller_wake};

/* ---- attaching ---- */

static void remove_poll(struct pool_poll *pp)
{
    bide__set_poller(pp->loop, pp->inner);
    bide__loop_detach(&pp->closer);
    bide__free(pp);
}

static void on_loop_close(struct loop_closer *c)
{
    struct pool_poll *pp = container_of(c, struct pool_poll, closer);

    while (!bide__list_is_empty(&pp->pools)) {
        bide_pool *p = container_of(pp->pools.next, bide_pool, in_loop);
        bide__list_remove(&p->in_loop);
        if (bide__pool_is_parents(p)) {
            bide__pool_forget(p);
            continue;
        }
        bide__pool_abandon(p);
        if (p->was_released) {
            bide__unpush(p->loop, &p->leaving);
            bide__object_unref(p);
        }
    }
    remove_poll(pp);
}

int bide__pool_attach(bide_pool *p)
{
    struct pool_poll *pp = here(p->loop);

    BIDE_TRY(bide__ring_reserve(&p->loop->ring, 1));
    p->leaving.run = bide__pool_leave;
    if (!pp) {
        pp = bide__calloc(1, sizeof *pp);
        if (!pp)
            return bide__fail_nomem("a pool");
        pp->loop = p->loop;
        pp->inner = p->loop->poller_ops;
        bide__spin_init(&pp->spin);
        pp->closer = (struct loop_closer){.key = &poll_key, .close = on_loop_close};
        bide__list_init(&pp->closer.node);
        bide__list_init(&pp->pools);
        bide__loop_attach(p->loop, &pp->closer);
        bide__set_poller(p->loop, &pool_poller_ops);
    }
    bide__list_append(&pp->pools, &p->in_loop);
    return 0;
}

void bide__pool_detach_loop(bide_pool *p)
{
    if (!bide__list_is_linked(&p->in_loop))
        return;
    bide__list_remove(&p->in_loop);
    if (p->outside)
        p->loop->outside--;
    p->outside = false;
    struct pool_poll *pp = here(p->loop);
    if (bide__list_is_empty(&pp->pools))
        remove_poll(pp);
}
