/* SPDX-License-Identifier: MIT */
/*
 * h1_parse.h - HTTP/1 message heads: bytes in, slices out.
 *
 * Pure functions: no I/O, no allocation, no memory but what the caller gives.  The order of calls
 * for one answer:
 *
 *     struct field fields[H1_FIELDS_MAX];
 *     struct h1_parser parser = H1_PARSER_INIT;
 *     struct h1_head head = {.fields = fields, .fields_cap = H1_FIELDS_MAX};
 *
 *     ssize_t n = bide__h1_parse_response(&parser, buf, len, &head);   0: read more, call again
 *     int r = bide__h1_frame_response(&head, 0);                       where does the body end?
 *
 * Everything in the head is an offset from head.base, so the bytes may be moved: set base to where
 * they are now.  A parser is ready for the next message when it has returned a whole head.
 */
#ifndef BIDE_HTTP_H1_PARSE_H
#define BIDE_HTTP_H1_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "http/field/fields.h"
#include "http/field/headers.h"

#define H1_HEAD_MAX   65536 /* bytes of a head, all of it */
#define H1_LINE_MAX   8192  /* bytes of the first line */
#define H1_FIELD_MAX  32768 /* bytes of one field with its folds */
#define H1_FIELDS_MAX 256

/* X(name, status a server answers with, text) */
#define BIDE_H1_ERRORS(X)                                                            \
    X(H1_EVERSION, 400, "it does not begin with HTTP/1.x")                           \
    X(H1_ESTATUS, 400, "malformed status code")                                      \
    X(H1_EREASON, 400, "control character in the reason phrase")                     \
    X(H1_EBARECR, 400, "bare CR in the head")                                        \
    X(H1_EBARELF, 400, "bare LF in the head")                                        \
    X(H1_ENAME, 400, "invalid character in a header name")                           \
    X(H1_ENOCOLON, 400, "header line without a colon")                               \
    X(H1_ESPACENAME, 400, "white space between header name and colon")               \
    X(H1_ESPACELINE, 400, "white space before the first header")                     \
    X(H1_EVALUE, 400, "control character in a header value")                         \
    X(H1_EFOLD, 400, "folded header line where none may be")                         \
    X(H1_EHEADSIZE, 431, "the head is too large")                                    \
    X(H1_ELINESIZE, 431, "the first line is too long")                               \
    X(H1_EFIELDSIZE, 431, "a header line is too long")                               \
    X(H1_EFIELDCOUNT, 431, "too many header lines")                                  \
    X(H1_ELENGTH, 400, "invalid Content-Length")                                     \
    X(H1_ELENGTHS, 400, "Content-Length values that differ")                         \
    X(H1_ECODING, 501, "unsupported Transfer-Encoding")                              \
    X(H1_EBOTH, 400, "both Content-Length and Transfer-Encoding")                    \
    X(H1_EMETHOD, 400, "invalid request method")                                     \
    X(H1_ETARGET, 400, "invalid request target")                                     \
    X(H1_EHTTPVERSION, 505, "unsupported HTTP version")                              \
    X(H1_ENOHOST, 400, "request without Host")                                       \
    X(H1_EHOST, 400, "invalid or repeated Host")                                     \
    X(H1_ECHUNKSIZE, 400, "invalid chunk size")                                      \
    X(H1_ECHUNKLINE, 400, "chunk size line that does not end in CRLF")               \
    X(H1_ECHUNKEXT, 400, "chunk extension too long or with a control character")     \
    X(H1_ECHUNKEND, 400, "chunk that does not end in CRLF")                          \
    X(H1_ECHUNKOVERHEAD, 400, "too many bytes of chunk framing for so little data")  \
    X(H1_ETRAILERSIZE, 431, "the trailer section is too large")

enum h1_error {
    H1__FIRST = -1000,
#define BIDE__ERROR(name, status, text) name,
    BIDE_H1_ERRORS(BIDE__ERROR)
#undef BIDE__ERROR
    H1__END
};

/* An English phrase: "bare CR in the head". */
const char *bide__h1_strerror(int error);

