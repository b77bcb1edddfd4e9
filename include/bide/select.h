/* SPDX-License-Identifier: MIT */
/*
 * select.h - choosing among several: the first that can be done is done, and the others lose nothing.
 */
#ifndef BIDE_SELECT_H
#define BIDE_SELECT_H

#include <bide/coroutine.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Wait until one of several can be done, do that one, and leave the others (up to 32 in place; bide_select_n for an array).
 *
 * What is left has not happened: an item was taken or is still in its queue, a lock is held or was not asked for, a permit that
 * was granted meanwhile has gone to the next.  Tasks and futures are watched; they go on, and keep their outcome.  A coroutine,
 * generator, object or call for a thread runs as a task of its own: if another is chosen it is cancelled and waited for, and its
 * outcome is dropped; so what it did until then has happened.
 *
 * If several can be done at once, the first in the order given is.  One that always can starves those behind it: what must not
 * wait (a request to stop) stands first.  A sleep of 0 can be done at once: as the last one it says what to do if none of the
 * others can, without waiting.  (It does not let others run, either.)
 *
 * Suspends:  until one is done, but not if one can be done at once; a cancellation point
 * Returns:   the number of the one that was done, from 0, and its outcome in *result: a result, or an error, which is on record
 *            then (bide_error_text).  result may be NULL: then an error of the one that was chosen is returned
 * Errors:    of the call itself, nothing has been taken: BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ENOLOOP; -EINVAL for none, or a
 *            NULL among them; BIDE_ESTATE for one of another loop; BIDE_EDEADLOCK for the caller itself; BIDE_ELIMIT for more than
 *            65,535; BIDE_ENOMEM for what runs as a task of its own, and for more than eight
 * Owns:      tasks, futures and objects are borrowed for the call
 * Example:   int size, which = bide_select(&size, stop, bide_coro(download, url), bide_sleep_awaitable(1000));
 */
#define bide_select(result, ...) bide__select((result), BIDE__AWAITABLES(__VA_ARGS__))
#define bide_select_n(result, array, n) bide_select_with((result), BIDE_LIST(array), (n))
/* The function under them: an array of tasks, of futures or of bide_awaitable. */
BIDE_API BIDE_MUST_USE int bide_select_with(int *result, bide_list list, size_t n);

static inline BIDE_MUST_USE int bide__select(int *result, const bide_awaitable *all, size_t n)
{
    return bide_select_with(result, bide__list_of_awaitables(all), n);
}

#ifdef __cplusplus
}
#endif
#endif
