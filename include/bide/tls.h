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
    const char *cert_file, *key_file; /* PEM chain and key (default: in the same file), or PKCS#12: needed by a server; a
                                client shows it when it is asked */
    bool server;
    int min_version;         /* 0x0303 (TLS 1.2, default) or 0x0304 (TLS 1.3) */
    int max_version;         /* the same; default: the newest */
    const char *ca_dir;      /* trust those in this directory, by hash (openssl rehash); beside ca_file, in place of the system's */
    bide_bytes ca_data;      /* trust these, PEM in memory; likewise */
    const char *key_password; /* of the key, or of a cert_file that is PKCS#12 (with its key, and no key_file) */
    const char *pins;        /* client: the server's public key must be one of these, "sha256//BASE64;sha256//..." as in curl;
                                beside being trusted, or, with insecure, alone */
    const char *ciphers;     /* of TLS 1.2 (OpenSSL's names) and of TLS 1.3 (TLS_...), the best first, with colons between */
    const char *keylog_file; /* append the secrets of each connection, for Wireshark (SSLKEYLOGFILE): who reads it can read all */
    const char *server_name; /* client: for SNI and the certificate; default: the host that is asked */
} bide_tls_args;

/* Options in place, for the options of others that take some: .tls_options = BIDE_TLS(.pins = "sha256//...") */
#define BIDE_TLS(...) BIDE__ARGS(bide_tls_args, __VA_ARGS__)

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
