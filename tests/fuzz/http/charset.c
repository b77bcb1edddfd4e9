/* SPDX-License-Identifier: MIT */
/*
 * charset.c - fuzz target: a text in any charset; the first line is its Content-Type.  What comes out is UTF-8, and stays as it is.
 */
#include <stdlib.h>

#include "http/field/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *type = (const char *)data, *line_end = size > 0 ? memchr(type, '\n', size) : NULL;
    size_t n, type_len = line_end ? (size_t)(line_end - type) : 0;

    if (!line_end)
        return 0;
    size_t len = size - type_len - 1;
    char *body = malloc(len ? len : 1);
    memcpy(body, line_end + 1, len);
    struct charset c = bide__charset_of(type, type_len, body, len), utf8 = {CHARSET_UTF_8, 0, NULL};
    char *text = bide__charset_to_utf8(&c, body, len, &n);
    if (text) {
        must(text[n] == '\0' && bide__charset_is_utf8(&utf8, text, n));
        if (bide__charset_is_utf8(&c, body, len))
            must(n == len && memcmp(text, body, n) == 0);
    }
    bide__free(text);
    free(body);
    return 0;
}
