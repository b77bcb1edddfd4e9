/* SPDX-License-Identifier: MIT */
/* store.h - the room's header: texts that a session keeps in files, read and written by the tasks that use it. */
#ifndef BIDE_HTTP_STORE_H
#define BIDE_HTTP_STORE_H

#include "base/base.h"

/*
 * Put the text of a file of at most so many bytes into something, which says how much of it was there.
 *
 * Returns:  what `take` returns, an error of which gets the path in front; or an error of bide_file_read_all.  On record
 */
typedef int store_take_fn(void *into, const char *text, size_t len, int64_t now);
int bide__store_read(const char *path, size_t max, store_take_fn *take, void *into);

/* Write a text for its owner's eyes (D19); the text is given back, also on failure. */
int bide__store_write(const char *path, struct buf *text);

#endif
