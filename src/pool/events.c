/* SPDX-License-Identifier: MIT */
/*
 * events.c - what came from a worker: ready, results, progress, a wish for memory, bye.
 *
 * Invariant: nothing that a worker wrote is used before it was compared with our own table.  A worker that says what
 * cannot be is killed, and its jobs fail as if it had died by itself.
 */
#include <stdio.h>
#include <unistd.h>

#include "pool/pool.h"

#define STORY_MAX 2000 /* a worker writes 1,600 bytes at most */

/* Weight of a new sample: an eighth. */
static void mix(int64_t *ewma, int64_t sample)
{
    if (sample < 1)
        sample = 1;
    *ewma = *ewma == 0 ? sample : *ewma + (sample - *ewma) / 8;
}

/* ---- which of its jobs has it begun? ---- */

void bide__proxy_note_begun(struct proxy *x)
{
    uint64_t head = atomic_load_explicit(&x->segment.shared->calls.head, memory_order_acquire);

    while (!bide__list_is_empty(&x->sent)) {
        struct job *j = container_of(x->sent.next, struct job, node);
        if (j->end > head)
            break;
        bide__list_remove(&j->node);
        bide__list_append(&x->begun, &j->node);
        j->stage = JOB_BEGUN;
        x->nsent--;
        x->nbegun++;
        bide__histogram_add(&x->pool->wait, bide__clock_ns() - j->submitted_ns);
    }
}

/* How long does a job keep it from others?  Time awake over jobs done; one that still computes is not counted yet. */
static void note_cost(struct proxy *x)
{
    struct segment_shared *s = x->segment.shared;
    uint64_t done = x->done - x->counted_done;
    if (done == 0)
        return;

    int64_t since = atomic_load_explicit(&s->awake_since_ns, memory_order_relaxed);
    uint64_t awake = atomic_load_explicit(&s->awake_ns, memory_order_relaxed) + (since > 0 ? (uint64_t)(bide__clock_ns() - since) : 0);
    if (awake > x->counted_awake_ns)
        mix(&x->cpu_ewma_ns, (int64_t)((awake - x->counted_awake_ns) / done));
    x->counted_done = x->done;
    x->counted_awake_ns = awake;
}

/* ---- records ---- */

static int corrupt(struct proxy *x)
{
    x->corrupt = true;
    bide__proxy_kill(x);
    return -EBADMSG;
}

/* The job that a record names, if this worker has it. */
static struct job *job_here(struct proxy *x, uint64_t id)
{
    struct job *j = bide__job_by_id(x->pool, id);

    return j && j->proxy == x ? j : NULL;
}

static int take_fds(struct proxy *x, struct job *j, unsigned n)
{
    struct fd_message m;
    int code = bide__fds_receive(x->ctl.fd, &m, j->out_fds, JOB_FDS_MAX, false);
    if (x->answer_due && code == 0 && m.id == 0 && m.n == 0) { /* the zygote's answer about its birth, which we know already */
        x->answer_due = false;
        code = bide__fds_receive(x->ctl.fd, &m, j->out_fds, JOB_FDS_MAX, false);
    }
    if (code < 0 && code != -EMFILE)
        return corrupt(x);
    if (code == -EMFILE && m.id == j->id)
        return code; /* our own table is full: that is this job's loss alone */
    j->nout_fds = (int)m.n;
    return m.id == j->id && m.n == n ? 0 : corrupt(x);
}

/* Where are the bytes of the result? */
static int take_reply(struct proxy *x, struct job *j, const struct record *r, const char *payload)
{
    struct block_ref ref;

    if (r->flags & OUT_BLOCK) {
        if (!j->reply_block || r->more > j->reply_block->len)
            return corrupt(x);
        j->reply = bide__block_data(&x->pool->arena, j->reply_block);
        j->reply_len = r->more;
        return 0;
    }
    if (r->flags & OUT_INPUT) {
        if (r->len != sizeof ref || !j->in_block)
            return corrupt(x);
        memcpy(&ref, payload, sizeof ref);
        if (ref.offset > j->in_len || ref.len > j->in_len - ref.offset)
            return corrupt(x);
        j->reply = bide__block_data(&x->pool->arena, j->in_block) + ref.offset;
        j->reply_len = ref.len;
        if (j->reply_block)
            bide__block_put(&x->pool->arena, j->reply_block);
        j->reply_block = j->in_block;
        j->reply_block->owner = BLOCK_JOBS; /* a result may be the next argument: it is copied */
        j->in_block = NULL;
        j->in = j->small;
        return 0;
    }
    return r->len > 0 && !j->has_out ? bide__job_keep_reply(j, payload, r->len) : 0;
}

