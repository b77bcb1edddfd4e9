/* SPDX-License-Identifier: MIT */
/*
 * har.h - HAR 1.2 as text: one exchange as an entry, and a file as entries.
 *
 * Beside the fields of the format ours begin with "_": `_error` and `_code` of an exchange that failed, `_truncated` of a body that is
 * not all there, `_encoded` of one that is still in its Content-Encoding, `_encoding` of a request's body in base64.
 */
#ifndef BIDE_HTTP_HAR_H
#define BIDE_HTTP_HAR_H

#include "base/base.h"
#include "http/exchange/ops.h"
#include "http/transport/transport.h"

/* ---- har_write.c ---- */

/* A body as it was recorded. */
struct har_body {
    bide_bytes data;
    uint64_t len; /* on the wire; more than data.len: the rest was not kept */
    bool is_cut;  /* it did not come to its end, or was not all kept */
};

/* One exchange; everything borrowed. */
struct har_exchange {
    const char *method, *url;
    bide_bytes head;              /* of the request, as sent */
    const struct answer *answer;  /* status 0: there was none */
    struct har_body sent, body;
    int code;                     /* with which it failed; 0 */
    const char *error;
    int64_t began_us;             /* by the wall clock */
    int64_t start_ns, dns_ns, connect_ns, tls_ns, sent_ns, first_byte_ns, end_ns; /* by the loop's; 0: it was not */
    const char *peer;
    uint64_t connection;          /* 0: none */
    bool with_secrets;
    size_t max_body;              /* bytes of a decoded one */
};

/* Append it to the text.  0 or an error on record. */
int bide__har_write(struct buf *out, const struct har_exchange *x);

/* ---- har_read.c ---- */

struct har_entry {
    const char *method, *url; /* without fragment */
    bide_bytes sent;          /* the request's body; data NULL: not known */
    const struct canned *answer;
    bool is_played;
};

struct har_file {
    struct har_entry *entries;
    size_t n;
};

/* Into the arena.  0; BIDE_EJSON: it is none, and the text says where; BIDE_ENOMEM. */
int bide__har_read(struct har_file *out, struct arena *arena, const char *text, size_t len);

/* ---- base64.c ---- */

/* Of n bytes, with a NUL behind them. */
#define BASE64_ROOM(n) (((n) + 2) / 3 * 4 + 1)
void bide__base64_encode(char *out, const char *data, size_t len);
/* White space is skipped; out has room for len * 3 / 4.  How many bytes; -1: it is none. */
ssize_t bide__base64_decode(char *out, const char *text, size_t len);

#endif
