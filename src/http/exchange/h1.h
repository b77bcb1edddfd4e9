/* SPDX-License-Identifier: MIT */
/*
 * h1.h - HTTP/1.1 as an exchange: what its files share.
 *
 * In reading order: h1.c (a connection becomes one of HTTP/1), h1_io.c (receiving, and the end), h1_head.c (a request as
 * bytes), h1_send.c and h1_upload.c (sent), h1_receive.c (the head of the answer), h1_body.c (its body, and what becomes of the connection).
 *
 *     session: h1_context -------- limits, memory to receive and to parse in
 *                  ^
 *     conn --state--> h1_exchange: the only one that it can carry, again and again
 */
#ifndef BIDE_HTTP_H1_H
#define BIDE_HTTP_H1_H

#include "http/connect/connect.h"
#include "http/connect/pace.h"
#include "http/exchange/ops.h"
#include "http/h1/h1_chunked.h"
#include "http/h1/h1_parse.h"

#define SCRATCH_SIZE 16384      /* bytes of one receive call into memory that all share */
#define BODY_READ_SIZE 65536    /* of a connection that is busy */
#define SENT_AT_ONCE 16384      /* bytes of a request that cannot stay in the kernel for long */
#define INTERIM_BYTES_MAX ((size_t)1 << 20) /* of 1xx answers before the real one */

/* What all connections of a connector share; nothing suspends while the memory is in use. */
struct h1_context {
    struct h1_limits limits;
    bool ignore_unexpected_eof; /* as bide_session_args has it */
    struct field *fields;       /* of the head that is being parsed; or more than these: */
    struct field own_fields[H1_FIELDS_MAX];
    char scratch[SCRATCH_SIZE]; /* of the receive call just made */
};

/* max_head: bytes of a head.  0 or BIDE_ENOMEM on record. */
int bide__h1_context_init(struct h1_context *h, size_t max_head);
void bide__h1_context_free(struct h1_context *h);

/* What a connector's connections speak: its protocol_context is a struct h1_context. */
extern const struct protocol bide__h1_protocol;

struct h1_exchange {
    struct exchange exchange;
    struct conn *conn;
    struct h1_context *context;

    char *head; /* of the request */
    size_t head_len;
    unsigned frames_as;  /* H1_FOR_HEAD, H1_FOR_CONNECT */
    bool may_switch;     /* 101 is an answer */
    bool close;          /* the user asks to have the connection closed (RFC 9112 9.6) */
    bool upload_stopped; /* the answer came before the body was sent */
    bool odd_interim;    /* a 1xx before the answer was not as it should be: do not go on behind it */

    enum h1_body kind;
    bool is_over;        /* the body */
    bool may_reuse;
    uint64_t left;       /* of H1_BODY_LENGTH */
    uint64_t body_bytes; /* data so far */
    int64_t keep_ms;     /* for which the server keeps the connection; INT64_MAX: it does not say */
    struct h1_chunked chunked;
    struct h1_chunked *inner; /* Transfer-Encoding says chunked twice: is the body chunked inside, too?  NULL: it is not */
    size_t lent;         /* bytes at the front of conn->in that the last piece lies in */
    const char *rest;    /* of that piece: not given out yet by read */
    size_t rest_len;
};

static inline struct h1_exchange *h1_of(struct exchange *x)
{
    return container_of(x, struct h1_exchange, exchange);
}

/* ---- h1_io.c ---- */

/* The next bytes of the answer, within its time limits: > 0; 0 at the end, be it cut off (TLS) or not; or an error. */
ssize_t bide__h1_receive(struct h1_exchange *x, enum bide_error_phase phase, void *out, size_t cap);
/* Those of its body, into an empty pipe. */
ssize_t bide__h1_receive_to_pipe(struct h1_exchange *x, int pipe, size_t cap);
/* n bytes of the answer have come. */
void bide__h1_received(struct h1_exchange *x, size_t n);
/* It has failed: close the connection. */
int bide__h1_fail(struct h1_exchange *x, int code);
/* The answer is over: keep the connection, or close it. */
void bide__h1_finish(struct h1_exchange *x);

/* ---- h1_send.c ---- */

/* Send them all, unless an answer makes that useless: x->upload_stopped.  0 or an error on record. */
int bide__h1_send_pieces(struct h1_exchange *x, struct iovec *iov, int n);
/* The same of bytes of a file: how many were sent before that, or before the file had no more; -EOPNOTSUPP, not on record: this
   file cannot be sent so. */
ssize_t bide__h1_send_file(struct h1_exchange *x, const struct file_part *part);
/* The head is sent, and the server was asked whether it wants the body: wait for what it says, for ms at most.  0: send it, or
   x->upload_stopped; or an error on record. */
int bide__h1_wait_for_continue(struct h1_exchange *x, int64_t ms);
/* The server may answer while it does not take our body.  1: it has, or has closed, and wants no more of it. */
int bide__h1_poll_early_response(struct h1_exchange *x);

/* ---- h1_emit.c: to who traces the request, if somebody does ---- */

void bide__h1_emit_first_byte(struct h1_exchange *x);
void bide__h1_emit_sent(struct h1_exchange *x, size_t n); /* n bytes of the request, which progress.sent counts already */
void bide__h1_emit_interim(struct h1_exchange *x, int status, size_t bytes);
void bide__h1_emit_continue(struct h1_exchange *x, enum bide_trace_kind kind, int status, int64_t delay_ms);

/* ---- h1_extra.c ---- */

/* An interim answer joins the answer's.  0 or BIDE_ENOMEM on record. */
int bide__h1_keep_interim(struct h1_exchange *x, struct answer *out, const struct h1_head *head, const char *from, size_t len);
/* The trailer section of a body, of len bytes, becomes progress.trailers. */
void bide__h1_keep_trailers(struct h1_exchange *x, char *from, size_t len);

/* ---- h1_head.c, h1_upload.c, h1_receive.c, h1_body.c ---- */

/* Write the head; checks everything the user gave.  0 or an error on record. */
int bide__h1_write_head(struct h1_exchange *x, struct request_head *q);
/* The operations. */
int bide__h1_send(struct exchange *x, struct request_head *head);
int bide__h1_take_head(struct exchange *x, struct answer *out);
ssize_t bide__h1_next(struct exchange *x, const char **data);
ssize_t bide__h1_read(struct exchange *x, void *out, size_t cap);
ssize_t bide__h1_splice(struct exchange *x, int pipe, size_t cap);
void bide__h1_drop(struct exchange *x, size_t most);
bide_stream *bide__h1_steal(struct exchange *x);

#endif
