/* SPDX-License-Identifier: MIT */
/*
 * stage.h - one coding of a body being taken off: what decoder.c knows of a library.
 *
 *     fresh --first byte--> running --end of the stream--> ended --magic of another--> running
 *                                                            \--neither that nor zeros--> garbage
 */
#ifndef BIDE_HTTP_CODING_STAGE_H
#define BIDE_HTTP_CODING_STAGE_H

#include "http/coding/coding.h"

struct bytes_io {
    const char *in;
    size_t len;
    char *out;
    size_t cap;
    bool last; /* nothing comes behind in[0..len) */
};

enum stage_state { STAGE_FRESH, STAGE_RUNNING, STAGE_ENDED, STAGE_GARBAGE };

struct decode_stage { /* the head of each library's own */
    const struct stage_ops *ops;
    struct decode_stage *next_idle;
    uint64_t made;    /* bytes so far */
    uint8_t state;    /* enum stage_state */
    uint8_t magic_len; /* bytes of the next member's magic that have come, in `magic` */
    bool padded;      /* zeros stood behind the end: then only zeros may */
    char magic[4];
};

/* What a step of a library gave; an error is negative. */
enum step_result { STEP_MORE, STEP_END };

/* Do these bytes begin another stream? */
enum magic { MAGIC_NONE, MAGIC_PART, MAGIC_WHOLE };

struct stage_ops {
    const char *name;
    struct decode_stage *(*make)(void);              /* NULL: no memory */
    void (*destroy)(struct decode_stage *s);
    bool (*reset)(struct decode_stage *s, enum coding coding); /* ready for a stream; false: not to be used again */
    /* Move io on.  enum step_result, or a code that is on record. */
    int (*step)(struct decode_stage *s, struct bytes_io *io);
    enum magic (*magic)(const char *head, size_t len); /* len <= 4.  NULL: no second stream can follow */
};

extern const struct stage_ops bide__stage_inflate, bide__stage_brotli, bide__stage_zstd;

static inline void bide__io_taken(struct bytes_io *io, size_t used, size_t made)
{
    io->in = used > 0 ? io->in + used : io->in; /* it may be NULL: nothing has come */
    io->len -= used;
    io->out += made, io->cap -= made;
}

static inline const struct stage_ops *bide__stage_ops_of(enum coding coding)
{
    return coding == CODING_BR ? &bide__stage_brotli : coding == CODING_ZSTD ? &bide__stage_zstd : &bide__stage_inflate;
}

#endif
