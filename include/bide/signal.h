/* SPDX-License-Identifier: MIT */
/* signal.h - Unix signals as something to await. */
#ifndef BIDE_SIGNAL_H
#define BIDE_SIGNAL_H

#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_signals bide_signals;

/*
 * Catch signals from now on; the list ends with a 0.
 *
 * Returns:   the watcher, or NULL
 * Errors:    -EINVAL for a signal that cannot be caught, and without any (NULL too); BIDE_ENOMEM
 * Owns:      the result is owned; releasing it restores what was before
 * Example:   bide_auto bide_signals *s = bide_signals_open((int[]){SIGINT, SIGTERM, 0});
 */
BIDE_API BIDE_MUST_USE bide_signals *bide_signals_open(const int *signals);

/*
 * Wait for the next of them.  Those that came meanwhile are not lost (equal ones count once, as in the kernel).
 *
 * Suspends:  until one comes; a cancellation point
 * Returns:   its number
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; -EINVAL for NULL
 * Example:   int number = bide_signals_wait(s);
 */
BIDE_API BIDE_MUST_USE int bide_signals_wait(bide_signals *s);

#ifdef __cplusplus
}
#endif
#endif
