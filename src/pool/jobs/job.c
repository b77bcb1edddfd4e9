/* SPDX-License-Identifier: MIT */
/*
 * job.c - a future with a call in it.
 *
 * Two things end at different times: the future is *settled* once, by a result, an error, a death or a cancellation;
 * the job is *over* when no worker will send anything about it.  A running job that was cancelled is settled at once
 * and over when its worker has answered.
 *
 * Invariants:
 *   J1  a job that is not over is in the table, in one queue or proxy list, and has a share of the pool's.
 *   J2  out is written while the future is pending, never after.
 */
#include <stdio.h>

#include "pool/jobs/backend.h"

static const struct object_type job_type;

struct job *bide__job_of(bide_future *f)
{
    return bide__object_is(&f->object, &job_type) ? (struct job *)f : NULL;
}

/* ---- settling ---- */

static void settled(struct job *j)
{
    void (*on_done)(struct job *, void *) = j->on_done;

    j->on_done = NULL;
    if (on_done)
        on_done(j, j->done_arg);
}

static void settle(struct job *j, enum future_state state, int result)
{
    bide__list_remove(&j->on_settled.node);
    bide__future_settle(&j->future, state, result);
    settled(j);
}

void bide__job_succeed(struct job *j, int result)
{
    j->pool->counts.finished++;
    settle(j, DONE, result);
}

void bide__job_fail(struct job *j, int code, const char *text)
{
    struct error_record *e;
    if (bide__job_is_settled(j))
        return;

    e = j->future.error = bide__malloc(sizeof *e);
    if (e) {
        *e = (struct error_record){.code = code};
        snprintf(e->text, sizeof e->text, "%s: %s", j->name, text);
    }
    if (j->failure)
        j->failure->public_.code = code;
    settle(j, code == BIDE_ECANCELED ? CANCELLED : FAILED, code);
}

/* ---- cancelling ---- */

void bide__job_count_cancelled(struct job *j)
{
    j->pool->cancelled++;
    j->pool->counts.cancelled++;
}

/* The user cancelled the future. */
static void was_cancelled(struct ready *r)
{
    struct job *j = container_of(r, struct job, settled);
    if (j->stage == JOB_OVER || bide__pool_is_parents(j->pool))
        return;

    j->out = NULL;
    bide__job_count_cancelled(j);
    bide_retain(j);
    settled(j);
    if (!j->pool->backend->cancel(j))
        bide__job_over(j);
    bide__object_unref(j);
}

/* ---- over ---- */

void bide__job_over(struct job *j)
{
    bide_pool *p = j->pool;
    if (j->stage == JOB_OVER)
        return;
    if (unlikely(j->span != 0) && p->loop->track)
        bide__track_note(p->loop->track, TL_END, SPAN_JOB, j->span, j->future.result);

    p->backend->forget(j);
    bide__list_remove(&j->node);
    bide__list_remove(&j->on_settled.node);
    bide__unpush(p->loop, &j->settled);
    bide__ring_unreserve(&p->loop->ring, 1);
    j->stage = JOB_OVER;
    bide__job_free_argument(j);
    bide__table_remove(j);
    bide__object_unref(j);
}

/* ---- all of them ---- */

/* Jobs that no worker has. */
void bide__pool_fail_queued(bide_pool *p, const char *why)
{
    for (struct list_node *n = p->jobs.next, *next; n != &p->jobs; n = next) {
        struct job *j = container_of(n, struct job, all);
        next = n->next;
        if (j->stage != JOB_QUEUED)
            continue;
        p->counts.cancelled++;
        bide__job_fail(j, BIDE_ECLOSED, why);
        bide__job_over(j);
    }
}

void bide__pool_fail_jobs(bide_pool *p)
{
    while (!bide__list_is_empty(&p->jobs)) {
        struct job *j = container_of(p->jobs.next, struct job, all);
        bide__job_fail(j, BIDE_ECLOSED, "the pool was closed");
        bide__job_over(j);
    }
}

