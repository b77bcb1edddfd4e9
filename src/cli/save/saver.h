/* SPDX-License-Identifier: MIT */
/*
 * saver.h - many small files, written in batches: one trip to a thread for all that have come meanwhile.
 */
#ifndef BIDE_CLI_SAVE_SAVER_H
#define BIDE_CLI_SAVE_SAVER_H

#include <stddef.h>

#include <bide/object.h>

#include "cli/save/durable.h"

struct save_item;

/*
 *     tasks: saver_write --> first, item, item ... last      each lies in the frame of the task that waits for it
 *                            '-- a leader takes them all --'--> a thread --> files
 *                            '-- those that come meanwhile: the next leader's
 */
struct saver {
    enum durability durability;
    int root;                       /* descriptor of the directory that no path leads out of; 0: none */
    struct save_item *first, *last; /* not begun */
    size_t waiting;
    int leaders;                    /* batches that are being written */
};

/*
 * As bide_file_write_all, in directories that are made if they are missing.  With durability, the disk has the file
 * before it gets its name, and its name before the call returns.
 *
 * Suspends:  until the file is there; a cancellation point before it is begun, not after
 */
int saver_write(struct saver *s, const char *path, bide_bytes data);

/* The same without waiting for others: in a task, it waits for a descriptor if there is none. */
int saver_write_now(const struct saver *s, const char *path, bide_bytes data);

#endif
