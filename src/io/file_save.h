/* SPDX-License-Identifier: MIT */
/* file_save.h - a new file under a temporary name, then renamed. */
#ifndef BIDE_IO_FILE_SAVE_H
#define BIDE_IO_FILE_SAVE_H

#include "io/file_op.h"

/* What its op results in, unless it is a code. */
enum saved {
    SAVED,
    SAVE_INTO,   /* nothing done: the name belongs to a device, a pipe, a socket */
    SAVE_BEHIND, /* nothing done: it is a symbolic link */
};

struct save {
    struct file_op op;
    const char *path;
    const void *data;
    size_t len;
    char *temporary; /* to be freed by the caller */
};

/* BIDE_ENOMEM on record. */
int bide__save_init(struct save *s, const char *path, const void *data, size_t len);

#endif
