/* SPDX-License-Identifier: MIT */
/*
 * source.h - bodies to send: the members of struct body_source (exchange/ops.h).
 *
 *     upload <--next------ bytes | function of the user's | file | chain of these (multipart)
 *            <--in_file--- file: the kernel sends it
 */
#ifndef BIDE_HTTP_SOURCE_H
#define BIDE_HTTP_SOURCE_H

#include <bide/file.h>
#include <bide/upload.h>

#include "http/coding/coding.h"
#include "http/exchange/ops.h"

/* ---- bytes.c: bytes in memory ---- */

struct bytes_source {
    struct body_source source;
    bide_bytes bytes; /* borrowed */
    bool is_given;
};

void bide__bytes_source_init(struct bytes_source *b, bide_bytes bytes);
/* Those of a source; data NULL: it is another one, or NULL. */
bide_bytes bide__body_bytes(const struct body_source *source);

/* ---- user.c: pieces that a function of the user's gives ---- */

struct user_source {
    struct body_source source;
    bide_piece_fn *next;
    bide_rewind_fn *rewind;
    void *arg;
};

void bide__user_source_init(struct user_source *u, const bide_body_source *from);

/* ---- file.c: a file, or what comes out of a pipe ---- */

struct file_source {
    struct body_source source;
    const char *path;  /* NULL: it was open already */
    bide_file *file;   /* NULL: not open now */
    uint64_t offset;   /* where the body begins in it */
    uint64_t at;       /* bytes given */
    uint64_t size;     /* of the file when the body began */
    bool is_whole;     /* up to the end of the file, and that must not move */
    bool was_blocking; /* the user's descriptor, and is to be so again */
    char *piece;       /* FILE_PIECE bytes; NULL: none was read yet */
};

/* A source as the options have it.  0, or -EINVAL on record. */
int bide__source_take(bide_body_source *to, const bide_body_source *options);
/* Suspends.  Open it: by its path, or from->fd; then see how long the body is.  0; or an error on record, and nothing to close. */
int bide__file_source_open(struct file_source *f, const char *path, const bide_body_source *from);
/* It is not read for now: one with a path is closed, and opened again by the next call. */
void bide__file_source_rest(struct file_source *f);

/* ---- chain.c: sources one behind the other ---- */

struct segment {
    struct body_source *source;
    const char *name; /* of the part, in messages; NULL: text between parts */
    struct file_source *file; /* it is one; else NULL */
    uint64_t left;    /* of its length */
};

struct chain_source {
    struct body_source source;
    struct segment *all;
    size_t n, at;
};

/* chain->all and chain->n are there.  How long all of it is, and whether it can be sent again. */
void bide__chain_source_init(struct chain_source *c);

/* ---- compress.c: what another gives, in a coding ---- */

/* 0 and *out to be closed in place of `inner`, which is taken, also on failure; or an error on record.  Suspends if `inner` does. */
int bide__compress_open(struct arena *arena, const char *coding, struct body_source *inner, struct body_source **out);

/* ---- multipart.c, media_type.c ---- */

/* Suspends: files are opened.  0, and *out to be closed, and the value of Content-Type; or an error on record. */
int bide__multipart_open(struct arena *arena, const bide_part *parts, struct body_source **out, const char **content_type);
/* By the ending of a file name. */
const char *bide__media_type_of(const char *file_name);

/* A document as text in the arena.  0 or an error on record. */
int bide__json_text(struct arena *arena, const void *value, bide_bytes *out);

#endif
