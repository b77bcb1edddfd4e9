/* SPDX-License-Identifier: MIT */
/*
 * stream.h - connections: TCP, Unix sockets, TLS over them; buffered reading and writing.
 *
 * One task may read a stream while another writes it; two readers at once, or two writers, get BIDE_ESTATE.  An
 * argument that is impossible (NULL where something is needed, a port of 70000) is -EINVAL, and the text says which one.
 */
#ifndef BIDE_STREAM_H
#define BIDE_STREAM_H

#include <stdbool.h>
#include <sys/types.h>

#include <bide/dns.h>
#include <bide/error.h>
#include <bide/extend.h>
#include <bide/object.h>
#include <bide/tls.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_listener bide_listener;

/* What bide_connect takes; zero means the default. */
typedef struct bide_connect_args {
    size_t size; /* of this struct; set by the macro */
    const char *host;        /* name or address; or "unix:/path" for a Unix socket, "unix:@name" for an abstract
                                one (port is ignored) */
    int port;
    struct bide_use_named_options *guard_;
    int64_t timeout_ms;      /* name, connect and TLS together; default 10 s; BIDE_FOREVER */
    bide_tls *tls;           /* speak TLS; borrowed for the call */
    const char *server_name; /* for SNI and the certificate; default: host */
    size_t max_buffer;       /* bytes that bide_read_until may collect; default 64 KiB */
    bide_dial_fn *dial;      /* opens the connection; it has the say of .max_buffer then.  Default: name, addresses, TCP */
    void *dial_arg;
    bide_resolve_fn *resolve; /* says which addresses the host has; not used with .dial.  Default: /etc/hosts, name servers */
    void *resolve_arg;
    const bide_dns_args *dns; /* BIDE_DNS(.servers = "127.0.0.1:5353"): how names are looked up, if .resolve does not */
} bide_connect_args;

/*
 * Connect: look the name up, try its addresses (RFC 8305: both families, the next after 250 ms or a failure), and do the
 * TLS handshake if .tls is set.
 *
 * Suspends:  until connected; a cancellation point
 * Returns:   the stream, or NULL
 * Errors:    BIDE_ENAME, BIDE_EDNS, -ECONNREFUSED and the like (the text names host, port and address), BIDE_ETLS,
 *            BIDE_ECERT, BIDE_ETIMEDOUT, BIDE_ECANCELED, BIDE_ENOMEM; those of .dial and .resolve; BIDE_ESTATE if
 *            the stream of .dial is of no use here
 * Owns:      the result is owned; releasing it closes it
 * Example:   bide_auto bide_stream *s = bide_connect("example.com", 443, .tls = tls);
 */
#define bide_connect(host_, ...) BIDE__CALL(bide_connect_with(BIDE__ARGS(bide_connect_args, .host = (host_), .port = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_stream *bide_connect_with(const bide_connect_args *args);

/*
 * Read what is there, at least one byte.
 *
 * Suspends:  until something has come; a cancellation point
 * Returns:   how many bytes, 1 to cap; 0 at the end of the stream
 * Errors:    -ECONNRESET and the like; BIDE_ETLS; BIDE_EEOF if TLS was cut off without close_notify; BIDE_ECLOSED if it
 *            was released meanwhile; BIDE_ESTATE if another task reads it; BIDE_ETIMEDOUT; BIDE_ECANCELED.  After the
 *            last two nothing is lost
 * Owns:      out is borrowed for the call
 * Example:   while ((n = bide_read(s, buffer, sizeof buffer)) > 0) { ... }
 */
BIDE_API BIDE_MUST_USE ssize_t bide_read(bide_stream *s, void *out, size_t cap);

/*
 * Read exactly n bytes.
 *
 * Suspends:  until all have come; a cancellation point
 * Returns:   n
 * Errors:    BIDE_EEOF if the stream ends first; those of bide_read.  What came stays readable by bide_read, but for n
 *            beyond max_buffer: then all before the last max_buffer bytes has been put into `out` and is gone
 */
BIDE_API BIDE_MUST_USE ssize_t bide_read_exactly(bide_stream *s, void *out, size_t n);

