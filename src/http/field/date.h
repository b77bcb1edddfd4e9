/* SPDX-License-Identifier: MIT */
/*
 * date.h - the dates of cookies, and what they share with those that <bide/date.h> reads.
 */
#ifndef BIDE_HTTP_DATE_H
#define BIDE_HTTP_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Read the date of a cookie by the forgiving rules of RFC 6265 5.1.1. */
bool bide__cookie_date_parse(const char *text, size_t len, int64_t *out);

/* Seconds since 1970 of a date that exists; month 1 to 12. */
bool bide__date_to_unix(int year, int month, int day, int hour, int minute, int second,
                        int64_t *out);

/* "Jan" to "Dec" in any case: 1 to 12; 0 if it is none. */
int bide__date_month(const char *three);

#endif
