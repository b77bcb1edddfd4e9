/* SPDX-License-Identifier: MIT */
/*
 * lane.c - one direction of a conversation through shared memory, without a lock.
 *
 * A ring of bytes with one producer and one consumer.  Records lie in it one behind the other, never across the end: a
 * pad record says that the rest is empty.
 *
 *     |....|record, payload|record|record, payload|..free..|
 *          head, the consumer's                   tail, the producer's
 *
 * Invariants:
 *   L1  a record is seen whole or not at all: tail moves only when all of it is there.  So a process that dies anywhere
 *       leaves nothing half-done, and there is no lock that it could hold.
 *   L2  head and tail only grow; tail - head is at most the size; both are multiples of 8.
 *   L3  the peer may be broken: what it wrote is read once, and checked before it is used.
 */
#include "pool/shm/shm.h"

void bide__lane_init(struct lane *l, struct lane_shared *shared, char *bytes, uint32_t size)
{
    *l = (struct lane){.shared = shared, .bytes = bytes, .size = size};
}

static size_t space_for(size_t payload)
{
    return (sizeof(struct record) + payload + 7) & ~(size_t)7;
}

/* Bytes that the record would need, with the pad before it. */
static size_t needed(const struct lane *l, size_t space)
{
    size_t to_end = l->size - (size_t)(l->mine & (l->size - 1));

    return space <= to_end ? space : to_end + space;
}

bool bide__lane_has_room(struct lane *l, size_t payload)
{
    size_t need = needed(l, space_for(payload));
    if (l->mine - l->other + need <= l->size)
        return true;

    uint64_t head = atomic_load_explicit(&l->shared->head, memory_order_acquire);
    if (head > l->mine || l->mine - head > l->size)
        return false; /* L3 */
    l->other = head;
    return l->mine - l->other + need <= l->size;
}

bool bide__lane_is_broken(const struct lane *l)
{
    uint64_t head = atomic_load_explicit(&l->shared->head, memory_order_relaxed);

    return head > l->mine || l->mine - head > l->size;
}

static char *at(const struct lane *l)
{
    return l->bytes + (l->mine & (l->size - 1));
}

static void put_pad(struct lane *l, size_t to_end)
{
    struct record pad = {.kind = REC_PAD};

    if (to_end >= sizeof pad)
        memcpy(at(l), &pad, sizeof pad);
    l->mine += to_end;
}

bool bide__lane_put(struct lane *l, const struct record *r, const void *a, size_t alen, const void *b, size_t blen)
{
    size_t space = space_for(alen + blen), to_end = l->size - (size_t)(l->mine & (l->size - 1));
    if (!bide__lane_has_room(l, alen + blen))
        return false;

    if (space > to_end)
        put_pad(l, to_end);
    struct record head = *r;
    head.len = (uint32_t)(alen + blen);
    memcpy(at(l), &head, sizeof head);
    if (alen > 0)
        memcpy(at(l) + sizeof head, a, alen);
    if (blen > 0)
        memcpy(at(l) + sizeof head + alen, b, blen);
    l->mine += space;
    return true;
}

/* How much is there?  Negative: nonsense. */
static int64_t available(struct lane *l)
{
    if (l->other == l->mine)
        l->other = atomic_load_explicit(&l->shared->tail, memory_order_acquire);
    uint64_t n = l->other - l->mine;
    return n > l->size || (n & 7) ? -1 : (int64_t)n;
}

int bide__lane_peek(struct lane *l, struct record *r, const char **payload)
{
    for (;;) {
        int64_t n = available(l);
        size_t to_end = l->size - (size_t)(l->mine & (l->size - 1));
        if (n <= 0)
            return n < 0 ? -EBADMSG : 0;
        if (to_end >= sizeof *r && (size_t)n >= sizeof *r) {
            memcpy(r, at(l), sizeof *r);
            if (r->kind != REC_PAD) {
                *payload = at(l) + sizeof *r;
                bool fits = r->len <= to_end - sizeof *r && space_for(r->len) <= (size_t)n;
                return fits && r->kind < REC_KINDS ? 1 : -EBADMSG;
            }
        }
        if ((size_t)n < to_end || to_end == l->size)
            return -EBADMSG; /* a whole ring of nothing: no producer of ours does that, and it might never end */
        l->mine += to_end;
    }
}

void bide__lane_pop(struct lane *l, const struct record *r)
{
    l->mine += space_for(r->len);
    atomic_store_explicit(&l->shared->head, l->mine, memory_order_release);
}
