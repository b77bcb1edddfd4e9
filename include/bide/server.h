/* SPDX-License-Identifier: MIT */
/*
 * server.h - a small HTTP/1.1 server: a handler coroutine for each request.
 *
 * An argument that is impossible (NULL where something is needed, a negative time) is -EINVAL, and the text says which one;
 * a function that returns a pointer returns NULL then, one that counts 0.
 */
#ifndef BIDE_SERVER_H
#define BIDE_SERVER_H

#include <stdbool.h>

#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_future bide_future;
typedef struct bide_server bide_server;
typedef struct bide_exchange bide_exchange; /* a request that came in, and its answer; lives until its handler returns */

/*
 * Answers one request, in a task of its own; it may await.  A handler that returns an error, or without having
 * answered, makes the server answer 500 (if nothing was sent) or close the connection.
 */
typedef int bide_handler(bide_exchange *x, void *arg);

typedef struct bide_server_args {
    size_t size; /* of this struct; set by the macro */
    bide_handler *handler;
    struct bide_use_named_options *guard_;
    void *arg;                 /* given to the handler; borrowed until the server is released */
    const char *host;          /* address to listen on; default 127.0.0.1 */
    int port;                  /* default 0: any that is free */
    int max_connections;       /* default 20000, BIDE_UNLIMITED; further ones wait in the kernel's queue */
    size_t max_head_bytes;     /* default 64 KiB, below 2 GiB: 431 beyond */
    size_t max_body_bytes;     /* default 64 MiB: 413 beyond */
    size_t max_bodies_bytes;   /* memory for the bodies of all running requests together; default 1 GiB: 503 beyond */
    int64_t idle_timeout_ms;   /* silence: no byte came, and none of an answer was taken; default 75 s; BIDE_FOREVER */
    int64_t head_timeout_ms;   /* for a whole head, from its first byte; for the TLS handshake, from the connection;
                                  default 30 s: 408 beyond; BIDE_FOREVER */
    int64_t body_timeout_ms;   /* for a whole request body, from when the handler waits for it; default 600 s: 408 beyond;
                                  BIDE_FOREVER */
    const char *cert_file, *key_file; /* PEM; both given: https */
    bool reuse_port;           /* others of this user may listen there, too, each gets a part of the connections: for a server in each
                                  thread of bide_threads_run, or in several processes */
    bool cancel_on_disconnect; /* the client has gone: its handler is cancelled (bide_exchange_gone) */
    int64_t threads;           /* so many serve, each with a loop; default 1; up to BIDE_THREADS_MAX, BIDE_ALL_PROCESSORS.  Not on
                                  Unix sockets */
} bide_server_args;

/*
 * Listen, and answer requests from now on.
 *
 * With .threads the caller's thread is one of them, and the others end with the server.  The kernel deals out the connections, and
 * a connection with its handlers stays in its thread.  So handlers run in several threads at once, and what they share (.arg) is
 * theirs to guard: by atomics, by a lock that is not held over a wait, or as one for each thread (bide_thread_index).  What
 * belongs to the loop of another thread, such as a session of the client, is reached with bide_call_in_loop, or each thread has its
 * own.  The limits hold for all threads together.
 *
 * Returns:   the server, or NULL
 * Errors:    -EADDRINUSE, -EACCES and the like, with host and port in the text; -EINVAL names a bad option; BIDE_ETLS;
 *            BIDE_ENOMEM; -EAGAIN when a thread could not be made
 * Owns:      the result is owned; releasing it cancels what runs and waits for it.  Of its own handlers the
 *            one that releases it goes on, and answers
 * Example:   bide_auto bide_server *s = bide_server_start(hello, .port = 8080);
 */
#define bide_server_start(...) BIDE__CALL(bide_server_start_with(BIDE__ARGS(bide_server_args, .handler = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_server *bide_server_start_with(const bide_server_args *args);

