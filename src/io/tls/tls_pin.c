/* SPDX-License-Identifier: MIT */
/*
 * tls_pin.c - pins: which public keys a server may have, beside being trusted (R99).
 *
 *     "sha256//YLh1dUR9y6Kja30RrAn7JKnbQG/uEtLMkBgFF2Fuihg=;sha256//..."      as in curl, and RFC 7469 2.4
 *
 * They are looked at after every handshake, resumed ones too.
 */
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "io/tls/tls_layer.h"

#define PREFIX "sha256//"
#define BASE64_LEN 44 /* of 32 bytes */

static bool read_pin(const char *text, size_t len, unsigned char out[SHA256_DIGEST_LENGTH])
{
    unsigned char bytes[BASE64_LEN];
    size_t prefix = sizeof PREFIX - 1;

    if (len != prefix + BASE64_LEN || memcmp(text, PREFIX, prefix) != 0 || text[len - 1] != '=' || text[len - 2] == '=')
        return false;
    if (EVP_DecodeBlock(bytes, (const unsigned char *)text + prefix, BASE64_LEN) != SHA256_DIGEST_LENGTH + 1)
        return false;
    memcpy(out, bytes, SHA256_DIGEST_LENGTH);
    return true;
}

int bide__tls_set_pins(bide_tls *tls, const char *list)
{
    size_t n = 1;
    for (const char *at = list; *at; at++)
        n += *at == ';';
    tls->pins = bide__malloc(n * sizeof *tls->pins);
    if (!tls->pins)
        return bide__fail_nomem("bide_tls_new");

    for (size_t len; *list; list += len + (list[len] == ';')) {
        len = strcspn(list, ";");
        if (!read_pin(list, len, tls->pins[tls->npins++]))
            return bide_fail(-EINVAL, "bide_tls_new: .pins: \"%.*s\" is not sha256//BASE64 of a public key", (int)(len < 80 ? len : 80), list);
    }
    return tls->npins > 0 ? 0 : bide_fail(-EINVAL, "bide_tls_new: .pins is empty");
}

/* The hash of the SubjectPublicKeyInfo. */
static bool hash_key(X509 *cert, unsigned char out[SHA256_DIGEST_LENGTH])
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

    if (len > 0)
        SHA256(der, (size_t)len, out);
    OPENSSL_free(der);
    return len > 0;
}

int bide__tls_check_pins(const struct tls_filter *t)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char text[BASE64_LEN + 1];
    X509 *cert = SSL_get0_peer_certificate(t->ssl);
    if (t->tls->npins == 0)
        return 0;

    if (!cert || !hash_key(cert, hash))
        return bide_fail(BIDE_ECERT, "TLS with %s: pins are set, and it has shown no public key", t->key);
    for (size_t i = 0; i < t->tls->npins; i++)
        if (memcmp(t->tls->pins[i], hash, sizeof hash) == 0)
            return 0;
    EVP_EncodeBlock((unsigned char *)text, hash, sizeof hash);
    return bide_fail(BIDE_ECERT, "TLS with %s: certificate not acceptable: its public key, " PREFIX "%s, is not among the pins",
                     t->key, text);
}
