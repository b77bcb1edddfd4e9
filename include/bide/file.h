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
BIDE_API bide_file *bide_open_with(bide_open_args args);

/*
 * Read or write at an offset (-1: where the file stands; needed for pipes and devices).
 *
 * Suspends:  until done; a cancellation point before it begins, not after
 * Returns:   how many bytes; a write that returns has written all of them
 * Errors:    -EIO, -ENOSPC and the like; the text names the path
 */
BIDE_API ssize_t bide_file_read(bide_file *f, void *out, size_t cap, off_t offset);
BIDE_API ssize_t bide_file_write(bide_file *f, const void *data, size_t len, off_t offset);

/* Wait until the disk has it. */
BIDE_API int bide_file_sync(bide_file *f);

/* Close, and hear of a failure that came late; the object is released as well. */
BIDE_API int bide_file_close(bide_file *f);

/* As rename(2), unlink(2), and mkdir -p.  Suspend; the text of an error names the path. */
BIDE_API int bide_rename(const char *from, const char *to);
BIDE_API int bide_unlink(const char *path);
BIDE_API int bide_make_dirs(const char *path);

/* A whole file at once: read (at most max bytes; the result is owned: free()), write (temporary name, then renamed). */
BIDE_API char *bide_file_read_all(const char *path, size_t max, size_t *len);
BIDE_API int bide_file_write_all(const char *path, const void *data, size_t len);

#ifdef __cplusplus
}
#endif
#endif
