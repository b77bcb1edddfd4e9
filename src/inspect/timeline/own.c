/* SPDX-License-Identifier: MIT */
/* own.c - the tracks of this process, copied while their threads may write them. */
#include <sys/mman.h>
#include <unistd.h>

#include "inspect/timeline/export.h"

static void copy_slots(const struct track *k, uint64_t first, struct track_copy *out)
{
    for (size_t i = 0; i < out->n; i++) {
        const _Atomic uint64_t *from = k->slots + ((first + i) & k->mask) * SLOT_WORDS;
        for (int w = 0; w < SLOT_WORDS; w++)
            out->slots[i * SLOT_WORDS + (size_t)w] = atomic_load_explicit(from + w, memory_order_relaxed);
    }
}

static bool take(struct timeline_source *s, unsigned i, struct track_copy *out)
{
    const struct track *k = atomic_load(&bide__timeline.tracks[i]);
    (void)s;
    if (!k || atomic_load(&k->recording) != s->recording)
        return false;

    uint64_t base = atomic_load(&k->base), head = atomic_load_explicit(&k->head, memory_order_acquire), size = k->mask + 1;
    uint64_t first = head - base > size ? head - size : base;
    if (head == base || !bide__track_copy_reserve(out, head - first))
        return false;
    out->n = head - first;
    copy_slots(k, first, out);
    atomic_thread_fence(memory_order_acquire);
    bide__track_copy_trim(out, first, base, atomic_load(&k->head), size);
    out->thread = k->thread;
    memcpy(out->name, k->name, sizeof out->name);
    return out->n > 0;
}

int bide__timeline_export_own(int fd, uint32_t recording)
{
    const struct names *n = atomic_load(&bide__timeline.names);
    struct timeline_source s = {.take = take, .recording = recording, .ntracks = atomic_load(&bide__timeline.ntracks), .process = getpid(),
                                .lost_threads = atomic_load(&bide__timeline.lost_threads), .now_ns = (uint64_t)bide__clock_ns()};
    if (n) {
        s.names = n->text;
        s.names_len = TIMELINE_NAME_BYTES;
        s.at = n->at;
        s.nnames = atomic_load_explicit(&n->count, memory_order_acquire);
    }
    size_t len = strnlen(program_invocation_short_name, sizeof s.program - 1);

    memcpy(s.program, program_invocation_short_name, len);
    return bide__timeline_export(&s, fd);
}
