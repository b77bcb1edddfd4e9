/* SPDX-License-Identifier: MIT */
/* test_options.c - TLS by options: whom to trust, which keys, versions and ciphers, who we are; contexts that are shared. */
#include <openssl/pkcs12.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/tls/tls_layer.h"
#include "net.h"

static int pong(bide_stream *s, void *arg)
{
    char buf[4];

    (void)arg;
    while (bide_read_exactly(s, buf, 4) == 4)
        if (bide_write(s, "pong", 4) < 0 || bide_drain(s) < 0)
            break;
    return 0;
}

static int run_server(bide_listener *l)
{
    return bide_serve(l, pong, NULL);
}

struct served {
    bide_listener *listener;
    bide_task *task;
    int port;
};

static struct served serve(bide_tls *tls)
{
    struct served s = {.listener = bide_listen("127.0.0.1", 0, .tls = tls)};

    EXPECT_NOT_NULL(s.listener);
    s.port = bide_listener_port(s.listener);
    s.task = bide_create_task(bide_coro(run_server, s.listener));
    return s;
}

static void stop(struct served *s)
{
    bide_task_cancel(s->task);
    (void)!bide_await(s->task);
    bide_release(s->task);
    bide_release(s->listener);
}

static char said[512]; /* by the last failure */

/* 0, or what became of it. */
static int ping(int port, bide_tls *tls)
{
    char buf[4];
    if (!tls)
        return bide_error_code();
    bide_auto bide_stream *s = bide_connect("127.0.0.1", port, .tls = tls, .server_name = "good.test");

    if (!s || bide_write(s, "ping", 4) < 0 || bide_drain(s) < 0 || bide_read_exactly(s, buf, 4) < 0)
        return bide_error_code();
    return memcmp(buf, "pong", 4) == 0 ? 0 : -EIO;
}

/* A client with these options at a server with "good". */
static int ask(const bide_tls_args *options)
{
    bide_auto bide_tls *server = bide_tls_new(.server = true, .cert_file = cert_path("good"));
    struct served s = serve(server);
    bide_auto bide_tls *tls = bide_tls_new_with(options);
    int code = ping(s.port, tls);

    snprintf(said, sizeof said, "%s", code < 0 ? bide_error_text() : ""); /* stopping has errors of its own */
    stop(&s);
    return code;
}

static const char *in_test_folder(const char *name)
{
    static char path[4][512];
    static unsigned i;
    char *p = path[i++ % 4];

    snprintf(p, sizeof path[0], "%s/%s", test_tmpdir(), name);
    return p;
}

static X509 *read_cert(const char *name)
{
    FILE *f = fopen(cert_path(name), "re");
    X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);

    fclose(f);
    return cert;
}

/* ---- whom to trust ---- */

TEST(tls_ca_in_memory_is_trusted, .real_time = true)
{
    char pem[8192];
    certs_make();
    FILE *f = fopen(cert_path("ca"), "re");
    size_t n = fread(pem, 1, sizeof pem, f);
    fclose(f);

    EXPECT_EQ(ask(BIDE_TLS(.ca_data = {pem, n})), 0);
    EXPECT_ERR(ask(BIDE_TLS(.ca_data = {"garbage", 7})), BIDE_ETLS);
    EXPECT_CONTAINS(said, "from memory");
    bide_error_clear();
}

TEST(tls_ca_in_a_directory_is_found_by_its_hash, .real_time = true)
{
    char link[600];
    certs_make();
    X509 *ca = read_cert("ca");
    EXPECT_EQ(mkdir(in_test_folder("certs"), 0700), 0);
    snprintf(link, sizeof link, "%s/%08lx.0", in_test_folder("certs"), X509_subject_name_hash(ca));
    EXPECT_EQ(symlink(cert_path("ca"), link), 0);
    X509_free(ca);

    EXPECT_EQ(ask(BIDE_TLS(.ca_dir = in_test_folder("certs"))), 0);
    EXPECT_ERR(ask(BIDE_TLS(.ca_dir = in_test_folder("nowhere"))), BIDE_ETLS);
    EXPECT_CONTAINS(said, "nowhere: No such file");
    bide_error_clear();
}

/* ---- pins ---- */

static const char *pin_of(const char *name)
{
    static char pin[64];
    unsigned char hash[32], *der = NULL;
    X509 *cert = read_cert(name);
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

    SHA256(der, (size_t)len, hash);
    OPENSSL_free(der);
    X509_free(cert);
    strcpy(pin, "sha256//");
    EVP_EncodeBlock((unsigned char *)pin + 8, hash, sizeof hash);
    return pin;
}

