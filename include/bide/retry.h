/* SPDX-License-Identifier: MIT */
/* retry.h - when a request is asked again: .retry of a session and of a request. */
#ifndef BIDE_RETRY_H
#define BIDE_RETRY_H

#include <stdint.h>

/*
 * Errors of the network (refused, reset, no answer in time, ...) and some statuses are tried again, up to the head of the answer,
 * if it does no harm: nothing was sent, or the method is one that may be sent twice, or is listed.  The wait before is random
 * between 0 and a limit that doubles, or what Retry-After asks for; one that .timeout_ms has no time for is not begun.  Zero means
 * the default.
 */
typedef struct bide_retry {
    int attempts;               /* in all, the first included; default: of a session 1, of a request as its session has it, with
                                   all below; BIDE_NONE: 1 */
    const int *on_status;       /* BIDE_STATUSES(429, 503); default 408, 429, 502, 503, 504 */
    const char *const *methods; /* NULL-ended: these, in place of those that may be sent twice and all with an Idempotency-Key */
    int64_t wait_ms;            /* at most, before the second attempt; twice that before the third ...; default 500 ms */
    int64_t wait_max_ms;        /* but no longer; default 30 s */
    int64_t retry_after_max_ms; /* who is asked to wait longer gives up: the answer is what there is; default 60 s */
} bide_retry;

/* A list of statuses in place. */
#define BIDE_STATUSES(...) ((const int[]){__VA_ARGS__, 0})

#endif
