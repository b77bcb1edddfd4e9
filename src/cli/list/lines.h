/* SPDX-License-Identifier: MIT */
/*
 * lines.h - lines of a file or of standard input, however many there are.
 *
 * A line ends with LF, CR LF or CR.  White space around it is dropped; empty lines and those that begin with # are passed
 * over.  A line that is too long or has a NUL byte is refused, and the ones behind it are not touched.
 *
 * What is compressed with gzip or zstd, or is UTF-16, is read as what it stands for (unpack.h); it is known by its first
 * bytes.
 */
#ifndef BIDE_CLI_LIST_LINES_H
#define BIDE_CLI_LIST_LINES_H

#include <stdatomic.h>

#include "cli/terminal/text.h"

#define LINES_BUFFER 65536
#define LINES_LONGEST 65535 /* BIDE_URL_MAX */

struct unpack;

struct lines {
    const char *name; /* for messages: "urls.txt", "standard input" */
    int fd;
    uint64_t number;  /* of the line given last, from 1 */
    bool at_end, skipping;
    bool is_file;     /* it can be read again: what it holds are the lines themselves */
    bool is_known;    /* its first bytes have been looked at */
    bool is_idle;     /* lines_fill came back without anything, after wait_ms */
    bool has_no_comments; /* a line that begins with # is one like others */
    int wait_ms;      /* lines_fill waits no longer for a pipe or a terminal; 0: until something comes */
    uint64_t offset;  /* of what is not used yet, in the file or in what it stands for */
    uint64_t begin;   /* of the line given last */
    const char *raw;  /* the line given last, with the white space around it */
    size_t raw_len;
    size_t at, len;   /* what of the buffer is not used yet */
    size_t no_lf, no_cr; /* so many bytes of it are known to have none */
    int wake[2];      /* a pipe: lines_stop ends a read that waits; -1: none */
    struct unpack *unpack; /* NULL: the bytes are taken as they are */
    size_t longest;   /* 0: LINES_LONGEST; more: the buffer grows up to that */
    char *big;        /* the buffer, when it has grown */
    size_t big_size;
    char buffer[LINES_BUFFER];
};

/* path "-": standard input.  Returns: 0, or an exit code after a message. */
int lines_open(struct lines *l, const char *path);
void lines_close(struct lines *l);

enum {
    LINES_MORE = 2, /* nothing complete is in the buffer: lines_fill, then ask again */
    LINES_GOT = 1,
    LINES_END = 0,
    LINES_BAD = -1, /* *fault says why; line has what there is, or how it begins; the next call goes on behind it */
};

/* The next line, without its end, in the buffer: it lasts until the next call.  Never reads. */
int lines_next(struct lines *l, char **line, size_t *len, const char **fault);

/* The first byte of what follows; LINES_UNKNOWN: lines_fill first; -1: there is nothing more. */
#define LINES_UNKNOWN 256
int lines_peek(const struct lines *l);

/*
 * Read more.  Blocks (but ends when lines_stop is called).
 *
 * Returns:   0
 * Errors:    of read(2); -EBADMSG: what is compressed is damaged or cut off, or is nothing that can be read.  The text
 *            of the error says how far it was read
 */
int lines_fill(struct lines *l);

/* What is in the buffer is no line, and nothing comes behind it. */
void lines_cut(struct lines *l);

/* From anywhere: no read waits any more, now and later; they come to an end. */
void lines_stop(struct lines *l);

/* For unpack.c: up to n bytes as they are stored.  Returns: how many; 0: its end; -EAGAIN,
 * -ETIMEDOUT: none yet; or an error. */
ssize_t lines_read_stored(struct lines *l, void *to, size_t n);

#endif
