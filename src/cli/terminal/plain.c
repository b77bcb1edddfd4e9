/* SPDX-License-Identifier: MIT */
/*
 * plain.c - the characters of foreign text that may be sent to a terminal.
 *
 * What servers, lists and file systems say ends up in messages, and bodies on the terminal itself.  A terminal obeys
 * control characters: C0 and DEL, C1 (in UTF-8, or as single bytes 80 to 9f) and the sequences that begin with them.
 * Marks that turn the direction of writing around, or that are not seen, make a text look like another one.
 */
#include "cli/cli.h"

/* Two bytes or more at text are the beginning of a character of how many?  0: of none.  RFC 3629. */
static size_t utf8_length(const unsigned char *text, size_t len)
{
    static const struct {
        unsigned char first, last, low, high; /* of the first byte, of the second */
        size_t len;
    } forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
                 {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                 {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (text[0] >= forms[i].first && text[0] <= forms[i].last)
            return len < 2 || (text[1] >= forms[i].low && text[1] <= forms[i].high) ? forms[i].len : 0;
    return 0;
}

size_t plain_decode(const char *text, size_t len, uint32_t *character)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = len > 0 && p[0] < 0x80 ? 1 : len > 0 ? utf8_length(p, len) : 0;

    if (n == 0 || n > len)
        return 0;
    *character = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *character = *character << 6 | (p[i] & 0x3f);
    }
    return n;
}

bool plain_is_cut(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = len > 0 && p[0] >= 0x80 ? utf8_length(p, len) : 0;

    for (size_t i = 2; i < len && i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return false;
    return len < n;
}

/* Turns the direction of writing around, or is not seen. */
static bool is_mark(uint32_t c)
{
    return c == 0x61c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
           c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

bool plain_in_message(uint32_t c)
{
    return c >= ' ' && (c < 0x7f || c >= 0xa0) && !is_mark(c);
}

bool plain_in_body(uint32_t c)
{
    /* Joiners belong to Persian, Hindi and emoji; a byte order mark says what the text is. */
    return c == '\n' || c == '\t' || c == 0x200c || c == 0x200d || c == 0xfeff || plain_in_message(c);
}