static int fill_out(struct job *j, const struct record *r, const char *payload)
{
    return r->flags ? bide__job_fill_out(j, j->reply, j->reply_len) : bide__job_fill_out(j, payload, r->len);
}

static void succeed(struct proxy *x, struct job *j, const struct record *r, const char *payload)
{
    int code = take_reply(x, j, r, payload);
    if (code == -EBADMSG)
        return;
    if (code < 0)
        bide__job_fail(j, code, "no memory for the result");
    else if (fill_out(j, r, payload) == 0)
        bide__job_succeed(j, r->code);
    x->pool->done++;
    bide__job_over(j);
}

static void fail(struct proxy *x, struct job *j, const struct record *r, const char *payload)
{
    /* text NUL trace NUL; a broken one is cut.  A copy: the worker may write there still while we look. */
    char story[STORY_MAX + 1], text[ERROR_TEXT_MAX];
    size_t len = r->len < STORY_MAX ? r->len : STORY_MAX;
    memcpy(story, payload, len);
    story[len] = '\0';
    const char *end = memchr(story, '\0', len);
    const char *trace = end && end + 1 < story + len && story[len - 1] == '\0' ? end + 1 : "";
    int code = r->code;

    snprintf(text, sizeof text, "%.*s", ERROR_TEXT_MAX - 1, end ? story : "");
    if (j->expired && code == BIDE_ECANCELED) {
        code = BIDE_ETIMEDOUT;
        snprintf(text, sizeof text, "timed out after %lld ms", (long long)j->timeout_ms);
    }
    if (code == BIDE_ECANCELED)
        x->pool->counts.cancelled++;
    else
        x->pool->counts.finished++;
    bide__job_explain(j, code, x->pid, trace);
    bide__job_fail(j, code, text);
    x->pool->failed++;
    bide__job_over(j);
}

static void lose_fds(struct proxy *x, struct job *j, int code)
{
    char text[128];

    snprintf(text, sizeof text, "the result's descriptors: %s", bide_strerror(code));
    x->pool->failed++;
    x->pool->counts.finished++;
    bide__job_fail(j, code, text);
    bide__job_over(j);
}

static int on_result(struct proxy *x, const struct record *r, const char *payload)
{
    struct job *j = job_here(x, r->id);
    if (!j)
        return corrupt(x);
    int code = r->nfds > 0 ? take_fds(x, j, r->nfds) : 0;
    if (code == -EBADMSG)
        return code;

    bide__histogram_add(&x->pool->run, (int64_t)r->fn);
    mix(&x->run_ewma_ns, (int64_t)(r->fn >> 1));
    x->done++;
    if (bide__job_is_settled(j)) { /* nobody waits for it */
        x->pool->done++;
        bide__job_over(j);
    } else if (r->code < 0) {
        fail(x, j, r, payload);
    } else if (code < 0) {
        lose_fds(x, j, code);
    } else {
        succeed(x, j, r, payload);
    }
    if (bide__proxy_load(x) == 0)
        x->idle_since_ns = bide__clock_ns();
    return x->corrupt ? -EBADMSG : 0;
}

static void on_progress(struct proxy *x, const struct record *r, const char *payload)
{
    struct job *j = job_here(x, r->id);

    if (!j || !j->on_progress || bide__job_is_settled(j))
        return;
    bide__pool_callbacks++;
    j->on_progress(&j->future, r->kind == REC_PROGRESS ? r->fn : 0, r->kind == REC_PROGRESS ? r->more : 0,
                   (bide_bytes){payload, r->len}, j->progress_arg);
    bide__pool_callbacks--;
}

static void refuse(struct proxy *x, const struct record *r, int code)
{
    bide__proxy_order(x, REC_SPACE, r->id, 0, 0, code);
}

/* A result gets a larger block; the old one stays until the worker has copied from it: until it asks once more. */
static void on_want(struct proxy *x, const struct record *r)
{
    struct job *j = job_here(x, r->id);
    struct block *b = j ? bide__block_get(&x->pool->arena, r->fn) : NULL;
    if (!b) {
        refuse(x, r, j ? bide_error_code() : BIDE_ECANCELED);
        return;
    }
    if (j->old_block)
        bide__block_put(&x->pool->arena, j->old_block);
    j->old_block = j->reply_block;
    j->reply_block = b;
    bide__proxy_order(x, REC_SPACE, j->id, b->offset, b->len, 0);
}