/* The status with which a server refuses such a request. */
int bide__h1_error_status(int error);

struct h1_slice {
    uint32_t off, len; /* from head.base */
};

enum h1_body {
    H1_BODY_NONE,
    H1_BODY_LENGTH,
    H1_BODY_CHUNKED,
    H1_BODY_CLOSE, /* until the peer closes */
};

struct h1_head {
    /* in, from the caller */
    struct field *fields;
    uint32_t fields_cap;

    /* out, from parsing */
    uint32_t nfields;
    const char *base;
    uint64_t seen;             /* HEADER_BIT(id) of every known field that is there */
    int minor;                 /* HTTP/1.minor */
    int status;                /* of a response: 100 to 999 */
    struct h1_slice reason;    /* of a response; may be empty */
    struct h1_slice method;    /* of a request */
    struct h1_slice target;    /* of a request */
    bool bare_lf;              /* a line ended in LF alone: not a peer to share a connection with */
    bool no_colon;             /* a line that is no field was skipped: `odd` */
    struct h1_slice odd;       /* the first line that is no field, or whose name is no token; of an error: the line
                                  that was refused, or its beginning; len 0: none */

    /* out, from framing */
    enum h1_body body;
    uint64_t content_length;   /* of H1_BODY_LENGTH */
    bool keep_alive;           /* the connection may be used again after the body */
    bool chunked_twice;        /* it says so; was it applied twice? */
    bool tunnel;               /* 2xx to CONNECT: what follows is not HTTP of ours */
};

struct h1_limits {
    uint32_t head, line, field, fields;
};

struct h1_parser {
    struct h1_limits limits;
    bool strict;     /* refuse bare LF, folds and odd names too; requests are always read so */
    size_t scanned;  /* before this there is no end of head; 0: not tried yet */
    size_t blank;    /* bytes of empty lines before a status line */
    bool bare_lf;    /* an earlier try saw one; unfolding may have hidden it since */
};

#define H1_PARSER_INIT {.limits = {H1_HEAD_MAX, H1_LINE_MAX, H1_FIELD_MAX, H1_FIELDS_MAX}}

/*
 * Read the head of an answer from buf[0..len).  Folded values are unfolded in place, hence the
 * writable bytes.  Empty lines before the status line are skipped (RFC 9112 2.2).  Returns its
 * length; 0: it is not whole yet, call again with more behind the same bytes; negative: enum
 * h1_error, and head->odd is the line.
 */
ssize_t bide__h1_parse_response(struct h1_parser *p, char *buf, size_t len, struct h1_head *head);

/* The same for a request, strictly.  One empty line before it is skipped (RFC 9112 2.2). */
ssize_t bide__h1_parse_request(struct h1_parser *p, char *buf, size_t len, struct h1_head *head);

/* The same for a trailer section: fields and the empty line; as strictly as p says. */
ssize_t bide__h1_parse_trailers(struct h1_parser *p, char *buf, size_t len, struct h1_head *head);

/* The request that the answer is for, and how strictly to read it. */
#define H1_FOR_HEAD    1u
#define H1_FOR_CONNECT 2u
#define H1_STRICT      4u /* Transfer-Encoding beside Content-Length is an error */

/* Decide where the body ends and whether the connection survives it (RFC 9112 6.3).  0 or enum
 * h1_error, and head->odd is the line. */
never_indirect int bide__h1_frame_response(struct h1_head *head, unsigned flags);

/* The same for a request; also Host (RFC 9112 3.2) and the form of the target. */
int bide__h1_frame_request(struct h1_head *head);

/* The first field with this id; NULL if there is none. */
const struct field *bide__h1_find(const struct h1_head *head, enum header_id id);

static inline const char *bide__h1_name(const struct h1_head *head, const struct field *f)
{
    return head->base + f->name;
}

static inline const char *bide__h1_value(const struct h1_head *head, const struct field *f)
{
    return head->base + f->value;
}

static inline bool bide__h1_has(const struct h1_head *head, enum header_id id)
{
    return head->seen & HEADER_BIT(id);
}

#endif
