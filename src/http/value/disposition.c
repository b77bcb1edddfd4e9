/* SPDX-License-Identifier: MIT */
/*
 * disposition.c - Content-Disposition (RFC 6266), and the name of a file that a server may choose (D19).
 *
 * A server's word decides the last part of a path and nothing else: what stands before a slash or a backslash is dropped, what a
 * terminal would obey or a reader would not see becomes "_", and so does a dot in front, which would hide the file.
 */
#include "http/value/values.h"

#include <stdint.h>
#include <string.h>

#include <bide/text.h>

#include "http/field/headers.h"

#define NAME_MAX_BYTES (FILE_NAME_SIZE - 1)
#define RAW_SIZE       1024 /* of a name before it is made safe; the rest is not read */

bool bide__disposition_parse(struct disposition *out, const char *text, size_t len)
{
    const char *end = text + len, *semicolon = memchr(text, ';', len), *stop = semicolon ? semicolon : end;

    while (text < stop && (*text == ' ' || *text == '\t'))
        text++;
    while (stop > text && (stop[-1] == ' ' || stop[-1] == '\t'))
        stop--;
    *out = (struct disposition){.type = text, .type_len = (size_t)(stop - text),
                                .params = {.at = semicolon ? semicolon : end, .end = end}};
    return bide__header_name_ok(out->type, out->type_len);
}

/* ---- file names ---- */

static const char *last_part(const char *name, const char *end)
{
    const char *at = name;

    for (const char *p = name; p < end; p++)
        if (*p == '/' || *p == '\\')
            at = p + 1;
    return at;
}

/* One character, or "_" for what must not be in a name; how many bytes of the name it was. */
static int put_character(char *out, size_t *n, const char *at, const char *end)
{
    uint32_t c = 0;
    int len = bide_utf8_decode(at, (size_t)(end - at), &c);
    bool is_good = len > 0 && bide_is_printable(c) && !(*n == 0 && c == '.');
    size_t need = is_good ? (size_t)len : 1;

    if (*n + need > NAME_MAX_BYTES)
        return -1;
    memcpy(out + *n, is_good ? at : "_", need);
    *n += need;
    return len > 0 ? len : 1;
}

size_t bide__file_name_make_safe(char out[FILE_NAME_SIZE], const char *name, size_t len)
{
    const char *end = name + len, *at = last_part(name, end);
    size_t n = 0;
    int step = 0;

    while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    bool is_folder = (end - at == 1 && at[0] == '.') || (end - at == 2 && at[0] == '.' && at[1] == '.');
    for (; at < end && !is_folder && step >= 0; at += step > 0 ? step : 0)
        step = put_character(out, &n, at, end);
    out[n] = '\0';
    return n;
}

static bool is_utf8(const char *text, size_t len)
{
    uint32_t c;
    int n = 1;

    for (size_t at = 0; at < len && n > 0; at += n > 0 ? (size_t)n : 0)
        n = bide_utf8_decode(text + at, len - at, &c);
    return len == 0 || n > 0;
}

static size_t extended_name(const struct param *p, char out[FILE_NAME_SIZE])
{
    char raw[RAW_SIZE];
    long n = bide__param_extended(p, raw, sizeof raw);

    return n > 0 && is_utf8(raw, (size_t)n) ? bide__file_name_make_safe(out, raw, (size_t)n) : 0;
}

static size_t plain_name(const struct param *p, char out[FILE_NAME_SIZE])
{
    char raw[RAW_SIZE];
    size_t n = bide__param_value(p, raw, sizeof raw);

    return bide__file_name_make_safe(out, raw, n < sizeof raw ? n : sizeof raw);
}

size_t bide__disposition_file_name(const struct disposition *d, char out[FILE_NAME_SIZE])
{
    struct params r = d->params;
    struct param p;
    size_t n = 0;

    out[0] = '\0';
    while (n == 0 && bide__params_next(&r, &p))
        if (bide__header_equals(p.name, p.name_len, "filename*"))
            n = extended_name(&p, out);
    r = d->params;
    while (n == 0 && bide__params_next(&r, &p))
        if (bide__header_equals(p.name, p.name_len, "filename"))
            n = plain_name(&p, out);
    return n;
}