/* The new one takes over; together they are one worker until the old one's jobs are done (dispatch.c). */
static void replace(struct slot *slot, struct proxy *x)
{
    struct proxy *old = slot->proxy;

    if (old) {
        bide__proxy_stop(old);
        bide__list_append(&slot->leaving, &old->replaced);
    }
    slot->proxy = x;
}

void bide__proxy_is_ready(struct proxy *x)
{
    bide_pool *p = x->pool;
    struct slot *slot = &p->slots[x->index < p->nslots ? x->index : 0];
    if (x->state != STARTING)
        return;

    x->state = READY;
    x->idle_since_ns = bide__clock_ns();
    if (slot->coming == x)
        slot->coming = NULL;
    if (x->index >= p->nslots || p->state >= POOL_ENDING) {
        bide__proxy_stop(x);
    } else {
        replace(slot, x);
    }
    p->retry_ms = 0;
    bide__pool_event(p, &(bide_pool_event){.kind = BIDE_POOL_STARTED, .worker = x->index, .pid = x->pid, .text = "ready"});
    bide__wake_all(p->loop, &p->changed);
}

static void on_ready(struct proxy *x)
{
    x->said_ready = true;
    if (x->pid == 0 && !x->has_thread)
        bide__proxy_adopt(x); /* which sees that it is ready */
    else
        bide__proxy_is_ready(x);
}

static void on_bye(struct proxy *x, const struct record *r, const char *payload)
{
    x->said_bye = true;
    x->bye_code = r->code;
    snprintf(x->bye_text, sizeof x->bye_text, "%.*s", (int)strnlen(payload, r->len), payload);
    bide__proxy_limit_its_end(x);
}

static int handle(struct proxy *x, const struct record *r, const char *payload)
{
    switch (r->kind) {
    case REC_RESULT:
        return on_result(x, r, payload);
    case REC_PROGRESS:
    case REC_EMIT:
        on_progress(x, r, payload);
        return 0;
    case REC_WANT:
        on_want(x, r);
        return 0;
    case REC_READY:
        on_ready(x);
        return 0;
    case REC_BYE:
        on_bye(x, r, payload);
        return 0;
    default:
        return corrupt(x);
    }
}

/* Those that are there now, and no more: one that writes faster than we read must not keep us here.  False: nonsense. */
static bool take_answers(struct proxy *x)
{
    struct lane *l = &x->segment.answers;
    uint64_t end = atomic_load(&l->shared->tail);
    struct record r;
    const char *payload;
    int found;

    do {
        found = bide__lane_peek(l, &r, &payload);
        if (found != 1)
            break;
        bide__proxy_note_begun(x);
        int code = handle(x, &r, payload);
        bide__lane_pop(l, &r);
        if (code < 0)
            return false;
    } while (l->mine < end);
    if (found < 0)
        corrupt(x);
    return found >= 0;
}

static void ring_if_stuck(struct proxy *x)
{
    struct segment_shared *s = x->segment.shared;

    if (atomic_load(&s->stuck) && atomic_exchange(&s->stuck, 0))
        bide__ring_bell(x->bell);
}

static void drain(struct proxy *x)
{
    bide__proxy_note_begun(x);
    if (bide__lane_is_broken(&x->segment.calls) || bide__lane_is_broken(&x->segment.orders)) {
        corrupt(x);
        return;
    }
    if (!take_answers(x))
        return;
    note_cost(x);
    if (x->norders > 0)
        bide__proxy_flush_orders(x);
    ring_if_stuck(x);
}

void bide__proxy_drain(struct proxy *x)
{
    bool gone = x->has_thread && atomic_load(&x->segment.shared->gone); /* what it said before is there */

    if (!x->corrupt)
        drain(x);
    if (gone)
        bide__proxy_died(x);
}

void bide__proxy_refuse(struct proxy *x)
{
    struct record r;
    const char *payload;

    while (bide__lane_peek(&x->segment.answers, &r, &payload) == 1) {
        bide__lane_pop(&x->segment.answers, &r);
        if (r.kind == REC_WANT)
            refuse(x, &r, BIDE_ECANCELED);
    }
    if (x->norders > 0)
        bide__proxy_flush_orders(x);
    bide__ring_bell(x->bell);
}
