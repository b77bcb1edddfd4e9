/* SPDX-License-Identifier: MIT */
/* retry_after.c - Retry-After: seconds, or a date (RFC 9110 10.2.3), as a time to wait. */
#include <bide/date.h>

#define LONGEST_S  (366LL * 86400) /* who is to wait has a limit far below */
#define LONGEST_MS (LONGEST_S * 1000)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Seconds, in milliseconds; -1: it is no number.  Never too early: what is less than a millisecond counts as one. */
static int64_t read_seconds_ms(const char *text)
{
    int64_t n = 0, weight = 1000;
    if (!is_digit(*text))
        return -1;

    for (; is_digit(*text); text++)
        n = n < LONGEST_S ? n * 10 + (*text - '0') : n;
    n = n < LONGEST_S ? n * 1000 : LONGEST_MS;
    if (*text == '.' && is_digit(text[1])) {
        bool rest = false;
        for (text++; is_digit(*text); text++) {
            weight /= 10;
            n += weight * (*text - '0');
            rest |= weight == 0 && *text != '0';
        }
        n += rest;
    }
    return *text == '\0' ? (n < LONGEST_MS ? n : LONGEST_MS) : -1;
}

int64_t bide_retry_after_ms(const char *value, const char *date, int64_t now)
{
    int64_t ms = value ? read_seconds_ms(value) : -1, until, sent;

    if (ms >= 0 || !bide_http_date_parse(value, now, &until))
        return ms;
    if (!bide_http_date_parse(date, now, &sent))
        sent = now;
    if (until <= sent)
        return 0;
    return sent > until - LONGEST_S ? (until - sent) * 1000 : LONGEST_MS;
}
