/* SPDX-License-Identifier: MIT */
/* test_tls.c - TLS: who is accepted, what is refused and how that is said, resumption, closing, system calls. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "io/tls/tls_layer.h"
#include "net.h"

/* ---- a server of our own, in the same loop ---- */

static bide_tls *server_tls(const char *cert)
{
    bide_tls *tls = bide_tls_new(.server = true, .cert_file = cert_path(cert), .alpn = "http/1.1");
    EXPECT_NOT_NULL(tls);
    return tls;
}

static bide_tls *client_tls(void)
{
    bide_tls *tls = bide_tls_new(.ca_file = cert_path("ca"), .alpn = "h2,http/1.1");
    EXPECT_NOT_NULL(tls);
    return tls;
}

/* Answers "ping" with "pong" until the peer is tired of it. */
static int pong(bide_stream *s, void *arg)
{
    char buf[4];
    ssize_t n;

    (void)arg;
    while ((n = bide_read_exactly(s, buf, 4)) == 4) {
        BIDE_TRY(bide_write(s, "pong", 4));
        BIDE_TRY(bide_drain(s));
    }
    return (int)n;
}

struct served {
    bide_listener *listener;
    bide_task *task;
    int port;
};

static struct served serve_with(bide_tls *tls, bide_connection_handler *handler, const void *arg)
{
    struct served s = {.listener = bide_listen("127.0.0.1", 0, .tls = tls)};
    EXPECT_NOT_NULL(s.listener);
    s.port = bide_listener_port(s.listener);
    s.task = bide_create_task(bide_coro(bide_serve, s.listener, handler, (void *)(uintptr_t)arg));
    EXPECT_NOT_NULL(s.task);
    return s;
}

static struct served serve_cert(const char *cert)
{
    bide_auto bide_tls *tls = server_tls(cert);
    return serve_with(tls, pong, NULL);
}

static void stop(struct served *s)
{
    bide_release(s->task);
    bide_release(s->listener);
    bide_error_clear();
}

static void ping(bide_stream *s)
{
    char buf[4];

    EXPECT_EQ(bide_write(s, "ping", 4), 0);
    EXPECT_EQ(bide_read_exactly(s, buf, 4), 4);
    EXPECT_MEM(buf, "pong", 4);
}

static bide_stream *dial(int port, bide_tls *tls, const char *name)
{
    return bide_connect("127.0.0.1", port, .tls = tls, .server_name = name, .timeout_ms = 3000);
}

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

/* RFC 6066 3: a host name without the dot at its end; never an address. */
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

enum { MANY = 3000000 };

/* Sends back what it reads, while it goes on reading: both directions are full at times. */
static int echo(bide_stream *s, void *arg)
{
    char *buf = arg;
    ssize_t n;

    while ((n = bide_read(s, buf, 65536)) > 0) {
        BIDE_TRY(bide_write(s, buf, (size_t)n));
        BIDE_TRY(bide_drain(s));
    }
    return (int)n;
}

static int send_many(bide_stream *s, const char *data)
{
    BIDE_TRY(bide_write(s, data, MANY));
    return bide_drain(s);
}

TEST(tls_large_transfer_both_ways_arrives_whole, .real_time = true)
{
    certs_make();
    char *data = malloc(MANY), *back = malloc(MANY), *buf = malloc(65536);
    bide_auto bide_tls *stls = server_tls("good");
    struct served server = serve_with(stls, echo, buf);
    for (int i = 0; i < MANY; i++)
        data[i] = (char)(i * 7 + i / 1000);
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        EXPECT_NOT_NULL(s);
        bide_auto bide_task *writer = bide_create_task(bide_coro(send_many, s, (const char *)data));
        EXPECT_EQ(bide_read_exactly(s, back, MANY), MANY);
        EXPECT_EQ(bide_await(writer), 0);
        EXPECT_MEM(back, data, MANY);
    }
    stop(&server);
    free(data);
    free(back);
    free(buf);
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

/* RFC 9525 2: the subject's CN (here the file's name) is no host name, whatever else the certificate has. */
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
    bide_tls *tls = bide__tls_default(NULL);
    EXPECT_NOT_NULL(tls);
    EXPECT_TRUE(tls == bide__tls_default(NULL));
    EXPECT_TRUE(tls != bide__tls_default("http/1.1"));
    bide_auto bide_stream *s = dial(server.port, tls, "good.test");
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ECERT);
    bide_error_clear();
    stop(&server);
}

