/* SPDX-License-Identifier: MIT */
/*
 * durable.c - directories, synced.
 *
 * Which ones are new is not known here: those above a file's directory are synced when it is met for the first time.
 * Which have been met is remembered by their hashes, in a table of fixed size; what fell out of it is synced again.
 */
#include "cli/save/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <bide/file.h>
#include <bide/task.h>

#define KNOWN 4096

static _Atomic uint64_t known[KNOWN];

/* FNV-1a, and which root. */
static uint64_t hash_of(int root, const char *path)
{
    uint64_t hash = 14695981039346656037u ^ (uint64_t)root;

    for (; *path; path++)
        hash = (hash ^ (unsigned char)*path) * 1099511628211u;
    return hash | 1;
}

/* Some file systems have nothing to sync a directory by (EINVAL); then its names are written with what is in it. */
static int sync_directory(int root, const char *path)
{
    bide_auto bide_file *d = bide_open(*path ? path : ".", .flags = O_RDONLY | O_DIRECTORY, .beneath = root);
    int code = d ? bide_file_sync(d) : bide_error_code();

    if (code != -EINVAL && code != -EBADF)
        return code;
    bide_error_clear();
    return 0;
}

/* "a/b/c" becomes "a/b", "c" becomes "". */
static void cut_last(char *path)
{
    char *slash = strrchr(path, '/');

    *(slash ? slash : path) = '\0';
}

/* And those above it, if it was not met before.  Threads may replace each other's entries: then some is synced once more. */
static int sync_up(int root, char *directory, uint64_t hash)
{
    _Atomic uint64_t *slot = &known[hash % KNOWN];
    bool is_known = atomic_load(slot) == hash;
    int code = sync_directory(root, directory);

    while (code == 0 && !is_known && *directory) {
        cut_last(directory);
        code = sync_directory(root, directory);
    }
    if (code == 0)
        atomic_store(slot, hash);
    return code;
}

static bool was_done(const struct durable_group *g, uint64_t hash)
{
    for (unsigned i = 0; i < g->ndone && i < DURABLE_GROUP; i++)
        if (g->done[i] == hash)
            return true;
    return false;
}

int durable_group_name(struct durable_group *g, int root, const char *path)
{
    char *directory = strdup(path);
    if (!directory)
        return bide_fail(BIDE_ENOMEM, "%s: out of memory", path);

    cut_last(directory);
    uint64_t hash = hash_of(root, directory);
    int code = was_done(g, hash) ? 0 : sync_up(root, directory, hash);
    if (code == 0)
        g->done[g->ndone++ % DURABLE_GROUP] = hash;
    free(directory);
    return code;
}

int durable_name(int root, const char *path)
{
    return durable_group_name(&(struct durable_group){0}, root, path);
}

/* One that cannot be read was not made by us. */
static int sync_readable(const char *path)
{
    int code = sync_directory(0, path);

    if (code != -EACCES && code != -EPERM)
        return code;
    bide_error_clear();
    return 0;
}

int durable_directory_of(const char *path)
{
    char *directory = strdup(path);
    int code = directory ? 0 : bide_fail(BIDE_ENOMEM, "%s: out of memory", path);

    while (code == 0 && *directory && strcmp(directory, "/") != 0) {
        char *slash = strrchr(directory, '/');
        if (slash)
            slash[slash == directory ? 1 : 0] = '\0';
        else
            *directory = '\0';
        code = sync_readable(directory);
    }
    free(directory);
    return code;
}
