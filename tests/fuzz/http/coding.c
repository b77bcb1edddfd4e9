/* SPDX-License-Identifier: MIT */
/*
 * coding.c - fuzz target: content codings, whole and in pieces, must give the same verdict and the same body.
 *
 * The first byte says which codings, the second how large the pieces are.
 */
#include <stdlib.h>

#include "http/coding/coding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

struct result {
    int code;
    uint64_t sum, len;
};

#define MOST 300000

static struct result decode(const struct codings *list, const uint8_t *data, size_t size, size_t step, size_t cap)
{
    struct decoder *d = bide__decoder_open(NULL, list, (struct decode_limits){.max_bytes = MOST, .max_ratio = DECODE_RATIO});
    struct result r = {0, 0, 0};
    char *out = malloc(cap);

    for (size_t at = 0; r.code == 0 && at < size;) {
        size_t len = size - at < step ? size - at : step, used;
        char *in = malloc(len);
        memcpy(in, data + at, len);
        ssize_t n = bide__decode(d, in, len, &used, out, cap, at + len == size);
        must(used <= len && n <= (ssize_t)cap);
        must(n != 0 || used == len);
        for (ssize_t i = 0; i < n; i++)
            r.sum = r.sum * 31 + (unsigned char)out[i];
        r.len += n > 0 ? (uint64_t)n : 0;
        r.code = n < 0 ? (int)n : 0;
        at += used;
        free(in);
    }
    for (ssize_t n = 1; r.code == 0 && n > 0;) { /* what is left inside */
        size_t used;
        n = bide__decode(d, "", 0, &used, out, cap, true);
        for (ssize_t i = 0; i < n; i++)
            r.sum = r.sum * 31 + (unsigned char)out[i];
        r.len += n > 0 ? (uint64_t)n : 0;
        r.code = n < 0 ? (int)n : 0;
    }
    if (r.code == 0)
        r.code = bide__decode_end(d);
    bide__decoder_close(NULL, d);
    free(out);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const lists[] = {"gzip", "deflate", "br", "zstd", "gzip, gzip", "br, gzip", "zstd, br", "gzip, br, zstd"};
    struct codings list = {0};

    if (size < 2)
        return 0;
    const char *names = lists[data[0] % 8];
    must(bide__codings_add(&list, names, strlen(names)) == 0);
    struct result whole = decode(&list, data + 2, size - 2, size, 65536),
                  cut = decode(&list, data + 2, size - 2, (size_t)data[1] + 1, (size_t)data[1] * 16 + 1);
    must((whole.code == 0) == (cut.code == 0));
    must(whole.code != 0 || (whole.len == cut.len && whole.sum == cut.sum));
    must(whole.len <= MOST + 65536);
    bide__decode_hint(&list, (const char *)data + 2, size - 2);
    return 0;
}
