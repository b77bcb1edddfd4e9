/* SPDX-License-Identifier: MIT */
/*
 * date.h - dates as HTTP writes them.  Seconds since 1970, UTC; no locale, no time zone database.
 */
#ifndef BIDE_HTTP_DATE_H
#define BIDE_HTTP_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Read one of the three forms of RFC 9110 5.6.7, and nothing else.  `now` settles the century of a
 * two-digit year: a date more than 50 years ahead is meant to be past.
 */
bool bide__http_date_parse(const char *text, size_t len, int64_t now, int64_t *out);

/* "Sun, 06 Nov 1994 08:49:37 GMT"; 29 bytes and a NUL.  Years 1 to 9999, clamped. */
void bide__http_date_format(char out[30], int64_t when);

/* Read the date of a cookie by the forgiving rules of RFC 6265 5.1.1. */
bool bide__cookie_date_parse(const char *text, size_t len, int64_t *out);

/* The longest wait that Retry-After can ask for; who calls has a shorter one. */
#define RETRY_AFTER_MAX 1000000000

/* Seconds to wait: a number, or a date less now (RFC 9110 10.2.3); 0 if that is past. */
bool bide__retry_after_parse(const char *text, size_t len, int64_t now, int64_t *out);

/* Seconds since 1970 of a date that exists; month 1 to 12. */
bool bide__date_to_unix(int year, int month, int day, int hour, int minute, int second,
                        int64_t *out);

/* "Jan" to "Dec" in any case: 1 to 12; 0 if it is none. */
int bide__date_month(const char *three);

#endif
