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

#ifdef __cplusplus
}
#endif
#endif
