/* SPDX-License-Identifier: MIT */
/*
 * runner.c - a coroutine in a worker that runs one job after another.
 *
 * A runner that is done takes the next call itself; one that awaits in its job leaves the lane to others, which the
 * worker wakes or makes, up to `concurrency`.  Slot by slot, shared memory says which job each runner has, so that after
 * a death it is known which job is responsible (segment_shared.current) and which others were lost with the worker.
 *
 * Invariants:
 *   R1  a job is in its runner's slot before its record leaves the lane: it is seen in one of the two, or in both.
 *   R2  when a job's result is visible, its slot is empty.
 *   R3  when the worker is lost, the slots of the jobs that it had stay as they are: no result follows.
 */
#include <stdio.h>
#include <unistd.h>

#include "pool/worker/worker.h"

/* ---- calling ---- */

int bide__call_record(const struct record *rec, const char *name, const char *arg, size_t len, void *out)
{
    void (*fn)(void) = (void (*)(void))(uintptr_t)rec->fn;

    if (rec->flags & BY_NAME) {
        const bide_pool_named *n = bide__named_by_name(name, strnlen(name, (size_t)rec->fn));
        if (!n)
            return bide_fail(BIDE_EFUNCTION, "%.*s: not registered in the worker's program (BIDE_POOL_TASK)", (int)rec->fn, name);
        BIDE_TRY(bide__named_fits(n, &(struct named_call){rec->shape, rec->flags & HAS_OUT, len, out ? rec->more : 0}));
        fn = n->fn;
    }
    return bide__call_job(&(struct job_call){fn, rec->shape, arg, len, out});
}

/* ---- before the call ---- */

static int receive_fds(struct runner *r, unsigned n)
{
    struct fd_message m;
    int code = bide__fds_receive(r->worker->ctl.fd, &m, r->fds, JOB_FDS_MAX, false);
    if (code < 0)
        return bide_fail(code, "the job's descriptors: %s", bide_strerror(code));

    r->nfds = (int)m.n;
    return m.id == r->call.id && m.n == n ? 0 : bide_fail(-EBADMSG, "the job's descriptors got lost");
}

static int copy_in(struct runner *r, const char *payload)
{
    if (!r->in || r->call.len > r->in_cap) {
        size_t cap = 256;
        while (cap < r->call.len)
            cap *= 2;
        char *more = bide__realloc(r->in, cap);
        if (!more)
            return bide__fail_nomem("a job's argument");
        r->in = more;
        r->in_cap = cap;
    }
    memcpy(r->in, payload, r->call.len);
    return 0;
}

/* Where is the argument? */
static int locate(struct runner *r)
{
    size_t name = r->call.flags & BY_NAME ? (size_t)r->call.fn : 0;

    r->arg = r->in + name;
    r->arg_len = r->call.len - name;
    r->has_block = r->call.flags & IN_BLOCK;
    if (!r->has_block)
        return 0;

    struct block_ref ref;
    memcpy(&ref, r->arg, sizeof ref);
    char *arena = bide__worker_arena(r->worker);
    if (!arena)
        return bide_error_code();
    r->arg = arena + ref.offset;
    r->arg_len = ref.len;
    return 0;
}

/* Room for a result of a fixed size, all zeros. */
static int prepare_out(struct runner *r, void **out)
{
    *out = NULL;
    if (!(r->call.flags & HAS_OUT))
        return 0;
    *out = bide__reply_extend(r, r->call.more);
    if (!*out)
        return bide_error_code();
    memset(*out, 0, r->call.more);
    return 0;
}

static void reset(struct runner *r)
{
    r->reply_len = 0;
    r->granted = NULL;
    r->granted_len = r->granted_used = 0;
    r->echoed = NULL;
    r->nfds = r->nout_fds = 0;
    r->cancelled = false;
}

/* ---- after the call ---- */

static void close_fds(struct runner *r)
{
    for (int i = 0; i < r->nfds; i++)
        close(r->fds[i]);
    for (int i = 0; i < r->nout_fds; i++)
        close(r->out_fds[i]);
    r->nfds = r->nout_fds = 0;
}

/* The worker's thread was ended: whatever becomes of this job here, it is lost with the worker. */
static void forget_call(struct runner *r)
{
    close_fds(r);
    bide_error_clear();
    r->call.kind = 0;
    r->worker->nbusy--;
}

static void finish(struct runner *r, int code)
{
    if (r->worker->lost) {
        forget_call(r);
        return;
    }
    int64_t now = bide__clock_ns();
    struct record result = {.kind = REC_RESULT, .id = r->call.id, .code = code, .fn = (uint64_t)(now - r->began_ns)};

    r->cancelled = true; /* it has ended: a cancellation that comes now is too late */
    while (bide_cancelling(r->task) > 0)
        bide_uncancel(r->task);
    bide__reply_send(r, &result);
    forget_call(r);
}

/* ---- one job ---- */

