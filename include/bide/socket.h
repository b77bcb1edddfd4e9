/* SPDX-License-Identifier: MIT */
/*
 * socket.h - the socket under a stream: its addresses and options; over Unix sockets also descriptors, and who the peer is.
 *
 * On a stream that stands on something else (a pipe, a scripted peer) these are -ENOTSOCK.
 */
#ifndef BIDE_SOCKET_H
#define BIDE_SOCKET_H

#include <sys/types.h>

#include <bide/address.h>
#include <bide/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The addresses of both ends; each may be NULL.  A Unix socket has none: all zeros.
 *
 * Returns:   0
 * Errors:    -ENOTSOCK; -ENOTCONN; BIDE_ECLOSED; -EINVAL for NULL
 * Example:   BIDE_TRY(bide_stream_addresses(s, NULL, &peer));
 */
BIDE_API BIDE_MUST_USE int bide_stream_addresses(const bide_stream *s, bide_address *local, bide_address *peer);

/* ---- options ---- */

/* What bide_stream_set_socket takes; zero leaves an option as it is. */
typedef struct bide_socket_args {
    size_t size; /* of this struct; set by the macro */
    struct bide_use_named_options *guard_;
    int64_t keepalive_ms;          /* idle for this time: the kernel sends a probe (SO_KEEPALIVE); BIDE_NONE: it does not */
    int64_t keepalive_interval_ms; /* between two probes */
    int keepalive_count;           /* this many probes without an answer: the connection fails */
    bool nagle;                    /* collect small segments (TCP_NODELAY off; it is on otherwise) */
    int64_t user_timeout_ms;       /* data that was sent is not acknowledged for this time: the connection fails */
    int64_t linger_ms;             /* BIDE_NONE: closing resets the connection, and what is on its way is lost */
    size_t receive_buffer;         /* bytes in the kernel */
    size_t send_buffer;
} bide_socket_args;

/*
 * Set options of the socket.  Times are cut to what the kernel counts in: seconds, the user timeout milliseconds; at least one.
 *
 * Returns:   0
 * Errors:    -EINVAL; -ENOTSOCK; -EOPNOTSUPP: an option of TCP, on a Unix socket; BIDE_ECLOSED
 * Example:   BIDE_TRY(bide_stream_set_socket(s, .keepalive_ms = 60000, .user_timeout_ms = 30000));
 */
#define bide_stream_set_socket(s, ...) BIDE__CALL(bide_stream_set_socket_with((s), BIDE__ARGS(bide_socket_args, __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_stream_set_socket_with(bide_stream *s, const bide_socket_args *args);

/*
 * Any other option, as setsockopt() and getsockopt() take it.
 *
 * Returns:   0; getting one puts its length into *len, which was the room
 * Errors:    what the kernel says; -ENOTSOCK; BIDE_ECLOSED; -EINVAL for NULL
 * Owns:      value is borrowed for the call
 * Example:   BIDE_TRY(bide_stream_setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "bbr", 3));
 */
BIDE_API BIDE_MUST_USE int bide_stream_setsockopt(bide_stream *s, int level, int name, const void *value, size_t len);
BIDE_API BIDE_MUST_USE int bide_stream_getsockopt(const bide_stream *s, int level, int name, void *value, size_t *len);

/* ---- Unix sockets ---- */

#define BIDE_FDS_MAX 253 /* of one message: the kernel's limit */

/*
 * Send bytes, at least one, and descriptors with the first of them (SCM_RIGHTS); what was collected goes first.
 *
 * Suspends:  until the kernel has taken all; a cancellation point
 * Returns:   0
 * Errors:    -EBADF; -EINVAL: no byte, no descriptor or more than BIDE_FDS_MAX; -EOPNOTSUPP: not a Unix socket, or TLS stands on it;
 *            -ETOOMANYREFS: too many are on their way; those of bide_write
 * Owns:      the descriptors are borrowed for the call: the peer gets copies
 * Example:   BIDE_TRY(bide_stream_send_fds(s, "log", 3, (int[]){fd}, 1));
 */
BIDE_API BIDE_MUST_USE int bide_stream_send_fds(bide_stream *s, const void *data, size_t len, const int *fds, int n);

/*
 * Receive what is there, at least one byte, and the descriptors that came with it.  They are close-on-exec.  Where some may come,
 * read with nothing else: bide_read and the other functions that read close descriptors that come.
 *
 * Suspends:  until something has come; a cancellation point, and nothing is lost
 * Returns:   how many bytes, 1 to cap; 0 at the end; in *n how many descriptors, 0 to max
 * Errors:    BIDE_ELIMIT: more than max have come, or there was no room for all (-EMFILE): all were closed, and the bytes are gone;
 *            -EOPNOTSUPP as above; those of bide_read; *n is 0 then
 * Owns:      the descriptors are owned: close() them
 * Example:   ssize_t len = bide_stream_receive_fds(s, data, sizeof data, fds, 4, &n);
 */
BIDE_API BIDE_MUST_USE ssize_t bide_stream_receive_fds(bide_stream *s, void *out, size_t cap, int *fds, int max, int *n);

/* Who connected, or listens: as it was at that time. */
typedef struct bide_credentials {
    pid_t pid;
    uid_t uid;
    gid_t gid;
} bide_credentials;

/*
 * Who the peer of a Unix socket is (SO_PEERCRED): the kernel says so, not the peer.
 *
 * Returns:   0
 * Errors:    -EOPNOTSUPP: it is no Unix socket; -ENOTSOCK; BIDE_ECLOSED; -EINVAL for NULL
 * Example:   if (bide_stream_credentials(s, &peer) < 0 || peer.uid != getuid()) return -EACCES;
 */
BIDE_API BIDE_MUST_USE int bide_stream_credentials(const bide_stream *s, bide_credentials *out);

#ifdef __cplusplus
}
#endif
#endif
