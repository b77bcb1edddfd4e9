/* SPDX-License-Identifier: MIT */
/*
 * path.h - files and directories by name, without blocking the loop: what they are, links, copies, trees, temporary ones.
 *
 * As those of file.h, the functions work in tasks and, blocking, outside of them.
 */
#ifndef BIDE_PATH_H
#define BIDE_PATH_H

#include <stdbool.h>
#include <sys/stat.h>

#include <bide/error.h>
#include <bide/file.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * As stat(2), lstat(2), truncate(2), chmod(2), link(2), symlink(2) (path will lead to target) and rmdir(2).
 *
 * Threads:   any; without a loop they block
 * Suspends:  until done; a cancellation point before it begins, not after
 * Returns:   0
 * Errors:    -ENOENT, -EACCES and the like, the text names the path; -EINVAL; BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ENOMEM
 * Example:   struct stat st;  BIDE_TRY(bide_stat("a.json", &st));
 */
BIDE_API BIDE_MUST_USE int bide_stat(const char *path, struct stat *out);
BIDE_API BIDE_MUST_USE int bide_lstat(const char *path, struct stat *out);
BIDE_API BIDE_MUST_USE int bide_truncate(const char *path, int64_t size);
BIDE_API BIDE_MUST_USE int bide_chmod(const char *path, unsigned mode);
BIDE_API BIDE_MUST_USE int bide_link(const char *from, const char *to);
BIDE_API BIDE_MUST_USE int bide_symlink(const char *target, const char *path);
BIDE_API BIDE_MUST_USE int bide_remove_dir(const char *path);

/*
 * Where a symbolic link leads, as it stands there.
 *
 * Threads:   any; without a loop it blocks
 * Suspends:  until done; a cancellation point before it begins, not after
 * Returns:   the text, or NULL
 * Errors:    as above; -EINVAL: it is no symbolic link
 * Owns:      the result is owned: free() it
 * Example:   char *target = bide_read_link("/proc/self/exe");
 */
BIDE_API BIDE_MUST_USE char *bide_read_link(const char *path);

/*
 * Copy a regular file, in the kernel where that can be done (shared blocks, where the file system has those).  A file that has the new
 * name already is replaced when the copy is complete, not before, as by bide_file_write_all; a new file has the permissions of the
 * old one, without what umask takes away.
 *
 * Threads:   any; without a loop it blocks
 * Suspends:  until done; a cancellation point before it begins, and each 16 MiB
 * Returns:   0
 * Errors:    those of bide_open, bide_file_read and bide_file_write; -EISDIR, -EINVAL: from is no regular file
 * Example:   BIDE_TRY(bide_copy_file("a.json", "a.json.bak"));
 */
BIDE_API BIDE_MUST_USE int bide_copy_file(const char *from, const char *to);

/*
 * Remove a file, or a directory with all that is in it (rm -r).  A symbolic link is removed itself; none is followed, also if one is
 * put in the way meanwhile.  A tree may be of any depth.
 *
 * Threads:   any; without a loop it blocks
 * Suspends:  until done; a cancellation point before it begins, and each 1,024 names: what is left then stays
 * Returns:   0
 * Errors:    as bide_stat; the text has the name below path, too.  What could not be removed stays, and so may what comes behind it
 * Example:   BIDE_TRY(bide_remove_tree("build"));
 */
BIDE_API BIDE_MUST_USE int bide_remove_tree(const char *path);

/*
 * Make a directory or file with a unique name, for this user alone (0700, 0600).  pattern ends in XXXXXX, which is replaced by the rest
 * of the name.  It is not removed by itself.
 *
 * Threads:   any; without a loop it blocks
 * Suspends:  until done; a cancellation point before it begins, not after
 * Returns:   0; bide_make_temp_file: the file, open for reading and writing, or NULL
 * Errors:    as bide_stat; -EINVAL: the pattern does not end so
 * Owns:      pattern is borrowed for the call; the file is owned
 * Example:   char name[] = "/tmp/work-XXXXXX";  BIDE_TRY(bide_make_temp_dir(name));
 */
BIDE_API BIDE_MUST_USE int bide_make_temp_dir(char *pattern);
BIDE_API BIDE_MUST_USE bide_file *bide_make_temp_file(char *pattern);

/* ---- directories ---- */

typedef struct bide_directory bide_directory;

enum bide_file_type {
    BIDE_TYPE_UNKNOWN, /* the file system does not say: ask bide_lstat */
    BIDE_TYPE_FILE,
    BIDE_TYPE_DIRECTORY,
    BIDE_TYPE_LINK,
    BIDE_TYPE_OTHER
};

typedef struct bide_directory_entry {
    const char *name; /* borrowed from the directory until the next call */
    enum bide_file_type type;
    uint64_t inode;
} bide_directory_entry;

/*
 * Open a directory, to read the names in it.  It belongs to a loop or to none as a file does (file.h).
 *
 * Threads:   any; without a loop it blocks
 * Suspends:  until it is open; a cancellation point before it begins, not after
 * Returns:   the directory, or NULL
 * Errors:    as bide_stat; -ENOTDIR
 * Owns:      the result is owned; releasing it closes it
 * Example:   bide_auto bide_directory *d = bide_directory_open(".");
 */
BIDE_API BIDE_MUST_USE bide_directory *bide_directory_open(const char *path);

/*
 * The next name, in no order, without "." and "..".
 *
 * Threads:   as the directory; without a loop it blocks
 * Suspends:  for some hundred names once, until they are read; a cancellation point then
 * Returns:   1; 0: there are no more
 * Errors:    as bide_stat; BIDE_ESTATE: another task reads it, or it belongs to another loop; BIDE_ECLOSED if it was released meanwhile
 * Example:   while (bide_directory_next(d, &entry) > 0) puts(entry.name);
 */
BIDE_API BIDE_MUST_USE int bide_directory_next(bide_directory *d, bide_directory_entry *entry);

#ifdef __cplusplus
}
#endif
#endif
