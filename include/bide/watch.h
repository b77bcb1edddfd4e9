/* SPDX-License-Identifier: MIT */
/*
 * watch.h - what happens to a file, or in a directory, as something to await (inotify).
 *
 * A watch belongs to the loop that ran where it was opened, as loop.h has it.  What a directory below the watched one holds is not
 * seen: watch that as well.
 */
#ifndef BIDE_WATCH_H
#define BIDE_WATCH_H

#include <stdbool.h>

#include <bide/awaitable.h>
#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_watch bide_watch;

enum bide_watch_kind {
    BIDE_WATCH_CREATED = 1,     /* a name in the directory; also one that was moved there from outside */
    BIDE_WATCH_CHANGED = 2,     /* bytes were written or cut off */
    BIDE_WATCH_WRITTEN = 4,     /* closed by somebody who had it open for writing */
    BIDE_WATCH_REMOVED = 8,     /* a name is gone; also one that was moved out of the directory */
    BIDE_WATCH_MOVED = 16,      /* a name in the directory became another one in it: from and name */
    BIDE_WATCH_ATTRIBUTES = 32, /* permissions, owner, times, number of links */
    BIDE_WATCH_ALL = 63,
    BIDE_WATCH_GONE = 64,       /* what is watched was removed (and nobody has it open, or what was in it), moved away or
                                   unmounted: the last event */
    BIDE_WATCH_OVERFLOW = 128   /* events were lost, because nobody took them: look again at all of it */
};

/* What has happened; its texts are borrowed from the watch until the next call. */
typedef struct bide_watch_event {
    enum bide_watch_kind kind;
    bool is_directory;
    const char *name; /* in the directory; "": of what is watched itself */
    const char *from; /* of BIDE_WATCH_MOVED: its old name; else NULL */
} bide_watch_event;

/*
 * Watch a file or a directory.
 *
 * what:      the kinds that are wanted, BIDE_WATCH_CREATED | BIDE_WATCH_WRITTEN, say; GONE and OVERFLOW come in any case
 * Returns:   the watch, or NULL; what happens from then on is not missed
 * Errors:    -ENOENT, -EACCES and the like, the text names the path; -ENOSPC: no more watches for this user; -EMFILE; -EINVAL
 *            BIDE_ENOLOOP; BIDE_ENOMEM
 * Owns:      the result is owned
 * Example:   bide_auto bide_watch *w = bide_watch_open("/var/spool/in", BIDE_WATCH_CREATED | BIDE_WATCH_WRITTEN);
 */
BIDE_API BIDE_MUST_USE bide_watch *bide_watch_open(const char *path, unsigned what);

/*
 * Wait for the next event.  Several that are the same and follow each other are one.
 *
 * Suspends:  until there is one; a cancellation point
 * Returns:   1; 0: what is watched is gone, and GONE was the last event
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ECLOSED if the watch was released meanwhile; -EINVAL
 * Example:   while (bide_watch_next(w, &event) > 0) ...
 */
BIDE_API BIDE_MUST_USE int bide_watch_next(bide_watch *w, bide_watch_event *event);
/* The same, to be awaited or chosen among; an event that is not chosen stays. */
BIDE_API bide_awaitable bide_watch_awaitable(bide_watch *w, bide_watch_event *event);

#ifdef __cplusplus
}
#endif
#endif