/*
 * Stop gracefully: accept nothing more, end idle connections, let running requests be answered.
 *
 * Suspends:  until all connections have ended (in a handler of its own, all others), at most grace_ms (BIDE_FOREVER: no limit); a cancellation point
 * Returns:   0
 * Errors:    BIDE_ETIMEDOUT: some still run, and releasing the server will cancel them; BIDE_ECANCELED
 */
BIDE_API BIDE_MUST_USE int bide_server_stop(bide_server *s, int64_t grace_ms);

/* The port it listens on; "http://127.0.0.1:8080" (borrowed from the server). */
BIDE_API BIDE_MUST_USE int bide_server_port(const bide_server *s);
BIDE_API const char *bide_server_url(const bide_server *s);

/* Requests answered, connections accepted, open now. */
typedef struct bide_server_stats {
    uint64_t requests, connections;
    uint64_t bytes_in, bytes_out;
    int open;
} bide_server_stats;

/*
 * What this server has done so far, in all its threads.
 *
 * Threads:   that of the server; with .threads any
 */
BIDE_API void bide_server_get_stats_into(const bide_server *s, bide_server_stats *out, size_t size);
static inline bide_server_stats bide_server_get_stats(const bide_server *s)
{
    bide_server_stats stats;
    bide_server_get_stats_into(s, &stats, sizeof stats);
    return stats;
}
/*
 * How many of the requests were answered with this status.
 *
 * Threads:   that of the server; with .threads any
 */
BIDE_API uint64_t bide_server_count(const bide_server *s, int status);

/* ---- the exchange's request: borrowed strings, valid until the handler returns ---- */

/* "GET", as sent. */
BIDE_API const char *bide_exchange_method(const bide_exchange *x);
/* The target as sent ("/a%20b?x=1"); its path; its query without '?', "" if none.  Nothing is decoded. */
BIDE_API const char *bide_exchange_target(const bide_exchange *x);
BIDE_API const char *bide_exchange_path(const bide_exchange *x);
BIDE_API const char *bide_exchange_query(const bide_exchange *x);
/* A query parameter, decoded, the first of that name; NULL if it is not there. */
BIDE_API const char *bide_exchange_param(bide_exchange *x, const char *name);
/* As bide_header and bide_header_at. */
BIDE_API const char *bide_exchange_header(const bide_exchange *x, const char *name);
BIDE_API bool bide_exchange_header_at(const bide_exchange *x, size_t i, bide_pair *out);
/* The client's address ("127.0.0.1:40000"); the status that it was answered with, 0: none yet. */
BIDE_API const char *bide_exchange_peer(const bide_exchange *x);
BIDE_API BIDE_MUST_USE int bide_exchange_status(const bide_exchange *x);

/* How a client has gone. */
enum bide_client_gone {
    BIDE_CLIENT_CLOSED = 1, /* it sends no more (FIN); it may still read an answer, as `nc -N` does, but most have gone altogether */
    BIDE_CLIENT_LOST = 2    /* the connection is broken (a reset, or the kernel gave up): nothing can be answered */
};

/*
 * A future that settles when the client has gone while the handler works, with one of the above: to be chosen beside the work, or
 * looked at between two pieces of it.  What the client has sent stays to be read, and is no matter here: a body, or the next
 * request.  Without a byte on the wire a client that has vanished without a word is not noticed.
 *
 * With .cancel_on_disconnect of bide_server_start the handler is cancelled then, in place of asking.
 *
 * Returns:   the future, or NULL
 * Errors:    BIDE_ENOMEM; -EINVAL for NULL; BIDE_ESTATE in another thread
 * Owns:      borrowed until the handler returns; then it is cancelled if it is pending
 * Example:   if (bide_future_done(bide_exchange_gone(x))) return 0;
 */
BIDE_API BIDE_MUST_USE bide_future *bide_exchange_gone(bide_exchange *x);

