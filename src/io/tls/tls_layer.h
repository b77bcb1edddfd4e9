/* SPDX-License-Identifier: MIT */
/*
 * tls_layer.h - the parts of TLS, for the files of this room alone.
 */
#ifndef BIDE_IO_TLS_LAYER_H
#define BIDE_IO_TLS_LAYER_H

#include <openssl/ssl.h>

#include "io/stream/addr.h"
#include "io/tls/tls.h"

#define TLS_ALPN_MAX 128 /* the offer in wire form */
#define TLS_RECORD_MAX 16384

/* Sessions to be resumed. */
struct tls_sessions {
    struct map by_server;    /* "name:port" */
    struct list_node by_age; /* the oldest first */
    unsigned count;
};

/*
 * One configuration, and what its streams share:
 *
 *     bide_stream -- top --> tls_filter -- filter.below -----------------> socket_filter, or another lowest layer
 *                              ssl --> OpenSSL --> a BIO of ours --> try_recv, try_send of it
 *                              tls --> bide_tls: ctx, sessions, scratch
 */
struct bide_tls {
    struct object object;
    const void *thread; /* bide__thread_here() when it was made */
    SSL_CTX *ctx;
    bool server, insecure;
    unsigned char alpn[TLS_ALPN_MAX]; /* each protocol with its length in front */
    unsigned alpn_len;
    char *server_name;                /* NULL: the host that is asked */
    unsigned char (*pins)[32];        /* SHA-256 of public keys; npins of them */
    size_t npins;
    int keylog;                       /* a descriptor; -1: none */
    char *scratch; /* TLS_RECORD_MAX bytes: small pieces become one record here */
    struct tls_sessions sessions;
};

/* One layer of one stream. */
struct tls_filter {
    struct filter filter;
    bide_tls *tls;       /* a share */
    SSL *ssl;
    char *key;           /* client: "name:port", for the errors and the sessions */
    char *name;          /* client: the host that the certificate must be for, in `key` up to its colon */
    int below_code;      /* what the layer below said last, if it was an error */
    bool below_ended;
    bool established, failed;
    bool is_plain_http;  /* server: it was a request without TLS */
    bool error_is_recorded; /* of a certificate */
    bool was_session_offered; /* client: the server was asked to resume one */
    bool was_asked_for_certificate; /* client: and there was none to give */
    int alert;           /* the peer's, before it hung up; 0: none */
    unsigned char first[5]; /* of what the peer sent: is it TLS at all? */
    unsigned n_first;
};

/* ---- tls_verify.c: is it the right peer?  and errors in words ---- */

/* Trust anchors of a context. */
int bide__tls_trust(SSL_CTX *ctx, const bide_tls_args *args);
/* The certificate must be for this host; SNI if it is a name. */
int bide__tls_expect_host(SSL *ssl, const char *host);
/* Again after a resumed handshake: does the certificate of the session still fit? */
int bide__tls_recheck(const struct tls_filter *t);
/* The verify callback: puts the first reason on record. */
int bide__tls_on_verify(int ok, X509_STORE_CTX *store);
/* Why an operation failed, on record: the code. */
int bide__tls_fail(struct tls_filter *t, int ssl_error);

/* ---- tls_identity.c, tls_pin.c ---- */

/* Our certificate and its key. */
int bide__tls_use_identity(SSL_CTX *ctx, const bide_tls_args *args);
int bide__tls_set_pins(bide_tls *tls, const char *list);
/* After a handshake: 0, or BIDE_ECERT on record. */
int bide__tls_check_pins(const struct tls_filter *t);

/* ---- tls_alert.c: errors in words ---- */

/* The first reason in OpenSSL's queue, in plain words; the queue is emptied. */
const char *bide__tls_reason(void);
/* What became of reading a file, by OpenSSL's queue of errors.  what: "key". */
int bide__tls_fail_file(const char *what, const char *file);
/* The alert of the peer's that an error of OpenSSL's stands for; 0: it is none. */
int bide__tls_alert_of(unsigned long e);
/* Put it on record: BIDE_ETLS. */
int bide__tls_fail_alert(const struct tls_filter *t, const char *doing, const char *with, int alert);

/* ---- tls_session.c: sessions to be resumed ---- */

int bide__tls_sessions_init(struct tls_sessions *all); /* 0 or BIDE_ENOMEM; then free may be called as well */
void bide__tls_sessions_free(struct tls_sessions *all);
/* A share of the session is taken; without memory it is dropped. */
void bide__tls_session_put(struct tls_sessions *all, const char *key, SSL_SESSION *session);
/* One that may be tried now; NULL if there is none.  The caller's share. */
SSL_SESSION *bide__tls_session_take(struct tls_sessions *all, const char *key);
/* Forget all of this key: its sessions do not work. */
void bide__tls_session_drop(struct tls_sessions *all, const char *key);

/* ---- tls_filter.c ---- */

/* The connection of a stream whose top layer is TLS, once hands were shaken; else NULL. */
const SSL *bide__tls_ssl(const bide_stream *s);

#endif
