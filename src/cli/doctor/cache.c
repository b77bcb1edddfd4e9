/* SPDX-License-Identifier: MIT */
/*
 * cache.c - /etc/ld.so.cache, the index of libraries that ldconfig(8) writes.
 *
 *     "glibc-ld.so.cache1.1", u32 entries, u32 bytes of strings, 20 bytes more; then for each: i32 flags, u32 name, u32 path, u32, u64 hwcap
 *
 * Names and paths are offsets from there.  An older table may stand before it ("ld.so-1.7.0", u32 entries of 12 bytes each).
 */
#include "cli/doctor/doctor.h"

#include <string.h>

#define HEAD_NEW 48
#define HEAD_OLD 16
#define ENTRY_NEW 24
#define ENTRY_OLD 12

static const char magic_new[] = "glibc-ld.so.cache1.1", magic_old[] = "ld.so-1.7.0";

static uint32_t word(const uint8_t *at)
{
    uint32_t w;

    memcpy(&w, at, sizeof w);
    return w;
}

/* Where the newer table begins; len: nowhere. */
static size_t begin(const uint8_t *bytes, size_t len)
{
    if (len < HEAD_OLD || memcmp(bytes, magic_old, sizeof magic_old - 1) != 0)
        return 0;
    uint64_t behind = HEAD_OLD + (uint64_t)word(bytes + 12) * ENTRY_OLD;

    behind = (behind + 7) & ~UINT64_C(7);
    return behind < len ? (size_t)behind : len;
}

static const char *text_at(const uint8_t *bytes, size_t len, uint32_t offset)
{
    return offset < len && memchr(bytes + offset, '\0', len - offset) ? (const char *)bytes + offset : NULL;
}

const char *cache_next(const void *data, size_t len, const char *name, size_t *at)
{
    const uint8_t *bytes = data;
    if (!bytes)
        return NULL;
    size_t from = begin(bytes, len), left = len - from;
    bytes += from;
    if (left < HEAD_NEW || memcmp(bytes, magic_new, sizeof magic_new - 1) != 0)
        return NULL;

    size_t n = word(bytes + 20), most = (left - HEAD_NEW) / ENTRY_NEW;
    for (size_t i = *at; i < n && i < most; i++) {
        const uint8_t *entry = bytes + HEAD_NEW + i * ENTRY_NEW;
        const char *key = text_at(bytes, left, word(entry + 4)), *path = text_at(bytes, left, word(entry + 8));
        *at = i + 1;
        if (key && path && strcmp(key, name) == 0)
            return path;
    }
    *at = n;
    return NULL;
}
