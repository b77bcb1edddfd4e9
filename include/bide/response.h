/* SPDX-License-Identifier: MIT */
/*
 * response.h - HTTP responses: status, headers, times, where they came from.
 *
 * Releasing a response gives its connection back, or closes it when the body (body.h) was not read to its end.
 */
#ifndef BIDE_RESPONSE_H
#define BIDE_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_response bide_response;
typedef struct bide_stream bide_stream;

/* Functions of a response take NULL, too, because that is what a request that failed gives: then they fail with -EINVAL,
   or give "", NULL, 0 or false; the record says so, and what was on it before. */

/* The status, 200 to 999 (600 and more are not HTTP's: take them for errors); the reason phrase as sent (may be "");
   is it 200 to 299? */
BIDE_API int bide_status(const bide_response *r);
BIDE_API const char *bide_reason(const bide_response *r);
BIDE_API bool bide_ok(const bide_response *r);

/*
 * A header by name, any case: the first such field, or NULL.  bide_header_at: the i-th field, false after the last.
 *
 * A server may send names that are none ("Foo Bar", "Server "): bide_header_at shows them as they came, bide_header
 * does not find them.
 *
 * Owns:      borrowed from the response
 */
BIDE_API const char *bide_header(const bide_response *r, const char *name);
BIDE_API bool bide_header_at(const bide_response *r, size_t i, bide_pair *out);

/*
 * The first line of the head that is no header (it has no colon, or its name is none), and was read over; once the body has
 * been read, also that bytes stood behind the end of its coding.
 *
 * Returns:   the line for people, control characters escaped and cut to 64 bytes; NULL: all was as it should be
 * Owns:      borrowed from the response
 * Example:   if (bide_response_oddity(r)) fprintf(stderr, "odd header: %s\n", bide_response_oddity(r));
 */
BIDE_API const char *bide_response_oddity(const bide_response *r);

/* The URL that was answered, after redirects, without user info; how many redirects there were. */
BIDE_API const char *bide_response_url(const bide_response *r);
BIDE_API BIDE_MUST_USE int bide_response_redirects(const bide_response *r);

/* The HTTP minor version (0 or 1); the peer's address "127.0.0.1" (borrowed); was the connection used before? */
BIDE_API BIDE_MUST_USE int bide_response_http_minor(const bide_response *r);
BIDE_API const char *bide_response_peer(const bide_response *r);
BIDE_API bool bide_response_reused(const bide_response *r);

/* Microseconds from the start of the (last) exchange; -1: did not happen (a reused connection has no connect). */
typedef struct bide_timing {
    int64_t queued, dns, connect, tls; /* when each was over */
    int64_t first_byte, head, body;
    int64_t total;  /* of all exchanges, redirects included */
    int64_t sent;   /* the request, or as much of it as the server wanted */
    int64_t before; /* what the exchanges before the last took: redirects, second tries */
    int64_t proxy;  /* a proxy was connected to; `connect` is when it, and those behind it, had connected us with the server */
} bide_timing;

/* How long each step took to be reached. */
BIDE_API void bide_response_timing_into(const bide_response *r, bide_timing *out, size_t size);
static inline bide_timing bide_response_timing(const bide_response *r)
{
    bide_timing timing;
    bide_response_timing_into(r, &timing, sizeof timing);
    return timing;
}

/* The connection that the (last) answer came over. */
typedef struct bide_connection {
    uint64_t id;                /* of its session's, from 1 */
    const char *peer, *local;   /* addresses, "127.0.0.1"; local is "" when the connection is closed */
    int peer_port, local_port;  /* 0: not known */
    const char *tls_version, *tls_cipher; /* "TLSv1.3", "TLS_AES_256_GCM_SHA384"; NULL: without TLS */
    const char *alpn;           /* what was agreed on, "http/1.1"; "": nothing */
    int64_t tls_resumed;        /* 1: the handshake was a short one, with a session that was kept; 0 */
} bide_connection;

/*
 * Who answered.
 *
 * Owns:      the texts are borrowed from the response
 * Example:   printf("%s\n", bide_response_connection(r).tls_version);
 */