/* ---- birth and end ---- */

static void init(struct job *j, bide_pool *p, const bide_pool_call_args *args)
{
    bide__future_init(&j->future, &job_type, p->loop);
    j->pool = bide_retain(p);
    j->fn = args->job.fn;
    j->name = args->job.name ? args->job.name : "job";
    j->shape = args->job.shape;
    j->has_out = args->job.has_out;
    j->out = args->job.out;
    j->out_len = args->job.out_len;
    j->idempotent = args->idempotent;
    j->timeout_ms = args->timeout_ms ? args->timeout_ms : p->args.timeout_ms;
    j->on_progress = args->on_progress;
    j->progress_arg = args->arg;
    j->attempt = 1;
    j->slot = -1;
    j->stage = JOB_OVER; /* until it is in the table */
    j->submitted_ns = bide__clock_ns();
    bide__list_init(&j->node);
    bide__list_init(&j->all);
    bide__list_init(&j->group);
    j->settled.run = was_cancelled;
    bide__clause_init(&j->on_settled, &j->settled);
}

struct job *bide__job_new(bide_pool *p, const bide_pool_call_args *args, bool shared)
{
    struct job *j = bide__object_zalloc(sizeof *j);
    if (!j) {
        bide__fail_nomem("a job");
        return NULL;
    }
    init(j, p, args);
    if (bide__job_take_argument(j, args, shared) < 0 || bide__ring_reserve(&p->loop->ring, 1) < 0)
        goto failed;
    if (bide__table_add(j) < 0) {
        bide__ring_unreserve(&p->loop->ring, 1);
        goto failed;
    }
    j->stage = JOB_QUEUED;
    bide__job_keep_argument(j);
    j->future.object.refs = 2; /* the owner's and the pool's */
    bide__list_append(&j->future.clauses, &j->on_settled.node);
    if (unlikely(p->loop->track != NULL))
        j->span = bide__track_span(p->loop->track, SPAN_JOB, "job", j->name);
    return j;

failed:
    bide__job_leave_buffer(j);
    bide__object_unref(j);
    return NULL;
}

/* A job that was granted a block may still have replied with a few bytes, which are on the heap. */
static bool reply_is_on_heap(const struct job *j)
{
    const char *data = j->reply_block ? bide__block_data(&j->pool->arena, j->reply_block) : NULL;
    bool is_in_block = data && j->reply >= data && j->reply <= data + j->reply_block->len;

    return j->reply != j->small && !is_in_block;
}

static void job_destroy(void *object)
{
    struct job *j = object;
    bide_pool *p = j->pool;

    bide__list_remove(&j->on_settled.node);
    bide__future_fini(&j->future);
    if (j->in) /* it was never in the table */
        bide__job_free_argument(j);
    if (reply_is_on_heap(j))
        bide__free(j->reply);
    if (j->reply_block)
        bide__block_put(&p->arena, j->reply_block);
    bide__close_fds(j->out_fds, &j->nout_fds);
    bide__free(j->failure);
    bide__object_free(j);
    bide__object_unref(p);
}

/* Dropped by its last owner: nobody will see the result, so there is no need for one. */
static void job_release(void *object)
{
    struct job *j = object;

    bool parents = bide__pool_is_parents(j->pool);
    if (!parents && !bide__pool_allows(j->pool, "bide_release of a job"))
        return;
    if (!parents && j->future.object.refs == 2 && j->stage != JOB_OVER && !bide__job_is_settled(j)) {
        j->out = NULL;
        bide_future_cancel(&j->future);
    }
    bide__object_unref(j);
}

static const struct object_type job_type = {.name = "job", .destroy = job_destroy, .release = job_release, .label_at = offsetof(struct job, name)};

/* ---- for its owner ---- */

void bide_pool_detach(bide_future *f)
{
    struct job *j = f && bide__job_allows(f, __func__) ? bide__job_of(f) : NULL;
    if (!j)
        return;
    j->out = NULL;
    bide__object_unref(j);
}