/* ---- peers that do not speak TLS, or stop in the middle ---- */

static int say(bide_stream *s, void *arg)
{
    char buf[512];

    BIDE_TRY(bide_read(s, buf, sizeof buf));
    BIDE_TRY(bide_write(s, arg, strlen(arg)));
    return bide_drain(s);
}

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

TEST(tls_plain_http_on_the_port_says_so, .real_time = true)
{
    certs_make();
    struct served server = serve_with(NULL, say, "HTTP/1.1 400 Bad Request\r\n\r\n");
    bide_auto bide_tls *tls = client_tls();
    bide_auto bide_stream *s = dial(server.port, tls, "good.test");
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    EXPECT_CONTAINS(bide_error_text(), "does not speak TLS (it says \"HTTP/\", as plain HTTP does)");
    bide_error_clear();
    stop(&server);
}

static int hang_up(bide_stream *s, void *arg)
{
    char buf[512];

    (void)arg;
    return (int)bide_read(s, buf, sizeof buf);
}

TEST(tls_peer_that_hangs_up_in_the_handshake_says_so, .real_time = true)
{
    certs_make();
    struct served server = serve_with(NULL, hang_up, NULL);
    bide_auto bide_tls *tls = client_tls();
    bide_auto bide_stream *s = dial(server.port, tls, "good.test");
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    EXPECT_CONTAINS(bide_error_text(), "TLS handshake with good.test:");
    EXPECT_CONTAINS(bide_error_text(), "the peer closed the connection (it said nothing: does it speak TLS?)");
    bide_error_clear();
    stop(&server);
}

static int stall(bide_stream *s, void *arg)
{
    (void)s;
    (void)arg;
    return bide_sleep_ms(60000);
}

TEST(tls_stalled_handshake_times_out, .real_time = true)
{
    certs_make();
    struct served server = serve_with(NULL, stall, NULL);
    bide_auto bide_tls *tls = client_tls();
    int64_t begin = bide__clock_ns();
    bide_auto bide_stream *s = bide_connect("127.0.0.1", server.port, .tls = tls, .timeout_ms = 100);
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ETIMEDOUT);
    EXPECT_CONTAINS(bide_error_text(), "TLS handshake with 127.0.0.1:");
    EXPECT_LT(bide__clock_ns() - begin, 1000000000);
    bide_error_clear();
    stop(&server);
}

/* ---- a write that was not completed ---- */

struct slow_reader {
    bool may_read;
    size_t n, n_others; /* bytes that are not 'A' */
};

/* Greets, then reads nothing for a while. */
static int read_late(bide_stream *s, void *arg)
{
    struct slow_reader *r = arg;
    char buf[16384];
    ssize_t n;

    BIDE_TRY(bide_write(s, "pong", 4));
    BIDE_TRY(bide_drain(s));
    while (!r->may_read)
        BIDE_TRY(bide_sleep_ms(1));
    while ((n = bide_read(s, buf, sizeof buf)) > 0) {
        r->n += (size_t)n;
        for (ssize_t i = 0; i < n; i++)
            r->n_others += buf[i] != 'A';
    }
    return 0;
}

/* As much as is collected: each write sends the one before, and stops within that or within its own first record. */
static int write_record(bide_stream *s, char c)
{
    char data[16384];
    int code = 0;

    memset(data, c, sizeof data);
    bide_timeout(20)
        code = bide_write(s, data, sizeof data);
    return code;
}

TEST(tls_write_that_timed_out_breaks_the_stream, .real_time = true)
{
    struct slow_reader r = {0};
    char buf[4];
    int code;
    certs_make();
    bide_auto bide_tls *stls = server_tls("good");
    struct served server = serve_with(stls, read_late, &r);
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        while ((code = write_record(s, 'A')) == 0)
            ;
        EXPECT_EQ(code, BIDE_ETIMEDOUT);
        bide_error_clear();
        r.may_read = true;
        EXPECT_EQ(bide_sleep_ms(20), 0);
        EXPECT_ERR(write_record(s, 'z'), BIDE_ESTATE);
        bide_error_clear();
        EXPECT_ERR(bide_drain(s), BIDE_ESTATE);
        bide_error_clear();
        EXPECT_EQ(bide_read_exactly(s, buf, 4), 4); /* reading is another matter */
    }
    EXPECT_EQ(bide_sleep_ms(20), 0);
    EXPECT_LT(0, r.n);
    EXPECT_EQ(r.n_others, 0);
    stop(&server);
}

