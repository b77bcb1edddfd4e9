/* SPDX-License-Identifier: MIT */
/*
 * hint.c - how large a body that is here whole will be: what its coding says, if it can be so.
 *
 * Only for making room at once; a body that says otherwise than it is costs nothing but that room.
 */
#include <zstd.h>

#include "http/coding/coding.h"

#define DEFLATE_RATIO_MAX 1032 /* 258 bytes in two bits */
#define HINT_MAX (1u << 20)    /* beyond that it is decoded piece by piece anyway */

/* ISIZE of the last member, RFC 1952 2.3.1. */
static uint64_t gzip_hint(const unsigned char *in, size_t len)
{
    if (len < 18)
        return 0;
    const unsigned char *end = in + len;
    uint64_t size = end[-4] | end[-3] << 8 | end[-2] << 16 | (uint64_t)end[-1] << 24;

    return size / DEFLATE_RATIO_MAX <= len ? size : 0;
}

static uint64_t zstd_hint(const char *in, size_t len)
{
    unsigned long long size = ZSTD_getFrameContentSize(in, len);

    return size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ? 0 : size;
}

size_t bide__decode_hint(const struct codings *list, const char *in, size_t len)
{
    uint64_t size = list->n != 1               ? 0
                    : list->of[0] == CODING_GZIP ? gzip_hint((const unsigned char *)in, len)
                    : list->of[0] == CODING_ZSTD ? zstd_hint(in, len)
                                                 : 0;
    return size <= HINT_MAX ? (size_t)size : 0;
}
