/* SPDX-License-Identifier: MIT */
/*
 * hsts.h - a store of hosts that said to be asked over TLS alone (Strict-Transport-Security, RFC 6797).
 *
 * A host is believed if it says so over TLS with a certificate that was verified, and has a name; http://host/ is then
 * https://host/.  There is no preloaded list.  A store has 4096 hosts; the one that was met longest ago goes.
 */
#ifndef BIDE_HSTS_H
#define BIDE_HSTS_H

#include <stdbool.h>
#include <stdint.h>

#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_hsts bide_hsts;

/*
 * Make an empty store.
 *
 * Returns:   the store, or NULL
 * Errors:    BIDE_ENOMEM
 * Owns:      the result is owned
 * Example:   bide_auto bide_hsts *hsts = bide_hsts_new();
 */
BIDE_API BIDE_MUST_USE bide_hsts *bide_hsts_new(void);

/*
 * Read a file as curl has it (--hsts) into a new store, or into one that there is: bide_hsts_add_file.  Lines that are none, and
 * hosts whose time is over, are passed over.
 *
 * Suspends:  until the file is read; a cancellation point before it begins, not after
 * Returns:   the store, or NULL; bide_hsts_add_file: how many hosts there were
 * Errors:    those of bide_file_read_all (-ENOENT: there is no such file); -EINVAL: it has lines, and none is one of such a file;
 *            BIDE_ENOMEM
 * Owns:      the result is owned
 * Example:   bide_auto bide_hsts *hsts = bide_hsts_load("hsts.txt");
 */
BIDE_API BIDE_MUST_USE bide_hsts *bide_hsts_load(const char *path);
BIDE_API BIDE_MUST_USE int bide_hsts_add_file(bide_hsts *hsts, const char *path);

/*
 * Write all hosts to a file that its owner alone can read, as bide_cookie_jar_save does.
 *
 * Suspends:  until it is written; a cancellation point before it begins, not after
 * Returns:   0
 * Errors:    those of bide_file_write_all; BIDE_ENOMEM
 * Example:   BIDE_TRY(bide_hsts_save(hsts, "hsts.txt"));
 */
BIDE_API BIDE_MUST_USE int bide_hsts_save(bide_hsts *hsts, const char *path);

/*
 * Put a host into the store as if it had said so itself; max_age_s, of ten years at most, counts from now, and 0 removes it.
 *
 * Returns:   0
 * Errors:    -EINVAL for what is no host name, or is an address, and for a negative time; BIDE_ENOMEM
 * Example:   BIDE_TRY(bide_hsts_set(hsts, "example.com", 365 * 86400, true));
 */
BIDE_API BIDE_MUST_USE int bide_hsts_set(bide_hsts *hsts, const char *host, int64_t max_age_s, bool include_subdomains);

/* Is this host asked over TLS alone: it said so, or one above it did for all below it?  How many hosts there are. */
BIDE_API bool bide_hsts_applies(bide_hsts *hsts, const char *host);
BIDE_API BIDE_MUST_USE int bide_hsts_len(const bide_hsts *hsts);

/* Forget all of them. */
BIDE_API void bide_hsts_clear(bide_hsts *hsts);

#ifdef __cplusplus
}
#endif
#endif