/* ---- the end of a connection ---- */

static int shut(bide_stream *s, void *arg)
{
    char buf[4];
    ssize_t n = bide_read_exactly(s, buf, 4);

    (void)arg;
    if (n < 0)
        return (int)n;
    BIDE_TRY(bide_write(s, "last", 4));
    return bide_drain(s);
}

TEST(tls_orderly_close_is_the_end_of_the_stream, .real_time = true)
{
    char buf[8];
    certs_make();
    bide_auto bide_tls *stls = server_tls("good");
    struct served server = serve_with(stls, shut, NULL);
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        EXPECT_EQ(bide_write(s, "ping", 4), 0);
        EXPECT_EQ(bide_read_exactly(s, buf, 4), 4);
        EXPECT_EQ(bide_read(s, buf, 8), 0);
        EXPECT_FALSE(bide__stream_was_cut(s));
    }
    stop(&server);
}

/* Ends the TCP connection under TLS. */
static int cut(bide_stream *s, void *arg)
{
    char buf[4];
    ssize_t n = bide_read_exactly(s, buf, 4);

    (void)arg;
    if (n < 0)
        return (int)n;
    BIDE_TRY(bide_write(s, "last", 4));
    BIDE_TRY(bide_drain(s));
    shutdown(s->socket.fd.fd, SHUT_WR);
    return bide_sleep_ms(100);
}

TEST(tls_end_without_close_notify_is_an_error, .real_time = true)
{
    char buf[8];
    certs_make();
    bide_auto bide_tls *stls = server_tls("good");
    struct served server = serve_with(stls, cut, NULL);
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        EXPECT_EQ(bide_write(s, "ping", 4), 0);
        EXPECT_EQ(bide_read_exactly(s, buf, 4), 4);
        EXPECT_ERR(bide_read(s, buf, 8), BIDE_EEOF);
        EXPECT_CONTAINS(bide_error_text(), "no close_notify");
        EXPECT_TRUE(bide__stream_was_cut(s));
    }
    stop(&server);
}

TEST(tls_half_close_lets_reading_go_on, .real_time = true)
{
    char buf[8];
    certs_make();
    struct served server = serve_cert("good");
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        EXPECT_EQ(bide_write(s, "ping", 4), 0);
        EXPECT_EQ(bide_stream_shutdown(s), 0);
        EXPECT_EQ(bide_read_exactly(s, buf, 4), 4);
        EXPECT_EQ(bide_read(s, buf, 8), 0);
    }
    stop(&server);
}

/* ---- resumption ---- */

TEST(tls_second_connection_resumes_until_the_tickets_are_used, .real_time = true)
{
    certs_make();
    struct served server = serve_cert("good");
    {
        bide_auto bide_tls *tls = client_tls();
        for (int i = 0; i < 6; i++) {
            bide_auto bide_stream *s = dial(server.port, tls, "good.test");
            EXPECT_NOT_NULL(s);
            EXPECT_EQ(bide__tls_was_resumed(s), i > 0);
            ping(s);
        }
        bide_auto bide_stream *other = dial(server.port, tls, "b.wild.test");
        EXPECT_FALSE(bide__tls_was_resumed(other)); /* the sessions are those of good.test */
        bide_auto bide_tls *elsewhere = client_tls();
        bide_auto bide_stream *third = dial(server.port, elsewhere, "good.test");
        EXPECT_FALSE(bide__tls_was_resumed(third)); /* of another configuration */
    }
    stop(&server);
}

/* Each of n streams, in turn, to its own name; the ping takes the tickets.  Returns: how many were resumed. */
static int dial_many(int port, bide_tls *tls, int n, const char *format)
{
    bide_stream *streams[300];
    char name[32];
    int resumed = 0;

    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, format, i);
        streams[i] = dial(port, tls, name);
        EXPECT_NOT_NULL(streams[i]);
        resumed += bide__tls_was_resumed(streams[i]);
    }
    for (int i = 0; i < n; i++) {
        ping(streams[i]);
        bide_release(streams[i]);
    }
    return resumed;
}

