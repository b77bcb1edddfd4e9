/* SPDX-License-Identifier: MIT */
/* json.c - JSON to a descriptor, through a buffer: no heap, no stdio, so that it works in a signal handler. */
#include <bide/text.h>
#include <errno.h>
#include <unistd.h>

#include "inspect/timeline/export.h"

void bide__json_flush(struct json *j)
{
    for (size_t at = 0; at < j->len && j->error == 0;) {
        ssize_t n = write(j->fd, j->buffer + at, j->len - at);
        if (n >= 0)
            at += (size_t)n;
        else if (errno != EINTR)
            j->error = -errno;
    }
    j->len = 0;
}

static void put(struct json *j, const char *bytes, size_t n)
{
    if (j->len + n > JSON_BUFFER)
        bide__json_flush(j);
    memcpy(j->buffer + j->len, bytes, n);
    j->len += n;
}

/* Literals of ours, shorter than the buffer. */
void bide__json_raw(struct json *j, const char *text)
{
    put(j, text, strlen(text));
}

void bide__json_uint(struct json *j, uint64_t n)
{
    char digits[20], *d = digits + sizeof digits;

    do
        *--d = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    put(j, d, (size_t)(digits + sizeof digits - d));
}

void bide__json_int(struct json *j, int64_t n)
{
    if (n < 0)
        put(j, "-", 1);
    bide__json_uint(j, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

void bide__json_hex(struct json *j, uint64_t n)
{
    char digits[16], *d = digits + sizeof digits;

    do
        *--d = "0123456789abcdef"[n & 15];
    while ((n >>= 4) > 0);
    put(j, d, (size_t)(digits + sizeof digits - d));
}

void bide__json_us(struct json *j, uint64_t ns)
{
    char fraction[4] = {'.', (char)('0' + ns / 100 % 10), (char)('0' + ns / 10 % 10), (char)('0' + ns % 10)};

    bide__json_uint(j, ns / 1000);
    put(j, fraction, sizeof fraction);
}

static void put_control(struct json *j, unsigned char c)
{
    char text[6] = {'\\', 'u', '0', '0', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};

    put(j, text, sizeof text);
}

void bide__json_bytes(struct json *j, const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t c;
        int n = bide_utf8_decode(text + at, len - at, &c);
        if (n <= 0) {
            put(j, "?", 1);
            n = 1;
        } else if (c == '"' || c == '\\') {
            put(j, "\\", 1);
            put(j, text + at, 1);
        } else if (c < 0x20 || c == 0x7f) {
            put_control(j, (unsigned char)c);
        } else {
            put(j, text + at, (size_t)n);
        }
        at += (size_t)n;
    }
}
