/* SPDX-License-Identifier: MIT */
/* test_identity.c - TLS: which certificates are accepted, which are refused and how that is said, what the system trusts. */
#include "tls/tls_pair.h"

/* ---- accepted ---- */

TEST(tls_good_certificate_exchanges_and_selects_alpn, .real_time = true)
{
    certs_make();
    struct served server = serve_cert("good");
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        EXPECT_NOT_NULL(s);
        EXPECT_STR(bide_stream_alpn(s), "http/1.1");
        ping(s);
        ping(s);
    }
    stop(&server);
}

/* R97 */
TEST(tls_names_that_fit_are_accepted, .real_time = true)
{
    static const char *const names[] = {"good.test", "GOOD.test", "good.test.", "a.wild.test", "127.0.0.1", NULL};
    certs_make();
    struct served server = serve_cert("good");
    bide_auto bide_tls *tls = client_tls();
    for (int i = 0; names[i]; i++) {
        bide_auto bide_stream *s = dial(server.port, tls, names[i]);
        EXPECT_NOT_NULL(s);
        ping(s);
    }
    stop(&server);
}

static char named[300]; /* by the last client, in its hello */

static int note_name(SSL *ssl, int *alert, void *arg)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    (void)arg;
    snprintf(named, sizeof named, "%s", name ? name : "nobody");
    return SSL_TLSEXT_ERR_OK;
}

/* R97: RFC 6066 3: a host name without the dot at its end; never an address. */
TEST(tls_server_is_named_unless_it_is_an_address, .real_time = true)
{
    static const char *const names[][2] = {{"good.test", "good.test"}, {"good.test.", "good.test"}, {"127.0.0.1", "nobody"}};
    certs_make();
    bide_auto bide_tls *stls = server_tls("good");
    SSL_CTX_set_tlsext_servername_callback(stls->ctx, note_name);
    struct served server = serve_with(stls, pong, NULL);
    bide_auto bide_tls *tls = client_tls();
    for (int i = 0; i < 3; i++) {
        bide_auto bide_stream *s = dial(server.port, tls, names[i][0]);
        EXPECT_NOT_NULL(s);
        EXPECT_STR(named, names[i][1]);
    }
    stop(&server);
}

/* ---- refused ---- */

static void expect_refused(const char *cert, const char *name, const char *says)
{
    struct served server = serve_cert(cert);
    bide_auto bide_tls *tls = client_tls();
    bide_auto bide_stream *s = dial(server.port, tls, name);
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ECERT);
    EXPECT_CONTAINS(bide_error_text(), says);
    bide_error_clear();
    stop(&server);
}

/* R105 */
TEST(tls_wrong_host_is_refused_and_both_names_said, .real_time = true)
{
    certs_make();
    expect_refused("good", "wrong.test",
                   "certificate not acceptable: hostname mismatch (wanted wrong.test, certificate has good.test");
    expect_refused("good", "wild.test", "hostname mismatch");
    expect_refused("good", "a.b.wild.test", "hostname mismatch");
    expect_refused("good", "127.0.0.2", "hostname mismatch (wanted 127.0.0.2");
}

TEST(tls_partial_wildcard_is_refused, .real_time = true)
{
    certs_make();
    expect_refused("good", "foo.part.test", "hostname mismatch");
}

/* R97: RFC 9525 2: the subject's CN (here the file's name) is no host name, whatever else the certificate has. */
TEST(tls_common_name_is_never_a_host_name, .real_time = true)
{
    certs_make();
    cert_make((struct cert_args){.file = "cn.test", .issuer = "ca", .names = "IP:127.0.0.1"});
    expect_refused("cn.test", "cn.test", "hostname mismatch (wanted cn.test, certificate has 127.0.0.1)");
    cert_make((struct cert_args){.file = "cn.test", .issuer = "ca", .names = "email:a@cn.test"});
    expect_refused("cn.test", "cn.test", "hostname mismatch (wanted cn.test, certificate has no host names");
    cert_make((struct cert_args){.file = "cn.test", .issuer = "ca"});
    expect_refused("cn.test", "cn.test", "certificate has no host names in its subjectAltName");
    cert_make((struct cert_args){.file = "127.0.0.1", .issuer = "ca"});
    expect_refused("127.0.0.1", "127.0.0.1", "hostname mismatch (wanted 127.0.0.1");
    cert_make((struct cert_args){.file = "cn.test", .issuer = "ca", .names = "DNS:good.test"});
    expect_refused("cn.test", "cn.test", "certificate has good.test");
}

