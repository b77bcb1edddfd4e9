/* SPDX-License-Identifier: MIT */
/*
 * certs.h - certificates for the tests of TLS, made on the spot in the test's own folder.
 */
#ifndef TESTS_HARNESS_CERTS_H
#define TESTS_HARNESS_CERTS_H

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "harness/harness.h"

struct cert_args {
    const char *file;   /* in the test's folder: FILE.pem holds certificate and key */
    const char *issuer; /* a FILE of the same kind; NULL: self-signed */
    const char *names;  /* subjectAltName: "DNS:good.test,IP:127.0.0.1" */
    bool is_ca;
    long begins_s, ends_s; /* from now; both 0: valid for a day */
};

__attribute__((unused)) static const char *cert_path(const char *file)
{
    static char path[4][512];
    static unsigned i;
    char *p = path[i++ % 4];

    snprintf(p, sizeof path[0], "%s/%s.pem", test_tmpdir(), file);
    return p;
}

__attribute__((unused)) static void cert_extend(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    EXPECT_NOT_NULL(e);
    X509_add_ext(cert, e, -1);
    X509_EXTENSION_free(e);
}

__attribute__((unused)) static void cert_make(struct cert_args a)
{
    static long serial = 1000;
    EVP_PKEY *key = EVP_EC_gen("P-256"), *ca_key = NULL;
    X509 *cert = X509_new(), *ca = NULL;
    if (a.issuer) {
        FILE *from = fopen(cert_path(a.issuer), "re");
        EXPECT_NOT_NULL(from);
        ca = PEM_read_X509(from, NULL, NULL, NULL);
        ca_key = PEM_read_PrivateKey(from, NULL, NULL, NULL);
        fclose(from);
        EXPECT_NOT_NULL(ca_key);
    }
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), a.begins_s ? a.begins_s : -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), a.ends_s ? a.ends_s : 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)a.file, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(ca ? ca : cert));
    X509_set_pubkey(cert, key);
    cert_extend(cert, NID_basic_constraints, a.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (a.names)
        cert_extend(cert, NID_subject_alt_name, a.names);
    EXPECT_LT(0, X509_sign(cert, ca ? ca_key : key, EVP_sha256()));

    FILE *to = fopen(cert_path(a.file), "we");
    EXPECT_NOT_NULL(to);
    PEM_write_X509(to, cert);
    PEM_write_PrivateKey(to, key, NULL, NULL, 0, NULL, NULL);
    fclose(to);
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}

/* A CA "ca" and a certificate "good" for good.test, *.wild.test and 127.0.0.1. */
__attribute__((unused)) static void certs_make(void)
{
    cert_make((struct cert_args){.file = "ca", .is_ca = true});
    cert_make((struct cert_args){
        .file = "good", .issuer = "ca", .names = "DNS:good.test,DNS:*.wild.test,DNS:f*o.part.test,IP:127.0.0.1"});
}

#endif
