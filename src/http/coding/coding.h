/* SPDX-License-Identifier: MIT */
/*
 * coding.h - content codings (RFC 9110 8.4): gzip, deflate, br and zstd, taken off and put on.  Bytes in, bytes out, no I/O.
 *
 *     struct codings list = {0};
 *     bide__codings_add(&list, value, len);                   once for each Content-Encoding field, in order
 *     struct decoder *d = bide__decoder_open(&session->decoders, &list, limits);
 *     do {
 *         n = bide__decode(d, in, len, &used, out, cap, last); negative: an error, on record
 *         in += used, len -= used; out[0..n) is body
 *     } while (n > 0 || len > 0);                              then get more bytes of the wire
 *     bide__decode_end(d);                                     the wire's body is over: BIDE_ETRUNCATED if the coding is not
 *     bide__decoder_close(&session->decoders, d);
 *
 * A body in several codings runs through several stages, the last of the list first, with a window between each two:
 *
 *     wire -> stage 0 -> window -> stage 1 -> window -> stage 2 -> out
 *
 * Every ceiling is here, so that every reader of a body, saving and skipping included, keeps to it by using the same object (D10).
 */
#ifndef BIDE_HTTP_CODING_H
#define BIDE_HTTP_CODING_H

#include "base/base.h"

#define CODINGS_MAX       3         /* R42: more are an error */
#define DECODE_WINDOW     16384     /* bytes between two stages */
#define DECODE_RATIO_FROM (1 << 20) /* decoded bytes that may come of however little */
#define DECODE_RATIO      1000      /* usual: decoded bytes for each of the wire beyond that */
#define DECODE_ZSTD_WINDOW_LOG 23   /* 8 MiB, RFC 9659 */
#define DECODERS_IDLE_MAX 8         /* of each kind kept for the next body */

enum coding { CODING_GZIP, CODING_DEFLATE, CODING_BR, CODING_ZSTD };

struct codings {
    uint8_t n, named;     /* how many are to be taken off; how many were named, identity among them */
    uint8_t of[CODINGS_MAX]; /* enum coding, in the order in which they were applied */
    bool unknown;         /* one of them is not ours: the body stays as it comes (R42) */
};

/* What is in Accept-Encoding by default: what is built in (R13). */
#define CODINGS_ACCEPTED "gzip, deflate, br, zstd"

/* Read one Content-Encoding field; the next one goes on behind it.  0; BIDE_EHTTP: more than CODINGS_MAX. */
int bide__codings_add(struct codings *c, const char *value, size_t len);

/* Is there something to be taken off? */
static inline bool bide__codings_any(const struct codings *c)
{
    return c->n > 0 && !c->unknown;
}

struct decode_limits {
    uint64_t max_bytes; /* decoded; 0: as many as come */
    uint64_t max_ratio; /* decoded for each byte of the wire, once DECODE_RATIO_FROM are decoded; 0: no matter */
};

/* Memory of stages that have served, for those to come.  All zeros is empty.  One thread. */
struct decoders {
    struct decode_stage *idle[CODING_ZSTD + 1];
    struct decoder *idle_decoder;
    uint8_t n_idle[CODING_ZSTD + 1], n_decoders;
};

/* Give all of it back. */
void bide__decoders_free(struct decoders *all);

struct decoder;

/* NULL and BIDE_ENOMEM on record.  `from` may be NULL.  One that has ended is closed at once: the next body uses its memory. */
struct decoder *bide__decoder_open(struct decoders *from, const struct codings *list, struct decode_limits limits);
void bide__decoder_close(struct decoders *to, struct decoder *d);

/*
 * One step: take bytes of in[0..len), put decoded ones into out[0..cap), cap > 0.  `last`: nothing comes behind these bytes;
 * with room for all of it in `out` this needs no window, which is the quick way for a body that is here whole.
 *
 * Returns how many were put.  0: all input was taken, and more is needed.
 * Errors: BIDE_EHTTP: it is not in that coding; BIDE_ETOOBIG: a ceiling; BIDE_ENOMEM.
 */
ssize_t bide__decode(struct decoder *d, const char *in, size_t len, size_t *used, char *out, size_t cap, bool last);

/* DECODE_WINDOW bytes that last as long as the decoder, for who has no memory of its own.  NULL: BIDE_ENOMEM on record. */
char *bide__decoder_window(struct decoder *d);

/* No more bytes come.  0; BIDE_ETRUNCATED: the coding is not over (R45).  No bytes at all are an empty body. */
int bide__decode_end(const struct decoder *d);

/* Bytes stood behind the end of the coding that belong to no member or frame, and are no zeros: they were dropped (R44). */
bool bide__decode_has_garbage(const struct decoder *d);

/* How large the whole encoded body in[0..len) says that it will be; 0: it does not say, or cannot be believed. */
size_t bide__decode_hint(const struct codings *list, const char *in, size_t len);

/* ---- the other way: a body that is sent ---- */

struct encoder;

/* Of gzip, deflate or zstd.  NULL and BIDE_ENOMEM on record. */
struct encoder *bide__encoder_open(enum coding coding);
void bide__encoder_close(struct encoder *e);
/*
 * As bide__decode.  `last`: the body ends with in[0..len); then call until *done.
 */
ssize_t bide__encode(struct encoder *e, const char *in, size_t len, size_t *used, char *out, size_t cap, bool last,
                     bool *done);

#endif