/*
 * Attach a pointer of the program's to an exchange, as bide_set_user does to an object: what a binding or a layer between
 * server and handler keeps for one request.  user_free (NULL: nothing to be done) is called exactly once: when it is
 * replaced, or after the handler has returned and its answer was sent, or by this call, if it fails.  Both NULL: give it up.
 *
 * Returns:   0
 * Errors:    -EINVAL for NULL
 * Owns:      user is taken, also if the call fails; what bide_exchange_user gives (NULL: none) is borrowed
 * Example:   BIDE_TRY(bide_exchange_set_user(x, session_of(x), free_session));
 */
BIDE_API BIDE_MUST_USE int bide_exchange_set_user(bide_exchange *x, void *user, void (*user_free)(void *user));
BIDE_API void *bide_exchange_user(const bide_exchange *x);

/*
 * The whole request body.
 *
 * Suspends:  until it has come; a cancellation point
 * Returns:   the bytes, with a NUL behind them; data is NULL on error
 * Errors:    BIDE_ETOOBIG (max_body_bytes), BIDE_ELIMIT (max_bodies_bytes), BIDE_ETRUNCATED, BIDE_EHTTP, BIDE_ETIMEDOUT
 *            (idle_timeout_ms, body_timeout_ms), BIDE_ECANCELED.  A handler that returns one of these has the client
 *            answered by 413, 503, 400 or 408, and the connection closed
 * Owns:      borrowed until the handler returns
 */
BIDE_API bide_bytes bide_exchange_body(bide_exchange *x);

/* ---- the answer ---- */

/*
 * Add a header to the answer, before it is sent; name and value are copied.  Date, Connection and the framing are
 * written by the server; a Content-Length set here is what the pieces after bide_respond_begin must add up to.
 *
 * Returns:   0
 * Errors:    -EINVAL for bytes that may not stand in a header, for Transfer-Encoding and Connection; BIDE_ESTATE after the
 *            head was sent; BIDE_ENOMEM
 * Example:   BIDE_TRY(bide_respond_header(q, "Cache-Control", "no-store"));
 */
BIDE_API BIDE_MUST_USE int bide_respond_header(bide_exchange *x, const char *name, const char *value);

/*
 * Answer with a whole body.
 *
 * Suspends:  until the kernel has taken it; a cancellation point
 * Returns:   0
 * Errors:    BIDE_ESTATE if it was answered already; -EPIPE, -ECONNRESET when the client has gone; BIDE_ETIMEDOUT when it
 *            has taken nothing for idle_timeout_ms; BIDE_ECANCELED
 * Example:   return bide_respond(q, 200, "text/plain", "hello\n", 6);
 */
BIDE_API BIDE_MUST_USE int bide_respond(bide_exchange *x, int status, const char *content_type, const void *body, size_t len);
/* The same with a C string, and with printf. */
BIDE_API BIDE_MUST_USE int bide_respond_text(bide_exchange *x, int status, const char *text);
BIDE_API BIDE_MUST_USE int bide_respond_json(bide_exchange *x, int status, const char *format, ...) BIDE_PRINTF(3, 4);

/*
 * Answer piece by piece: begin, any number of pieces, end.  The framing is chunked, unless a Content-Length was set
 * or the client speaks HTTP/1.0.  What begin makes goes out with the first piece.
 *
 * Suspends:  each may, until the kernel has taken it; cancellation points
 * Returns:   0
 * Errors:    as bide_respond; BIDE_ESTATE also for pieces that do not add up to the Content-Length, and after one
 *            that failed: the answer is cut off then, and the connection will be closed
 */
BIDE_API BIDE_MUST_USE int bide_respond_begin(bide_exchange *x, int status, const char *content_type);
BIDE_API BIDE_MUST_USE int bide_respond_chunk(bide_exchange *x, const void *data, size_t len);
BIDE_API BIDE_MUST_USE int bide_respond_end(bide_exchange *x);

#ifdef __cplusplus
}
#endif
#endif
