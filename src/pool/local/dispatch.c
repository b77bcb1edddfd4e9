/* SPDX-License-Identifier: MIT */
/*
 * dispatch.c - the queue of jobs, and the choice of the worker that gets the next one.
 *
 * A job goes to the worker that has the fewest, among equals to the one that became idle last.  A worker that computes
 * gets nothing that would have to wait behind that: beyond what it has begun, it is handed jobs only while it sleeps
 * (it will begin at once), or while jobs are so short that waiting behind a few costs less than a bell.  If jobs are
 * left, the worker is asked (ring_when_idle) to ring our bell before it sleeps.
 *
 * A worker that was given max_jobs gets no more; its successor takes over when it is ready.  While the old one still has
 * jobs, the two are one worker for all that follows: so recycling never makes more jobs run at once.
 *
 * Invariants:
 *   D1  a worker never has more than concurrency + prefetch jobs, nor has it together with those that it replaces.
 *   D2  a worker never gets more than max_jobs.
 */
#include <unistd.h>

#include "pool/local/local.h"

#define SHORT_NS 50000
#define PREFETCH_ADAPTIVE 64

/* ---- queues ---- */

static struct list_node *queue_of(bide_pool *p, const struct job *j)
{
    struct local_pool *l = bide__local(p);

    return j->slot >= 0 && j->slot < l->nslots ? &l->slots[j->slot].pinned : &l->queue;
}

void bide__local_enqueue(bide_pool *p, struct job *j, bool first)
{
    struct list_node *queue = queue_of(p, j);

    if (first)
        bide__list_prepend(queue, &j->node);
    else
        bide__list_append(queue, &j->node);
}

/* ---- may it have one more? ---- */

static bool is_short(int64_t ewma_ns)
{
    return ewma_ns > 0 && ewma_ns < SHORT_NS;
}

static unsigned most(const struct proxy *x)
{
    const bide_pool_args *a = &x->pool->args;
    int prefetch = a->prefetch > 0 ? a->prefetch : a->prefetch == 0 && is_short(x->run_ewma_ns) ? PREFETCH_ADAPTIVE : 0;

    return (unsigned)(a->concurrency + prefetch);
}

/* Of those it has not begun, at most so many. */
static unsigned most_waiting(const struct proxy *x)
{
    unsigned n = x->pool->args.prefetch > 0 ? (unsigned)x->pool->args.prefetch : 0;

    return is_short(x->cpu_ewma_ns) && n < PREFETCH_ADAPTIVE ? PREFETCH_ADAPTIVE : n;
}

static bool may_have_more(const struct proxy *x)
{
    return x->state == READY && !x->corrupt && !bide__proxy_is_used_up(x) && bide__proxy_load(x) < most(x);
}

/* ---- those that it replaced ---- */

static struct list_node *predecessors_of(const struct proxy *x)
{
    return &bide__local(x->pool)->slots[x->index].leaving;
}

static struct proxy *predecessor_at(struct list_node *n)
{
    return container_of(n, struct proxy, replaced);
}

/*
 * It has not taken what it was given, or computes: what is begun elsewhere would run beside that.  note_begun comes first:
 * by the worker's order of stores, one that is idle after all its calls were taken has nothing that could begin.
 */
static bool is_in_the_way(struct proxy *old)
{
    bide__proxy_note_begun(old);
    return bide__proxy_load(old) > 0 && (old->nsent > 0 || !atomic_load(&old->segment.shared->worker_idle));
}

static __attribute__((noinline)) bool have_room_together(const struct proxy *x)
{
    struct list_node *list = predecessors_of(x);
    unsigned n = bide__proxy_load(x);

    for (struct list_node *at = list->next; at != list; at = at->next) {
        struct proxy *old = predecessor_at(at);
        n += bide__proxy_load(old);
        if (is_in_the_way(old))
            return false;
    }
    return n < most(x);
}

