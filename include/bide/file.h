/* SPDX-License-Identifier: MIT */
/*
 * file.h - files without blocking the loop.
 *
 * Works in tasks (through io_uring where the kernel allows it, else threads) and, blocking, outside of them.  An argument
 * that is impossible (NULL where something is needed, an offset below -1) is -EINVAL, and the text says which one.
 *
 * A file belongs to the loop that ran where it was opened, as loop.h has it: in another thread, while that loop runs, and in
 * a child of fork(), every call for it is BIDE_ESTATE.  One that was opened where no loop ran is for any thread, one at a time.
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
    size_t size; /* of this struct; set by the macro */
    const char *path;
    struct bide_use_named_options *guard_;
    int flags;    /* as open(2); default O_RDONLY; O_CLOEXEC is added */
    int mode;     /* default 0666; of what is made */
    bool atomic;  /* a new file to be written, which gets its name when bide_file_close has ended well; flags: O_WRONLY, and
                     O_EXCL: it replaces nothing */
    bool parents; /* with O_CREAT or atomic: directories that are missing are made, as by bide_make_dirs */
    int beneath;  /* descriptor of a directory (or AT_FDCWD) that path is looked up in and cannot lead out of; 0: none */
} bide_open_args;

/*
 * Open a file.
 *
 * .atomic is bide_file_write_all piece by piece: nobody sees the file before bide_file_close, and what has its name stays
 * until then.  One that is released before, or whose process is killed, leaves nothing behind.
 *
 * .beneath keeps names that somebody else made up (a server, a list) in their directory: no "..", no link and no absolute
 * path leads out of it, also when a link is put in the way while the program runs.  A link that has the name of an
 * atomic file itself is replaced, not followed.
 *
 * Threads:   any; without a loop it blocks, as do all functions here
 * Suspends:  until it is open; a cancellation point
 * Returns:   the file, or NULL
 * Errors:    -ENOENT and the like; the text names the path.  -EMFILE: waits for a descriptor for a while first
 *            -EXDEV, -ELOOP: it would lead out of .beneath.  -EINVAL: other flags with .atomic
 *            -EEXIST: an atomic file beneath a directory, and a device or a pipe has its name; with O_EXCL, anything has it
 * Owns:      the result is owned; releasing it closes it.  .beneath is borrowed until it is closed
 * Example:   bide_auto bide_file *f = bide_open("a.json", .flags = O_WRONLY | O_CREAT | O_TRUNC);
 */
#define bide_open(...) BIDE__CALL(bide_open_with(BIDE__ARGS(bide_open_args, .path = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_file *bide_open_with(const bide_open_args *args);

/*
 * Read or write at an offset (-1: where the file stands; needed for pipes and devices).  Several tasks may do so at the
 * same time: at -1, each has a part of the file for itself, in the order of their calls.
 *
 * Suspends:  until done; a cancellation point before it begins, not after (on a pipe or the like: as long as it waits)
 * Returns:   how many bytes; a read: 0 at the end of the file; a write that returns has written all of them
 * Errors:    -EIO, -ENOSPC and the like, the text names the path; BIDE_ECANCELED; BIDE_ETIMEDOUT
 *            -EFBIG beyond the limit (ulimit -f) that there was at the first write, without the signal SIGXFSZ
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
 * Close, and report a failure that came late (bide_release does not).  An atomic file gets its name.
 *
 * Suspends:  until it is closed.  Not a cancellation point
 * Returns:   0; also for NULL
 * Errors:    -EIO, -ENOSPC and the like; the text names the path.  BIDE_ESTATE: an atomic file that another task is still
 *            writing, or that a child of fork() has from its parent: here it is not saved
 * Owns:      taken, also on failure (but not in another thread): in front of a bide_auto variable it is
 *            bide_file_close(bide_take(f))
 */
BIDE_API BIDE_MUST_USE int bide_file_close(bide_file *f);

/*
 * As rename(2), unlink(2), and mkdir -p (which is content with what is a directory already).
 *
 * Threads:   any; without a loop they block
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
 * Threads:   any; without a loop it blocks
 * Suspends:  until done; a cancellation point before it begins, not after
 * Returns:   the bytes, with a NUL behind them, and their number in *len; or NULL
 * Errors:    BIDE_ELIMIT beyond max; those of bide_open and bide_file_read
 * Owns:      the result is owned: free() it
 * Example:   char *text = bide_file_read_all("a.json", 0, &len);
 */
BIDE_API BIDE_MUST_USE char *bide_file_read_all(const char *path, size_t max, size_t *len);

/*
 * Write a whole file: a new one, which gets its name or takes that of the old one when it is complete.
 *
 * A symbolic link stays, and the file behind it is written; a device or a pipe is written to.  The new file keeps the
 * permissions (rwx) and the access control list of the old one, and its owner and group where we may set them; where we
 * may not, the group's permissions become those of everybody else.  Other attributes, and other names (hard links) that
 * the old one has, are not kept.
 *
 * A program that is killed leaves nothing behind but what was there.  There are two exceptions, both a file named .bide-
 * and more: between two system calls when a file is replaced, and on a file system without O_TMPFILE.
 *
 * Threads:   any; without a loop it blocks
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
