/* SPDX-License-Identifier: MIT */
/*
 * date.h - dates as HTTP writes them, and how long Retry-After asks to wait.
 *
 * Seconds since 1970, UTC.  Pure functions, without a locale and without the time zones of the machine.
 */
#ifndef BIDE_DATE_H
#define BIDE_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Read one of the three forms of RFC 9110 5.6.7, to the letter, and nothing else:
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT      what is to be sent
 *     Sunday, 06-Nov-94 08:49:37 GMT     RFC 850
 *     Sun Nov  6 08:49:37 1994           asctime()
 *
 * now:       seconds since 1970; a year of two digits that would be more than 50 years ahead is one that is past
 * Threads:   any; no loop is needed
 * Returns:   true, and *when is set; false: it is none, or a day that there is not.  The name of the day may be wrong
 * Example:   bide_http_date_parse(bide_header(r, "Last-Modified"), time(NULL), &when)
 */
BIDE_API BIDE_MUST_USE bool bide_http_date_parse(const char *text, int64_t now, int64_t *when);

#define BIDE_HTTP_DATE_SIZE 30 /* 29 characters and a NUL */

/*
 * Write the first of these forms; what is not of the years 1 to 9999 is moved to their ends.
 *
 * Threads:   any; no loop is needed
 * Returns:   out
 * Example:   bide_http_date_format(out, 784111777)     Sun, 06 Nov 1994 08:49:37 GMT
 */
BIDE_API const char *bide_http_date_format(char out[BIDE_HTTP_DATE_SIZE], int64_t when);

/*
 * How long Retry-After asks to wait (RFC 9110 10.2.3).
 *
 * A number is seconds; a fraction, which the standard does not have and servers that limit rates send ("1.5"), is waited
 * for in full.  A date is compared with the answer's own Date, because the server's clock may be wrong.
 *
 * value:     of Retry-After; NULL: there is none
 * date:      of Date; NULL, or what is no date: now decides
 * now:       seconds since 1970
 * Threads:   any; no loop is needed
 * Returns:   milliseconds, 0 to those of 366 days; -1: nothing that can be understood
 * Example:   ms = bide_retry_after_ms(bide_header(r, "Retry-After"), bide_header(r, "Date"), time(NULL))
 */
BIDE_API BIDE_MUST_USE int64_t bide_retry_after_ms(const char *value, const char *date, int64_t now);

#ifdef __cplusplus
}
#endif
#endif
