/* SPDX-License-Identifier: MIT */
/*
 * http.h - the HTTP client: sessions, requests, responses.
 *
 * A session keeps connections open and shares them among its requests; make one and use it for everything.  A request
 * returns when the head of the response has come; the body is read by bide_body, bide_text, bide_json (whole) or
 * bide_read_chunk (piece by piece).  Releasing a response gives its connection back, or closes it when the body was
 * not read to its end.
 */
#ifndef BIDE_HTTP_H
#define BIDE_HTTP_H

#include <stdbool.h>
#include <sys/types.h>

#include <bide/error.h>
#include <bide/extend.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_session bide_session;
typedef struct bide_response bide_response;

/* ---- session ---- */

/* What bide_session_new takes; zero means the default. */
typedef struct bide_session_args {
    size_t size; /* of this struct; set by the macro */
    struct bide_use_named_options *guard_;
    int limit;                    /* connections at once; default 256; BIDE_UNLIMITED */
    int limit_per_host;           /* the same to one host; default 64; BIDE_UNLIMITED */
    int idle_limit;               /* connections kept open without a request, beyond limit; default 0: they count in it */
    int idle_limit_per_host;      /* of those, to one host; default limit_per_host */
    int64_t timeout_ms;           /* a request from start to the end of its body; default 300 s; BIDE_FOREVER */
    int64_t connect_timeout_ms;   /* name, connect and TLS together; default 10 s; BIDE_FOREVER */
    int64_t read_timeout_ms;      /* silence: no byte came, and the server took none of ours, for so long; default 60 s;
                                     BIDE_FOREVER */
    int64_t keepalive_ms;         /* how long an idle connection is kept; default 20 s; BIDE_FOREVER */
    size_t max_head_bytes;        /* of a response; default 64 KiB.  More allows more fields and longer ones, too */
    size_t max_body_bytes;        /* of a body read whole; default 64 MiB; BIDE_UNLIMITED */
    int max_redirects;            /* default 10; BIDE_NONE: a 3xx is the answer */
    const bide_pair *headers;     /* sent with every request; copied */
    const char *user_agent;       /* default bide/<version>; copied */
    const char *ca_file;          /* trust these certificates (PEM) in place of the system's; copied */
    bool insecure;                /* do not verify certificates at all */
    bool ignore_unexpected_eof;   /* a body that ends with the connection is complete also when TLS was not ended
                                     (close_notify): then it may have been cut off.  Default: BIDE_ETRUNCATED */
    bool location_trusted;        /* redirects to other origins get all headers (curl's --location-trusted) */
    const char *const *connect_to; /* NULL-ended "HOST:PORT:ADDR:PORT" (curl's --connect-to); copied */
    bide_dial_fn *dial;           /* opens connections; default: as bide_connect */
    void *dial_arg;               /* borrowed until the last response is released */
    bide_resolve_fn *resolve;     /* says which addresses a name has; not used with .dial; default: as bide_connect */
    void *resolve_arg;            /* borrowed likewise */
} bide_session_args;

/*
 * Make a session.
 *
 * Returns:   the session, or NULL
 * Errors:    BIDE_ENOMEM; -EINVAL names a bad option; BIDE_ETLS for a ca_file that cannot be used
 * Owns:      the result is owned; release it after its responses
 * Example:   bide_auto bide_session *s = bide_session_new(.limit_per_host = 8);
 */
#define bide_session_new(...) BIDE__CALL(bide_session_new_with(BIDE__ARGS(bide_session_args, __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_session *bide_session_new_with(const bide_session_args *args);

/* Numbers of a session since it was made. */
typedef struct bide_session_stats {
    uint64_t requests;      /* exchanges, redirects and retries included */
    uint64_t connections;   /* opened */
    uint64_t reused;        /* requests on a connection that had served before */
    uint64_t bytes_in, bytes_out;
    int open, idle, waiting; /* now: connections, those without a request, requests that wait for one */
} bide_session_stats;

