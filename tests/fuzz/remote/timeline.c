/* SPDX-License-Identifier: MIT */
/*
 * timeline.c - fuzz target: the memory of a process that `bide trace` records.
 *
 * A small memory as it should be: the struct, two tracks, names, with the input over it (where: 3 bytes).  It may say anything: what is
 * made of it ends, and is JSON.
 */
#include <jansson.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/timeline/timeline.h"
#include "cli/trace/trace.h"
#include "fake_memory.h"

#define NUMBER 0x80000007u

enum { TRACK = 0x1000, STEP = 0x14000, NAMES = TRACK + 2 * STEP, BYTES = 0xb0000 };

static char good[BYTES], image[BYTES];

/* ---- a memory that is as it should be ---- */

static void put(uint32_t at, uint64_t value, size_t size)
{
    memcpy(good + at, &value, size);
}

#define PUT(at, type, member, value) put((uint32_t)(at) + offsetof(type, member), (value), sizeof ((type *)0)->member)

static void put_slot(uint32_t slots, unsigned i, uint64_t first, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t words[SLOT_WORDS] = {first, a, b, c};

    memcpy(good + slots + i * sizeof words, words, sizeof words);
}

static void write_track(uint32_t at)
{
    uint32_t slots = at + 0x1000;

    PUT(at, struct track, head, 9);
    PUT(at, struct track, recording, NUMBER);
    PUT(at, struct track, mask, TRACK_BYTES_MIN / 32 - 1);
    PUT(at, struct track, thread, 7);
    PUT(at, struct track, slots, BASE + slots);
    memcpy(good + at + offsetof(struct track, name), "a thread", 9);
    put_slot(slots, 0, bide__track_first(TL_BEGIN, SPAN_TASK << 4, 1, 0), 1000, 1, 0);
    put_slot(slots, 1, bide__track_first(TL_STEP, 0, 1, 2), 1100, 1, 0);
    put_slot(slots, 2, bide__track_first(TL_BEGIN, SPAN_REQUEST << 4 | 1, 0, 0), 1200, 9, 0);
    put_slot(slots, 3, TL_TEXT, UINT64_C(0x2f2f3a7074746820), 0, 0);
    put_slot(slots, 4, bide__track_first(TL_NOTE, SPAN_REQUEST << 4, 0, 0), 1300, 9, 200);
    put_slot(slots, 5, bide__track_first(TL_STEP_END, WAITS_NAMED, 2, 0), 1400, 1, 0);
    put_slot(slots, 6, bide__track_first(TL_WOKEN, 0, 0, 7), 1500, 1, 0);
    put_slot(slots, 7, bide__track_first(TL_STEP, 0, 1, 2), 1600, 1, 0);
    put_slot(slots, 8, bide__track_first(TL_END, SPAN_TASK << 4, 0, 0), 1700, 1, (uint64_t)-5);
}

static void write_good(void)
{
    memcpy(good + offsetof(struct timeline, magic), TIMELINE_MAGIC, 8);
    PUT(0, struct timeline, size, sizeof(struct timeline));
    PUT(0, struct timeline, on, NUMBER);
    PUT(0, struct timeline, ntracks, 2);
    PUT(0, struct timeline, names, BASE + NAMES);
    for (uint32_t i = 0; i < 2; i++) {
        put(offsetof(struct timeline, tracks) + i * 8, BASE + TRACK + i * STEP, 8);
        write_track(TRACK + i * STEP);
    }
    PUT(NAMES, struct names, count, 2);
    put(NAMES + offsetof(struct names, at) + 8, 9, 4);
    memcpy(good + NAMES + offsetof(struct names, text), "function\0a \"name\"", 18);
}

/* ---- looking at it ---- */

static void must_be_json(int fd)
{
    off_t len = lseek(fd, 0, SEEK_END);
    char *text = mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, fd, 0);

    must(len > 0 && text != MAP_FAILED);
    json_t *document = json_loadb(text, (size_t)len, JSON_DECODE_INT_AS_REAL, NULL);
    must(json_is_array(json_object_get(document, "traceEvents")));
    json_decref(document);
    munmap(text, (size_t)len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory m = {.read = fake_memory_read};
    struct recording r = {.from = &m, .at = BASE, .number = NUMBER, .pid = 1, .program = "a program"};

    if (good[0] == '\0')
        write_good();
    memcpy(image, good, sizeof image);
    fake.bytes = image;
    fake.len = sizeof image;
    fake_memory_overwrite(data, size, 3);
    int fd = memfd_create("timeline", MFD_CLOEXEC);
    must(fd >= 0);
    int code = recording_export(&r, fd);
    must(code == 0 || size > 4);
    if (code == 0)
        must_be_json(fd);
    must(size > 4 || (r.threads == 2 && r.entries == 18));
    close(fd);
    return 0;
}
