/* SPDX-License-Identifier: MIT */
/*
 * timeline.h - what a process does, recorded in memory while a recording is on: tracks.c, names.c.
 *
 * Each thread has a track: a ring buffer of slots.  Only its thread writes it; it can be read meanwhile, in this process or from another
 * one (process_vm_readv), which can also switch recording on (process_vm_writev).
 *
 *     bide__timeline    on, tracks[] ---> struct track    head, base, mask, thread
 *                       names ------.       slots   [kind.. | time | id | value] [text] [text] [kind.. | ...   4 words each
 *                                   '--> struct names   by number, so that a slot has 16 bits for one
 *
 *     word 0 of a slot  kind 8 | aux 8 | name 16 | more 32
 *
 * Invariants:
 *   TL1  a slot is complete when head is beyond it; a reader reads head before and after, and drops slots that may have been overwritten.
 *   TL2  tracks and names are never freed, so a reader may keep pointers to them.
 *   TL3  the times of a track do not decrease, except for TL_WOKEN and the value of TL_CALL.
 */
#ifndef BIDE_BASE_TIMELINE_H
#define BIDE_BASE_TIMELINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum timeline_kind {
    TL_TEXT = 1,  /* 24 bytes of text of the record before, whose aux says how many of these slots follow */
    TL_STEP,      /* a task (id) or a callback (id 0) starts to run.  name: its function; more: the name of the task */
    TL_STEP_END,  /* aux: enum timeline_wait; value, name: what it waits for */
    TL_CALL,      /* a call starts in a thread for blocking calls, or in a worker.  value: when it was submitted; more: by which thread */
    TL_CALL_END,  /* value: its result */
    TL_BEGIN,     /* aux of these three: enum timeline_span, and how much text follows */
    TL_NOTE,      /* value */
    TL_END,       /* value: a result, or an error code */
    TL_WOKEN,     /* id: a task that was woken by thread `more` */
    TL_KINDS
};

enum timeline_span { SPAN_TASK, SPAN_REQUEST, SPAN_EXCHANGE, SPAN_JOB, TIMELINE_SPANS };

/* What a task waits for after its step. */
enum timeline_wait {
    WAITS_OTHERWISE,
    WAITS_READY,     /* for its next turn */
    WAITS_ENDED,
    WAITS_TASK,      /* value: its number */
    WAITS_FUTURE,
    WAITS_SEVERAL,
    WAITS_OPERATION, /* name: bide_queue_get */
    WAITS_TIME,
    WAITS_READABLE,  /* value: a descriptor */
    WAITS_WRITABLE,
    WAITS_EITHER,
    WAITS_THREAD,    /* name: of the call */
    WAITS_NAMED,     /* name: what for */
    TIMELINE_WAITS
};

#define SLOT_WORDS 4
#define SLOT_TEXT 24
#define TEXT_SLOTS_MAX 8
#define TRACKS_MAX 64
#define TRACK_BYTES_MIN ((size_t)64 << 10)
#define TRACK_BYTES_DEFAULT ((size_t)8 << 20)
#define TRACK_BYTES_MAX ((size_t)1 << 30)
#define TIMELINE_NAMES 8192
#define TIMELINE_NAMES_OF_TASKS 4096 /* of those, at most; functions have the rest */
#define TIMELINE_NAME_BYTES ((size_t)256 << 10)
#define TIMELINE_NAME_SHOWN 100 /* bytes of a name, at most */
#define TRACK_NAME 16

struct track {
    _Atomic uint64_t head; /* slots written, ever */
    _Atomic uint64_t base; /* head when this recording began */
    _Atomic uint32_t recording;  /* its number: bide__timeline.on */
    _Atomic uint32_t is_ended;   /* its thread has ended */
    uint64_t mask;         /* slots - 1 */
    uint64_t last_ns;      /* when the last step ended */
    uint64_t next_id;      /* for spans that have no number of their own */
    _Atomic int32_t thread;
    char name[TRACK_NAME]; /* of the thread */
    _Atomic uint64_t *slots;
};

struct names {
    _Atomic uint32_t count, of_tasks, used; /* bytes of text */
    _Atomic uint32_t at[TIMELINE_NAMES];    /* in text */
    _Atomic uint64_t keys[2 * TIMELINE_NAMES]; /* by hash: an address, or a hash of the text with the top bit; 0: free */
    _Atomic uint16_t ids[2 * TIMELINE_NAMES];
    char text[TIMELINE_NAME_BYTES];
};

/* At a fixed address, with a fixed size, for readers in other processes. */
struct timeline {
    char magic[8];
    uint32_t size;            /* of this struct */
    _Atomic uint32_t on;      /* the number of the recording; 0: none */
    _Atomic uint64_t until_ns;    /* the lease: when it ends by itself, unless `bide trace` extends it; 0: it does not */
    _Atomic uint32_t ntracks, lost_threads; /* lost_threads: threads that got no track */
    _Atomic uint64_t track_bytes; /* size of new tracks; 0: the default */
    _Atomic(struct names *) names;
    _Atomic(struct track *) tracks[TRACKS_MAX];
};
#define TIMELINE_MAGIC "bidetrk1"

extern struct timeline bide__timeline;

static inline uint32_t bide__timeline_on(void)
{
    return atomic_load_explicit(&bide__timeline.on, memory_order_relaxed);
}

/* Is recording off?  If the lease has expired, it is switched off here. */
bool bide__timeline_is_over(void);
static inline bool bide__timeline_has_limit(void)
{
    return atomic_load_explicit(&bide__timeline.until_ns, memory_order_relaxed) != 0;
}

void bide__timeline_names_forget(void); /* in the child of a fork */
/* The track of this thread, for the current recording; NULL: recording is off, or no track is free. */
struct track *bide__track_begin(void);
void bide__timeline_forget(void); /* in the child of a fork: recording is off */

/* ---- names.c: numbers for texts.  0: the table is full ---- */

uint16_t bide__name_of_function(const char *text); /* by its address: a string literal */
uint16_t bide__name_of_task(const char *text);     /* by its bytes; borrowed for the call */

/* ---- writing ---- */

static inline void bide__track_put(struct track *k, uint64_t first, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t head = atomic_load_explicit(&k->head, memory_order_relaxed);
    _Atomic uint64_t *slot = k->slots + (head & k->mask) * SLOT_WORDS;

    atomic_store_explicit(slot, first, memory_order_relaxed);
    atomic_store_explicit(slot + 1, a, memory_order_relaxed);
    atomic_store_explicit(slot + 2, b, memory_order_relaxed);
    atomic_store_explicit(slot + 3, c, memory_order_relaxed);
    atomic_store_explicit(&k->head, head + 1, memory_order_release);
}

static inline uint64_t bide__track_first(enum timeline_kind kind, unsigned aux, uint16_t name, uint32_t more)
{
    return (uint64_t)kind | (uint64_t)(aux & 0xff) << 8 | (uint64_t)name << 16 | (uint64_t)more << 32;
}

/* Begin a span.  Returns its new number, never 0.  Its text is "first second", cut to 192 bytes. */
uint64_t bide__track_span(struct track *k, enum timeline_span span, const char *first, const char *second);
/* Begin a span that has a number already; text: NULL: none. */
void bide__track_span_as(struct track *k, enum timeline_span span, uint64_t id, uint16_t name, uint64_t value, const char *text);
void bide__track_note(struct track *k, enum timeline_kind kind, enum timeline_span span, uint64_t id, int64_t value);

#endif
