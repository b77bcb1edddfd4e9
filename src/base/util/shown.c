/* SPDX-License-Identifier: MIT */
/*
 * shown.c - quoting foreign text in a message: short, and without anything that a terminal obeys.
 *
 * A message may be shown anywhere, so whatever changes how the rest of a line looks is replaced by '?': control
 * characters, line separators, marks that turn the direction of writing around, and bytes that are no UTF-8.
 * bide__escaped is for where just those bytes matter.
 */
#include <string.h>

#include <bide/text.h>

#include "base/base.h"

#define SHOWN_MAX 64 /* bytes */

/* One byte so that it can be read: \t, \r, \x1b.  Returns its length. */
static size_t escape(char out[4], unsigned char c)
{
    static const char hex[] = "0123456789abcdef";

    out[0] = '\\';
    if (c == '\t' || c == '\r' || c == '\n' || c == '\\' || c == '"') {
        out[1] = c == '\t' ? 't' : c == '\r' ? 'r' : c == '\n' ? 'n' : (char)c;
        return 2;
    }
    out[1] = 'x';
    out[2] = hex[c >> 4];
    out[3] = hex[c & 15];
    return 4;
}

const char *bide__escaped(char out[80], const char *text, size_t len)
{
    size_t at = 0, used = 0;

    while (at < len) {
        uint32_t c = 0;
        char escaped[4];
        int n = bide_utf8_decode(text + at, len - at, &c);
        bool is_plain = n > 0 && bide_is_printable(c) && c != '\\' && c != '"';
        size_t bytes = is_plain ? (size_t)n : 1, shown = is_plain ? bytes : escape(escaped, (unsigned char)text[at]);
        if (used + shown > SHOWN_MAX)
            break;
        memcpy(out + used, is_plain ? text + at : escaped, shown);
        used += shown;
        at += bytes;
    }
    strcpy(out + used, at < len ? "..." : "");
    return out;
}

const char *bide__shown(char out[80], const char *text, size_t len)
{
    size_t at = 0, used = 0;

    while (at < len) {
        uint32_t c = 0;
        int bytes = bide_utf8_decode(text + at, len - at, &c);
        bool is_shown = bytes > 0 && bide_is_printable(c);
        size_t shown = is_shown ? (size_t)bytes : 1;
        if (used + shown > SHOWN_MAX)
            break;
        memcpy(out + used, is_shown ? text + at : "?", shown);
        used += shown;
        at += bytes > 0 ? (size_t)bytes : 1;
    }
    strcpy(out + used, at < len ? "..." : "");
    return out;
}
