/* SPDX-License-Identifier: MIT */
/*
 * retry.h - whether a request is worth another try, and when.  Pure functions.
 */
#ifndef BIDE_CLI_REQUEST_RETRY_H
#define BIDE_CLI_REQUEST_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* An answer that another try may change: 408, 429, 500, 502, 503, 504, 522, 524. */
bool retry_helps_status(int status);
/* An error that another try may change: the network's, not that of a certificate or of what was sent. */
bool retry_helps_error(int code);
/* RFC 9110 9.2.2: asking twice is asking once. */
bool retry_is_safe(const char *method);

/*
 * How long Retry-After asks to wait (RFC 9110 10.2.3): seconds, also with a fraction ("1.5"), or a date, which is compared with the answer's own
 * Date, because the server's clock may be wrong; without that, with now_s (seconds since 1970).
 *
 * Returns:   milliseconds, 0 or more; -1: it says nothing that can be understood
 */
int64_t retry_after_ms(const char *value, const char *date, int64_t now_s);

/* A date of HTTP, in any of its three forms, as seconds since 1970; -1: it is none. */
int64_t retry_http_date(const char *text);

#endif
