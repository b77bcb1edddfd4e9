/* SPDX-License-Identifier: MIT */
/*
 * retry.c - whether a request is worth another try, and when.
 */
#include "cli/request/retry.h"

#include <string.h>
#include <time.h>

#include <bide/error.h>

#define LONGEST_S (366LL * 86400) /* what is more is no time to wait; the caller has a limit far below */
#define LONGEST_MS (LONGEST_S * 1000)

bool retry_helps_status(int status)
{
    static const int worth[] = {408, 429, 500, 502, 503, 504, 522, 524};

    for (size_t i = 0; i < sizeof worth / sizeof *worth; i++)
        if (worth[i] == status)
            return true;
    return false;
}

bool retry_helps_error(int code)
{
    static const int worth[] = {BIDE_ETIMEDOUT, BIDE_EDNS,     BIDE_EDISCONNECTED, BIDE_ETRUNCATED, BIDE_EEOF,
                                -ECONNREFUSED,  -ECONNRESET,   -ECONNABORTED,      -EPIPE,          -EHOSTUNREACH,
                                -ENETUNREACH,   -ENETDOWN,     -EHOSTDOWN,         -ENOBUFS};

    for (size_t i = 0; i < sizeof worth / sizeof *worth; i++)
        if (worth[i] == code)
            return true;
    return false;
}

bool retry_is_safe(const char *method)
{
    static const char *const safe[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};

    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        if (strcmp(method, safe[i]) == 0)
            return true;
    return false;
}

/* ---- Retry-After ---- */

int64_t retry_http_date(const char *text)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"};

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = {0};
        const char *end = strptime(text, forms[i], &tm);
        time_t seconds = end && *end == '\0' ? timegm(&tm) : -1;
        if (seconds >= 0)
            return seconds;
    }
    return -1;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Seconds, in milliseconds.  The standard has no fractions, but servers that limit rates send them; never too early:
   what is less than a millisecond counts as one. */
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

int64_t retry_after_ms(const char *value, const char *date, int64_t now_s)
{
    if (!value || !*value)
        return -1;
    int64_t ms = read_seconds_ms(value);
    if (ms >= 0)
        return ms;

    int64_t when = retry_http_date(value), sent = date ? retry_http_date(date) : -1;
    if (when < 0)
        return -1;
    int64_t seconds = when - (sent >= 0 ? sent : now_s);
    return seconds < 0 ? 0 : (seconds < LONGEST_S ? seconds : LONGEST_S) * 1000;
}