static bool predecessors_leave_room(const struct proxy *x)
{
    return likely(bide__list_is_empty(predecessors_of(x))) || have_room_together(x);
}

/* ---- may it have one now? ---- */

/*
 * worker_idle is the worker's: set before it looks for work a last time, cleared before a job can be seen to have begun.  So
 * when all that was sent has begun (nsent 0), what we read is no value of before.  A 1 that is seen late does no harm: the
 * job goes in a later turn, or when the worker rings (ring_when_idle).
 */
static bool can_take(struct proxy *x)
{
    if (!may_have_more(x))
        return false;
    if (x->nsent >= most_waiting(x) && (x->nsent > 0 || !atomic_load(&x->segment.shared->worker_idle)))
        return false;
    return predecessors_leave_room(x);
}

/* ---- handing over ---- */

static bool put_call(struct proxy *x, struct job *j)
{
    struct record r = {.kind = REC_CALL, .id = j->id, .fn = (uint64_t)(uintptr_t)j->fn, .more = j->out_len,
                       .shape = (uint8_t)j->shape, .nfds = (uint8_t)j->nfds, .attempt = (uint8_t)j->attempt,
                       .flags = (uint8_t)(j->has_out ? HAS_OUT : 0)};
    struct block_ref ref;
    char name[NAME_ROOM];
    size_t name_len = j->sent_as ? bide__name_for_record(name, j->sent_as) : 0;
    const void *payload = j->in;
    size_t len = j->in_len;

    if (name_len > 0) {
        r.fn = name_len;
        r.flags |= BY_NAME;
    }
    if (j->in_block) {
        ref = (struct block_ref){j->in_block->offset, j->in_len};
        r.flags |= IN_BLOCK;
        payload = &ref;
        len = sizeof ref;
    }
    return bide__lane_put(&x->segment.calls, &r, name, name_len, payload, len);
}

/* Descriptors go first, so that they are there when the record is seen. */
static int send_fds(struct proxy *x, struct job *j)
{
    struct fd_message m = {.id = j->id, .n = (uint32_t)j->nfds};

    return j->nfds > 0 ? bide__fds_send(x->ctl.fd, &m, j->fds, (unsigned)j->nfds) : 0;
}

/* False: it must wait. */
static bool hand_over(struct proxy *x, struct job *j)
{
    if (!bide__lane_has_room(&x->segment.calls, RECORD_PAYLOAD_MAX + NAME_ROOM))
        return false;
    int code = send_fds(x, j);
    if (code == -EAGAIN || code == -EPIPE || code == -ECONNRESET)
        return false; /* full; or it has just died, which its pidfd will report: the job is for another one */
    bide__list_remove(&j->node);
    if (code < 0) {
        bide__job_fail(j, code, "its descriptors could not be sent");
        bide__job_over(j);
    } else if (put_call(x, j)) {
        bide__proxy_assign(x, j);
    } else { /* cannot be: there was room; but no job is ever in no list */
        bide__job_fail(j, -EMSGSIZE, "it does not fit into ring_bytes");
        bide__job_over(j);
    }
    return true;
}

/* ---- choosing ---- */

static struct proxy *choose(bide_pool *p)
{
    struct local_pool *l = bide__local(p);
    struct proxy *best = NULL;

    for (int i = 0; i < l->nslots; i++) {
        struct proxy *x = l->slots[i].proxy;
        if (!x || !can_take(x))
            continue;
        if (!best || bide__proxy_load(x) < bide__proxy_load(best) ||
            (bide__proxy_load(x) == bide__proxy_load(best) && x->idle_since_ns > best->idle_since_ns))
            best = x;
    }
    return best;
}

static struct job *first_of(struct list_node *queue)
{
    return container_of(queue->next, struct job, node);
}

