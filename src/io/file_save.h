/* SPDX-License-Identifier: MIT */
/* file_save.h - a new file that nobody sees before it is complete. */
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
    char *temporary; /* a name in the same directory; to be freed by the caller */
    size_t directory_len;
    int fd;
    bool replaces; /* a plain file, of that mode */
    mode_t mode;
};

/* BIDE_ENOMEM on record. */
int bide__save_init(struct save *s, const char *path, const void *data, size_t len);

/* For tests: as on a file system that has no O_TMPFILE. */
extern bool bide__save_by_name;

#endif
