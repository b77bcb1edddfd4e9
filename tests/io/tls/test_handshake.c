/* SPDX-License-Identifier: MIT */
/* test_handshake.c - TLS: peers that do not speak it, stop in the middle, or refuse: what an alert means. */
#include "tls/tls_pair.h"

/* ---- peers that do not speak TLS, or stop in the middle ---- */

static int say(bide_stream *s, void *arg)
{
    char buf[512];

    BIDE_TRY(bide_read(s, buf, sizeof buf));
    BIDE_TRY(bide_write(s, arg, strlen(arg)));
    return bide_drain(s);
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

/* ---- no protocol in common ---- */

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
