/* SPDX-License-Identifier: MIT */
/* text.c - characters of UTF-8, and which of them may be shown. */
#include <string.h>

#include <bide/text.h>

/* The forms of RFC 3629 4: the first byte, the second, and how many there are. */
static const struct form {
    unsigned char first, last, low, high;
    int len;
} forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
             {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};

int bide_utf8_decode(const char *text, size_t len, uint32_t *character)
{
    const unsigned char *p = (const unsigned char *)text;
    const struct form *f = forms, *end = forms + sizeof forms / sizeof *forms;

    if (len == 0)
        return -1;
    if (p[0] < 0x80) {
        *character = p[0];
        return 1;
    }
    while (f < end && !(p[0] >= f->first && p[0] <= f->last))
        f++;
    if (f == end || (len > 1 && !(p[1] >= f->low && p[1] <= f->high)))
        return 0;
    uint32_t c = p[0] & (0x7fu >> f->len);
    for (int i = 1; i < f->len; i++) {
        if ((size_t)i == len)
            return -1;
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    *character = c;
    return f->len;
}

bool bide_is_printable(uint32_t c)
{
    bool is_control = c < ' ' || (c >= 0x7f && c < 0xa0);
    bool is_mark = c == 0x61c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f);
    bool is_unseen = c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);

    return !is_control && !is_mark && !is_unseen;
}

/* \xNN; no printf, which takes more of a task's stack. */
static void escape(char out[4], unsigned char c)
{
    static const char hex[] = "0123456789abcdef";

    out[0] = '\\';
    out[1] = 'x';
    out[2] = hex[c >> 4];
    out[3] = hex[c & 15];
}

size_t bide_printable(char *out, size_t size, const char *text, size_t len)
{
    size_t at = 0, used = 0;

    while (at < len) {
        uint32_t c = 0;
        int n = bide_utf8_decode(text + at, len - at, &c);
        bool is_shown = n > 0 && bide_is_printable(c);
        size_t bytes = n > 0 ? (size_t)n : 1, needed = is_shown ? bytes : 4 * bytes;
        if (used + needed >= size)
            break;
        if (is_shown)
            memcpy(out + used, text + at, bytes);
        for (size_t i = 0; !is_shown && i < bytes; i++)
            escape(out + used + 4 * i, (unsigned char)text[at + i]);
        used += needed;
        at += bytes;
    }
    if (size > 0)
        out[used] = '\0';
    return at;
}