#define OTHER_PIN "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

/* R99: beside being trusted. */
TEST(tls_pin_is_looked_at_beside_trust, .real_time = true)
{
    char two[160];
    certs_make();
    snprintf(two, sizeof two, OTHER_PIN ";%s", pin_of("good"));

    EXPECT_EQ(ask(BIDE_TLS(.ca_file = cert_path("ca"), .pins = two)), 0);
    EXPECT_ERR(ask(BIDE_TLS(.ca_file = cert_path("ca"), .pins = OTHER_PIN)), BIDE_ECERT);
    EXPECT_CONTAINS(said, pin_of("good"));
    EXPECT_ERR(ask(BIDE_TLS(.pins = two)), BIDE_ECERT); /* not trusted */
    EXPECT_EQ(ask(BIDE_TLS(.insecure = true, .pins = two)), 0);
    EXPECT_ERR(ask(BIDE_TLS(.insecure = true, .pins = OTHER_PIN)), BIDE_ECERT);
    EXPECT_ERR(ask(BIDE_TLS(.pins = "sha256//short")), -EINVAL);
    EXPECT_ERR(ask(BIDE_TLS(.pins = "")), -EINVAL);
    bide_error_clear();
}

/* ---- who we are ---- */

static void write_pkcs12(const char *password)
{
    FILE *f = fopen(cert_path("good"), "re");
    X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    PKCS12 *p12 = PKCS12_create(password, "me", key, cert, NULL, 0, 0, 0, 0, 0);
    EXPECT_NOT_NULL(p12);
    f = fopen(in_test_folder("me.p12"), "we");
    i2d_PKCS12_fp(f, p12);
    fclose(f);
    f = fopen(in_test_folder("locked.pem"), "we");
    PEM_write_X509(f, cert);
    PEM_write_PrivateKey(f, key, EVP_aes_128_cbc(), NULL, 0, NULL, (void *)(uintptr_t)password);
    fclose(f);
    PKCS12_free(p12);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* At a server that wants a certificate of "ca". */
static int show(const bide_tls_args *options)
{
    bide_auto bide_tls *server = bide_tls_new(.server = true, .cert_file = cert_path("good"), .ca_file = cert_path("ca"));
    struct served s = serve(server);
    bide_auto bide_tls *tls = bide_tls_new_with(options);
    int code = ping(s.port, tls);

    snprintf(said, sizeof said, "%s", code < 0 ? bide_error_text() : ""); /* stopping has errors of its own */
    stop(&s);
    return code;
}

TEST(tls_client_certificate_may_be_pem_or_pkcs12_and_locked, .real_time = true)
{
    certs_make();
    write_pkcs12("secret");

    EXPECT_EQ(show(BIDE_TLS(.ca_file = cert_path("ca"), .cert_file = cert_path("good"))), 0);
    EXPECT_EQ(show(BIDE_TLS(.ca_file = cert_path("ca"), .cert_file = in_test_folder("locked.pem"), .key_password = "secret")), 0);
    EXPECT_EQ(show(BIDE_TLS(.ca_file = cert_path("ca"), .cert_file = in_test_folder("me.p12"), .key_password = "secret")), 0);
    EXPECT_ERR(show(BIDE_TLS(.ca_file = cert_path("ca"))), BIDE_ETLS);
    bide_error_clear();
}

TEST(tls_client_certificate_with_a_wrong_password_says_so, .real_time = true)
{
    certs_make();
    write_pkcs12("secret");

    EXPECT_ERR(show(BIDE_TLS(.cert_file = in_test_folder("me.p12"), .key_password = "other")), BIDE_ETLS);
    EXPECT_CONTAINS(said, "me.p12: the password does not fit");
    EXPECT_ERR(show(BIDE_TLS(.cert_file = in_test_folder("me.p12"))), BIDE_ETLS);
    EXPECT_CONTAINS(said, "encrypted with a password");
    EXPECT_ERR(show(BIDE_TLS(.cert_file = in_test_folder("locked.pem"), .key_password = "other")), BIDE_ETLS);
    EXPECT_CONTAINS(said, "locked.pem: the password does not fit");
    bide_error_clear();
}

/* ---- versions and ciphers ---- */

TEST(tls_versions_and_ciphers_are_as_they_were_asked_for, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *new_only = bide_tls_new(.server = true, .cert_file = cert_path("good"), .min_version = 0x0304);
    bide_auto bide_tls *old = bide_tls_new(.ca_file = cert_path("ca"), .max_version = 0x0303);
    struct served s = serve(new_only);

    EXPECT_ERR(ping(s.port, old), BIDE_ETLS);
    stop(&s);
    EXPECT_EQ(ask(BIDE_TLS(.ca_file = cert_path("ca"), .max_version = 0x0303, .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256")), 0);
    EXPECT_EQ(ask(BIDE_TLS(.ca_file = cert_path("ca"), .ciphers = "TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256")), 0);
    EXPECT_ERR(ask(BIDE_TLS(.ca_file = cert_path("ca"), .max_version = 0x0303, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256")), BIDE_ETLS);
    EXPECT_ERR(ask(BIDE_TLS(.ciphers = "NONSENSE")), -EINVAL);
    EXPECT_ERR(ask(BIDE_TLS(.min_version = 0x0304, .max_version = 0x0303)), -EINVAL);
    bide_error_clear();
}

TEST(tls_server_name_is_what_the_certificate_must_be_for, .real_time = true)
{
    certs_make();

    EXPECT_EQ(ask(BIDE_TLS(.ca_file = cert_path("ca"), .server_name = "a.wild.test")), 0);
    EXPECT_ERR(ask(BIDE_TLS(.ca_file = cert_path("ca"), .server_name = "other.test")), BIDE_ECERT);
    bide_error_clear();
}

TEST(tls_keylog_has_the_secrets_of_each_connection_and_is_the_users_own, .real_time = true)
{
    struct stat st;
    char text[4096] = "";
    certs_make();

    EXPECT_EQ(ask(BIDE_TLS(.ca_file = cert_path("ca"), .keylog_file = in_test_folder("keys"))), 0);
    FILE *f = fopen(in_test_folder("keys"), "re");
    EXPECT_NOT_NULL(f);
    EXPECT_LT(0, (int)fread(text, 1, sizeof text - 1, f));
    fclose(f);
    EXPECT_CONTAINS(text, "CLIENT_TRAFFIC_SECRET_0 ");
    EXPECT_EQ(stat(in_test_folder("keys"), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600);
    EXPECT_ERR(ask(BIDE_TLS(.keylog_file = "/nowhere/keys")), -ENOENT);
    bide_error_clear();
}

/* ---- shared contexts ---- */

TEST(tls_shared_context_is_one_for_the_same_options_and_files)
{
    certs_make();
    bide_auto bide_tls *a = bide__tls_shared(BIDE_TLS(.ca_file = cert_path("ca"), .alpn = "http/1.1"));
    bide_auto bide_tls *b = bide__tls_shared(BIDE_TLS(.ca_file = cert_path("ca"), .alpn = "http/1.1"));
    bide_auto bide_tls *c = bide__tls_shared(BIDE_TLS(.ca_file = cert_path("ca"), .alpn = "http/1.1", .pins = OTHER_PIN));
    bide_auto bide_tls *d = bide__tls_shared(BIDE_TLS(.alpn = "http/1.1"));

    EXPECT_NOT_NULL(a);
    EXPECT_TRUE(a == b);
    EXPECT_TRUE(a != c && a != d && c != d);
    certs_make(); /* another file of the same name */
    bide_auto bide_tls *e = bide__tls_shared(BIDE_TLS(.ca_file = cert_path("ca"), .alpn = "http/1.1"));
    EXPECT_TRUE(e != a);
}

TEST(tls_shared_contexts_that_nobody_uses_do_not_pile_up)
{
    bide_auto bide_tls *kept = bide__tls_shared(BIDE_TLS(.server_name = "kept.test"));
    char name[32];
    size_t live = 0;

    for (int i = 0; i < 100; i++) { /* .insecure: without the system's certificates, which take milliseconds each */
        snprintf(name, sizeof name, "%03d.test", i);
        bide_release(bide__tls_shared(BIDE_TLS(.server_name = name, .insecure = true)));
        if (i == 49)
            live = bide__alloc_live();
    }
    EXPECT_EQ(bide__alloc_live(), live);
    bide_auto bide_tls *again = bide__tls_shared(BIDE_TLS(.server_name = "kept.test"));
    EXPECT_TRUE(again == kept);
}
