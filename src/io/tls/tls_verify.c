/* SPDX-License-Identifier: MIT */
/*
 * tls_verify.c - verification of the peer's certificate, and messages that name it; other failures.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/tls/tls_layer.h"

#define SYSTEM_CERTS "/etc/ssl/certs"

/* ---- trusted certificates ---- */

static bool lacks_memory(void)
{
    return ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE ||
           ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
}

static int trust_file(SSL_CTX *ctx, const char *file)
{
    ERR_clear_error();
    if (SSL_CTX_load_verify_file(ctx, file) != 1)
        return bide__tls_fail_file("trusted certificates from", file);
    return 0;
}

/*
 * A folder of certificates by hash costs nothing until one is looked up.  OpenSSL's own default would read the bundle
 * of all of them here: 46 ms.
 */
static int trust_system(SSL_CTX *ctx)
{
    const char *file = getenv(X509_get_default_cert_file_env());
    const char *dir = getenv(X509_get_default_cert_dir_env());

    if (!dir || !*dir)
        dir = access(SYSTEM_CERTS, R_OK) == 0 ? SYSTEM_CERTS : X509_get_default_cert_dir();
    ERR_clear_error();
    if (SSL_CTX_load_verify_dir(ctx, dir) != 1)
        return bide__tls_fail_file("trusted certificates from", dir);
    return file && *file ? trust_file(ctx, file) : 0;
}

/* OpenSSL would take one that is not there for an empty one. */
static int trust_dir(SSL_CTX *ctx, const char *dir)
{
    struct stat st;
    int error = stat(dir, &st) < 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    if (error)
        return bide_fail(BIDE_ETLS, "trusted certificates from %s: %s", dir, strerror(error));

    ERR_clear_error();
    if (SSL_CTX_load_verify_dir(ctx, dir) != 1)
        return bide__tls_fail_file("trusted certificates from", dir);
    return 0;
}

/* All certificates of PEM in memory; at least one. */
static int trust_bytes(SSL_CTX *ctx, bide_bytes pem)
{
    BIO *bio = pem.len <= INT32_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
    X509 *cert;
    int n = 0;
    if (!bio)
        return bide__fail_nomem("bide_tls_new");

    while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        n += X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert) == 1;
        X509_free(cert);
    }
    bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    BIO_free(bio);
    ERR_clear_error();
    return n > 0 && is_end ? 0 : bide_fail(BIDE_ETLS, "trusted certificates from memory: %s", n > 0 ? "not all of it is PEM" : "there is none");
}

