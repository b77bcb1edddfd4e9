/* SPDX-License-Identifier: MIT */
/*
 * assigned.c - the jobs that a worker has been given: sent, begun, and no longer its.
 *
 * What it has begun is known without asking it: a job whose record lies behind the head of its lane has been taken out.
 */
#include "pool/proxy/proxy.h"

void bide__proxy_assign(struct proxy *x, struct job *j)
{
    bide__list_append(&x->sent, &j->node);
    j->proxy = x;
    j->stage = JOB_SENT;
    j->end = x->segment.calls.mine;
    x->nsent++;
    x->given++;
    x->dirty = true;
    if (unlikely(j->span != 0) && x->pool->loop->track)
        bide__track_note(x->pool->loop->track, TL_NOTE, SPAN_JOB, j->span, x->pid);
    if (j->timeout_ms > 0 && j->timeout_ms != BIDE_FOREVER) {
        j->sent_ns = bide__clock_ns();
        bide__timer_arm(x->pool->loop, &j->timer, j->timeout_ms);
    }
}

void bide__proxy_note_begun(struct proxy *x)
{
    /* Acquire: what the worker wrote into its slot before it moved the head (runner.c, R1) is seen. */
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
        bide_histogram_add(&x->pool->wait, bide__clock_ns() - j->submitted_ns);
    }
}

void bide__proxy_unassign(struct job *j)
{
    struct proxy *x = j->proxy;
    if (!x)
        return;
    if (j->stage == JOB_BEGUN)
        x->nbegun--;
    else
        x->nsent--;
    j->stage = JOB_QUEUED;
    j->proxy = NULL;
}

struct job *bide__proxy_begun_job(struct proxy *x, uint64_t id)
{
    for (struct list_node *n = x->begun.next; n != &x->begun; n = n->next)
        if (container_of(n, struct job, node)->id == id)
            return container_of(n, struct job, node);
    return NULL;
}