/* R105 */
TEST(tls_expired_certificate_is_refused_with_depth_and_subject, .real_time = true)
{
    certs_make();
    cert_make((struct cert_args){
        .file = "old", .issuer = "ca", .names = "DNS:good.test", .begins_s = -7200, .ends_s = -3600});
    expect_refused("old", "good.test", "certificate has expired (depth 0, subject CN = old)");
}

TEST(tls_self_signed_certificate_is_refused, .real_time = true)
{
    certs_make();
    cert_make((struct cert_args){.file = "self", .names = "DNS:good.test"});
    expect_refused("self", "good.test", "self-signed certificate");
}

TEST(tls_untrusted_issuer_is_refused, .real_time = true)
{
    certs_make();
    cert_make((struct cert_args){.file = "ca2", .is_ca = true});
    cert_make((struct cert_args){.file = "other", .issuer = "ca2", .names = "DNS:good.test"});
    expect_refused("other", "good.test", "unable to get local issuer certificate");
}

TEST(tls_insecure_accepts_what_is_refused_otherwise, .real_time = true)
{
    certs_make();
    cert_make((struct cert_args){.file = "self", .names = "DNS:other.test"});
    struct served server = serve_cert("self");
    {
        bide_auto bide_tls *tls = bide_tls_new(.insecure = true);
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        EXPECT_NOT_NULL(s);
        ping(s);
    }
    stop(&server);
}

TEST(tls_system_trust_refuses_a_private_ca, .real_time = true)
{
    certs_make();
    struct served server = serve_cert("good");
    bide_auto bide_tls *tls = bide__tls_shared(&(bide_tls_args){.size = sizeof(bide_tls_args)});
    EXPECT_NOT_NULL(tls);
    bide_auto bide_stream *s = dial(server.port, tls, "good.test");
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ECERT);
    bide_error_clear();
    stop(&server);
}

/* ---- what the system trusts ---- */

/* The system's certificates are looked up when they are needed: reading them all takes 46 ms. */
UNIT(tls_system_trust_reads_no_certificate_before_it_is_needed)
{
    unsetenv("SSL_CERT_FILE");
    bide_auto bide_tls *tls = bide_tls_new();
    EXPECT_NOT_NULL(tls);
    EXPECT_EQ(sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(tls->ctx))), 0);
}

static void expect_trusted(int port)
{
    bide_auto bide_tls *tls = bide_tls_new();
    EXPECT_NOT_NULL(tls);
    bide_auto bide_stream *s = dial(port, tls, "good.test");
    if (!s)
        FAIL("%s", bide_error_text());
    ping(s);
}

TEST(tls_system_trust_follows_the_environment, .real_time = true)
{
    char link[600];
    certs_make();
    struct served server = serve_cert("good");
    setenv("SSL_CERT_FILE", cert_path("ca"), 1);
    expect_trusted(server.port);
    unsetenv("SSL_CERT_FILE");

    FILE *f = fopen(cert_path("ca"), "re");
    X509 *ca = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    snprintf(link, sizeof link, "%s/%08lx.0", test_tmpdir(), X509_subject_name_hash(ca));
    X509_free(ca);
    EXPECT_EQ(symlink("ca.pem", link), 0);
    setenv("SSL_CERT_DIR", test_tmpdir(), 1);
    expect_trusted(server.port);
    stop(&server);

    setenv("SSL_CERT_FILE", "/nowhere/ca.pem", 1);
    EXPECT_NULL(bide_tls_new());
    EXPECT_CONTAINS(bide_error_text(), "/nowhere/ca.pem");
}

/* ---- names in messages ---- */

TEST(tls_names_of_a_certificate_are_told_in_print, .real_time = true)
{
    certs_make();
    cert_make((struct cert_args){.file = "ugly", .issuer = "ca", .names = "DNS:evil\033[31m.test"});
    struct served server = serve_cert("ugly");
    bide_auto bide_tls *tls = client_tls();
    bide_auto bide_stream *s = dial(server.port, tls, "good.test");
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ECERT);
    EXPECT_CONTAINS(bide_error_text(), "certificate has evil?[31m.test");
    bide_error_clear();
    stop(&server);
}
