/* SPDX-License-Identifier: MIT */
/*
 * extend.h - functions of the program's own in the middle of what the library does.
 *
 * They are called in the task that asked, in the loop's thread, and may wait where it says so: then only that task waits, its
 * time limits run, and a cancellation arrives in them.  docs/guide/extending.md has an example of each.
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

#ifdef __cplusplus
}
#endif
#endif
