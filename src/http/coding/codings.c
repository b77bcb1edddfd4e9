/* SPDX-License-Identifier: MIT */
/*
 * codings.c - the names of codings: what a Content-Encoding field lists (RFC 9110 8.4).
 *
 * "identity" and empty elements say nothing, but count against the ceiling: a list of thousands is no list.
 */
#include <strings.h>

#include "http/coding/coding.h"
#include "http/field/headers.h"

static const struct {
    const char *name;
    enum coding coding;
} names[] = {
    {"gzip", CODING_GZIP}, {"deflate", CODING_DEFLATE}, {"br", CODING_BR}, {"zstd", CODING_ZSTD}, {"x-gzip", CODING_GZIP},
};

static int find_coding(const char *name, size_t len)
{
    for (size_t i = 0; i < array_len(names); i++)
        if (bide__header_equals(name, len, names[i].name))
            return (int)names[i].coding;
    return -1;
}

int bide__codings_add(struct codings *c, const char *value, size_t len)
{
    const char *name;
    size_t at = 0, name_len;

    while (bide__header_next_element(value, len, &at, &name, &name_len)) {
        if (name_len == 0)
            continue;
        if (c->named++ == CODINGS_MAX)
            return bide_fail(BIDE_EHTTP, "the body has more than %d content codings", CODINGS_MAX);
        int coding = find_coding(name, name_len);
        if (coding >= 0)
            c->of[c->n++] = (uint8_t)coding;
        else if (!bide__header_equals(name, name_len, "identity"))
            c->unknown = true;
    }
    return 0;
}
