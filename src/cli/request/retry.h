/* SPDX-License-Identifier: MIT */
/*
 * retry.h - whether a request is worth another try.  Pure functions.
 */
#ifndef BIDE_CLI_REQUEST_RETRY_H
#define BIDE_CLI_REQUEST_RETRY_H

#include <stdbool.h>

/* An answer that another try may change: 408, 429, 500, 502, 503, 504, 522, 524. */
bool retry_helps_status(int status);
/* An error that another try may change: the network's, not that of a certificate or of what was sent. */
bool retry_helps_error(int code);

#endif
