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
#include <stdlib.h>
#include <unistd.h>

#include "pool/pool.h"

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
    return bide__call_job(fn, rec->shape, arg, len, out);
}

size_t bide__story_write(int code, char *out, size_t cap)
{
    const struct error_record *e = bide__error_current();
    bool has_story = e->code == code;
    int n = snprintf(out, cap, "%s", has_story ? e->text : bide_strerror(code));
    size_t at = (size_t)n + 1;

    out[at] = '\0';
    for (unsigned i = 0; has_story && i < e->ntrace && at + 1 < cap; i++) {
        n = snprintf(out + at, cap - at, "%sin %s (%s:%d)", i > 0 ? "\n" : "", e->trace[i].function, e->trace[i].file,
                     e->trace[i].line);
        at += (size_t)n < cap - at ? (size_t)n : cap - at - 1;
    }
    return at + 1;
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
    *out = bide_worker_reserve(r->call.more);
    return *out ? 0 : bide_error_code();
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

/* The program reads descriptors in the order of the records: from the first to the second, no other runner sends any. */
static void begin_sending(struct worker *w)
{
    while (w->sending)
        bide__wait_in(&w->senders, NULL);
    w->sending = true;
}

static void end_sending(struct worker *w)
{
    w->sending = false;
    bide__wake_one(w->loop, &w->senders);
}

/* The socket is full while the program is busy: wait until it has taken some. */
static int send_message(struct worker *w, const struct fd_message *m, const int *fds)
{
    int code;

    while ((code = bide__fds_send(w->ctl.fd, m, fds, m->n)) == -EAGAIN) {
        w->ctl.writable = false;
        BIDE_TRY(bide__fd_wait_writable(&w->ctl));
    }
    return code;
}

static int send_fds(struct runner *r, struct record *result)
{
    struct fd_message m = {.id = r->call.id, .n = (uint32_t)r->nout_fds};
    if (r->nout_fds == 0)
        return 0;
    int code = send_message(r->worker, &m, r->out_fds);
    if (code < 0)
        return bide_fail(code, "the result's descriptors: %s", bide_strerror(code));
    result->nfds = (uint8_t)m.n;
    return 0;
}

static void answer_error(struct runner *r, struct record *result)
{
    char story[1600];
    size_t n = bide__story_write(result->code, story, sizeof story);

    result->flags = 0;
    bide__worker_answer(r->worker, result, story, n);
}

static void answer(struct runner *r, struct record *result)
{
    struct block_ref ref;

    if (result->code < 0) {
        answer_error(r, result);
    } else if (r->echoed) {
        ref = (struct block_ref){(uint64_t)(r->echoed - r->arg), r->echoed_len};
        result->flags = OUT_INPUT;
        bide__worker_answer(r->worker, result, &ref, sizeof ref);
    } else if (r->granted && r->granted_used > 0) {
        result->flags = OUT_BLOCK;
        result->more = r->granted_used;
        bide__worker_answer(r->worker, result, NULL, 0);
    } else {
        bide__worker_answer(r->worker, result, r->reply, r->reply_len);
    }
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
    bool sends = code >= 0 && r->nout_fds > 0;
    if (sends)
        begin_sending(r->worker);
    if (code >= 0 && (code = send_fds(r, &result)) < 0)
        result.code = code;
    atomic_store_explicit(&r->worker->segment.shared->slots[r->slot].job, 0, memory_order_release);
    answer(r, &result);
    if (sends)
        end_sending(r->worker);
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
    atomic_store_explicit(&slot->began_ns, r->began_ns, memory_order_relaxed);
    atomic_store_explicit(&slot->job, rec.id, memory_order_relaxed);
    code = copy_in(r, payload);
    bide__lane_pop(&w->segment.calls, &rec); /* R1: releases the slot, too */
    if (code == 0 && rec.nfds > 0)
        code = receive_fds(r, rec.nfds);
    if (code < 0) {
        finish(r, code);
    } else if (w->ncancelled > 0 && bide__worker_was_cancelled(w, rec.id)) {
        finish(r, bide_fail(BIDE_ECANCELED, "cancelled"));
    }
    return true;
}

static void run(struct runner *r)
{
    void *out;
    int code = locate(r);

    if (code == 0)
        code = prepare_out(r, &out);
    if (code == 0)
        code = bide__call_record(&r->call, r->in, r->arg, r->arg_len, out);
    if (bide__was_forked(r->worker->generation)) { /* W3: the child of a job that forked and returned */
        fflush(stdout);
        _exit(0);
    }
    finish(r, code);
}

int bide__runner_main(struct runner *r)
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
        if (bide__wait_in(&w->idle, NULL) == BIDE_ECANCELED && !w->open)
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
    r->task = bide_create_task(bide_coro(bide__runner_main, r), .name = "job", .stack_size = w->config.stack_size);
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
    if (!t || t->stackless || bide__task_top(t)->coroutine.fn != (void (*)(void))bide__runner_main)
        return NULL;
    return (struct runner *)bide__task_top(t)->coroutine.argv[0];
}
