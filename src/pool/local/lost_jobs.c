/* SPDX-License-Identifier: MIT */
/*
 * lost_jobs.c - the jobs of a worker that has ended: failed, run again or moved.
 *
 * The one that is responsible fails with BIDE_EWORKER; the others that had begun fail with BIDE_EWORKERLOST, or run again
 * if they are idempotent; those that had not begun move to the front of the queue, which is no attempt.
 */
#include <stdio.h>

#include "pool/local/local.h"

static void remember(struct job *j, const struct death *d)
{
    size_t n = strlen(j->history);
    const char *word = d->signal ? sigabbrev_np(d->signal) : "exit";

    snprintf(j->history + n, sizeof j->history - n, "%s%s", n > 0 ? ", " : "", word ? word : "?");
}

static void put_block(struct proxy *x, struct block **b)
{
    if (*b)
        bide__block_put(&x->pool->arena, *b);
    *b = NULL;
}

static void give_back(struct proxy *x, struct job *j)
{
    bide__list_remove(&j->node);
    bide__timer_disarm(x->pool->loop, &j->timer);
    bide__proxy_unassign(j);
    j->expired = false;
    put_block(x, &j->reply_block); /* it lay in the arena for that worker */
    put_block(x, &j->old_block);
}

static bool may_retry(const struct job *j)
{
    return j->idempotent && !j->expired && j->pool->state <= POOL_CLOSING && j->attempt <= j->pool->args.retries &&
           !bide__job_is_settled(j);
}

static void explain(struct job *j, const struct death *d, int code)
{
    bide_pool_failure *f = bide__job_explain(j, code, d->x->pid, "");
    if (!f)
        return;
    f->signal = d->signal;
    f->exit_code = d->exit_code;
    f->status_unknown = d->unknown;
    f->core_dumped = d->core;
    f->out_of_memory = d->oom;
    f->culprit = d->culprit && d->culprit != j ? d->culprit->name : NULL;
}

/* We killed it, because the pool ends. */
static bool is_end_of_pool(const struct job *j, const struct death *d)
{
    return d->x->was_killed && !d->x->killer && !d->x->corrupt && j->pool->state >= POOL_CLOSING;
}

static void fail_job(struct job *j, const struct death *d)
{
    bool own = d->culprit == j;
    int code = own ? (j->expired ? BIDE_ETIMEDOUT : BIDE_EWORKER) : BIDE_EWORKERLOST, pid = d->x->pid;
    char text[320];

    j->pool->failed++;
    if (is_end_of_pool(j, d)) {
        bool failed = j->pool->state == POOL_FAILED;
        bide__job_fail(j, failed ? BIDE_EPOOL : BIDE_ECLOSED, failed ? j->pool->fail_text : "the pool was closed while it ran");
        return;
    }
    explain(j, d, code);
    if (own && j->expired)
        snprintf(text, sizeof text, "timed out after %lld ms, did not yield, and worker %d was killed", (long long)j->timeout_ms, pid);
    else if (own && j->history[0])
        snprintf(text, sizeof text, "worker %d %s; attempt %d (before: %s)", pid, d->how, j->attempt, j->history);
    else if (own)
        snprintf(text, sizeof text, "worker %d %s", pid, d->how);
    else
        snprintf(text, sizeof text, "worker %d %s, in %s", pid, d->how, d->culprit ? d->culprit->name : "one of its jobs");
    bide__job_fail(j, code, text);
}

static void lose_job(struct job *j, const struct death *d)
{
    bide_pool *p = j->pool;

    if (may_retry(j)) {
        remember(j, d);
        give_back(d->x, j);
        j->attempt++;
        p->retried++;
        bide__local_enqueue(p, j, true);
        return;
    }
    if (!bide__job_is_settled(j)) {
        p->counts.killed++;
        fail_job(j, d);
    }
    bide__job_over(j);
}

void bide__death_move_jobs(struct proxy *x)
{
    while (!bide__list_is_empty(&x->sent)) {
        struct job *j = container_of(x->sent.prev, struct job, node); /* the last first: each goes to the front */
        give_back(x, j);
        x->pool->moved++;
        if (bide__job_is_settled(j))
            bide__job_over(j);
        else
            bide__local_enqueue(x->pool, j, true);
    }
}

/* The culprit last: the errors of the others name it. */
void bide__death_lose_jobs(struct death *d)
{
    struct list_node lost;

    bide__list_init(&lost);
    bide__list_splice(&lost, &d->x->begun);
    if (d->culprit) {
        bide__list_remove(&d->culprit->node);
        bide__list_append(&lost, &d->culprit->node);
    }
    while (!bide__list_is_empty(&lost)) {
        struct job *j = container_of(lost.next, struct job, node);
        bide__list_remove(&j->node);
        lose_job(j, d);
    }
}
