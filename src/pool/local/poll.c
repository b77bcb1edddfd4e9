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
#include "pool/local/local.h"

/* Turns without asking the kernel while results come. */
#define SKIP_MAX 64

struct local_poll {
    struct loop_closer closer;
    bide_loop *loop;
    struct list_node pools;
    const struct poller_ops *inner;
    struct poller_ops ops; /* those of inner, but for the wait */
    unsigned skipped;
    struct spin spin;
};

static const char poll_key;

/* ---- all pools of the loop ---- */

static struct local_pool *pool_at(struct list_node *n)
{
    return container_of(n, struct local_pool, in_poll);
}

static struct proxy *proxy_at(struct list_node *n)
{
    return container_of(n, struct proxy, node);
}

static void all_turn(struct local_poll *pp)
{
    for (struct list_node *n = pp->pools.next, *next; n != &pp->pools; n = next) {
        next = n->next;
        bide__local_turn(pool_at(n)->pool);
    }
}

/* ---- falling asleep ---- */

/*
 * Has it sent nothing, and does it not wait for us?  One that wrote nonsense is being killed: its pidfd reports the end.
 * Asked once more after we_sleep was set: the worker writes an answer, `stuck` or a position first and looks at we_sleep
 * then, so what is not seen here rings our bell.
 */
static bool worker_is_quiet(struct proxy *x)
{
    if (x->corrupt)
        return true;
    return bide__lane_is_empty(&x->segment.answers) && !atomic_load(&x->segment.shared->stuck) &&
           (x->norders == 0 || !bide__lane_has_room(&x->segment.orders, 0));
}

static bool there_is_news(void *arg)
{
    struct local_poll *pp = arg;

    for (struct list_node *n = pp->pools.next; n != &pp->pools; n = n->next) {
        struct local_pool *l = pool_at(n);
        for (struct list_node *m = l->proxies.next; m != &l->proxies; m = m->next)
            if (!worker_is_quiet(proxy_at(m)))
                return true;
        if (bide__local_could_dispatch(l->pool))
            return true;
    }
    return false;
}

static void say_sleeps(struct local_poll *pp, uint32_t sleeps)
{
    for (struct list_node *n = pp->pools.next; n != &pp->pools; n = n->next) {
        struct local_pool *l = pool_at(n);
        for (struct list_node *m = l->proxies.next; m != &l->proxies; m = m->next)
            atomic_store(&proxy_at(m)->segment.shared->we_sleep, sleeps);
    }
}

static bool may_spin(const struct local_poll *pp)
{
    for (struct list_node *n = pp->pools.next; n != &pp->pools; n = n->next) {
        const struct local_pool *l = pool_at(n);
        if (l->pool->pending > 0 && l->may_spin)
            return true;
    }
    return false;
}

static struct local_poll *here(bide_loop *loop)
{
    struct loop_closer *c = bide__loop_find(loop, &poll_key);

    return c ? container_of(c, struct local_poll, closer) : NULL;
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
    struct local_poll *pp = here(loop);
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
        if (there_is_news(pp))
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

/* ---- attaching ---- */

static void remove_poll(struct local_poll *pp)
{
    bide__set_poller(pp->loop, pp->inner);
    bide__loop_detach(&pp->closer);
    bide__free(pp);
}

/* The pools that are left are abandoned next (attach.c), which needs no turns. */
static void on_loop_close(struct loop_closer *c)
{
    struct local_poll *pp = container_of(c, struct local_poll, closer);

    while (!bide__list_is_empty(&pp->pools))
        bide__list_remove(pp->pools.next);
    remove_poll(pp);
}

int bide__local_poll_attach(bide_pool *p)
{
    struct local_poll *pp = here(p->loop);

    if (!pp) {
        BIDE_TRY(bide__epoll_begin(p->loop));
        pp = bide__calloc(1, sizeof *pp);
        if (!pp)
            return bide__fail_nomem("a pool");
        pp->loop = p->loop;
        pp->inner = p->loop->poller_ops;
        pp->ops = *pp->inner;
        pp->ops.wait = pool_wait;
        pp->ops.only_descriptors = false;
        bide__spin_init(&pp->spin);
        pp->closer = (struct loop_closer){.key = &poll_key, .close = on_loop_close};
        bide__list_init(&pp->closer.node);
        bide__list_init(&pp->pools);
        bide__loop_attach(p->loop, &pp->closer);
        bide__set_poller(p->loop, &pp->ops);
    }
    bide__list_append(&pp->pools, &bide__local(p)->in_poll);
    return 0;
}

void bide__local_poll_detach(bide_pool *p)
{
    struct local_pool *l = bide__local(p);
    if (!bide__list_is_linked(&l->in_poll))
        return;
    bide__list_remove(&l->in_poll);
    struct local_poll *pp = here(p->loop);
    if (bide__list_is_empty(&pp->pools))
        remove_poll(pp);
}
