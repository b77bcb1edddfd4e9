/* SPDX-License-Identifier: MIT */
/*
 * jsonl.h - records, one JSON object a line, into a file or standard output, without holding up the loop.
 *
 * Lines are collected and written by a task of its own as soon as it has its turn: all that have come by then at once,
 * and always whole lines.  jsonl_open.c makes the file ready, jsonl.c writes, jsonl_text.c turns texts into JSON.
 */
#ifndef BIDE_CLI_SAVE_JSONL_H
#define BIDE_CLI_SAVE_JSONL_H

#include <bide/file.h>
#include <bide/task.h>

#include "cli/terminal/text.h"

struct jsonl {
    const char *path;    /* NULL: no records are wanted */
    bide_file *file;     /* NULL: standard output */
    bool syncs;          /* a batch counts as written when the disk has it */
    struct text lines;   /* collected */
    struct text going;   /* being written */
    int64_t size;        /* of the file, as far as it is known */
    uint64_t added;      /* lines, so far */
    uint64_t written;    /* of them: those that are there */
    int error;           /* of writing; then no more is written */
    bool is_closing;
    bide_future *wake;   /* the writer waits for lines */
    bide_future *moved;  /* others wait for the writer */
};

/* ---- jsonl_open.c ---- */

/* What becomes of records that are there already. */
enum jsonl_mode { JSONL_APPEND, JSONL_REFUSE, JSONL_REPLACE };

/*
 * Before anything is done: may records go there?  Of a file that is appended to, a last line that was cut off is taken out
 * or ended.  Blocks.
 *
 * Returns:   EXIT_OK; EXIT_USAGE, EXIT_LOCAL after a message
 */
int jsonl_prepare(const char *path, enum jsonl_mode mode);

/* "-": standard output.  Suspends.  Returns: 0 or an error on record. */
int jsonl_open(struct jsonl *j, const char *path, enum jsonl_mode mode, bool syncs);

/* ---- jsonl.c ---- */

/* A coroutine: write what is collected until jsonl_finish.  Returns: 0 or the error, on record. */
int jsonl_writer(struct jsonl *j);
void jsonl_finish(struct jsonl *j);
void jsonl_free(struct jsonl *j);

/* Lines are appended to j->lines.  One that memory did not suffice for is taken back: it begins there. */
void jsonl_end_line(struct jsonl *j, size_t begin);

/*
 * Wait until all lines up to the n-th that was added are written, or none will be any more.
 *
 * Suspends:  until then; a cancellation point
 * Returns:   0, or a cancellation
 */
int jsonl_wait_written(struct jsonl *j, uint64_t n);

/* ---- jsonl_text.c ---- */

/*
 * ,"name":"value", or null.  Bytes that are no UTF-8 do not fit a JSON string, and become U+FFFD: then "name_b64" has the value in base64
 * as well.  Of a URL they stand in the string as %XX.
 */
void jsonl_add_member(struct text *to, const char *name, const char *value);
void jsonl_add_url_member(struct text *to, const char *name, const char *url);
/* "text" alone. */
void jsonl_add_text(struct text *to, const char *text);
/* The same of one that may have NUL bytes, because it is none. */
void jsonl_add_url_bytes(struct text *to, const char *name, const struct text *url);

#endif