/* Take the next call out of the lane: false, if there is none. */
static bool take(struct runner *r)
{
    struct worker *w = r->worker;
    struct worker_slot *slot = &w->segment.shared->slots[r->slot];
    struct record rec;
    const char *payload;
    int code;

    w->waking = false;
    if (!w->open)
        return false;
    int found = bide__lane_peek(&w->segment.calls, &rec, &payload);
    if (found < 0)
        bide__worker_give_up(w);
    if (found != 1)
        return false;
    reset(r);
    r->call = rec;
    w->nbusy++;
    r->began_ns = bide__clock_ns();
    /* Relaxed: the program reads the slot only of a call that the pop below, which releases, has taken out of the lane. */
    atomic_store_explicit(&slot->began_ns, r->began_ns, memory_order_relaxed);
    atomic_store_explicit(&slot->job, rec.id, memory_order_relaxed);
    code = copy_in(r, payload);
    bide__lane_pop(&w->segment.calls, &rec); /* R1: releases the slot, too */
    if (code == 0 && rec.nfds > 0)
        code = receive_fds(r, rec.nfds);
    if (code < 0) {
        finish(r, code);
    } else if (w->ncancelled > 0 && bide__runner_was_cancelled(w, rec.id)) {
        finish(r, bide_fail(BIDE_ECANCELED, "cancelled"));
    }
    return true;
}

/* In a timeline of this worker. */
static __attribute__((noinline)) void note_call(const struct runner *r, struct track *k)
{
    char name[NAME_ROOM + 16] = "job";

    if (r->call.flags & BY_NAME)
        snprintf(name, sizeof name, "%.*s", (int)r->call.fn, r->in);
    bide__track_span_as(k, SPAN_JOB, r->call.id, 0, 0, name);
}

/* For reports: the name of its function, or where that lies. */
static struct doing describe(const struct runner *r)
{
    const bide_pool_named *n = r->call.flags & BY_NAME ? bide__named_by_name(r->in, strnlen(r->in, (size_t)r->call.fn)) : NULL;

    return (struct doing){.what = "job", .of = n ? n->name : NULL, .code = r->call.flags & BY_NAME ? NULL : (const void *)(uintptr_t)r->call.fn};
}

static void run(struct runner *r)
{
    void *out = NULL;
    int code = locate(r);

    if (code == 0)
        code = prepare_out(r, &out);
    struct track *k = r->worker->loop->track;
    if (unlikely(k != NULL))
        note_call(r, k);
    struct doing doing = describe(r);
    bide__doing_begin(&doing);
    if (code == 0)
        code = bide__call_record(&r->call, r->in, r->arg, r->arg_len, out);
    bide__doing_end(&doing);
    if (bide__was_forked(r->worker->generation)) { /* W3: the child of a job that forked and returned */
        fflush(stdout);
        _exit(0);
    }
    if (unlikely(k && k == r->worker->loop->track))
        bide__track_note(k, TL_END, SPAN_JOB, r->call.id, code);
    finish(r, code);
}

static int runner_main(struct runner *r)
{
    struct worker *w = r->worker;

    atomic_store_explicit(&w->segment.shared->slots[r->slot].task, (uint64_t)(uintptr_t)r->task, memory_order_relaxed);
    atomic_store_explicit(&w->segment.shared->current, (uintptr_t)r->task, memory_order_relaxed);
    while (w->open) {
        if (!w->must_poll && take(r)) {
            if (r->call.kind)
                run(r);
            w->must_poll = bide__worker_is_late(w);
            continue;
        }
        w->waking = false;
        if (w->stopping)
            bide__wake_all(w->loop, &w->ended);
        if (bide__wait_in_for(&w->idle, WAIT_NAMED, "a job") == BIDE_ECANCELED && !w->open)
            break;
    }
    return 0;
}

void bide__runner_lost(struct runner *r)
{
    r->worker->open = false;
    if (r->call.kind)
        forget_call(r);
}

static struct runner *runner_new(struct worker *w)
{
    struct runner *r = bide__calloc(1, sizeof *r);
    if (!r)
        return NULL;

    r->worker = w;
    r->slot = w->nrunners;
    bide__list_init(&r->grant);
    r->task = bide_create_task(bide_coro(runner_main, r), .name = "job", .stack_size = w->config.stack_size);
    if (!r->task) {
        bide__free(r);
        return NULL;
    }
    r->next = w->runners;
    w->runners = r;
    w->nrunners++;
    return r;
}

bool bide__runner_wake(struct worker *w)
{
    if (w->waking)
        return true;
    if (bide__wake_one(w->loop, &w->idle))
        return w->waking = true;
    if (w->nrunners == w->config.concurrency)
        return false;
    if (runner_new(w))
        return w->waking = true;
    return false; /* no memory for one more: those that are there go on */
}

struct runner *bide__runner_here(void)
{
    bide_task *t = bide__task_here();
    if (!t || t->stackless || bide__task_top(t)->coroutine.fn != (void (*)(void))runner_main)
        return NULL;
    return (struct runner *)bide__task_top(t)->coroutine.argv[0];
}