/* Cancelled while it was queued: never runs. */
static bool drop_settled(struct job *j)
{
    if (!bide__job_is_settled(j))
        return false;
    bide__job_count_cancelled(j); /* was_cancelled has not run yet, and will not */
    bide__job_over(j);
    return true;
}

static void dispatch_pinned(struct slot *s)
{
    while (s->proxy && !bide__list_is_empty(&s->pinned)) {
        struct job *j = first_of(&s->pinned);
        if (drop_settled(j))
            continue;
        if (!can_take(s->proxy) || !hand_over(s->proxy, j))
            return;
    }
}

static void dispatch_common(bide_pool *p)
{
    struct local_pool *l = bide__local(p);

    while (!bide__list_is_empty(&l->queue)) {
        struct job *j = first_of(&l->queue);
        if (drop_settled(j))
            continue;
        struct proxy *x = choose(p);
        if (!x || !hand_over(x, j))
            return;
    }
}

/* The worker that must be idle before x can have more: itself, or one that it replaced; NULL: a result will come first. */
static struct proxy *awaited_by(struct proxy *x)
{
    struct list_node *list = predecessors_of(x);

    for (struct list_node *at = list->next; at != list; at = at->next)
        if (is_in_the_way(predecessor_at(at)))
            return predecessor_at(at);
    return predecessors_leave_room(x) ? x : NULL;
}

/* Jobs are left: have the workers that may get more ring before they sleep. */
static void ask_to_ring(bide_pool *p)
{
    struct local_pool *l = bide__local(p);

    for (int i = 0; i < l->nslots; i++) {
        struct proxy *x = l->slots[i].proxy;
        bool jobs = !bide__list_is_empty(&l->queue) || !bide__list_is_empty(&l->slots[i].pinned);
        struct proxy *who = x && jobs && may_have_more(x) ? awaited_by(x) : NULL;
        if (who)
            atomic_store(&who->segment.shared->ring_when_idle, 1);
    }
}

/* Nobody may look instead of sleeping if that takes a processor from a worker that has jobs. */
static void allow_spinning(bide_pool *p)
{
    struct local_pool *l = bide__local(p);
    int busy = 0;

    for (int i = 0; i < l->nslots; i++)
        busy += l->slots[i].proxy && bide__proxy_load(l->slots[i].proxy) > 0;
    l->may_spin = busy > 0 && busy < l->usable_cpus;
}

static void after_dispatch(bide_pool *p)
{
    struct local_pool *l = bide__local(p);

    allow_spinning(p);
    for (int i = 0; i < l->nslots; i++) {
        struct proxy *x = l->slots[i].proxy;
        if (!x)
            continue;
        if (x->dirty) {
            atomic_store_explicit(&x->segment.shared->may_spin, l->may_spin, memory_order_relaxed);
            bide__proxy_flush(x);
        }
    }
}

void bide__local_dispatch(bide_pool *p)
{
    struct local_pool *l = bide__local(p);

    if (p->pending == 0 || p->state == POOL_FAILED)
        return;

    for (int i = 0; i < l->nslots; i++)
        dispatch_pinned(&l->slots[i]);
    dispatch_common(p);
    after_dispatch(p);
    ask_to_ring(p);
}

/* It can take one now, or has become idle since it was asked: it does not ring while we are awake. */
static bool has_become_idle(struct proxy *x)
{
    bide__proxy_note_begun(x);
    struct proxy *who = may_have_more(x) ? awaited_by(x) : NULL;

    return who && (can_take(x) || !atomic_load(&who->segment.shared->ring_when_idle));
}

bool bide__local_could_dispatch(bide_pool *p)
{
    struct local_pool *l = bide__local(p);

    for (int i = 0; i < l->nslots; i++) {
        struct proxy *x = l->slots[i].proxy;
        bool jobs = !bide__list_is_empty(&l->queue) || !bide__list_is_empty(&l->slots[i].pinned);
        if (x && jobs && has_become_idle(x))
            return true;
    }
    return false;
}
