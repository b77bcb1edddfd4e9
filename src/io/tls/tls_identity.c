/* SPDX-License-Identifier: MIT */
/*
 * tls_identity.c - who we are: the certificate and the key that the other side is shown; PEM or PKCS#12.
 */
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <stdio.h>

#include "io/tls/tls_layer.h"

/* ---- passwords ---- */

struct password {
    const char *text; /* NULL: there is none */
    bool was_asked;
};

/* OpenSSL's own would ask on the terminal, and keep the loop waiting for it. */
static int give_password(char *out, int cap, int for_writing, void *arg)
{
    struct password *p = arg;
    size_t len = p && p->text ? strlen(p->text) : 0;

    (void)for_writing;
    if (p)
        p->was_asked = true;
    if (!p || !p->text || len > (size_t)cap)
        return -1;
    memcpy(out, p->text, len);
    return (int)len;
}

static int fail_key(const struct password *p, const char *file)
{
    if (!p->was_asked)
        return bide__tls_fail_file("key", file);
    ERR_clear_error();
    return p->text ? bide_fail(BIDE_ETLS, "key %s: the password does not fit", file)
                   : bide_fail(BIDE_ETLS, "key %s: it is encrypted with a password", file);
}

/* ---- PEM ---- */

static int use_pem(SSL_CTX *ctx, const bide_tls_args *args)
{
    struct password password = {.text = args->key_password};
    const char *key = args->key_file ? args->key_file : args->cert_file;

    if (SSL_CTX_use_certificate_chain_file(ctx, args->cert_file) != 1)
        return bide__tls_fail_file("certificate", args->cert_file);
    SSL_CTX_set_default_passwd_cb(ctx, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, &password);
    int done = SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
    return done == 1 ? 0 : fail_key(&password, key);
}

/* ---- PKCS#12 (RFC 7292) ---- */

static int use_parts(SSL_CTX *ctx, PKCS12 *p12, const bide_tls_args *args)
{
    EVP_PKEY *key = NULL;
    X509 *cert = NULL;
    STACK_OF(X509) *chain = NULL;
    int code = 0;

    if (PKCS12_parse(p12, args->key_password, &key, &cert, &chain) != 1)
        code = ERR_GET_REASON(ERR_peek_last_error()) == PKCS12_R_MAC_VERIFY_FAILURE
                   ? bide_fail(BIDE_ETLS, "certificate %s: %s", args->cert_file,
                               args->key_password ? "the password does not fit" : "it is encrypted with a password")
                   : bide__tls_fail_file("certificate", args->cert_file);
    else if (!cert || !key)
        code = bide_fail(BIDE_ETLS, "certificate %s: it has no %s", args->cert_file, cert ? "key" : "certificate");
    else if (SSL_CTX_use_cert_and_key(ctx, cert, key, chain, 1) != 1)
        code = bide__tls_fail_file("certificate", args->cert_file);
    EVP_PKEY_free(key);
    X509_free(cert);
    sk_X509_pop_free(chain, X509_free);
    ERR_clear_error();
    return code;
}

static int use_pkcs12(SSL_CTX *ctx, const bide_tls_args *args, FILE *f)
{
    PKCS12 *p12 = d2i_PKCS12_fp(f, NULL);
    if (!p12)
        return bide__tls_fail_file("certificate", args->cert_file);
    int code = args->key_file ? bide_fail(-EINVAL, "bide_tls_new: .key_file beside %s, which is PKCS#12 and has the key",
                                          args->cert_file)
                              : use_parts(ctx, p12, args);

    PKCS12_free(p12);
    return code;
}

/* PEM begins with text, PKCS#12 with a SEQUENCE of DER. */
int bide__tls_use_identity(SSL_CTX *ctx, const bide_tls_args *args)
{
    FILE *f = fopen(args->cert_file, "re");
    int first = f ? getc(f) : EOF, code;

    ERR_clear_error();
    if (first == 0x30) {
        rewind(f);
        code = use_pkcs12(ctx, args, f);
    } else {
        code = use_pem(ctx, args); /* and says what is wrong with the file */
    }
    if (f)
        fclose(f);
    return code;
}
