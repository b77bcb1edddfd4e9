/* SPDX-License-Identifier: MIT */
/*
 * shown.c - quoting foreign text in a message: short, and without anything that a terminal obeys.
 *
 * A message may be shown anywhere, so whatever changes how the rest of a line looks is replaced by '?': control
 * characters, line separators, marks that turn the direction of writing around, and bytes that are no UTF-8.
 * bide__escaped is for where just those bytes matter.
 */
#include <string.h>

#include "base/base.h"

#define SHOWN_MAX 64 /* bytes */

/* The character at p in UTF-8 (RFC 3629): its length; 0 if it is none. */
static size_t decode(const unsigned char *p, size_t left, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf8 ? 4 : 0;

    if (len == 0 || len > left)
        return 0;
    *character = len == 1 ? p[0] : p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *character = *character << 6 | (p[i] & 0x3f);
    }
    bool is_surrogate = *character >= 0xd800 && *character < 0xe000;
    return *character < least[len] || is_surrogate || *character > 0x10ffff ? 0 : len;
}

static bool is_harmless(uint32_t c)
{
    bool is_control = c < ' ' || (c >= 0x7f && c < 0xa0);
    bool is_mark = c == 0x61c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f);
    bool is_unseen = c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
    return !is_control && !is_mark && !is_unseen;
}

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
    size_t at = 0, n = 0;

    while (at < len) {
        uint32_t c = 0;
        char escaped[4];
        size_t bytes = decode((const unsigned char *)text + at, len - at, &c);
        bool is_plain = bytes > 0 && is_harmless(c) && c != '\\' && c != '"';
        size_t shown = is_plain ? bytes : escape(escaped, (unsigned char)text[at]);
        if (n + shown > SHOWN_MAX)
            break;
        memcpy(out + n, is_plain ? text + at : escaped, shown);
        n += shown;
        at += is_plain ? bytes : 1;
    }
    strcpy(out + n, at < len ? "..." : "");
    return out;
}

const char *bide__shown(char out[80], const char *text, size_t len)
{
    size_t at = 0, n = 0;

    while (at < len) {
        uint32_t c = 0;
        size_t bytes = decode((const unsigned char *)text + at, len - at, &c);
        bool is_shown = bytes > 0 && is_harmless(c);
        size_t shown = is_shown ? bytes : 1;
        if (n + shown > SHOWN_MAX)
            break;
        memcpy(out + n, is_shown ? text + at : "?", shown);
        n += shown;
        at += bytes > 0 ? bytes : 1;
    }
    strcpy(out + n, at < len ? "..." : "");
    return out;
}