/* What this session has done so far. */
BIDE_API void bide_session_get_stats_into(const bide_session *s, bide_session_stats *out, size_t size);
static inline bide_session_stats bide_session_get_stats(const bide_session *s)
{
    bide_session_stats stats;
    bide_session_get_stats_into(s, &stats, sizeof stats);
    return stats;
}

/* ---- requests ---- */

/*
 * Asked before a redirect is followed, by the task whose request it is: go on?
 *
 * redirect: borrowed; its status, headers and timing can be looked at; its body cannot be read.  to: the next URL, whole
 * Returns:  0: follow it; a negative code, with an error on record: the request fails with it
 * Example:  return strncmp(to, "https:", 6) == 0 ? 0 : bide_fail(BIDE_EREDIRECT, "%s is not https", to);
 */
typedef int bide_redirect_fn(const bide_response *redirect, const char *to, void *arg);

/* What bide_get and its siblings take; zero means the default. */
typedef struct bide_request_args {
    size_t size; /* of this struct; set by the macro */
    const char *url;
    struct bide_use_named_options *guard_;
    const char *method;          /* default: that of the function's name */
    const bide_pair *headers;    /* added to the session's; one of the same name replaces it; an empty value removes it */
    const bide_pair *query;      /* appended to the URL's query, form-urlencoded; a NULL value is an empty one */
    bide_bytes data;             /* body */
    const char *json;            /* body, already JSON text; sets Content-Type: application/json */
    const bide_pair *form;       /* body, form-urlencoded, as .query; sets its Content-Type */
    int64_t timeout_ms;          /* default: the session's; BIDE_FOREVER */
    int64_t connect_timeout_ms;  /* default: the session's; BIDE_FOREVER */
    int64_t read_timeout_ms;     /* default: the session's; BIDE_FOREVER */
    int max_redirects;           /* default: the session's; BIDE_NONE: a 3xx is the answer */
    size_t max_body_bytes;       /* default: the session's; BIDE_UNLIMITED */
    bool location_trusted;       /* redirects to other origins get all headers; also if the session says so */
    bide_redirect_fn *on_redirect; /* default: all are followed */
    void *on_redirect_arg;
} bide_request_args;

/*
 * Send a request and wait for the head of its response.
 *
 * Redirects (301, 302, 303, 307, 308) are followed.  When one leaves the origin (scheme, host or port), what the user
 * set is not sent any more, but for Accept, Accept-Language, Accept-Encoding, User-Agent, Range, If-*, and what describes
 * a body that is sent again; .location_trusted sends all of it, but never from https to http, where a body is an error.
 * A request that fails on a reused connection before anything was answered is sent once more on a new one, if that is
 * safe (RFC 9112 9.3.1).
 *
 * Suspends:  until the head is there; a cancellation point
 * Returns:   the response, whatever its status; or NULL
 * Errors:    BIDE_EURL, BIDE_ENAME, BIDE_EDNS, -ECONNREFUSED and the like, BIDE_ETLS, BIDE_ECERT, BIDE_EHTTP,
 *            BIDE_EDISCONNECTED, BIDE_EREDIRECT, BIDE_ETIMEDOUT, BIDE_ECANCELED, BIDE_ENOMEM, -EINVAL for an
 *            argument that can be none (for a session that is NULL the text says why there is none); the text names the URL
 * Owns:      the result is owned, to be released before the session; strings are copied
 * Example:   bide_auto bide_response *r = bide_get(s, "https://a.example/", .timeout_ms = 5000);
 */