BIDE_API void bide_response_connection_into(bide_response *r, bide_connection *out, size_t size);
static inline bide_connection bide_response_connection(bide_response *r)
{
    bide_connection c;
    bide_response_connection_into(r, &c, sizeof c);
    return c;
}

/*
 * The certificate of the server, as PEM.
 *
 * Returns:   the text; NULL: there is none, or BIDE_ENOMEM
 * Owns:      borrowed from the response
 * Example:   fputs(bide_response_certificate(r), file);
 */
BIDE_API const char *bide_response_certificate(bide_response *r);

/*
 * The head of the (last) request as it was sent, up to its empty line; a body may follow it on the wire.
 *
 * Owns:      borrowed from the response
 * Example:   bide_bytes head = bide_response_sent_head(r);
 */
BIDE_API bide_bytes bide_response_sent_head(const bide_response *r);

/*
 * Interim answers (1xx), 103 Early Hints say, which came before the (last) answer: the status of the i-th, 0 after the last; its
 * k-th field, false after the last.  At most 16 are kept.
 *
 * Owns:      borrowed from the response
 * Example:   for (size_t i = 0; bide_interim_status(r, i) > 0; i++) ...
 */
BIDE_API BIDE_MUST_USE int bide_interim_status(const bide_response *r, size_t i);
BIDE_API bool bide_interim_header_at(const bide_response *r, size_t i, size_t k, bide_pair *out);

/*
 * Trailers, the fields behind a body in chunks (RFC 9110 6.5), once it was read: one by name, or NULL; the i-th, false after the
 * last.  They are never taken for headers.
 *
 * Owns:      borrowed from the response
 * Example:   const char *checksum = bide_trailer(r, "Digest");
 */
BIDE_API const char *bide_trailer(const bide_response *r, const char *name);
BIDE_API bool bide_trailer_at(const bide_response *r, size_t i, bide_pair *out);

/*
 * The URL that a Link field names with this relation (RFC 8288), resolved against that of the answer: "next" of a list in pages.
 *
 * Returns:   the first one about the answer itself; NULL: there is none, or BIDE_ENOMEM, or -EINVAL for NULL
 * Owns:      borrowed from the response
 * Example:   for (const char *url = first; url; url = bide_response_link(r, "next")) ...
 */
BIDE_API const char *bide_response_link(bide_response *r, const char *rel);

/* Why a request was asked again. */
enum bide_again {
    BIDE_AGAIN_OTHER,
    BIDE_AGAIN_REDIRECT,
    BIDE_AGAIN_RETRY, /* .retry, or a connection that had been kept was dead */
    BIDE_AGAIN_AUTH   /* the server, or a proxy, wanted to know who asks */
};

/* What was asked before the answer came that is the last. */
typedef struct bide_hop {
    const char *method, *url; /* without user info */
    int status;               /* that was answered; 0: nothing was */
    int code;                 /* the error then; 0: there was an answer */
    enum bide_again why;      /* it was asked again */
    int64_t waited_ms;        /* before that */
    bide_timing timing;
} bide_hop;

/*
 * The history of a response: redirects, retries and challenges that came before it, in order.  bide_history_at: false after the
 * last.
 *
 * Returns:   how many there were
 * Errors:    -EINVAL for NULL
 * Owns:      texts are borrowed from the response
 * Example:   bide_hop hop;
 *            for (int i = 0; bide_history_at(r, i, &hop); i++) printf("%d %s\n", hop.status, hop.url);
 */
BIDE_API BIDE_MUST_USE int bide_history_len(const bide_response *r);
BIDE_API bool bide_history_at_into(const bide_response *r, int i, bide_hop *out, size_t size);
static inline bool bide_history_at(const bide_response *r, int i, bide_hop *out)
{
    return bide_history_at_into(r, i, out, sizeof *out);
}

/*
 * Make a status of 400 or more an error.
 *
 * Returns:   0
 * Errors:    BIDE_ESTATUS; the text has URL, status and reason
 * Example:   BIDE_TRY(bide_raise_for_status(r));
 */
BIDE_API BIDE_MUST_USE int bide_raise_for_status(bide_response *r);

#ifdef __cplusplus
}
#endif
#endif
