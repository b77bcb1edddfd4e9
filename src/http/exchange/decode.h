/* SPDX-License-Identifier: MIT */
/*
 * decode.h - what comes: from the exchange, counted, through a decoder if it is in a coding, to who reads.
 *
 *     exchange --> counter: wire bytes --> decoder: stages under ceilings --> counter --> piece by piece, in its window
 *                                          \____ NULL: it is as it is ___/            \-> into the reader's memory
 *
 * Who reads pulls, so what a few bytes grow into never lies in memory at once.  The ceilings are those of the decoder
 * (http/coding) and hold for every reader; what nobody wants is not decoded at all, but dropped as it comes
 * (exchange_ops.drop has a ceiling of its own).
 */
#ifndef BIDE_HTTP_DECODE_H
#define BIDE_HTTP_DECODE_H

#include "http/coding/coding.h"
#include "http/exchange/ops.h"

/* Of one answer. */
struct body_chain {
    struct exchange *exchange; /* NULL: it is over, or was there with the head */
    bide_bytes here;           /* encoded bytes that have come and are not decoded yet */
    struct decoder *decoder;   /* NULL: what comes is what is wanted */
    struct decoders *pool;     /* where it goes when it is done */
    bool has_garbage;          /* bytes that belong to no coding stood behind its end (R44) */
    uint64_t wire;             /* bytes so far */
    uint64_t most;             /* of them; BODY_LENGTH_UNKNOWN: no ceiling */
};

/* These codings are taken off, within these limits; before the first byte is read.  0 or BIDE_ENOMEM on record. */
int bide__chain_decode(struct body_chain *c, struct decoders *pool, const struct codings *list, struct decode_limits limits);
/* Suspends.  The next piece, which lasts until the next call: its length; 0: it is over; or an error, and the exchange has
   ended. */
ssize_t bide__chain_next(struct body_chain *c, const char **data);
/* Suspends.  The same into the caller's memory: see exchange_ops.read. */
ssize_t bide__chain_read(struct body_chain *c, void *out, size_t cap);
/* Suspends.  The same into an empty pipe; see exchange_ops.splice. */
ssize_t bide__chain_splice(struct body_chain *c, int pipe, size_t cap);
/* Nobody wants the rest: at most so many bytes of it are taken for the connection's sake.  Never suspends. */
void bide__chain_drop(struct body_chain *c, size_t most);

#endif
