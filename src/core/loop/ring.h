/* SPDX-License-Identifier: MIT */
/* ring.h - the ready queue: first in, first out; what is in it can be taken out again. */
#ifndef BIDE_CORE_RING_H
#define BIDE_CORE_RING_H

#include "base/base.h"

/*
 * Something that the loop will run.  It is in the queue at most once.
 *
 * Pushing cannot fail, because whatever may be pushed has reserved a place before (bide__ring_reserve).
 */
struct ready {
    void (*run)(struct ready *r);
    uint32_t place; /* index in the ring + 1; 0: not queued */
    bool is_task;   /* it lies in a bide_task */
};

struct ring {
    struct ready **slots;
    uint32_t mask;       /* capacity - 1 */
    uint32_t head, tail; /* run at head, push at tail; they wrap */
    uint32_t moved;      /* what head has lost when the entries moved */
    uint32_t turn_end;   /* where this turn ends: what is pushed from now on waits for the next */
    uint32_t reserved;   /* never more than capacity */
};

int bide__ring_init(struct ring *q);
void bide__ring_free(struct ring *q);
never_indirect int bide__ring_reserve(struct ring *q, uint32_t n); /* BIDE_ENOMEM; may be undone by unreserve */
void bide__ring_compact(struct ring *q);
static inline void bide__ring_unreserve(struct ring *q, uint32_t n)
{
    q->reserved -= n;
}

static inline uint32_t bide__ring_count(const struct ring *q)
{
    return q->tail - q->head;
}

static inline bool bide__ready_is_queued(const struct ready *r)
{
    return r->place != 0;
}

#endif
