/* SPDX-License-Identifier: MIT */
/* base64.c - bytes as text and back (RFC 4648 4), for bodies in HAR files. */
#include "http/transport/har.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void bide__base64_encode(char *out, const char *data, size_t len)
{
    const unsigned char *p = (const unsigned char *)data;

    for (; len > 0; p += 3) {
        uint32_t bits = (uint32_t)p[0] << 16 | (len > 1 ? (uint32_t)p[1] << 8 : 0) | (len > 2 ? p[2] : 0);
        *out++ = letters[bits >> 18];
        *out++ = letters[bits >> 12 & 63];
        *out++ = len > 1 ? letters[bits >> 6 & 63] : '=';
        *out++ = len > 2 ? letters[bits & 63] : '=';
        len -= len < 3 ? len : 3;
    }
    *out = '\0';
}

ssize_t bide__base64_decode(char *out, const char *text, size_t len)
{
    char *at = out;
    uint32_t bits = 0;
    unsigned n = 0, padding = 0;

    for (size_t i = 0; i < len; i++) {
        const char *letter = text[i] ? strchr(letters, text[i]) : NULL;
        if (text[i] == ' ' || text[i] == '\r' || text[i] == '\n' || text[i] == '\t')
            continue;
        padding += text[i] == '=';
        if ((!letter && text[i] != '=') || (letter && padding > 0) || padding > 2)
            return -1;
        if (!letter)
            continue;
        bits = bits << 6 | (uint32_t)(letter - letters);
        if (++n % 4 == 0) {
            *at++ = (char)(bits >> 16);
            *at++ = (char)(bits >> 8);
            *at++ = (char)bits;
        }
    }
    if (n % 4 == 1)
        return -1;
    if (n % 4 == 2)
        *at++ = (char)(bits >> 4);
    if (n % 4 == 3) {
        *at++ = (char)(bits >> 10);
        *at++ = (char)(bits >> 2);
    }
    return at - out;
}
