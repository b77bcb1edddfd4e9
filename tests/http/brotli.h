/* SPDX-License-Identifier: MIT */
/* brotli.h - br bodies for tests: the library makes none (libbrotlienc ends the program when it has no memory). */
#ifndef TESTS_HTTP_BROTLI_H
#define TESTS_HTTP_BROTLI_H

#include <brotli/encode.h>

#include "harness/harness.h"

/* How many bytes were put into out. */
static size_t brotli_compress(const char *in, size_t len, char *out, size_t cap)
{
    size_t n = cap;

    EXPECT_TRUE(BrotliEncoderCompress(5, 18, BROTLI_DEFAULT_MODE, len, (const uint8_t *)in, &n, (uint8_t *)out));
    return n;
}

#endif
