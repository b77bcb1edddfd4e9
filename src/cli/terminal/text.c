/* SPDX-License-Identifier: MIT */
/*
 * text.c - a string that grows.
 */
#include "cli/terminal/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <jansson.h>

#define SMALLEST 64

/* Room for n more bytes and a NUL. */
static bool reserve(struct text *t, size_t n)
{
    size_t cap = t->cap ? t->cap : SMALLEST;

    if (t->no_memory || n >= SIZE_MAX / 4 - t->len)
        return !(t->no_memory = true);
    while (cap < t->len + n + 1)
        cap *= 2;
    if (cap == t->cap)
        return true;
    char *data = realloc(t->data, cap);
    if (!data)
        return !(t->no_memory = true);
    t->data = data;
    t->cap = cap;
    return true;
}

void text_add(struct text *t, const char *data, size_t len)
{
    if (!reserve(t, len))
        return;
    memcpy(t->data + t->len, data, len);
    t->len += len;
    t->data[t->len] = '\0';
}

void text_add_string(struct text *t, const char *s)
{
    text_add(t, s, strlen(s));
}

void text_add_char(struct text *t, char c)
{
    text_add(t, &c, 1);
}

void text_add_number(struct text *t, uint64_t n, int width)
{
    char digits[64];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    while (at > 0 && sizeof digits - at < (size_t)width)
        digits[--at] = '0';
    text_add(t, digits + at, sizeof digits - at);
}

void text_add_base64(struct text *t, const char *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)data;

    for (size_t left = len; left > 0; left -= left < 3 ? left : 3, p += 3) {
        unsigned second = left > 1 ? p[1] : 0, third = left > 2 ? p[2] : 0;
        unsigned long all = (unsigned long)p[0] << 16 | second << 8 | third;
        text_add_char(t, digits[all >> 18]);
        text_add_char(t, digits[all >> 12 & 63]);
        text_add_char(t, left > 1 ? digits[all >> 6 & 63] : '=');
        text_add_char(t, left > 2 ? digits[all & 63] : '=');
    }
}

static int add_piece(const char *piece, size_t len, void *to)
{
    struct text *t = to;

    text_add(t, piece, len);
    return t->no_memory ? -1 : 0;
}

void text_add_json(struct text *t, const struct json_t *document, size_t flags)
{
    if (json_dump_callback(document, add_piece, t, flags) < 0)
        t->no_memory = true;
}

void text_format(struct text *t, const char *format, ...)
{
    va_list args;
    char small[512];

    va_start(args, format);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n < 0 || (size_t)n < sizeof small) {
        text_add(t, small, n < 0 ? 0 : (size_t)n);
        return;
    }
    if (!reserve(t, (size_t)n))
        return;
    va_start(args, format);
    vsnprintf(t->data + t->len, (size_t)n + 1, format, args);
    va_end(args);
    t->len += (size_t)n;
}
