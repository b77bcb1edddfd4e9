/* SPDX-License-Identifier: MIT */
/*
 * cancel.c - the cancelling of one job in a worker: its task is cancelled; one that still lies in the lane is remembered.
 */
#include "pool/worker/worker.h"

struct runner *bide__runner_by_id(struct worker *w, uint64_t id)
{
    for (struct runner *r = w->runners; r; r = r->next)
        if (r->call.kind && r->call.id == id)
            return r;
    return NULL;
}

/* It is not running: in the lane still, or over already. */
static void note_cancelled(struct worker *w, uint64_t id)
{
    if (bide__lane_is_empty(&w->segment.calls))
        w->ncancelled = 0;
    if (w->ncancelled == w->cancelled_cap) {
        size_t cap = w->cancelled_cap ? w->cancelled_cap * 2 : 16;
        uint64_t *more = bide__realloc(w->cancelled, cap * sizeof *more);
        if (!more)
            return; /* then it runs; nobody wants its result */
        w->cancelled = more;
        w->cancelled_cap = cap;
    }
    w->cancelled[w->ncancelled++] = id;
}

bool bide__runner_was_cancelled(struct worker *w, uint64_t id)
{
    for (size_t i = 0; i < w->ncancelled; i++)
        if (w->cancelled[i] == id) {
            w->cancelled[i] = w->cancelled[--w->ncancelled];
            return true;
        }
    return false;
}

void bide__runner_cancel(struct worker *w, uint64_t id)
{
    struct runner *r = bide__runner_by_id(w, id);

    if (!r) {
        note_cancelled(w, id);
    } else if (!r->cancelled) {
        r->cancelled = true;
        bide_task_cancel(r->task);
    }
}
