/* SPDX-License-Identifier: MIT */
/* tls_info.c - what was agreed with the peer, to be looked at when the connection is gone, too. */
#include <openssl/pem.h>

#include "io/tls/tls_layer.h"

void bide__tls_info_take(const bide_stream *s, struct tls_info *out)
{
    const SSL *ssl = bide__tls_ssl(s);

    *out = (struct tls_info){.version = NULL};
    if (!ssl)
        return;
    out->version = SSL_get_version(ssl);
    out->cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl));
    out->resumed = SSL_session_reused(ssl) == 1;
    out->certificate = SSL_get1_peer_certificate(ssl);
}

void bide__tls_info_drop(struct tls_info *info)
{
    X509_free(info->certificate);
    info->certificate = NULL;
}

const char *bide__tls_certificate_text(const struct tls_info *info, struct arena *arena)
{
    char *text = NULL, *copy = NULL;
    if (!info->certificate)
        return NULL;

    BIO *bio = BIO_new(BIO_s_mem());
    if (bio && PEM_write_bio_X509(bio, info->certificate) == 1) {
        long len = BIO_get_mem_data(bio, &text);
        copy = bide__arena_strndup(arena, text, (size_t)len);
    }
    BIO_free(bio);
    if (!copy)
        bide__fail_nomem("a certificate");
    return copy;
}
