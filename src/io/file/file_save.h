/* SPDX-License-Identifier: MIT */
/* file_save.h - a new file that becomes visible when it is complete. */
#ifndef BIDE_IO_FILE_SAVE_H
#define BIDE_IO_FILE_SAVE_H

#include <sys/stat.h>

#include "io/file/file_op.h"

/* What a step results in, unless it is a code. */
enum saved {
    SAVED,
    SAVE_INTO,   /* nothing done: the name belongs to a device, a pipe, a socket */
    SAVE_BEHIND, /* nothing done: it is a symbolic link */
};

/*
 *              .-- name ----.
 *      beneath / a/b/page.json      what is wanted
 *      beneath / a/b/.bide-xxxx     its hidden name: while it replaces a file, or where no file is without a name
 *                `-- dir: AT_FDCWD with whole paths, or the file's own directory with the last parts alone
 */
struct save {
    const char *path;
    int beneath;           /* directory that path stays below, its descriptor; 0: anywhere */
    bool is_new;           /* nothing is replaced: -EEXIST */
    bool parents;          /* directories that are missing are made */
    mode_t mode;           /* of a new file, before umask */
    bool is_secret;        /* only its owner may have access, also if others had it to the old file; the disk has it before it is named */
    char *hidden_path;     /* directory_len bytes are the directory, with its slash */
    size_t directory_len;
    bool by_name;          /* it has the hidden name from the start */
    int dir;               /* during a step */
    const char *name, *hidden;
    int fd;                /* -1: not open */
    bool is_hidden;        /* it has the hidden name */
    bool replaces;         /* there was a plain file when it was looked at last: old */
    struct stat old;
};

/* path and hidden, of at least so many bytes, are the caller's and stay. */
size_t bide__save_hidden_size(const char *path);
void bide__save_init(struct save *s, const char *path, char *hidden);

/*
 * The steps, in a place that may block: open it, give it its name, or drop it (also after a failure of the others).
 * begin looks at first whether the name belongs to something that is no plain file.
 *
 * Returns:   enum saved, or a negated errno value
 */
int bide__save_begin(struct save *s);
int bide__save_end(struct save *s);
void bide__save_drop(struct save *s);

/* All of them at once; what has the name is looked at last, for mostly there is nothing. */
int bide__save_whole(struct save *s, const void *data, size_t len);

/* For tests: as on a file system that has no O_TMPFILE. */
extern bool bide__save_by_name;

/* ---- file_place.c ---- */

/* Where the names are looked up: dir, name and hidden, until leave.  With parents, missing directories are made. */
int bide__save_enter(struct save *s);
void bide__save_leave(struct save *s);
/* The file's directory by its path: opened, or made.  hidden_path is cut there meanwhile. */
int bide__save_open_directory(struct save *s, int flags, mode_t mode);
int bide__save_make_parents(struct save *s);
/* Another hidden name; start_anew: the last one was taken, so choose a new random start. */
void bide__save_choose_hidden(struct save *s, bool start_anew);

/* ---- file_access.c ---- */

/* Give s->fd the access rights of s->old (at dir and name), or less.  0, or a negated errno value. */
int bide__save_keep_access(const struct save *s);

#endif
