/* SPDX-License-Identifier: MIT */
/*
 * decode.h - what comes: from the exchange, through a counter with ceilings and a row of decoders, to who reads.
 *
 *     exchange --> counter: wire bytes --> decoder --> decoder --> counter: decoded bytes --> piece by piece
 *                                          \______ none yet ____/                         \-> whole in memory
 *
 * Who reads pulls; a decoder has one window of output at a time, so what a few bytes grow into never lies in memory at once,
 * and the ceilings are looked at window by window.  They hold for every reader; what nobody wants is not decoded at all, but
 * dropped as it comes (exchange_ops.drop has a ceiling of its own).
 */
#ifndef BIDE_HTTP_DECODE_H
#define BIDE_HTTP_DECODE_H

#include "http/exchange/ops.h"

#define DECODER_WINDOW 16384
#define RATIO_MAX      1000                 /* times that decoded bytes may be more than those on the wire (D10) */
#define RATIO_GRACE    ((uint64_t)1 << 20)  /* decoded bytes that are looked at in no such way */

struct decoder;

struct decoder_ops {
    /*
     * Takes of in[0..*len), says in *len how many bytes it has taken, and writes at most DECODER_WINDOW bytes to d->window.
     * is_end: nothing comes behind these.  Returns how many it has written; 0: it needs more, or this was the end; or an
     * error on record, also for an end that is none.
     */
    ssize_t (*decode)(struct decoder *d, const char *in, size_t *len, bool is_end);
    /* Gives back what it has, itself too. */
    void (*free)(struct decoder *d);
};

/* What every decoder begins with. */
struct decoder {
    const struct decoder_ops *ops;
    char *window; /* DECODER_WINDOW bytes */

    /* the chain's */
    struct decoder *below; /* where its input comes from; NULL: the wire */
    const char *in;        /* of that, what it has not taken */
    size_t in_len;
    bool is_at_end;        /* below has no more */
    bool is_over;          /* nor has it itself */
    uint64_t written;
};

/* Of one answer. */
struct body_chain {
    struct exchange *exchange; /* NULL: it is over, or was there with the head */
    bide_bytes here;           /* what came with the head and is to be decoded */
    struct decoder *top;       /* the last of the row: who reads takes from it; NULL: from the wire */
    uint64_t wire, decoded;    /* bytes so far */
    uint64_t most;             /* of either; BODY_LENGTH_UNKNOWN: no ceiling */
};

/* A decoder joins the row: it undoes what was done before that which the others undo.  Taken. */
void bide__chain_add(struct body_chain *c, struct decoder *d);
/* Suspends.  The next piece, which lasts until the next call: its length; 0: it is over; or an error, and the exchange has
   ended. */
ssize_t bide__chain_next(struct body_chain *c, const char **data);
/* Suspends.  The same into the caller's memory, for a chain without decoders: see exchange_ops.read. */
ssize_t bide__chain_read(struct body_chain *c, void *out, size_t cap);
/* Nobody wants the rest: at most so many bytes of it are taken for the connection's sake.  Never suspends. */
void bide__chain_drop(struct body_chain *c, size_t most);

#endif
