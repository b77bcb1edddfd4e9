/* SPDX-License-Identifier: MIT */
/*
 * extend.h - functions of the program's own in the middle of what the library does.
 *
 * They are called in the loop's thread, a dialler and a resolver in the task that asked.  Those two may wait: then only that
 * task waits, its time limits run, and a cancellation arrives in them.  docs/guide/extending.md has an example of each.
 */
#ifndef BIDE_EXTEND_H
#define BIDE_EXTEND_H

#include <stdbool.h>
#include <sys/types.h>

#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_stream bide_stream;

/*
 * A dialler: opens the connection in place of the library (.dial of bide_session_new and bide_connect), over a Unix socket, say, or
 * through a proxy.  TLS, if it was asked for, is then spoken by the library over the stream, and the certificate is that of the
 * host asked for.
 *
 * host:      without brackets, as .connect_to has left it; port: likewise; both are borrowed for the call
 * Suspends:  as it likes; the limit of connecting (timeout_ms, connect_timeout_ms) is the one of the call
 * Returns:   the stream, or NULL with an error on record: the call fails with it
 * Owns:      the result is taken.  What was written to it is sent first; what was read ahead (bide_read_until) must have been
 *            read to its end, unless the caller is bide_connect without TLS
 * Example:   return bide_connect("unix:/run/app.socket", 0);
 */
typedef bide_stream *bide_dial_fn(const char *host, int port, void *arg);

/* What a resolver has found. */
typedef struct bide_addresses bide_addresses;

/*
 * A resolver: says which addresses a name has (.resolve of bide_session_new and bide_connect), in place of /etc/hosts and the name
 * servers.  They are tried as RFC 8305 has it, IPv6 and IPv4 alternating, each family in the order given.  It is asked at each
 * connect: nothing is kept.  Not asked are a literal address, "unix:/path", and localhost and what is below it (RFC 6761 6.3).
 *
 * name:      as it was written; borrowed for the call; so is out
 * Suspends:  as it likes; the limit of connecting (timeout_ms, connect_timeout_ms) is the one of the call
 * Returns:   0; without an address the call fails with BIDE_ENAME.  Or a negative code, with an error on record: the call fails
 *            with it
 * Example:   return strcmp(name, "db") == 0 ? bide_addresses_add(out, "10.0.0.5") : 0;
 */
typedef int bide_resolve_fn(const char *name, bide_addresses *out, void *arg);

/*
 * In a resolver: one more address of the name, "10.0.0.5", "2001:db8::5" or "fe80::1%eth0".
 *
 * Returns:   0
 * Errors:    -EINVAL for NULL and for what is no address; BIDE_ELIMIT: 64 of its family are there; BIDE_ENOMEM.  What was added
 *            before stays
 * Owns:      address is copied
 * Example:   BIDE_TRY(bide_addresses_add(out, row->address));
 */
BIDE_API BIDE_MUST_USE int bide_addresses_add(bide_addresses *out, const char *address);

/* ---- stream filters ---- */

/* What is below a filter: another one, TLS or the socket. */
typedef struct bide_stream_below bide_stream_below;

/*
 * A filter: functions that all bytes of a stream go through (bide_stream_push).  They make bytes into others and never wait:
 * -EAGAIN, when the layer below has said it, goes up unchanged, and the same call comes again when it has a chance.
 * They run in the middle of another layer's work, also outside of any task.  Each NULL: the bytes go through as they are.
 *
 * read:      1 to cap bytes for those above; 0 at the end; -EAGAIN, just if bide_below_read or bide_below_write said so in
 *            this call (so before it, go on reading until there is a byte); or a negative code: the reading fails with it
 * write:     how many of the len bytes are done, 1 to len: what stands for them was taken by the layer below; -EAGAIN likewise,
 *            and the next call has these bytes again; or a negative code, and the stream takes no more
 * has_more:  would read give something that it has kept, without asking below?  Needed by a filter that keeps bytes
 * shutdown:  no more will be written (bide_stream_shutdown): 0 when its end was taken by the layer below; or as write
 * destroy:   the stream is closed: free arg
 */
typedef struct bide_stream_filter {
    size_t size; /* of this struct; set by the macro */
    struct bide_use_named_options *guard_;
    ssize_t (*read)(bide_stream_below *below, void *out, size_t cap, void *arg);
    ssize_t (*write)(bide_stream_below *below, const void *data, size_t len, void *arg);
    bool (*has_more)(void *arg);
    int (*shutdown)(bide_stream_below *below, void *arg);
    void (*destroy)(void *arg);
    void *arg;
} bide_stream_filter;

/*
 * Put a filter on top of a stream.  What is pushed later stands on it, TLS too: a dialler that pushes one has it between TLS and
 * the socket.  Over TLS it stands on a stream that bide_connect or bide_accept has given with .tls.
 *
 * What is to be agreed with the peer first is said and heard with bide_write and bide_read before this call.
 *
 * Returns:   0
 * Errors:    BIDE_ESTATE: a task reads or writes the stream, or bytes were read ahead or not drained; BIDE_ENOMEM; -EINVAL
 * Owns:      arg is taken, also on failure: destroy is called once
 * Example:   BIDE_TRY(bide_stream_push(s, .read = unscramble, .write = scramble, .arg = key, .destroy = free));
 */
#define bide_stream_push(stream, ...) BIDE__CALL(bide_stream_push_with((stream), BIDE__ARGS(bide_stream_filter, __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_stream_push_with(bide_stream *s, const bide_stream_filter *filter);

/*
 * In a filter: one try to read from, or to write to, the layer below.
 *
 * Returns:   how many bytes, 1 to cap or len; 0 at the end
 * Errors:    -EAGAIN: not now, return it; else what ended the connection, which is on record
 * Example:   ssize_t n = bide_below_read(below, out, cap);
 */
BIDE_API BIDE_MUST_USE ssize_t bide_below_read(bide_stream_below *below, void *out, size_t cap);
BIDE_API BIDE_MUST_USE ssize_t bide_below_write(bide_stream_below *below, const void *data, size_t len);

#ifdef __cplusplus
}
#endif
#endif
