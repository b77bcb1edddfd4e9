/* SPDX-License-Identifier: MIT */
/*
 * h1_chunked.h - the chunked transfer coding, taken apart (RFC 9112 7.1).
 *
 * The decoder moves no bytes: each step says how many it has dealt with and which of them are body
 * data.
 *
 *     struct h1_chunked c = H1_CHUNKED_INIT;
 *     while (!c.done) {
 *         if (len == 0 || stuck)
 *             read more behind in[0..len), or the peer closed: the body is truncated
 *         ssize_t n = bide__h1_chunked_step(&c, in, len, &data, &data_len);
 *         if (n < 0)
 *             return the enum h1_error
 *         use data[0..data_len), then in += n, len -= n, stuck = n == 0
 *     }
 *
 * A step stops behind each piece of data, at the end of the body, or when the input is used up.
 * Only the trailer section is not taken piece by piece: 0 means that more must be read behind the
 * same bytes.  It has at most H1_TRAILER_MAX bytes, so a buffer of that size is enough.
 */
#ifndef BIDE_HTTP_H1_CHUNKED_H
#define BIDE_HTTP_H1_CHUNKED_H

#include "http/h1/h1_parse.h"

#define H1_TRAILER_MAX        8192
#define H1_TRAILER_FIELDS_MAX 64
#define H1_CHUNK_EXT_MAX      256   /* bytes behind the size on one chunk line */
#define H1_CHUNK_OVERHEAD_MAX 16384 /* bytes of framing beyond a fair share; see h1_chunked.c */
#define H1_CHUNK_LINE_SHOWN   40    /* bytes of a chunk line that are kept for messages */

struct h1_chunked {
    uint64_t left;    /* bytes of the current chunk still to come */
    uint32_t line;    /* bytes of the current chunk line so far */
    uint32_t ext;     /* of these behind the size */
    int64_t overhead; /* framing beyond the fair share so far */
    uint8_t state, digits;
    bool done;                /* the body and its trailers are over; what follows is not ours */
    bool lenient;             /* of an answer: blanks may stand behind a size, and odd lines in the trailers */
    bool odd;                 /* it was so: the connection is not used again */
    uint8_t text_len;
    char text[H1_CHUNK_LINE_SHOWN]; /* how the present line begins; of an error, that line */
    struct h1_parser parser;  /* of the trailers */
    uint32_t trailer_len;     /* when done: bytes of the trailer section, the last that were taken; 2: there is none */
};

/* As requests are read. */
#define H1_CHUNKED_INIT H1_CHUNKED(false)
/* As answers are read. */
#define H1_CHUNKED_ANSWER H1_CHUNKED(true)

#define H1_CHUNKED(lenient_)                                                                   \
    {                                                                                          \
        .lenient = (lenient_),                                                                 \
        .parser = {                                                                            \
            .limits = {H1_TRAILER_MAX, H1_TRAILER_MAX, H1_TRAILER_MAX, H1_TRAILER_FIELDS_MAX}, \
            .strict = true                                                                     \
        }                                                                                      \
    }

/* One step, as above.  `in` is writable for the sake of the trailers' parser, which does not write. */
ssize_t bide__h1_chunked_step(struct h1_chunked *c, char *in, size_t len, const char **data,
                              size_t *data_len);

#endif