TEST(tls_as_many_connections_resume_as_were_open_at_once, .real_time = true)
{
    certs_make();
    struct served server = serve_cert("good");
    {
        bide_auto bide_tls *tls = client_tls();
        EXPECT_EQ(dial_many(server.port, tls, 64, "good.test"), 0);
        EXPECT_EQ(dial_many(server.port, tls, 64, "good.test"), 64);
    }
    stop(&server);
}

TEST(tls_sessions_of_more_than_256_servers_are_kept, .real_time = true)
{
    certs_make();
    struct served server = serve_cert("good");
    {
        bide_auto bide_tls *tls = client_tls();
        EXPECT_EQ(dial_many(server.port, tls, 260, "h%d.wild.test"), 0);
        EXPECT_EQ(dial_many(server.port, tls, 260, "h%d.wild.test"), 260);
    }
    stop(&server);
}

/* Sessions that nobody takes: those of one server have a ceiling, and all together have one. */
TEST(tls_sessions_kept_have_ceilings)
{
    struct tls_sessions all;
    char key[16];

    EXPECT_EQ(bide__tls_sessions_init(&all), 0);
    bide__tls_session_put(&all, "other:443", SSL_SESSION_new());
    for (int i = 0; i < 1000; i++)
        bide__tls_session_put(&all, "same:443", SSL_SESSION_new());
    EXPECT_EQ(all.count, 257);
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "h%d:443", i);
        bide__tls_session_put(&all, key, SSL_SESSION_new());
    }
    EXPECT_EQ(all.count, 2048);
    EXPECT_EQ(all.by_server.count, 2048); /* those of the other two were the oldest */
    bide__tls_session_drop(&all, "h2999:443");
    EXPECT_EQ(all.count, 2047);
    bide__tls_sessions_free(&all);
}

TEST(tls_idle_connection_takes_tickets_and_stays_usable, .real_time = true)
{
    certs_make();
    struct served server = serve_cert("good");
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        EXPECT_EQ(bide_sleep_ms(50), 0); /* the tickets have come */
        EXPECT_TRUE(bide__stream_is_alive(s, true));
        ping(s);
        EXPECT_TRUE(bide__stream_is_alive(s, true));
    }
    stop(&server);
}

/* ---- the openssl program as the other side ---- */

struct program {
    pid_t pid;
    int in, out, port;
};

