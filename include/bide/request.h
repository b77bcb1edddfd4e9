/* SPDX-License-Identifier: MIT */
/*
 * request.h - HTTP requests: what is asked for.
 *
 * A request returns when the head of the response has come; response.h has what is done with that.
 */
#ifndef BIDE_REQUEST_H
#define BIDE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <bide/error.h>
#include <bide/object.h>
#include <bide/session.h>
#include <bide/upload.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_response bide_response;

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
    const bide_pair *cookies;    /* sent beside those of the session's jar; one of the same name replaces it; not kept in the jar */
    bide_auth auth;              /* in place of the session's; BIDE_NO_AUTH; neither beside a user in the URL nor a header Authorization */
    bide_retry retry;            /* in place of the session's; .attempts = BIDE_NONE: once */
    bool raise_for_status;       /* an answer of 400 or more is an error, BIDE_ESTATUS; also if the session says so */
    const bide_pair *query;      /* appended to the URL's query, form-urlencoded; a NULL value is an empty one */
    bide_bytes data;             /* body */
    const char *json;            /* body, already JSON text; sets Content-Type: application/json */
    const bide_pair *form;       /* body, form-urlencoded, as .query; sets its Content-Type */
    int64_t timeout_ms;          /* default: the session's; BIDE_FOREVER */
    int64_t queue_timeout_ms;    /* default: the session's; BIDE_FOREVER */
    int64_t connect_timeout_ms;  /* default: the session's; BIDE_FOREVER */
    int64_t tls_timeout_ms;      /* default: the session's; BIDE_FOREVER */
    int64_t write_timeout_ms;    /* default: the session's; BIDE_FOREVER */
    int64_t first_byte_timeout_ms; /* default: the session's; BIDE_FOREVER */
    int64_t read_timeout_ms;     /* default: the session's; BIDE_FOREVER */
    int64_t min_rate;            /* default: the session's */
    int64_t min_rate_ms;         /* default: the session's */
    int64_t expect_timeout_ms;   /* of .expect_continue; default 1 s */
    int max_redirects;           /* default: the session's; BIDE_NONE: a 3xx is the answer */
    int max_ratio;               /* default: the session's; BIDE_UNLIMITED */
    size_t max_body_bytes;       /* default: the session's; BIDE_UNLIMITED */
    bool expect_continue;        /* ask first (Expect: 100-continue): the body is sent when the server wants it, or has not
                                    said in time that it does not */
    bool no_decompress;          /* the body as it comes; also if the session says so */
    bool location_trusted;       /* redirects to other origins get all headers; also if the session says so */
    bool insecure;               /* refused with the reason: connections are shared, so whom to trust is a session's */
    bide_redirect_fn *on_redirect; /* default: all are followed */
    void *on_redirect_arg;
    const char *text;            /* body; sets Content-Type: text/plain; charset=utf-8 */
    const char *data_file;       /* body: what this file has when the request begins; a pipe: all that comes, in chunks */
    const bide_body_source *body; /* body: bide_body_from(fn, arg), bide_body_from_fd(fd) */
    const bide_part *multipart;  /* body: BIDE_PARTS({"title", "a cat"}, {"file", .path = "cat.jpg"}); sets its Content-Type */
    const void *json_value;      /* body: a document, as bide/json.h has them; sets Content-Type: application/json */
    const char *compress;        /* the body goes out in this coding: "gzip", "deflate" or "zstd"; default: as it is */
    const bide_pair *trailers;   /* fields behind the body, which goes out in chunks; read when it was sent, so its source may
                                    fill in values */
    bide_progress_fn *progress;  /* called when bytes of a body have moved */
    void *progress_arg;
    const char *proxy;           /* as the session's, which it replaces, with its no_proxy; "": none */
    const char *unix_socket;     /* as the session's; not together with .proxy */
    const char *resume;          /* a file of which an earlier bide_save may have left a part: ask for the rest (save.h) */
    const bide_around *around;   /* functions around each try, inside of the session's */
    bide_cookie_jar *cookie_jar; /* in place of the session's, for this request and its redirects: a jar, BIDE_NO_COOKIES or
                                    BIDE_COOKIES_PER_REQUEST; borrowed for the call */
    int64_t max_rate;            /* default: the session's; BIDE_UNLIMITED; its max_rate_total holds even so */
    void *trace_arg;             /* for the session's .trace, in place of its .trace_arg; borrowed until the response is released */
} bide_request_args;

/*
 * Send a request and wait for the head of its response.
 *
 * Redirects (301, 302, 303, 307, 308) are followed.  When one leaves the origin (scheme, host or port), what the user
 * set is not sent any more, but for Accept, Accept-Language, Accept-Encoding, User-Agent, Range, If-*, and what describes
 * a body that is sent again; .location_trusted sends all of it, but never from https to http, where a body is an error.
 * Cookies of the session's jar are chosen anew for each hop, and what each answer sets is in the jar before the next; a header
 * Cookie of the user's, or of the session's headers, is sent in place of them, for as long as it is sent.
 * User and password are those of the URL, else .auth, else those of the session's .auth, else those of its .netrc; a header
 * Authorization of the request takes the place of the session's.
 * A request that fails on a reused connection before anything was answered is sent once more on a new one, if that is
 * safe (RFC 9112 9.3.1).
 *
 * There is one body at most.  A file is read while it is sent, by the kernel itself where nothing stands between; one that changes
 * its size meanwhile is an error, and so is a body with a length that becomes longer or shorter.
 *
 * Suspends:  until the head is there; a cancellation point
 * Returns:   the response, whatever its status; or NULL
 * Errors:    BIDE_EURL, BIDE_ENAME, BIDE_EDNS, -ECONNREFUSED and the like, BIDE_ETLS, BIDE_ECERT, BIDE_EHTTP,
 *            BIDE_EDISCONNECTED, BIDE_EREDIRECT, BIDE_EPROXY, BIDE_ETIMEDOUT, BIDE_ECANCELED, BIDE_ENOMEM, -EINVAL for an
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
 * The blocking twin (Python: requests.get): whole exchange and body, on a connection of its own, without a loop.  For more than
 * one request see blocking.h.
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

#ifdef __cplusplus
}
#endif
#endif
