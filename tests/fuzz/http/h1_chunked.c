/* SPDX-License-Identifier: MIT */
/*
 * h1_chunked.c - fuzz target: the chunked coding, whole and in pieces, must give the same verdict
 * and the same body. (An error in a trailer section that has no end may be found early or not at
 * all: the body is truncated either way.)
 */
#include <stdlib.h>
#include <string.h>

#include "http/h1/h1_chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    int verdict; /* 1 whole, 0 unfinished, negative: error */
    size_t used, len;
    uint64_t sum; /* of the body, in order */
    bool odd;
};

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

static void take(struct result *r, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        r->sum = r->sum * 31 + (unsigned char)bytes[i];
    r->len += len;
}

static struct result decode(const uint8_t *data, size_t size, size_t step, bool lenient)
{
    struct h1_chunked c = H1_CHUNKED(lenient);
    struct result r = {0};
    size_t seen = step < size ? step : size;

    for (;;) {
        size_t len = seen - r.used, body_len;
        char *in = malloc(len ? len : 1);
        const char *body;
        memcpy(in, data + r.used, len);
        ssize_t n = bide__h1_chunked_step(&c, in, len, &body, &body_len);
        must(n <= (ssize_t)len);
        if (n > 0)
            take(&r, body, body_len);
        free(in);
        r.used += n > 0 ? (size_t)n : 0;
        r.verdict = n < 0 ? (int)n : c.done;
        r.odd = c.odd;
        must(c.text_len <= sizeof c.text);
        if (n < 0 || c.done || (n == 0 && seen == size))
            return r;
        if (n == 0)
            seen = seen + step < size ? seen + step : size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct result whole = decode(data + 1, size - 1, size, false),
                  cut = decode(data + 1, size - 1, (size_t)data[0] + 1, false),
                  lenient = decode(data + 1, size - 1, (size_t)data[0] + 1, true);

    must((whole.verdict > 0) == (cut.verdict > 0));
    must(whole.len == cut.len && whole.sum == cut.sum && whole.len <= size);
    must(whole.verdict <= 0 || whole.used == cut.used);
    /* What is right is read the same by who is lenient, and what he reads beyond that he calls odd. */
    must(whole.verdict <= 0 || (lenient.verdict > 0 && !lenient.odd));
    must(lenient.verdict <= 0 || lenient.odd || (whole.verdict > 0 && whole.sum == lenient.sum));
    return 0;
}
