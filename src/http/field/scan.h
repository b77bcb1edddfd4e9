/* SPDX-License-Identifier: MIT */
/*
 * scan.h - find the first byte that does not belong, 16 bytes at a time.
 *
 * Two questions cover a message head: where does this field value end (CR, LF or a byte that may
 * not be in a value), and where does this name end (a byte that is not a token character).  Each
 * has a scalar version, which defines the answer, and an SSE2 version, which must give the same:
 * tests/http/h1/test_parse.c compares them byte for byte. SSE2 is part of x86_64, so nothing is
 * dispatched at run time.  AVX2 was measured and left out: names and values are shorter than 32
 * bytes, and a wider load only moves the tail.
 *
 * No version reads at or beyond `end`: a load happens only while 16 bytes are left.
 */
#ifndef BIDE_HTTP_SCAN_H
#define BIDE_HTTP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAR_TOKEN  1 /* tchar, RFC 9110 5.6.2 */
#define CHAR_VALUE  2 /* HTAB, SP, VCHAR, obs-text: what a field value may hold, RFC 9110 5.5 */
#define CHAR_TARGET 4 /* VCHAR: what a request target may hold */

extern const uint8_t bide__char_class[256];

static inline bool char_is(char c, int class)
{
    return bide__char_class[(unsigned char)c] & class;
}

static inline const char *scan_scalar(const char *p, const char *end, int class)
{
    while (p < end && char_is(*p, class))
        p++;
    return p;
}

#if defined(__SSE2__) && !defined(BIDE_NO_SIMD)
#include <emmintrin.h>

/* A bit for each of 16 bytes that may not stand in a value: below 0x20 but not HTAB, or DEL. */
static inline unsigned scan_value_stops(__m128i v)
{
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    const __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
    const __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, low), del));
}

static inline const char *scan_value(const char *p, const char *end)
{
    for (; end - p >= 16; p += 16) {
        unsigned stops = scan_value_stops(_mm_loadu_si128((const __m128i *)(const void *)p));
        if (stops)
            return p + __builtin_ctz(stops);
    }
    return scan_scalar(p, end, CHAR_VALUE);
}

/* Names: nearly every byte is a letter or '-', which is quick to see; what is not is looked up. */
static inline unsigned scan_token_doubts(__m128i v)
{
    const __m128i lower = _mm_or_si128(v, _mm_set1_epi8(0x20));
    const __m128i above = _mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1));
    const __m128i below = _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1));
    const __m128i dash = _mm_cmpeq_epi8(v, _mm_set1_epi8('-'));
    return ~(unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_and_si128(above, below), dash)) & 0xffff;
}

static inline const char *scan_token(const char *p, const char *end)
{
    while (end - p >= 16) {
        unsigned doubts = scan_token_doubts(_mm_loadu_si128((const __m128i *)(const void *)p));
        if (!doubts) {
            p += 16;
            continue;
        }
        p += __builtin_ctz(doubts);
        if (!char_is(*p, CHAR_TOKEN))
            return p;
        p++;
    }
    return scan_scalar(p, end, CHAR_TOKEN);
}

#else

static inline const char *scan_value(const char *p, const char *end)
{
    return scan_scalar(p, end, CHAR_VALUE);
}

static inline const char *scan_token(const char *p, const char *end)
{
    return scan_scalar(p, end, CHAR_TOKEN);
}

#endif
#endif
