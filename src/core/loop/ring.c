/* SPDX-License-Identifier: MIT */
/*
 * ring.c - the ready queue.
 *
 * A ring of pointers rather than a linked list: the loop can look a few places ahead and fetch the stack of a task
 * into the cache before its turn comes, which is worth a factor of ten with many tasks.
 *
 * Invariants:
 *   Q1  queued entries <= reserved <= capacity / 2, so a push never needs memory.
 *   Q2  slots[r->place - 1] == r for everything queued; a NULL slot is something taken out again.
 *   Q3  head..turn_end is what was queued when the turn began, also when the entries move.
 */
#include "core/loop/owner.h"

#define FIRST_CAPACITY 256

int bide__ring_init(struct ring *q)
{
    *q = (struct ring){.mask = FIRST_CAPACITY - 1};
    q->slots = bide__calloc(FIRST_CAPACITY, sizeof *q->slots);
    return q->slots ? 0 : bide__fail_nomem("the ready queue");
}

void bide__ring_free(struct ring *q)
{
    bide__free(q->slots);
    *q = (struct ring){0};
}

static void move_to(struct ring *q, struct ready **slots, uint32_t mask)
{
    uint32_t n = 0, end = 0;

    for (uint32_t i = q->head; i != q->tail; i++) {
        struct ready *r = q->slots[i & q->mask];
        if (r) {
            slots[n] = r;
            r->place = ++n;
        }
        if (i + 1 == q->turn_end)
            end = n;
    }
    bide__free(q->slots);
    q->slots = slots;
    q->mask = mask;
    q->moved += q->head;
    q->head = 0;
    q->tail = n;
    q->turn_end = end;
}

static __attribute__((noinline)) int grow(struct ring *q, uint64_t need)
{
    uint64_t capacity = (uint64_t)q->mask + 1;

    while (capacity < need)
        capacity *= 2;
    if (capacity > UINT32_MAX / 2)
        return bide_fail(BIDE_ELIMIT, "the ready queue: more than %u entries", UINT32_MAX / 4);
    struct ready **slots = bide__calloc(capacity, sizeof *slots);
    if (!slots)
        return bide__fail_nomem("the ready queue");
    move_to(q, slots, (uint32_t)capacity - 1);
    return 0;
}

never_indirect int bide__ring_reserve(struct ring *q, uint32_t n)
{
    uint64_t need = ((uint64_t)q->reserved + n) * 2; /* twice: holes take places too, see compact */

    if (unlikely(need > (uint64_t)q->mask + 1)) {
        int code = grow(q, need);
        if (code < 0)
            return code;
    }
    q->reserved += n;
    return 0;
}

/* Compact: every slot is taken, at least half of them by holes.  Entries keep their order. */
void bide__ring_compact(struct ring *q)
{
    uint32_t n = q->head, end = q->head;

    for (uint32_t i = q->head; i != q->tail; i++) {
        struct ready *r = q->slots[i & q->mask];
        if (r) {
            q->slots[n & q->mask] = r;
            r->place = (n & q->mask) + 1;
            n++;
        }
        if (i + 1 == q->turn_end)
            end = n;
    }
    q->tail = n;
    q->turn_end = end;
}

never_indirect void bide__unpush(bide_loop *loop, struct ready *r)
{
    if (!bide__ready_is_queued(r))
        return;
    loop->ring.slots[r->place - 1] = NULL;
    r->place = 0;
}