/*
 * Read up to and with a separator (a C string, such as "\n").
 *
 * Suspends:  until it has come; a cancellation point
 * Returns:   how many bytes, the separator included; they are followed by a NUL
 * Errors:    BIDE_EEOF if the stream ends first; BIDE_ELIMIT when max_buffer bytes hold none; those of bide_read
 * Owns:      *line is borrowed until the next call on this stream
 * Example:   ssize_t n = bide_read_until(s, "\r\n", &line);
 */
BIDE_API BIDE_MUST_USE ssize_t bide_read_until(bide_stream *s, const char *separator, const char **line);

/*
 * Write bytes.  Small writes are collected (16 KiB); bide_drain sends them, and so does any read that has to wait.  If that read
 * cannot send them, it reads on (the peer may have said why), and the next write or drain fails.
 *
 * Suspends:  when the buffer is full, until the kernel has taken enough; a cancellation point
 * Returns:   0: all bytes are taken
 * Errors:    -EPIPE, -ECONNRESET and the like, also for bytes of earlier writes; BIDE_ECLOSED; BIDE_ESTATE if another task writes
 *            it, an earlier write was broken off, or after bide_stream_shutdown; BIDE_ETIMEDOUT, BIDE_ECANCELED: if a part may have
 *            gone, the stream is broken for writing
 * Owns:      data is borrowed for the call
 * Example:   BIDE_TRY(bide_write(s, "hello\n", 6));
 */
BIDE_API BIDE_MUST_USE int bide_write(bide_stream *s, const void *data, size_t len);

/*
 * Send what was collected.
 *
 * Suspends:  until the kernel has taken all; a cancellation point
 * Returns:   0
 * Errors:    as bide_write
 */
BIDE_API BIDE_MUST_USE int bide_drain(bide_stream *s);

/*
 * Send what was collected, then signal to the peer that no more will come; reading goes on.
 *
 * Suspends:  as bide_drain
 * Returns:   0
 * Errors:    as bide_write
 */
BIDE_API BIDE_MUST_USE int bide_stream_shutdown(bide_stream *s);

/* The peer's address ("127.0.0.1:8080", "[::1]:80", "unix:"); the negotiated ALPN protocol or "" (borrowed). */
BIDE_API const char *bide_stream_peer(const bide_stream *s);
BIDE_API const char *bide_stream_alpn(const bide_stream *s);

/* ---- listening ---- */

typedef struct bide_listen_args {
    size_t size; /* of this struct; set by the macro */
    const char *host; /* address; or "unix:/path", "unix:@name" (abstract); default 127.0.0.1 */
    int port;         /* 0: any that is free */
    struct bide_use_named_options *guard_;
    int backlog;      /* default 4096 */
    bool reuse_port;
    bide_tls *tls;    /* accepted streams speak TLS; a share is kept */
} bide_listen_args;

/*
 * Listen for connections.
 *
 * Returns:   the listener, or NULL
 * Errors:    -EADDRINUSE and the like, with the address in the text
 * Owns:      the result is owned; releasing it closes it
 * Example:   bide_auto bide_listener *l = bide_listen("127.0.0.1", 8080);
 */
#define bide_listen(host_, ...) BIDE__CALL(bide_listen_with(BIDE__ARGS(bide_listen_args, .host = (host_), .port = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_listener *bide_listen_with(const bide_listen_args *args);
/* The port it listens on, also when any free one was asked for. */
BIDE_API BIDE_MUST_USE int bide_listener_port(const bide_listener *l);

/*
 * Take the next connection.  Without a free descriptor it waits until one is free.
 *
 * Suspends:  until there is one; a cancellation point.  The TLS handshake happens at the first read or write
 * Returns:   the stream, or NULL
 * Errors:    BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ENOMEM
 * Owns:      the result is owned
 */
BIDE_API BIDE_MUST_USE bide_stream *bide_accept(bide_listener *l);

/*
 * Accept forever and run the handler in a task of its own for each connection.
 *
 * Suspends:  until cancelled; a cancellation point.  Then the handlers are cancelled and awaited
 * Returns:   never 0 or more
 * Errors:    BIDE_ECANCELED; what bide_accept gives
 * Owns:      the handler's stream is released when it returns; arg is borrowed
 * Example:   return bide_serve(listener, echo, NULL);
 */
typedef int bide_connection_handler(bide_stream *s, void *arg);
BIDE_API BIDE_MUST_USE int bide_serve(bide_listener *l, bide_connection_handler *handler, void *arg);

#ifdef __cplusplus
}
#endif
#endif
