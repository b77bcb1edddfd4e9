/* SPDX-License-Identifier: MIT */
/*
 * lines.h - URLs out of a file or standard input, one a line, however many there are.
 *
 * White space around a line and CR at its end are dropped; empty lines and those that begin with # are passed over.  A
 * line that is too long or has a NUL byte is refused, and the ones behind it are not touched.
 */
#ifndef BIDE_CLI_LINES_H
#define BIDE_CLI_LINES_H

#include <stdatomic.h>

#include "cli/text.h"

#define LINES_BUFFER 65536
#define LINES_LONGEST 65535 /* BIDE_URL_MAX */

struct lines {
    const char *name; /* for messages: "urls.txt", "standard input" */
    int fd;
    uint64_t number;  /* of the line given last, from 1 */
    bool at_end, skipping;
    bool is_file;     /* it can be read again */
    uint64_t offset;  /* in the file, of what is not used yet */
    uint64_t begin;   /* of the line given last */
    size_t at, len;   /* what of the buffer is not used yet */
    size_t scanned;   /* of it, without a line end */
    int wake[2];      /* a pipe: lines_stop ends a read that waits; -1: none */
    char buffer[LINES_BUFFER];
};

/* path "-": standard input.  Returns: 0, or an exit code after a message. */
int lines_open(struct lines *l, const char *path);
void lines_close(struct lines *l);

enum {
    LINES_MORE = 2, /* nothing complete is in the buffer: lines_fill, then ask again */
    LINES_GOT = 1,
    LINES_END = 0,
    LINES_BAD = -1, /* *fault says why; the next call goes on behind it */
};

/* The next line, without its end, in the buffer: it lasts until the next call.  Never reads. */
int lines_next(struct lines *l, char **line, size_t *len, const char **fault);

/* Read more.  Blocks (but ends when lines_stop is called).  Returns: 0, or a negated errno value. */
int lines_fill(struct lines *l);

/* From anywhere: no read waits any more, now and later; they come to an end. */
void lines_stop(struct lines *l);

#endif
