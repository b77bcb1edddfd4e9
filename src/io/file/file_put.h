/* SPDX-License-Identifier: MIT */
/* file_put.h - what saving a body wants of files: large pieces, one after the other (file_put.c), and to begin anew. */
#ifndef BIDE_IO_FILE_PUT_H
#define BIDE_IO_FILE_PUT_H

#include <bide/file.h>

/*
 * Write all of it where the file stands.  _from: out of a pipe that has as many bytes; for files that take that.
 *
 * Suspends:  only if the disk was slow before; a cancellation point then, before it begins
 * Returns:   0, or an error on record, as bide_file_write
 */
int bide__file_put(bide_file *f, const void *data, size_t len);
int bide__file_put_from(bide_file *f, int pipe, size_t len);
/* Go to its end: how many bytes it has; or an error on record. */
int64_t bide__file_end(bide_file *f);
/* Remove it, if it is there.  Suspends, but is not a cancellation point.  0, or an error on record. */
int bide__unlink_surely(const char *path);
/*
 * A file is to be renamed to that name.  0; -EISDIR, -EINVAL: a directory, a device or a pipe has it, and would have to go.  What cannot
 * be looked at is for the rename to say.  It blocks; _check suspends in place of that, and puts an error on record.
 */
int bide__file_place(const char *path);
int bide__file_place_check(const char *path);
/* No pipe, no terminal, and not opened with O_APPEND. */
bool bide__file_takes_splice(const bide_file *f);

#endif
