/* SPDX-License-Identifier: MIT */
/* hex.h - hexadecimal digits, and %XY: one byte each. */
#ifndef BIDE_BASE_HEX_H
#define BIDE_BASE_HEX_H

/* What the digit is worth; -1 if it is none. */
static inline int bide__hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte, 0 included, that %XY at the beginning of the text stands for; -1 if there is none. */
static inline int bide__percent_byte(const char *text, const char *end)
{
    int high = end - text >= 3 && text[0] == '%' ? bide__hex_digit(text[1]) : -1;
    int low = high >= 0 ? bide__hex_digit(text[2]) : -1;

    return low >= 0 ? high << 4 | low : -1;
}

#endif
