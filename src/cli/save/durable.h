/* SPDX-License-Identifier: MIT */
/*
 * durable.h - names that a power loss does not take away.
 *
 * bide_file_sync sees to what is in a file.  That it has its name stands in its directory, that the directory has its
 * own in the one above, and so on: they are files as well.
 */
#ifndef BIDE_CLI_SAVE_DURABLE_H
#define BIDE_CLI_SAVE_DURABLE_H

#include <stdint.h>

/* --durability: what is on the disk, and not only on its way there, before a record says so. */
enum durability { DURABILITY_NONE, DURABILITY_BATCH, DURABILITY_EACH };

/*
 * The directory of a file that has just got its name, and those above it up to root, if they may be new.
 *
 * Suspends:  until the disk has them; a cancellation point (in a thread: blocks)
 * Returns:   0, or an error on record
 */
int durable_name(int root, const char *path);

/* The same for files that got their names together; zeros to begin with.  A directory of several is synced once. */
#define DURABLE_GROUP 16
struct durable_group {
    uint64_t done[DURABLE_GROUP]; /* hashes of directories */
    unsigned ndone;
};
int durable_group_name(struct durable_group *g, int root, const char *path);

/* The same of a file anywhere, or of the directory that root is: the directory it is in, and those above that can be read. */
int durable_directory_of(const char *path);

#endif
