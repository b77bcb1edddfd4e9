/* SPDX-License-Identifier: MIT */
/*
 * tls.h - how TLS is to be done: one immutable context, shared by many streams.
 */
#ifndef BIDE_TLS_H
#define BIDE_TLS_H

#include <stdbool.h>

#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_tls bide_tls;

/* What bide_tls_new takes; zero means the default. */
typedef struct bide_tls_args {
    size_t size; /* of this struct; set by the macro */
    struct bide_use_named_options *guard_;
    const char *ca_file;     /* trust these (PEM) in place of the system's (SSL_CERT_FILE, SSL_CERT_DIR are honoured);
                                on a server: clients must have a certificate from these */
    bool insecure;           /* client: accept any certificate */
    const char *alpn;        /* protocols, comma separated, the best first; default: none */
    const char *cert_file, *key_file; /* PEM chain and key (default: in the same file): needed by a server */
    bool server;
    int min_version;         /* 0x0303 (TLS 1.2, default) or 0x0304 (TLS 1.3) */
} bide_tls_args;

/*
 * Make a TLS context.  TLS 1.2 and 1.3; certificates are verified, host names checked, sessions resumed.
 *
 * Sessions are resumed only between streams of one context, so share it among all that may be resumed together.
 * A context belongs to the thread that made it: in another one, bide_connect and bide_listen with it are BIDE_ESTATE.  It is
 * memory alone, so a child of fork() has a copy of its own to use.
 *
 * Threads:   any; no loop is needed, and the context is for this thread
 * Returns:   the context, or NULL
 * Errors:    BIDE_ETLS names the file and why; -EINVAL names an option that means nothing; BIDE_ENOMEM
 * Owns:      the result is owned; streams that use it hold a share
 * Example:   bide_auto bide_tls *tls = bide_tls_new(.ca_file = "ca.pem");
 */
#define bide_tls_new(...) BIDE__CALL(bide_tls_new_with(BIDE__ARGS(bide_tls_args, __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_tls *bide_tls_new_with(const bide_tls_args *args);

#ifdef __cplusplus
}
#endif
#endif