#define bide_get(session, ...) BIDE__CALL(bide_request_with((session), "GET", BIDE__ARGS(bide_request_args, .url = __VA_ARGS__)))
#define bide_post(session, ...) BIDE__CALL(bide_request_with((session), "POST", BIDE__ARGS(bide_request_args, .url = __VA_ARGS__)))
#define bide_put(session, ...) BIDE__CALL(bide_request_with((session), "PUT", BIDE__ARGS(bide_request_args, .url = __VA_ARGS__)))
#define bide_patch(session, ...) BIDE__CALL(bide_request_with((session), "PATCH", BIDE__ARGS(bide_request_args, .url = __VA_ARGS__)))
#define bide_delete(session, ...) BIDE__CALL(bide_request_with((session), "DELETE", BIDE__ARGS(bide_request_args, .url = __VA_ARGS__)))
#define bide_head(session, ...) BIDE__CALL(bide_request_with((session), "HEAD", BIDE__ARGS(bide_request_args, .url = __VA_ARGS__)))
#define bide_options(session, ...) BIDE__CALL(bide_request_with((session), "OPTIONS", BIDE__ARGS(bide_request_args, .url = __VA_ARGS__)))
/* Any method: bide_request(s, "PURGE", url).  The same contract; the result is owned. */
#define bide_request(session, method_, ...) \
    BIDE__CALL(bide_request_with((session), (method_), BIDE__ARGS(bide_request_args, .url = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_response *bide_request_with(bide_session *s, const char *method, const bide_request_args *args);

/*
 * Does asking twice do what asking once does (RFC 9110 9.2.2)?  GET, HEAD, PUT, DELETE, OPTIONS and TRACE; names of methods
 * are case-sensitive, and one that is not known may not be sent again.
 *
 * Threads:   any; no loop is needed
 * Example:   if (!bide_method_is_idempotent(method)) retries = 0;
 */
BIDE_API BIDE_MUST_USE bool bide_method_is_idempotent(const char *method);

/*
 * The blocking twin (Python: requests.get): whole exchange and body, on a connection of its own, without a loop.
 *
 * Inside a task it blocks the whole thread: every other task stands still (the "fake" asynchronous request).
 *
 * Threads:   any; no loop is needed
 * Suspends:  never: it blocks
 * Returns:   the response with its body already read, or NULL
 * Errors:    as bide_get
 * Owns:      the result is owned
 * Example:   bide_auto bide_response *r = bide_get_blocking("http://a.example/");
 */
#define bide_get_blocking(...) BIDE__CALL(bide_request_blocking_with("GET", BIDE__ARGS(bide_request_args, .url = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_response *bide_request_blocking_with(const char *method, const bide_request_args *args);

/* ---- responses ---- */

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
 * The first line of the head that is no header (it has no colon, or its name is none), and was read over.
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
    int64_t total; /* of all exchanges, redirects included */
} bide_timing;

/* How long each step took to be reached. */
BIDE_API void bide_response_timing_into(const bide_response *r, bide_timing *out, size_t size);
static inline bide_timing bide_response_timing(const bide_response *r)
{
    bide_timing timing;
    bide_response_timing_into(r, &timing, sizeof timing);
    return timing;
}

/* Body bytes received so far, as they came over the wire (chunk framing left out). */
BIDE_API uint64_t bide_response_body_bytes(const bide_response *r);

/*
 * The whole body.  Read once, kept by the response.
 *
 * Suspends:  until all of it has come; a cancellation point
 * Returns:   the bytes, with a NUL behind them; data is NULL on error
 * Errors:    BIDE_ETRUNCATED, BIDE_ETOOBIG (max_body_bytes), BIDE_EHTTP, BIDE_ETIMEDOUT, BIDE_ECANCELED, BIDE_ENOMEM,
 *            BIDE_ESTATE after bide_read_chunk
 * Owns:      borrowed from the response
 * Example:   *out = bide_body(r).len;
 */
BIDE_API bide_bytes bide_body(bide_response *r);

/* The whole body as a string, as it came (UTF-8 is not checked); NULL on error.  Otherwise as bide_body. */
BIDE_API const char *bide_text(bide_response *r);

/*
 * The next piece of the body, for bodies that need not fit in memory.
 *
 * Suspends:  until some has come; a cancellation point
 * Returns:   its length, 0 at the end
 * Errors:    as bide_body
 * Owns:      *data is borrowed until the next call on this response
 * Example:   while ((n = bide_read_chunk(r, &data)) > 0) fwrite(data, 1, (size_t)n, file);
 */
BIDE_API BIDE_MUST_USE ssize_t bide_read_chunk(bide_response *r, const char **data);

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
