/* SPDX-License-Identifier: MIT */
/*
 * jsonl.h - records, one JSON object a line, into a file or standard output, without holding up the loop.
 *
 * Lines are collected and written in batches by a task of its own, at most 50 ms later; always whole lines at once.
 */
#ifndef BIDE_CLI_JSONL_H
#define BIDE_CLI_JSONL_H

#include <bide/file.h>

#include "cli/text.h"

struct jsonl {
    const char *path;  /* NULL: no records are wanted */
    bide_file *file;   /* NULL: standard output */
    struct text lines; /* collected */
    struct text going; /* being written */
    int64_t size;      /* of the file: what was written of it, in whole lines */
    uint64_t written;  /* lines that are there */
    int error;         /* of writing; then no more is written */
    bool is_closing;
};

/* "-": standard output.  Suspends.  Returns: 0 or an error on record. */
int jsonl_open(struct jsonl *j, const char *path);

/* A coroutine: write what is collected until jsonl_finish.  Returns: 0 or the error, on record. */
int jsonl_writer(struct jsonl *j);
void jsonl_finish(struct jsonl *j);
void jsonl_free(struct jsonl *j);

/* Lines are appended to j->lines.  One that memory did not suffice for is taken back: it begins there. */
void jsonl_end_line(struct jsonl *j, size_t begin);

/* Is so much collected that whoever adds should wait? */
bool jsonl_is_full(const struct jsonl *j);

/* A text as a JSON string, quotes included; bytes that are no UTF-8 become U+FFFD. */
void jsonl_add_string(struct text *to, const char *s);

#endif