/* Runs openssl s_server; it says its port first. */
static struct program s_server(const char *extra)
{
    char command[2048], line[256];
    int in[2], out[2];
    struct program p = {.port = 0};
    snprintf(command, sizeof command, "exec openssl s_server -accept 127.0.0.1:0 -cert '%s' %s 2>/dev/null",
             cert_path("good"), extra);
    EXPECT_EQ(pipe2(in, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
    p.pid = fork();
    EXPECT_LE(0, p.pid);
    if (p.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    p.in = in[1];
    p.out = out[0];
    FILE *from = fdopen(dup(p.out), "r");
    while (p.port == 0 && fgets(line, sizeof line, from))
        sscanf(line, "ACCEPT 127.0.0.1:%d", &p.port);
    fclose(from);
    if (p.port == 0)
        SKIP("openssl s_server does not run here");
    return p;
}

static void program_end(struct program *p)
{
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    close(p->in);
    close(p->out);
}

/* A GET from s_server -www; returns whether the session was resumed. */
static bool get_www(int port, bide_tls *tls)
{
    char buf[4096];
    size_t total = 0;
    bide_auto bide_stream *s = dial(port, tls, "good.test");
    if (!s)
        FAIL("%s", bide_error_text());
    bool resumed = bide__tls_was_resumed(s);
    EXPECT_EQ(bide_write(s, "GET / HTTP/1.0\r\n\r\n", 18), 0);
    for (ssize_t n; (n = bide_read(s, buf, sizeof buf)) != 0; total += (size_t)n)
        if (n < 0)
            FAIL("%s", bide_error_text());
    EXPECT_LT(200, total);
    return resumed;
}

static void expect_resumption(const char *extra)
{
    certs_make();
    bide_auto bide_tls *tls = client_tls();
    struct program p = s_server(extra);
    EXPECT_FALSE(get_www(p.port, tls));
    EXPECT_TRUE(get_www(p.port, tls));
    EXPECT_TRUE(get_www(p.port, tls));
    program_end(&p);
}

TEST(tls_openssl_server_1_3_resumes, .real_time = true)
{
    expect_resumption("-www -tls1_3");
}

TEST(tls_openssl_server_1_2_resumes, .real_time = true)
{
    expect_resumption("-www -tls1_2");
}

TEST(tls_openssl_server_1_2_without_tickets_resumes, .real_time = true)
{
    expect_resumption("-www -tls1_2 -no_ticket");
}

TEST(tls_many_tickets_in_the_middle_are_taken, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *tls = client_tls();
    struct program p = s_server("-www -tls1_3 -num_tickets 20");
    EXPECT_FALSE(get_www(p.port, tls));
    EXPECT_TRUE(get_www(p.port, tls));
    program_end(&p);
}

TEST(tls_1_1_is_refused, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *tls = client_tls();
    struct program p = s_server("-www -tls1_1 -cipher 'DEFAULT:@SECLEVEL=0'");
    bide_auto bide_stream *s = dial(p.port, tls, "good.test");
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    EXPECT_CONTAINS(bide_error_text(), "protocol version");
    program_end(&p);
}

/* TLS 1.2 has no alert for it; but the server has asked. */
TEST(tls_1_2_server_that_requires_a_certificate_says_so, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *tls = client_tls();
    struct program p = s_server("-www -tls1_2 -Verify 1 -verify_return_error");
    bide_auto bide_stream *s = dial(p.port, tls, "good.test");
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    EXPECT_CONTAINS(bide_error_text(), "the peer refused: the server requires a client certificate (handshake_failure)");
    program_end(&p);
}

TEST(tls_minimum_1_3_refuses_1_2, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *tls = bide_tls_new(.ca_file = cert_path("ca"), .min_version = 0x0304);
    struct program p = s_server("-www -tls1_2");
    bide_auto bide_stream *s = dial(p.port, tls, "good.test");
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    program_end(&p);
}

TEST(tls_records_of_one_fragment_size_arrive_whole, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *tls = client_tls();
    struct program p = s_server("-www -max_send_frag 512 -split_send_frag 512");
    EXPECT_FALSE(get_www(p.port, tls));
    program_end(&p);
}

/* Key updates and renegotiation requests are typed into s_server: K asks for a key update of both sides. */
TEST(tls_key_update_in_the_middle_is_answered, .real_time = true)
{
    char buf[16];
    certs_make();
    bide_auto bide_tls *tls = client_tls();
    struct program p = s_server("-tls1_3");
    {
        bide_auto bide_stream *s = dial(p.port, tls, "good.test");
        EXPECT_NOT_NULL(s);
        EXPECT_EQ(write(p.in, "one\n", 4), 4);
        EXPECT_EQ(bide_read_exactly(s, buf, 4), 4);
        EXPECT_EQ(write(p.in, "K\n", 2), 2);
        EXPECT_EQ(bide_sleep_ms(50), 0);
        EXPECT_EQ(write(p.in, "two\n", 4), 4);
        EXPECT_EQ(bide_read_exactly(s, buf, 4), 4);
        EXPECT_MEM(buf, "two\n", 4);
        EXPECT_EQ(bide_write(s, "yes\n", 4), 0);
        EXPECT_EQ(bide_drain(s), 0);
    }
    program_end(&p);
}

/* ---- a server that sends its bytes one at a time ---- */

struct drip {
    int port;       /* of the real server */
};

/* Passes bytes on, towards the client one by one. */
static int drip_back(bide_stream *from, bide_stream *to)
{
    char buf[1024];

    for (ssize_t n; (n = bide_read(from, buf, sizeof buf)) > 0;)
        for (ssize_t i = 0; i < n; i++) {
            BIDE_TRY(bide_write(to, buf + i, 1));
            BIDE_TRY(bide_drain(to));
            BIDE_TRY(bide_sleep_ms(0));
        }
    return 0;
}

static int drip(bide_stream *client, void *arg)
{
    char buf[1024];
    bide_auto bide_stream *server = bide_connect("127.0.0.1", ((struct drip *)arg)->port);
    if (!server)
        return bide_raise();
    bide_auto bide_task *back = bide_create_task(bide_coro(drip_back, server, client));
    for (ssize_t n; (n = bide_read(client, buf, sizeof buf)) > 0;) {
        BIDE_TRY(bide_write(server, buf, (size_t)n));
        BIDE_TRY(bide_drain(server));
    }
    return 0;
}

TEST(tls_bytes_that_come_one_by_one_are_put_together, .real_time = true)
{
    certs_make();
    struct served server = serve_cert("good");
    struct served slow = serve_with(NULL, drip, &(struct drip){server.port});
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(slow.port, tls, "good.test");
        EXPECT_NOT_NULL(s);
        ping(s);
    }
    stop(&slow);
    stop(&server);
}

/* ---- contexts ---- */

UNIT(tls_new_refuses_bad_files_and_options)
{
    EXPECT_NULL(bide_tls_new(.ca_file = "/nowhere/ca.pem"));
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    EXPECT_CONTAINS(bide_error_text(), "/nowhere/ca.pem");
    EXPECT_CONTAINS(bide_error_text(), "No such file");
    struct bide_error_info info;
    bide_error_get(&info);
    EXPECT_EQ(info.code, BIDE_ETLS);
    EXPECT_EQ(info.system, ENOENT); /* the errno below it */
    EXPECT_NULL(bide_tls_new(.server = true));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    EXPECT_NULL(bide_tls_new(.min_version = 0x0301));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    EXPECT_NULL(bide_tls_new(.alpn = "h2,,http/1.1"));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    certs_make();
    cert_make((struct cert_args){.file = "other"});
    EXPECT_NULL(bide_tls_new(.server = true, .cert_file = cert_path("good"), .key_file = cert_path("other")));
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    EXPECT_CONTAINS(bide_error_text(), "key values mismatch");
    bide_error_clear();
}

UNIT(tls_key_with_a_password_is_refused_without_asking)
{
    certs_make();
    const char *path = cert_path("locked");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *to = fopen(path, "we");
    EXPECT_EQ(PEM_write_PKCS8PrivateKey(to, key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL), 1);
    fclose(to);
    EVP_PKEY_free(key);
    EXPECT_NULL(bide_tls_new(.server = true, .cert_file = cert_path("good"), .key_file = path));
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    EXPECT_CONTAINS(bide_error_text(), "it is encrypted with a password");
    bide_error_clear();
}

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

TEST(tls_server_without_common_alpn_refuses, .real_time = true)
{
    certs_make();
    struct served server = serve_cert("good");
    bide_auto bide_tls *tls = bide_tls_new(.ca_file = cert_path("ca"), .alpn = "h2");
    bide_auto bide_stream *s = dial(server.port, tls, "good.test");
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    EXPECT_CONTAINS(bide_error_text(), "no application protocol");
    bide_error_clear();
    stop(&server);
}

/* ---- what an alert means ---- */

/* Answers whatever comes with one alert in plain text, as a server does that refuses the first message. */
static int alert_now(bide_stream *s, void *arg)
{
    char record[] = {0x15, 0x03, 0x03, 0, 2, 2, (char)(intptr_t)arg}, hello[16];

    BIDE_TRY(bide_read(s, hello, sizeof hello));
    BIDE_TRY(bide_write(s, record, sizeof record));
    BIDE_TRY(bide_drain(s));
    return bide_sleep_ms(20) < 0 ? bide_raise() : 0;
}

TEST(tls_alerts_are_told_in_words_and_by_their_names, .real_time = true, .seconds = 20)
{
    static const struct {
        int alert;
        const char *says;
    } cases[] = {
        {40, "the peer refused: no version, cipher or certificate that both sides accept (handshake_failure)"},
        {48, "the peer refused: it does not know the authority that issued our certificate (unknown_ca)"},
        {70, "no common protocol version: it speaks no TLS that is allowed here (protocol_version)"},
        {112, "the peer refused: it serves no host named good.test (unrecognized_name)"},
        {116, "the peer refused: the server requires a client certificate (certificate_required)"},
        {120, "no application protocol (ALPN) of those that were offered (no_application_protocol)"},
        {80, "(internal_error)"},
        {45, "our certificate has expired (certificate_expired)"},
        {200, "the peer refused: alert 200"},
    };
    certs_make();
    bide_auto bide_tls *tls = client_tls();
    for (size_t i = 0; i < array_len(cases); i++) {
        struct served server = serve_with(NULL, alert_now, (void *)(intptr_t)cases[i].alert);
        EXPECT_NULL(dial(server.port, tls, "good.test"));
        EXPECT_EQ(bide_error_code(), BIDE_ETLS);
        EXPECT_CONTAINS(bide_error_text(), cases[i].says);
        EXPECT_CONTAINS(bide_error_text(), "TLS handshake with good.test:");
        stop(&server);
    }
}

TEST(tls_server_that_asks_refuses_a_client_without_certificate, .real_time = true)
{
    char buf[4];
    certs_make();
    bide_auto bide_tls *stls =
        bide_tls_new(.server = true, .cert_file = cert_path("good"), .ca_file = cert_path("ca"));
    struct served server = serve_with(stls, pong, NULL);
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        EXPECT_TRUE(!s || bide_write(s, "ping", 4) < 0 || bide_read_exactly(s, buf, 4) < 0);
        EXPECT_ERR(bide_error_code(), BIDE_ETLS);
        EXPECT_CONTAINS(bide_error_text(), "the server requires a client certificate");
        if (s) { /* also when it is asked again */
            EXPECT_ERR(bide_read_exactly(s, buf, 4), BIDE_ETLS);
            EXPECT_CONTAINS(bide_error_text(), "the server requires a client certificate");
        }
        bide_auto bide_tls *with = bide_tls_new(.ca_file = cert_path("ca"), .cert_file = cert_path("good"));
        bide_auto bide_stream *known = dial(server.port, with, "good.test");
        EXPECT_NOT_NULL(known);
        ping(known);
    }
    stop(&server);
}

/* ---- layers on layers ---- */

static int pong_inside(bide_stream *s, void *arg)
{
    BIDE_TRY(bide__tls_start_server(s, arg));
    return pong(s, NULL);
}

static void expect_pong_of_all(bide_stream *s)
{
    enum { PINGS = 20000 }; /* more than a record of either layer, and than a socket takes at once with nobody reading */
    char buf[4];

    for (int i = 0; i < PINGS; i++)
        EXPECT_EQ(bide_write(s, "ping", 4), 0);
    EXPECT_EQ(bide_drain(s), 0);
    for (int i = 0; i < PINGS; i++) {
        EXPECT_EQ(bide_read_exactly(s, buf, 4), 4);
        EXPECT_MEM(buf, "pong", 4);
    }
}

/* As a proxy that is spoken to over TLS has it: neither layer knows that the other is one of TLS, too. */
TEST(tls_inside_tls_shakes_hands_and_carries_bytes, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *inner = server_tls("good"), *outer = server_tls("good"), *tls = client_tls();
    struct served server = serve_with(outer, pong_inside, inner);
    {
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        EXPECT_NOT_NULL(s);
        EXPECT_EQ(bide__tls_start_client(s, tls, "good.test", 1), 0);
        ping(s);
        EXPECT_TRUE(bide__stream_is_alive(s, true)); /* tickets of both layers may have come */
        expect_pong_of_all(s);
        EXPECT_EQ(bide_stream_shutdown(s), 0);
        char more;
        EXPECT_EQ(bide_read(s, &more, 1), 0); /* a close_notify of the inner layer */
        EXPECT_FALSE(bide__stream_was_cut(s));
    }
    stop(&server);
}

/* ---- system calls: one recv and one send for each exchange ---- */

static const struct filter_ops *real_ops;
static unsigned recvs, sends;

/* Without bytes to be had, the socket layer answers without asking the kernel. */
static ssize_t counted_recv(struct filter *f, void *out, size_t cap)
{
    recvs += container_of(f, struct socket_filter, filter)->fd.readable;
    return real_ops->try_recv(f, out, cap);
}

static ssize_t counted_send(struct filter *f, const struct iovec *iov, int n)
{
    sends++;
    return real_ops->try_send(f, iov, n);
}

TEST(tls_small_exchange_is_one_send_and_one_recv, .real_time = true)
{
    certs_make();
    struct served server = serve_cert("good");
    {
        bide_auto bide_tls *tls = client_tls();
        bide_auto bide_stream *s = dial(server.port, tls, "good.test");
        ping(s);
        real_ops = s->socket.filter.ops;
        struct filter_ops counted = *real_ops;
        counted.try_recv = counted_recv;
        counted.try_send = counted_send;
        s->socket.filter.ops = &counted;
        for (int i = 0; i < 100; i++)
            ping(s);
        s->socket.filter.ops = real_ops;
        EXPECT_EQ(sends, 100);
        EXPECT_EQ(recvs, 100);
    }
    stop(&server);
}
