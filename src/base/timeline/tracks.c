/* SPDX-License-Identifier: MIT */
/*
 * tracks.c - the tracks of the threads: created when a thread first records something, and written by that thread alone.
 *
 * A track outlives its thread, so that its entries can still be written to the file.  When there are TRACKS_MAX tracks, a new thread reuses
 * the track of a thread that has ended; if there is none, it is not recorded, and counted in lost_threads.
 */
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"
#include "base/timeline/timeline.h"

struct timeline bide__timeline = {.magic = TIMELINE_MAGIC, .size = sizeof(struct timeline)};
static _Thread_local struct track *track_here __attribute__((tls_model("initial-exec")));

#define HEAD_BYTES 4096 /* of a track, before its slots: a page */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;

/* ---- making ---- */

static void end(void *track)
{
    track_here = NULL;
    atomic_store(&((struct track *)track)->is_ended, 1);
}

static void init(void)
{
    pthread_key_create(&at_thread_end, end);
}

static void *map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

/* A power of two. */
static size_t track_bytes(void)
{
    size_t wanted = atomic_load(&bide__timeline.track_bytes), bytes = TRACK_BYTES_MIN;
    if (wanted == 0)
        wanted = TRACK_BYTES_DEFAULT;

    while (bytes < TRACK_BYTES_MAX && bytes * 2 <= wanted)
        bytes *= 2;
    return bytes;
}

/* Under lock.  Pages that are not written take no memory. */
static struct track *make(uint32_t n)
{
    size_t bytes = track_bytes();
    struct track *k = map(HEAD_BYTES + bytes);
    if (!k)
        return NULL;

    k->slots = (_Atomic uint64_t *)((char *)k + HEAD_BYTES);
    k->mask = bytes / (SLOT_WORDS * sizeof(uint64_t)) - 1;
    k->next_id = (uint64_t)(n + 1) << 48;
    atomic_store(&bide__timeline.tracks[n], k);
    atomic_store(&bide__timeline.ntracks, n + 1);
    return k;
}

static struct track *find_ended(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct track *k = atomic_load(&bide__timeline.tracks[i]);
        if (atomic_load(&k->is_ended))
            return k;
    }
    return NULL;
}

/* Under lock. */
static struct track *take(void)
{
    uint32_t n = atomic_load(&bide__timeline.ntracks);
    struct track *k = n < TRACKS_MAX ? make(n) : find_ended(n);

    if (!k)
        atomic_fetch_add(&bide__timeline.lost_threads, 1);
    if (!k || pthread_setspecific(at_thread_end, k) != 0)
        return NULL;
    atomic_store(&k->is_ended, 0);
    atomic_store(&k->recording, 0); /* its entries are those of another thread */
    return k;
}

static struct track *begin_first(void)
{
    pthread_once(&once, init);
    pthread_mutex_lock(&lock);
    if (!atomic_load(&bide__timeline.names))
        atomic_store(&bide__timeline.names, map(sizeof(struct names)));
    struct track *k = atomic_load(&bide__timeline.names) ? take() : NULL;
    pthread_mutex_unlock(&lock);
    return track_here = k;
}

bool bide__timeline_is_over(void)
{
    uint32_t on = bide__timeline_on();
    uint64_t until = atomic_load_explicit(&bide__timeline.until_ns, memory_order_relaxed);

    if (on != 0 && until != 0 && (uint64_t)bide__clock_ns() >= until)
        atomic_compare_exchange_strong(&bide__timeline.on, &on, 0);
    return bide__timeline_on() == 0;
}

struct track *bide__track_begin(void)
{
    uint32_t on = bide__timeline_on();
    struct track *k = track_here;
    if (on == 0 || (unlikely(bide__timeline_has_limit()) && bide__timeline_is_over()))
        return NULL;
    if (likely(k && atomic_load_explicit(&k->recording, memory_order_relaxed) == on))
        return k;
    if (!k && !(k = begin_first()))
        return NULL;

    pthread_getname_np(pthread_self(), k->name, sizeof k->name);
    atomic_store(&k->thread, (int32_t)gettid());
    atomic_store(&k->base, atomic_load(&k->head));
    atomic_store(&k->recording, on);
    k->last_ns = 0;
    return k;
}

/* The tracks stay mapped (MAP_PRIVATE), and this thread uses its own again. */
void bide__timeline_forget(void)
{
    atomic_store(&bide__timeline.on, 0);
    pthread_mutex_init(&lock, NULL);
    bide__timeline_names_forget();
    for (uint32_t i = 0; i < atomic_load(&bide__timeline.ntracks); i++) {
        struct track *k = atomic_load(&bide__timeline.tracks[i]);
        if (k != track_here)
            atomic_store(&k->is_ended, 1);
    }
}

/* ---- writing ---- */

static unsigned text_slots(size_t len)
{
    size_t n = (len + SLOT_TEXT - 1) / SLOT_TEXT;

    return n < TEXT_SLOTS_MAX ? (unsigned)n : TEXT_SLOTS_MAX;
}

static void put_text(struct track *k, const char *text, size_t len, unsigned slots)
{
    for (unsigned i = 0; i < slots; i++) {
        uint64_t words[3] = {0};
        size_t at = (size_t)i * SLOT_TEXT, n = len - at < SLOT_TEXT ? len - at : SLOT_TEXT;
        memcpy(words, text + at, n);
        bide__track_put(k, TL_TEXT, words[0], words[1], words[2]);
    }
}

void bide__track_span_as(struct track *k, enum timeline_span span, uint64_t id, uint16_t name, uint64_t value, const char *text)
{
    size_t len = text ? strnlen(text, SLOT_TEXT * TEXT_SLOTS_MAX) : 0;
    unsigned slots = text_slots(len);

    bide__track_put(k, bide__track_first(TL_BEGIN, (unsigned)span << 4 | slots, name, 0), (uint64_t)bide__clock_ns(), id, value);
    put_text(k, text, len, slots);
}

/* Not by snprintf, which would double the cost. */
uint64_t bide__track_span(struct track *k, enum timeline_span span, const char *first, const char *second)
{
    char text[SLOT_TEXT * TEXT_SLOTS_MAX + 1];
    size_t len = strnlen(first, 32), more = strnlen(second, sizeof text - 2 - len);

    memcpy(text, first, len);
    text[len] = ' ';
    memcpy(text + len + 1, second, more);
    text[len + 1 + more] = '\0';
    bide__track_span_as(k, span, ++k->next_id, 0, 0, text);
    return k->next_id;
}

void bide__track_note(struct track *k, enum timeline_kind kind, enum timeline_span span, uint64_t id, int64_t value)
{
    bide__track_put(k, bide__track_first(kind, (unsigned)span << 4, 0, 0), (uint64_t)bide__clock_ns(), id, (uint64_t)value);
}
