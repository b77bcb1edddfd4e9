/* SPDX-License-Identifier: MIT */
/*
 * answers.c - what a worker says to the program: records into its lane of answers, and how it waits for room there.
 *
 * Invariant:
 *   W3  a process that a job forked never writes to the lanes (`generation`).
 */
#include <sys/mman.h>
#include <unistd.h>

#include "pool/worker/worker.h"

/* A job or runner that was busy for so long lets the loop look at its lanes and descriptors. */
#define BUSY_MAX_NS 1000000

_Thread_local struct worker *bide__worker_here;

void bide__worker_give_up(const struct worker *w)
{
    if (w->birth.kind != BIDE_POOL_THREAD)
        _exit(1);
}

void bide__worker_ring(struct worker *w)
{
    struct segment_shared *s = w->segment.shared;

    if (atomic_load(&s->we_sleep) && atomic_exchange(&s->we_sleep, 0))
        bide__ring_bell(w->birth.our_bell);
}

bool bide__worker_has_room(struct worker *w, size_t len)
{
    struct lane *l = &w->segment.answers;

    if (bide__was_forked(w->generation))
        _exit(0); /* W3 */
    if (bide__lane_has_room(l, len))
        return true;
    /* Sequentially consistent, and before the second look: either we see the room, or the program sees `stuck`. */
    atomic_store(&w->segment.shared->stuck, 1);
    bide__worker_ring(w);
    return bide__lane_has_room(l, len);
}

void bide__worker_answer(struct worker *w, const struct record *r, const void *data, size_t len)
{
    struct lane *l = &w->segment.answers;

    while (!bide__worker_has_room(w, len))
        bide__wait_uninterrupted(&w->room);
    bide__lane_put(l, r, data, len, NULL, 0);
    bide__lane_publish(l);
    bide__worker_ring(w);
}

int bide__worker_notify(struct worker *w, const struct record *r, const void *data, size_t len)
{
    int code = bide__worker_is_late(w) ? bide_sleep_ms(0) : bide__pending_interrupt(bide__task_here());

    while (code == 0 && !bide__worker_has_room(w, len))
        code = bide__wait_in_for(&w->room, WAIT_NAMED, "room for a result");
    if (code == 0)
        bide__worker_answer(w, r, data, len);
    return code;
}

bool bide__worker_is_late(const struct worker *w)
{
    return bide__clock_ns() - w->polled_ns > BUSY_MAX_NS;
}

char *bide__worker_arena(struct worker *w)
{
    if (w->arena)
        return w->arena;
    void *p = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, w->birth.arena, 0);
    if (p == MAP_FAILED) {
        bide_fail(-errno, "addresses for large payloads: %s", bide_strerror(-errno));
        return NULL;
    }
    return w->arena = p;
}
