/* SPDX-License-Identifier: MIT */
/*
 * file_uring.c - calls to the file system, made by the kernel while the loop goes on.
 *
 * One ring per loop.  A call is submitted at once.  Much is done then already (what the page cache has), and the task
 * goes on without having been parked.  The rest completes later: the kernel rings an eventfd, which the loop watches
 * like any other descriptor, and the ring takes its turn and wakes the tasks.
 *
 * Invariants:
 *   U1  a submitted call is waited for by the task on whose stack it lies; nothing ends that wait early, so the kernel
 *       never writes into a frame that is gone.
 *   U2  at most COMPLETIONS calls are in flight, so none of their completions is ever dropped.
 *   U3  outside of ring_submit the eventfd is armed, and every completion that came while it was not has been reaped.
 */
#include <liburing.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/file/file_op.h"

#define SUBMISSIONS  64
#define COMPLETIONS 1024
/* A task that reads what is cached would never let others run. */
#define DONE_AT_ONCE_MAX 16

struct file_ring {
    struct loop_closer closer;
    bide_loop *loop;
    struct io_uring ring;
    struct fd bell;       /* the eventfd */
    struct clause clause; /* in bell.readers */
    struct ready ready;
    unsigned in_flight, done_at_once;
};

/* A call in flight; lies in the frame of its task. */
struct flight {
    struct file_op *op;
    bide_task *task;
    bool parked, done;
};

static const char ring_key;
static atomic_bool refused; /* by the kernel, for good */

/* ---- completions ---- */

static void reap(struct file_ring *r)
{
    struct io_uring_cqe *cqe;

    while (io_uring_peek_cqe(&r->ring, &cqe) == 0) {
        struct flight *f = io_uring_cqe_get_data(cqe);
        int result = cqe->res;
        io_uring_cqe_seen(&r->ring, cqe);
        if (!f) /* in place of a call that could not be submitted */
            continue;
        f->op->result = result;
        f->done = true;
        r->in_flight--;
        if (f->parked)
            bide__push(r->loop, &f->task->ready);
    }
}

/* The bell first, then the completions: what comes in between rings again. */
static void ring_turn(struct ready *ready)
{
    struct file_ring *r = container_of(ready, struct file_ring, ready);
    uint64_t count;

    r->bell.readable = false;
    while (read(r->bell.fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
    bide__list_append(&r->bell.readers, &r->clause.node);
    reap(r);
}

/* ---- submitting ---- */

/* The bell is silent meanwhile: what is done at once is reaped here. */
static bool ring_submit(struct file_ring *r, struct flight *f)
{
    struct io_uring_sqe *sqe = r->in_flight < COMPLETIONS ? io_uring_get_sqe(&r->ring) : NULL;
    int n;
    if (!sqe)
        return false;

    f->op->prepare(f->op, sqe);
    io_uring_sqe_set_data(sqe, f);
    io_uring_cq_eventfd_toggle(&r->ring, false);
    do
        n = io_uring_submit(&r->ring);
    while (n == -EINTR);
    if (n > 0) {
        r->in_flight++;
        reap(r);
    } else { /* the kernel is short of something: it stays in the queue, as one that does nothing */
        io_uring_prep_nop(sqe);
        io_uring_sqe_set_data(sqe, NULL);
    }
    io_uring_cq_eventfd_toggle(&r->ring, true);
    reap(r);
    return n > 0;
}

/* One turn of the loop for the others. */
static void let_others_run(bide_task *t)
{
    bide__push(t->future.loop, &t->ready);
    bide__park(t, NULL);
}

bool bide__file_ring_run(struct file_ring *r, struct file_op *op)
{
    struct flight f = {.op = op, .task = bide__task_here()};
    if (!ring_submit(r, &f))
        return false;

    if (f.done) {
        if (++r->done_at_once % DONE_AT_ONCE_MAX == 0)
            let_others_run(f.task);
        return true;
    }
    f.parked = true;
    r->loop->outside++;
    bide__park(f.task, NULL);
    r->loop->outside--;
    return true;
}

/* ---- life ---- */

static void ring_close(struct loop_closer *c)
{
    struct file_ring *r = container_of(c, struct file_ring, closer);

    assert(r->in_flight == 0);
    bide__list_remove(&r->clause.node);
    bide__unpush(r->loop, &r->ready);
    bide__ring_unreserve(&r->loop->ring, 1);
    io_uring_queue_exit(&r->ring);
    bide__fd_close(&r->bell);
    bide__free(r);
}

/* Completions need not interrupt what the thread does: it comes to the kernel soon enough.  (Before 5.19: they do.) */
static int ring_setup(struct io_uring *ring)
{
    struct io_uring_params quiet = {.flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE | IORING_SETUP_COOP_TASKRUN |
                                             IORING_SETUP_TASKRUN_FLAG,
                                    .cq_entries = COMPLETIONS};
    struct io_uring_params plain = {.flags = IORING_SETUP_CQSIZE, .cq_entries = COMPLETIONS};
    int code = io_uring_queue_init_params(SUBMISSIONS, ring, &quiet);

    return code == -EINVAL ? io_uring_queue_init_params(SUBMISSIONS, ring, &plain) : code;
}

/* unlinkat is the youngest of the calls that we make. */
static bool knows_all(struct io_uring *ring)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    bool all = probe && io_uring_opcode_supported(probe, IORING_OP_UNLINKAT);

    if (probe)
        io_uring_free_probe(probe);
    return all;
}

static int ring_watch(struct file_ring *r)
{
    int bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int code = bell < 0 ? -errno : io_uring_register_eventfd(&r->ring, bell);

    if (code == 0)
        code = bide__ring_reserve(&r->loop->ring, 1);
    if (code == 0) {
        code = bide__fd_open(&r->bell, bell);
        if (code == 0) {
            bide__fd_is_own(&r->bell); /* who waits for a call counts in loop->outside */
            return 0;
        }
        bide__ring_unreserve(&r->loop->ring, 1);
    }
    if (bell >= 0)
        close(bell);
    return code;
}

static int ring_open(struct file_ring *r)
{
    int code = ring_setup(&r->ring);
    if (code < 0)
        return code;

    code = knows_all(&r->ring) ? ring_watch(r) : -ENOSYS;
    if (code < 0)
        io_uring_queue_exit(&r->ring);
    return code;
}

/* What will be refused again needs not be asked for again. */
static bool is_for_good(int code)
{
    return code == -ENOSYS || code == -EPERM || code == -EACCES || code == -EINVAL;
}

static struct file_ring *ring_new(bide_loop *loop)
{
    struct file_ring *r = bide__calloc(1, sizeof *r);
    int code = BIDE_ENOMEM;

    if (r) {
        r->loop = loop;
        code = ring_open(r);
    }
    if (code < 0) {
        atomic_store(&refused, is_for_good(code));
        bide__free(r);
        return NULL;
    }
    r->ready.run = ring_turn;
    bide__clause_init(&r->clause, &r->ready);
    bide__list_append(&r->bell.readers, &r->clause.node);
    r->closer = (struct loop_closer){.key = &ring_key, .close = ring_close};
    bide__loop_attach(loop, &r->closer);
    return r;
}

struct file_ring *bide__file_ring(bide_loop *loop)
{
    struct loop_closer *c = bide__loop_find(loop, &ring_key);
    if (c)
        return container_of(c, struct file_ring, closer);
    if (atomic_load(&refused))
        return NULL;

    struct error_mark mark;
    bide__error_mark(&mark);
    struct file_ring *r = ring_new(loop);
    bide__error_restore(&mark);
    return r;
}
