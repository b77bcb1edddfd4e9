/* SPDX-License-Identifier: MIT */
/*
 * file.h - files without blocking the loop.
 *
 * Works in tasks (through io_uring where the kernel allows it, else threads) and, blocking, outside of them.
 */
#ifndef BIDE_FILE_H
#define BIDE_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_file bide_file;

typedef struct bide_open_args {
    const char *path;
    struct bide_use_named_options *guard_;
    int flags; /* as open(2); default O_RDONLY; O_CLOEXEC is added */
    int mode;  /* default 0666 */
} bide_open_args;

/*
 * Open a file.
 *
 * Suspends:  until it is open; a cancellation point
 * Returns:   the file, or NULL
 * Errors:    -ENOENT and the like; the text names the path.  -EMFILE: waits for a descriptor for a while first
 * Owns:      the result is owned; releasing it closes it
 * Example:   bide_auto bide_file *f = bide_open("a.json", .flags = O_WRONLY | O_CREAT | O_TRUNC);
 */
#define bide_open(...) bide_open_with((bide_open_args){.path = __VA_ARGS__})
BIDE_API BIDE_MUST_USE bide_file *bide_open_with(bide_open_args args);

/*
 * Read or write at an offset (-1: where the file stands; needed for pipes and devices).  Several tasks may do so at the
 * same time: at -1, each has a part of the file for itself, in the order of their calls.
 *
 * Suspends:  until done; a cancellation point before it begins, not after (on a pipe or the like: as long as it waits)
 * Returns:   how many bytes; a read: 0 at the end of the file; a write that returns has written all of them
 * Errors:    -EIO, -ENOSPC and the like, the text names the path; BIDE_ECANCELED; BIDE_ETIMEDOUT
 * Owns:      the memory is borrowed for the call
 * Example:   ssize_t n = bide_file_read(f, buffer, sizeof buffer, -1);
 */
BIDE_API BIDE_MUST_USE ssize_t bide_file_read(bide_file *f, void *out, size_t cap, off_t offset);
BIDE_API BIDE_MUST_USE ssize_t bide_file_write(bide_file *f, const void *data, size_t len, off_t offset);

/*
 * Wait until the disk has what was written.
 *
 * Suspends:  until it has; a cancellation point before it begins, not after
 * Returns:   0
 * Errors:    as bide_file_write
 */
BIDE_API BIDE_MUST_USE int bide_file_sync(bide_file *f);

/*
 * Close, and hear of a failure that came late (bide_release would not tell).
 *
 * Suspends:  until it is closed.  Not a cancellation point
 * Returns:   0; also for NULL
 * Errors:    -EIO, -ENOSPC and the like; the text names the path
 * Owns:      taken, also on failure: in front of a bide_auto variable it is bide_file_close(bide_take(f))
 */
BIDE_API BIDE_MUST_USE int bide_file_close(bide_file *f);

/*
 * As rename(2), unlink(2), and mkdir -p (which is content with what is a directory already).
 *
 * Suspends:  until done; a cancellation point before it begins, not after
 * Returns:   0
 * Errors:    -ENOENT, -EACCES and the like, the text names the path; BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ENOMEM
 * Example:   BIDE_TRY(bide_make_dirs("test/pages"));
 */
BIDE_API BIDE_MUST_USE int bide_rename(const char *from, const char *to);
BIDE_API BIDE_MUST_USE int bide_unlink(const char *path);
BIDE_API BIDE_MUST_USE int bide_make_dirs(const char *path);

/*
 * Read a whole file, of at most max bytes (0: 64 MiB).
 *
 * Suspends:  until done; a cancellation point before it begins, not after
 * Returns:   the bytes, with a NUL behind them, and their number in *len; or NULL
 * Errors:    BIDE_ELIMIT beyond max; those of bide_open and bide_file_read
 * Owns:      the result is owned: free() it
 */
BIDE_API BIDE_MUST_USE char *bide_file_read_all(const char *path, size_t max, size_t *len);

/*
 * Write a whole file: a new one, which gets its name or takes that of the old one when it is complete.
 *
 * A symbolic link stays, and the file behind it is written; a device or a pipe is written to.  The new file keeps the
 * permissions (rwx) of the old one, not its owner, nor an access control list.
 *
 * Suspends:  until done; a cancellation point before it begins, not after
 * Returns:   0
 * Errors:    those of bide_open and bide_file_write; then what was there before is there still
 * Owns:      the memory is borrowed for the call
 * Example:   BIDE_TRY(bide_file_write_all("a.json", text, strlen(text)));
 */
BIDE_API BIDE_MUST_USE int bide_file_write_all(const char *path, const void *data, size_t len);

#ifdef __cplusplus
}
#endif
#endif
