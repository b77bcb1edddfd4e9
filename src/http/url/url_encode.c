/* SPDX-License-Identifier: MIT */
/*
 * url_encode.c - percent-encoding: which bytes may not stand as they are, and writing them.
 *
 * A percent sign is never encoded: a text that is encoded already stays as it is.
 */
#include <string.h>

#include "http/url/url.h"

/* Sums of URL_SET_*: WHATWG URL 1.3, the query set being that of http. */
const uint8_t bide__url_char_sets[256] = {
    31, 31, 31, 31, 31, 31, 31, 31, 31, 63, 63, 31, 31, 63, 31, 31, /* 00 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, /* 10 */
    31, 16, 31, 55, 16, 16, 16, 20, 16, 16,  0, 16, 16,  0,  0, 17, /* 20 */
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0, 17, 17, 31, 17, 31, 51, /* 30 */
    17,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0, /* 40 */
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0, 17, 49, 17, 19,  0, /* 50 */
    27,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0, /* 60 */
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0, 19, 17, 19, 16, 31, /* 70 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, /* 80 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, /* 90 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, /* a0 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, /* b0 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, /* c0 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, /* d0 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, /* e0 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, /* f0 */
};

never_indirect void bide__url_put(struct url_out *out, const char *bytes, size_t len)
{
    if (len > out->cap - out->len) {
        out->full = true;
        return;
    }
    memcpy(out->data + out->len, bytes, len);
    out->len += len;
}

static void put_percent(struct url_out *out, char c)
{
    static const char hex[] = "0123456789ABCDEF";
    const char text[3] = {'%', hex[(unsigned char)c >> 4], hex[(unsigned char)c & 15]};

    bide__url_put(out, text, 3);
}

never_indirect void bide__url_put_encoded(struct url_out *out, const char *bytes, size_t len, uint8_t set)
{
    const char *end = bytes + len;

    while (bytes < end) {
        const char *plain = bytes;
        while (bytes < end && !(bide__url_char_sets[(unsigned char)*bytes] & set))
            bytes++;
        bide__url_put(out, plain, (size_t)(bytes - plain));
        if (bytes < end)
            put_percent(out, *bytes++);
    }
}
