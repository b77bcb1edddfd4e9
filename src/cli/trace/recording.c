/* SPDX-License-Identifier: MIT */
/*
 * recording.c - the timeline of another process (base/timeline/timeline.h): switched on and off there, and its tracks copied.
 *
 * Two words are written: until when it records (the lease), and the number of the recording.  The loops there notice them after their next
 * poll of the kernel.  The lease is short and extended again and again, so that the recording ends soon if we are killed.
 */
#include <bide/error.h>
#include <stdlib.h>

#include "cli/trace/trace.h"
#include "inspect/timeline/export.h"

#define SLOT_BYTES (SLOT_WORDS * sizeof(uint64_t))

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- on and off ---- */

static enum recording_state look(const struct recording *r, struct timeline *t)
{
    if (r->at == 0 || !memory_copy(r->from, r->at, t, sizeof *t))
        return RECORDING_UNREADABLE;
    if (memcmp(t->magic, TIMELINE_MAGIC, sizeof t->magic) != 0 || t->size != sizeof *t)
        return RECORDING_UNKNOWN;
    if (t->on == 0 || (t->until_ns != 0 && t->until_ns <= now_ns()))
        return RECORDING_NONE;
    if (t->on == r->number)
        return RECORDING_OURS;
    return t->until_ns == 0 ? RECORDING_ITS_OWN : RECORDING_ANOTHERS;
}

enum recording_state recording_look(const struct recording *r)
{
    struct timeline t;

    return look(r, &t);
}

/* The process's own recordings count from 1; ours have the top bit and the time, so that no track has this number yet. */
bool recording_keep(struct recording *r, struct process_memory *to)
{
    bool is_first = r->number == 0;
    uint64_t now = now_ns(), until = now + UINT64_C(1000000) * RECORDING_LEASE_MS;

    if (is_first)
        r->number = UINT32_C(1) << 31 | (uint32_t)(now >> 20);
    return process_memory_write(to, r->at + offsetof(struct timeline, until_ns), &until, sizeof until) &&
           (!is_first || process_memory_write(to, r->at + offsetof(struct timeline, on), &r->number, sizeof r->number));
}

void recording_end(const struct recording *r, struct process_memory *to)
{
    static const uint32_t off;

    if (recording_look(r) == RECORDING_OURS)
        process_memory_write(to, r->at + offsetof(struct timeline, on), &off, sizeof off);
}

/* ---- its tracks ---- */

struct remote {
    struct timeline_source source;
    struct recording *recording;
    struct timeline timeline;
};

static bool is_sound(const struct track *k, uint64_t *size)
{
    *size = k->mask + 1;
    return *size >= TRACK_BYTES_MIN / SLOT_BYTES && *size <= TRACK_BYTES_MAX / SLOT_BYTES && (*size & k->mask) == 0 && k->head > k->base;
}

/* From `first` to the end of the ring, and on from its beginning. */
static bool copy_slots(struct memory *m, const struct track *k, uint64_t first, struct track_copy *out)
{
    uint64_t at = (uintptr_t)k->slots, from = first & k->mask, room = k->mask + 1 - from, n = out->n < room ? out->n : room;

    return memory_copy(m, at + from * SLOT_BYTES, out->slots, n * SLOT_BYTES) &&
           memory_copy(m, at, out->slots + n * SLOT_WORDS, (out->n - n) * SLOT_BYTES);
}

static bool take(struct timeline_source *s, unsigned i, struct track_copy *out)
{
    const struct remote *remote = container_of(s, struct remote, source);
    struct recording *r = remote->recording;
    uint64_t at = (uintptr_t)atomic_load(&remote->timeline.tracks[i]), size;
    struct track k, later;
    if (at == 0 || !memory_copy(r->from, at, &k, sizeof k) || k.recording != s->recording || !is_sound(&k, &size))
        return false;

    uint64_t first = k.head - k.base > size ? k.head - size : k.base;
    if (!bide__track_copy_reserve(out, k.head - first))
        return false;
    out->n = k.head - first;
    if (!copy_slots(r->from, &k, first, out) || !memory_copy(r->from, at, &later, sizeof later) || later.recording != s->recording ||
        later.base != k.base || later.head < k.head)
        return false;
    bide__track_copy_trim(out, first, k.base, later.head, size);
    out->thread = k.thread;
    memcpy(out->name, k.name, sizeof out->name);
    r->threads += out->n > 0;
    r->entries += out->n;
    r->lost += out->lost;
    return out->n > 0;
}

/* NULL: they cannot be read, and the file has no names. */
static struct names *copy_names(const struct remote *remote)
{
    uint64_t at = (uintptr_t)atomic_load(&remote->timeline.names);
    struct names *n = at != 0 ? malloc(sizeof *n) : NULL;

    if (n && !memory_copy(remote->recording->from, at, n, sizeof *n)) {
        free(n);
        n = NULL;
    }
    return n;
}

int recording_export(struct recording *r, int fd)
{
    struct remote remote = {.recording = r};
    struct timeline_source *s = &remote.source;
    enum recording_state state = look(r, &remote.timeline);
    if (state == RECORDING_UNREADABLE || state == RECORDING_UNKNOWN)
        return -ESRCH;

    struct names *n = copy_names(&remote);
    *s = (struct timeline_source){.take = take, .recording = r->number, .process = r->pid, .now_ns = now_ns(),
                                  .ntracks = remote.timeline.ntracks, .lost_threads = remote.timeline.lost_threads};
    if (s->ntracks > TRACKS_MAX)
        s->ntracks = TRACKS_MAX;
    if (n) {
        s->names = n->text;
        s->names_len = sizeof n->text;
        s->at = n->at;
        s->nnames = n->count < TIMELINE_NAMES ? n->count : TIMELINE_NAMES - 1;
    }
    memcpy(s->program, r->program, sizeof s->program);
    int code = bide__timeline_export(s, fd);
    free(n);
    return code;
}
