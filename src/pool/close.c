/* SPDX-License-Identifier: MIT */
/*
 * close.c - the end of a pool: in order, in haste, or when its last owner lets go of it.
 *
 * close: no new jobs; those that are there finish, within the grace; then they are cancelled; then the backend ends, with
 * the workers.  Each step has an end, so closing cannot hang (but for a thread that does not come back: it cannot be
 * killed).
 */
#include "pool/pool.h"

static void cancel_running(bide_pool *p)
{
    for (struct list_node *n = p->jobs.next; n != &p->jobs; n = n->next) {
        struct job *j = container_of(n, struct job, all);
        if (j->stage != JOB_QUEUED)
            p->backend->cancel(j);
    }
}

static bool no_jobs(const bide_pool *p)
{
    return p->pending == 0 || p->state == POOL_FAILED;
}

static int wait_for_jobs(bide_pool *p, int64_t ms)
{
    int code = 0;

    bide__timeout(ms) {
        while (code == 0 && !no_jobs(p))
            code = bide__wait_in_for(&p->changed, WAIT_NAMED, "the end of its jobs");
    }
    return no_jobs(p) ? 0 : code;
}

static bool was_cancelled(int code)
{
    return code == BIDE_ECANCELED;
}

/* The jobs: let finish, then cancel. */
static int end_jobs(bide_pool *p, int64_t grace_ms)
{
    int code = grace_ms != 0 ? wait_for_jobs(p, grace_ms) : 0;

    if (!no_jobs(p)) {
        bide__pool_fail_queued(p, "the pool was closed before it could begin");
        cancel_running(p);
        if (!was_cancelled(code))
            code = wait_for_jobs(p, p->args.grace_ms);
    }
    return code;
}

/* When there are no jobs left to wait for: the workers, or what stands for them. */
static void finish(bide_pool *p, bool at_once)
{
    p->state = p->state == POOL_FAILED ? POOL_FAILED : POOL_ENDING;
    bide__pool_note_outside(p);
    p->backend->end(p, at_once);
    if (p->state != POOL_FAILED)
        p->state = POOL_CLOSED;
    bide__pool_fail_queued(p, "the pool was closed");
    bide__pool_detach(p);
    bide__wake_all(p->loop, &p->room);
    bide__wake_all(p->loop, &p->changed);
}

static int close_now(bide_pool *p, int64_t grace_ms)
{
    if (p->state <= POOL_OPEN)
        p->state = POOL_CLOSING;
    bide__wake_all(p->loop, &p->room);
    bide__wake_all(p->loop, &p->changed); /* who resizes need not wait any longer */
    int code = end_jobs(p, grace_ms);
    if (p->state != POOL_CLOSED) /* by another task, meanwhile */
        finish(p, was_cancelled(code) || !no_jobs(p));
    return was_cancelled(code) ? code : 0;
}

static int check(bide_pool *p, const char *function)
{
    if (bide__pool_callbacks > 0)
        return bide_fail(BIDE_ESTATE, "%s: it would wait: not in on_event or on_progress; bide_release is allowed there", function);
    BIDE_TRY(bide__pool_check_owner(p, function));
    return bide__task_here() ? 0 : bide_fail(BIDE_ESTATE, "%s: it waits, so only a task may call it", function);
}

int bide_pool_close_into(bide_pool *p, int64_t grace_ms, bide_pool_counts *counts, size_t size)
{
    BIDE_TRY(check(p, "bide_pool_close"));
    BIDE_TRY(bide__check_time("bide_pool_close", "grace_ms", grace_ms, true));
    bide_retain(p); /* another task may kill and release it while we wait */
    int code = p->state == POOL_CLOSED ? 0 : close_now(p, grace_ms);

    if (counts)
        bide__options_give(counts, size, &p->counts, sizeof p->counts);
    bide_release(p);
    return code;
}

int bide_pool_kill(bide_pool *p)
{
    BIDE_TRY(check(p, __func__));
    if (p->state == POOL_CLOSED)
        return 0;

    if (p->state != POOL_FAILED)
        p->state = POOL_ENDING;
    bide__wake_all(p->loop, &p->room);
    bide__wake_all(p->loop, &p->changed);
    bide__pool_fail_queued(p, "the pool was killed");
    bide_retain(p);
    finish(p, true);
    bide_release(p);
    return 0;
}

/* ---- release ---- */

/* Was the task that lets go of the pool cancelled, or is it out of time?  Then it is to end, and not to wait for jobs. */
static bool owner_must_end(void)
{
    const bide_task *t = bide__task_here();

    return t->cancelling > 0 || t->expired > 0;
}

static bool can_wait(const bide_pool *p)
{
    bide_task *t = bide__task_here();

    return t && !t->stackless && p->loop == bide__loop_here;
}

/* In the middle of a turn of its own, or of its neighbour's, a pool cannot go. */
static bool put_off(bide_pool *p)
{
    if (bide__pool_callbacks == 0 || !bide__list_is_linked(&p->in_loop))
        return false;
    if (p->was_released) {
        bide__object_unref(p);
    } else {
        p->was_released = true;
        bide__push(p->loop, &p->leaving);
    }
    return true;
}

static int leave(bide_pool *p)
{
    bide__pool_release(p);
    return 0;
}

void bide__pool_leave(struct ready *r)
{
    bide_pool *p = container_of(r, bide_pool, leaving);

    p->was_released = false;
    p->args.close_ms = 0;
    bide_task *t = p->backend->has_tasks ? bide_create_task(bide_coro(leave, p)) : NULL;
    if (t)
        bide_detach(t);
    else
        bide__pool_release(p);
}

void bide__pool_release(void *object)
{
    bide_pool *p = object;

    if (bide__pool_is_parents(p)) {
        bide__pool_disown(p);
        return;
    }
    if (!bide__pool_allows(p, "bide_release of a pool") || put_off(p))
        return;
    if (p->state != POOL_CLOSED && bide__list_is_linked(&p->in_loop)) {
        if (can_wait(p))
            close_now(p, owner_must_end() || p->state == POOL_OPENING ? 0 : p->args.close_ms);
        else {
            bide__pool_abandon(p);
            bide__pool_detach(p);
        }
    }
    bide__object_unref(p);
}

void bide__pool_destroy(void *object)
{
    bide_pool *p = object;

    assert(bide__list_is_empty(&p->jobs));
    if (p->backend)
        p->backend->free(p);
    bide__pool_arena_close(&p->arena);
    bide__stats_close(p);
    bide__free(p->table);
    bide__free(p->generations);
    bide__free(p->free_ids);
    if (p->has_place)
        bide__ring_unreserve(&p->loop->ring, 1);
    bide__object_unref(p->loop);
    bide__object_free(p);
}
