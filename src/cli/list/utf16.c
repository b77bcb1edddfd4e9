/* SPDX-License-Identifier: MIT */
/*
 * utf16.c - UTF-16 into UTF-8.
 */
#include <stdint.h>

#include "cli/list/unpack.h"

static uint32_t unit_at(const unsigned char *in, bool is_big_endian)
{
    return is_big_endian ? (uint32_t)in[0] << 8 | in[1] : (uint32_t)in[1] << 8 | in[0];
}

static size_t put(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

size_t utf16_decode(const unsigned char *in, size_t len, bool is_big_endian, char *out, size_t *used)
{
    size_t at = 0, n = 0;

    for (; len - at >= 2; at += 2) {
        uint32_t c = unit_at(in + at, is_big_endian);
        if (c >= 0xd800 && c < 0xdc00) { /* the first half of a pair */
            if (len - at < 4)
                break;
            uint32_t second = unit_at(in + at + 2, is_big_endian);
            bool is_pair = second >= 0xdc00 && second < 0xe000;
            c = is_pair ? 0x10000 + ((c - 0xd800) << 10) + (second - 0xdc00) : 0;
            at += is_pair ? 2 : 0;
        } else if (c >= 0xdc00 && c < 0xe000) {
            c = 0;
        }
        n += put(c, out + n);
    }
    *used = at;
    return n;
}
