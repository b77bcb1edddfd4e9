/* SPDX-License-Identifier: MIT */
/*
 * units.c - numbers for people: counts, bytes, times.
 */
#include <stdio.h>

#include <bide/text.h>

#include "cli/cli.h"
#include "cli/terminal/text.h"

void text_add_count(struct text *t, uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0 && len > 4)
            text_add_char(t, ' ');
        text_add_char(t, digits[i]);
    }
}

void text_add_bytes(struct text *t, double bytes)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    size_t i = 0;

    for (; bytes >= 999.5 && i + 1 < sizeof units / sizeof *units; i++)
        bytes /= 1000;
    text_format(t, i == 0 || bytes >= 99.95 ? "%.0f %s" : "%.1f %s", bytes, units[i]);
}

void text_add_time(struct text *t, int64_t us)
{
    if (us < 1000)
        text_format(t, "%lld us", (long long)us);
    else if (us < 10000)
        text_format(t, "%.1f ms", (double)us / 1e3);
    else if (us < 1000000)
        text_format(t, "%lld ms", (long long)(us + 500) / 1000);
    else
        text_format(t, us < 100000000 ? "%.2f s" : "%.0f s", (double)us / 1e6);
}

/* Those that East Asian fonts draw twice as wide, and emoji. */
static bool is_wide(uint32_t c)
{
    return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
           (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
}

int text_columns(const char *text, size_t len)
{
    int columns = 0, n;

    for (size_t i = 0; i < len; i += n > 0 ? (size_t)n : 1) {
        uint32_t c = 0;
        n = bide_utf8_decode(text + i, len - i, &c);
        columns += is_wide(c) ? 2 : 1;
    }
    return columns;
}
