/* SPDX-License-Identifier: MIT */
/*
 * transfer.h - more that a stream can do: look ahead, several separators, files, limits of its write buffer, TLS that begins later.
 */
#ifndef BIDE_TRANSFER_H
#define BIDE_TRANSFER_H

#include <bide/awaitable.h>
#include <bide/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Look at what comes next without taking it: wait until at least n bytes are there.
 *
 * Suspends:  until they have come; a cancellation point, and nothing is lost
 * Returns:   how many are there, n or more; fewer, perhaps 0, if the stream ends with them
 * Errors:    BIDE_ELIMIT: n is more than max_buffer; those of bide_read
 * Owns:      *data is borrowed until the next call on this stream
 * Example:   if (bide_peek(s, 1, &data) > 0 && data[0] == 0x16) ...  // a TLS handshake
 */
BIDE_API BIDE_MUST_USE ssize_t bide_peek(bide_stream *s, size_t n, const char **data);

/*
 * bide_read_until with several separators: up to and with the one that ends first.
 *
 * Suspends:  until one has come; a cancellation point
 * Returns:   how many bytes, the separator included; they are followed by a NUL.  *which, unless that is NULL, is its number in the
 *            list; of two that end at the same byte, the longer
 * Errors:    as bide_read_until; -EINVAL for an empty list, and one of more than 16
 * Owns:      *line is borrowed until the next call on this stream; separators are borrowed for the call
 * Example:   n = bide_read_until_any(s, BIDE_SEPARATORS("\r\n", "\n"), &line, NULL);
 */
BIDE_API BIDE_MUST_USE ssize_t bide_read_until_any(bide_stream *s, const char *const *separators, const char **line, int *which);
/* A list in place; one that is not ends with NULL. */
#define BIDE_SEPARATORS(...) ((const char *const[]){__VA_ARGS__, NULL})

/*
 * Something to be read has come, or the end: to be awaited or chosen (bide_select) beside other things.  Its result is how many
 * bytes bide_read will give at once, 0 at the end; its errors are those of bide_read.  Meanwhile nobody else reads the stream.
 *
 * Owns:      s is borrowed until then
 */
BIDE_API bide_awaitable bide_stream_readable_awaitable(bide_stream *s);

/* ---- writing ---- */

#define BIDE_ALL SIZE_MAX

/*
 * Send bytes of a file, inside of the kernel where the stream has neither TLS nor filters (sendfile); what was collected goes first.
 *
 * Suspends:  until the kernel has taken all; a cancellation point
 * Returns:   how many bytes: len, or with BIDE_ALL those up to the file's end
 * Errors:    BIDE_EEOF: the file has fewer; what reading it gives (-EISDIR); those of bide_write, and like it a part may have gone:
 *            then the stream is broken for writing
 * Owns:      file is borrowed for the call; its own position is neither used nor moved
 * Example:   BIDE_TRY(bide_sendfile(s, fd, 0, BIDE_ALL));
 */
BIDE_API BIDE_MUST_USE int64_t bide_sendfile(bide_stream *s, int file, int64_t offset, size_t len);

/*
 * How much bide_write may collect, and how far it empties that when it has to (asyncio: set_write_buffer_limits).  At the start
 * they are 16 KiB and 0: a write that does not fit sends all.
 *
 * Returns:   0
 * Errors:    -EINVAL: low is more than high, or high is 0; BIDE_ESTATE: more is collected already, or a task writes
 * Example:   BIDE_TRY(bide_stream_set_write_limits(s, 256 * 1024, 64 * 1024));
 */
BIDE_API BIDE_MUST_USE int bide_stream_set_write_limits(bide_stream *s, size_t high, size_t low);

/*
 * How many bytes bide_write has collected, and the kernel has not been given (asyncio: get_write_buffer_size).
 *
 * Returns:   the number; 0 for NULL
 */
BIDE_API BIDE_MUST_USE size_t bide_stream_buffered(const bide_stream *s);

/* ---- TLS that begins later ---- */

/* What bide_stream_start_tls takes; zero means the default. */
typedef struct bide_start_tls_args {
    size_t size; /* of this struct; set by the macro */
    struct bide_use_named_options *guard_;
    bide_tls *tls;           /* needed; one for servers (.server) begins as the server */
    const char *server_name; /* client: for SNI and the certificate; needed unless the context has one */
} bide_start_tls_args;

/*
 * Start TLS on an open stream (STARTTLS of mail, XMPP, PostgreSQL): what was written is sent, then the handshake is done.
 *
 * Bytes that were received before and not read are in plain text: an attacker on the way may have injected them, so that they are taken
 * for what the peer sends under TLS (RFC 7457 2.2).  So with such bytes it does not begin.
 *
 * Suspends:  until the handshake is done; a cancellation point
 * Returns:   0
 * Errors:    BIDE_ESTATE: bytes have come already, nothing was done; or a task reads or writes; BIDE_ETLS, BIDE_ECERT;
 *            BIDE_ETIMEDOUT; BIDE_ECANCELED; -EINVAL.  After a handshake that failed the stream is unusable
 * Owns:      the stream keeps a share of .tls
 * Example:   BIDE_TRY(bide_stream_start_tls(s, .tls = tls, .server_name = "mx.example"));
 */
#define bide_stream_start_tls(s, ...) \
    BIDE__CALL(bide_stream_start_tls_with((s), BIDE__ARGS(bide_start_tls_args, __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_stream_start_tls_with(bide_stream *s, const bide_start_tls_args *args);

#ifdef __cplusplus
}
#endif
#endif