int bide__tls_trust(SSL_CTX *ctx, const bide_tls_args *args)
{
    /* Whatever is trusted is an anchor, also if it is not a root. */
    X509_STORE_set_flags(SSL_CTX_get_cert_store(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    if (!args->ca_file && !args->ca_dir && !args->ca_data.data)
        return trust_system(ctx);
    if (args->ca_file)
        BIDE_TRY(trust_file(ctx, args->ca_file));
    if (args->ca_dir)
        BIDE_TRY(trust_dir(ctx, args->ca_dir));
    return args->ca_data.data ? trust_bytes(ctx, args->ca_data) : 0;
}

/* ---- which host ---- */

/* RFC 9525 2: only subjectAltName holds names; the subject's CN is none, also where there are no others. */
#define HOST_FLAGS (X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)

/* The address itself, without brackets; false: a name. */
static bool as_ip(const char *host, char *out, size_t cap)
{
    struct addr a;
    if (!bide__addr_parse(&a, host, 0))
        return false;
    bide__addr_format_host(&a, out, cap);
    return true;
}

int bide__tls_expect_host(SSL *ssl, const char *host)
{
    char ip[INET6_ADDRSTRLEN];
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    ERR_clear_error();
    if (as_ip(host, ip, sizeof ip))
        return X509_VERIFY_PARAM_set1_ip_asc(param, ip) == 1 ? 0 : bide__fail_nomem("TLS");
    X509_VERIFY_PARAM_set_hostflags(param, HOST_FLAGS);
    if (SSL_set1_host(ssl, host) != 1 || SSL_set_tlsext_host_name(ssl, host) != 1)
        return bide_fail(BIDE_ETLS, "TLS with %s: %s", host, bide__tls_reason());
    return 0;
}

int bide__tls_recheck(const struct tls_filter *t)
{
    char ip[INET6_ADDRSTRLEN];
    X509 *cert = SSL_get0_peer_certificate(t->ssl);
    if (t->tls->server || t->tls->insecure)
        return 0;

    int fits = 0;
    if (cert && SSL_get_verify_result(t->ssl) == X509_V_OK)
        fits = as_ip(t->name, ip, sizeof ip)
                   ? X509_check_ip_asc(cert, ip, 0)
                   : X509_check_host(cert, t->name, 0, HOST_FLAGS, NULL);
    if (fits != 1)
        return bide_fail(BIDE_ECERT, "TLS with %s: certificate not acceptable: that of the resumed session does not fit",
                         t->key);
    return 0;
}

/* ---- what is wrong with a certificate ---- */

static void print_subject(X509 *cert, char *out, size_t cap)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char subject[128], quoted[80];

    snprintf(out, cap, "?");
    if (bio && cert && X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        int n = BIO_read(bio, subject, sizeof subject);
        snprintf(out, cap, "%s", n > 0 ? bide__shown(quoted, subject, (size_t)n) : "no subject");
    }
    BIO_free(bio);
}

/* One name of the certificate, with what cannot be printed (a NUL, say) as '?'. */
static size_t print_name(const GENERAL_NAME *name, char *out, size_t cap)
{
    int type;
    const ASN1_STRING *text = GENERAL_NAME_get0_value(name, &type);

    if (type == GEN_IPADD && (ASN1_STRING_length(text) == 4 || ASN1_STRING_length(text) == 16)) {
        struct addr a = {.len = 0};
        a.sa.sa_family = ASN1_STRING_length(text) == 4 ? AF_INET : AF_INET6;
        memcpy(a.sa.sa_family == AF_INET ? (void *)&a.in.sin_addr : (void *)&a.in6.sin6_addr,
               ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
        bide__addr_format_host(&a, out, cap);
        return strlen(out);
    }
    if (type != GEN_DNS)
        return 0;
    const unsigned char *bytes = ASN1_STRING_get0_data(text);
    size_t len = (size_t)ASN1_STRING_length(text) < cap ? (size_t)ASN1_STRING_length(text) : cap - 1;
    for (size_t i = 0; i < len; i++)
        out[i] = bytes[i] > ' ' && bytes[i] <= '~' ? (char)bytes[i] : '?';
    out[len] = '\0';
    return len;
}

/* The names that a certificate is for: "good.test, www.good.test, ..." */
static void print_names(X509 *cert, char *out, size_t cap)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    int n = names ? sk_GENERAL_NAME_num(names) : 0;
    size_t used = 0;

    for (int i = 0; i < n && used + 8 < cap; i++) {
        char one[64];
        if (print_name(sk_GENERAL_NAME_value(names, i), one, sizeof one) == 0)
            continue;
        int len = snprintf(out + used, cap - used, "%s%s", used ? ", " : "", one);
        used += (size_t)len < cap - used ? (size_t)len : cap - used - 1;
    }
    GENERAL_NAMES_free(names);
    if (used == 0)
        snprintf(out, cap, "no host names in its subjectAltName");
}

static bool is_wrong_host(int error)
{
    return error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

/* RFC 5280 4.1.2.4: the issuer has a name.  OpenSSL looks only when it is set to be strict in everything. */
static bool has_issuer(X509 *cert)
{
    return cert && X509_NAME_entry_count(X509_get_issuer_name(cert)) > 0;
}

int bide__tls_on_verify(int ok, X509_STORE_CTX *store)
{
    char text[128];
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_filter *t = SSL_get_app_data(ssl);
    int error = X509_STORE_CTX_get_error(store);
    X509 *cert = X509_STORE_CTX_get_current_cert(store);
    if (ok && has_issuer(cert))
        return 1;
    if (ok)
        X509_STORE_CTX_set_error(store, error = X509_V_ERR_ISSUER_NAME_EMPTY);
    if (t->error_is_recorded)
        return 0;

    t->error_is_recorded = true;
    const char *with = t->key ? t->key : t->filter.stream->peer;
    if (is_wrong_host(error)) {
        print_names(X509_STORE_CTX_get0_cert(store), text, sizeof text);
        bide_fail(BIDE_ECERT, "TLS with %s: certificate not acceptable: hostname mismatch (wanted %s, certificate has %s)",
                  with, t->name, text);
    } else {
        print_subject(cert, text, sizeof text);
        bide_fail(BIDE_ECERT, "TLS with %s: certificate not acceptable: %s (depth %d, subject %s)", with,
                  X509_verify_cert_error_string(error), X509_STORE_CTX_get_error_depth(store), text);
    }
    return 0;
}

/* ---- what is wrong with anything else ---- */

/* Does it look like a protocol in plain text? */
static bool is_plain_text(const struct tls_filter *t)
{
    if (t->n_first < sizeof t->first)
        return false;
    for (unsigned i = 0; i < sizeof t->first; i++)
        if (t->first[i] < ' ' || t->first[i] > '~')
            return false;
    return true;
}

static int fail_below(const struct tls_filter *t, const char *doing, const char *with)
{
    if (t->below_code < 0)
        return bide_fail(t->below_code, "%s with %s: %s", doing, with, bide_strerror(t->below_code));
    if (!t->established)
        return bide_fail(BIDE_ETLS, "%s with %s: the peer closed the connection%s", doing, with,
                         t->key && t->n_first == 0 ? " (it said nothing: does it speak TLS?)" : "");
    return bide_fail(BIDE_EEOF, "%s with %s: the connection was cut off (no close_notify)", doing, with);
}

int bide__tls_fail(struct tls_filter *t, int ssl_error)
{
    const char *doing = t->established ? "TLS" : "TLS handshake";
    const char *with = t->key ? t->key : t->filter.stream->peer;
    unsigned long e = ERR_peek_error();
    int reason = ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) : 0;
    bool is_out_of_memory = lacks_memory();

    t->failed = true;
    t->alert = bide__tls_alert_of(e) ? bide__tls_alert_of(e) : t->alert;
    t->is_plain_http = t->tls->server && reason == SSL_R_HTTP_REQUEST;
    const char *why = bide__tls_reason();
    if (t->error_is_recorded)
        return BIDE_ECERT;
    if (t->alert) { /* before everything else: the connection ends behind it in one way or another */
        bide__tls_fail_alert(t, doing, with, t->alert);
        return bide__error_below(t->below_code);
    }
    if (ssl_error == SSL_ERROR_SYSCALL || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return fail_below(t, doing, with);
    if (!t->established && is_plain_text(t))
        return bide_fail(BIDE_ETLS, "%s with %s: the peer does not speak TLS (it says \"%.5s\", as plain %s does)", doing,
                         with, (const char *)t->first, memcmp(t->first, "HTTP/", 5) == 0 ? "HTTP" : "text");
    if (is_out_of_memory)
        return bide_fail(BIDE_ENOMEM, "%s with %s: out of memory", doing, with);
    return bide_fail(BIDE_ETLS, "%s with %s: %s", doing, with, why);
}
