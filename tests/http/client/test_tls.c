/* SPDX-License-Identifier: MIT */
/* test_tls.c - https: who is trusted, what is said when not, resumption, answers that were cut off. */
#include "client.h"

static int hello(bide_exchange *x, void *arg)
{
    (void)arg;
    return bide_respond_text(x, 200, "hello");
}

static bide_server *https_server(const char *cert)
{
    bide_server *server = bide_server_start(hello, .cert_file = cert_path(cert), .key_file = cert_path(cert));

    EXPECT_NOT_NULL(server);
    return server;
}

/* "::127.0.0.1:PORT": every name leads there. */
static const char *const *to(int port)
{
    static char text[64];
    static const char *list[] = {text, NULL};

    snprintf(text, sizeof text, "::127.0.0.1:%d", port);
    return list;
}

static void expect_bad_cert(const char *cert, const char *url, const char *part)
{
    bide_auto bide_server *server = https_server(cert);
    bide_auto bide_session *s =
        bide_session_new(.ca_file = cert_path("ca"), .connect_to = to(bide_server_port(server)));

    EXPECT_FAILED(bide_get(s, url), BIDE_ECERT, "GET https://", part);
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    bide_auto bide_session *blind = bide_session_new(.insecure = true, .connect_to = to(bide_server_port(server)));
    expect_get(blind, url, "hello");
}

TEST(client_tls_good_certificates_are_accepted_and_connections_used_again, .real_time = true)
{
    certs_make();
    bide_auto bide_server *server = https_server("good");
    bide_auto bide_session *s =
        bide_session_new(.ca_file = cert_path("ca"), .connect_to = to(bide_server_port(server)));

    expect_get(s, "https://good.test/", "hello");
    expect_get(s, "https://good.test/", "hello");
    expect_get(s, "https://x.wild.test/", "hello");

    EXPECT_EQ(bide_session_get_stats(s).connections, 2);
    bide_auto bide_response *r = bide_get(s, "https://good.test:444/");
    bide_timing t = bide_response_timing(r);
    EXPECT_TRUE(t.tls >= t.connect && t.connect >= 0);
}

TEST(client_tls_bad_certificates_are_refused_with_the_reason, .real_time = true)
{
    certs_make();
    cert_make((struct cert_args){
        .file = "old", .issuer = "ca", .names = "DNS:good.test", .begins_s = -7200, .ends_s = -3600});
    cert_make((struct cert_args){.file = "own", .names = "DNS:good.test"});

    expect_bad_cert("good", "https://bad.test/", "hostname mismatch (wanted bad.test");
    expect_bad_cert("old", "https://good.test/", "expired");
    expect_bad_cert("own", "https://good.test/", "self-signed");
}

TEST(client_tls_and_plain_are_not_confused, .real_time = true)
{
    certs_make();
    struct peer plain = PEER("HTTP/1.1 400 Bad Request\r\n\r\n" PAUSE);
    peer_start(&plain);
    char url[64];
    bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"));

    snprintf(url, sizeof url, "https://127.0.0.1:%d/", plain.port);
    EXPECT_FAILED(bide_get(s, url), BIDE_ETLS, url, "does not speak TLS");
    peer_stop(&plain);

    struct peer tls = {.scripts = {STALL}, .cert = "good"};
    peer_start(&tls);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", tls.port);
    EXPECT_NULL(bide_get(s, url));
    EXPECT_CONTAINS(bide_error_text(), url);
    bide_error_clear();
    peer_stop(&tls);
}

/* ---- where a body ends: R35, R100 ---- */

static void expect_tls_answer(const char *script, int code, const char *text)
{
    struct peer p = {.scripts = {script}, .cert = "good"};
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"));
        bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));
        const char *body = r ? bide_text(r) : NULL;
        if (code == 0)
            EXPECT_STR(body, text);
        else
            EXPECT_FAILED(body, code, "GET https://", text);
    }
    peer_stop(&p);
}

/* R35, R100 */
TEST(client_a_body_until_close_needs_close_notify, .real_time = true)
{
    certs_make();
    expect_tls_answer(ASK "HTTP/1.1 200 OK\r\n\r\nall of it" BYE, 0, "all of it");
    expect_tls_answer(ASK "HTTP/1.1 200 OK\r\n\r\nall of" PAUSE " it" BYE, 0, "all of it");
    expect_tls_answer(ASK "HTTP/1.1 200 OK\r\n\r\nall of it", BIDE_ETRUNCATED, "(no close_notify); ignore-unexpected-eof");
    expect_tls_answer(ASK "HTTP/1.1 200 OK\r\n\r\n", BIDE_ETRUNCATED, "after 0 bytes: the connection was cut off");
}

/* R100: Some servers never send it; curl takes what came. */
TEST(client_unexpected_eof_can_be_accepted_where_only_the_end_says_that_it_is_one, .real_time = true)
{
    static const char *const bodies[][2] = {{ASK "HTTP/1.1 200 OK\r\n\r\nall of" PAUSE " it", "all of it"},
                                            {ASK "HTTP/1.0 200 OK\r\n\r\n", ""},
                                            {ASK "HTTP/1.1 200 OK\r\n\r\nall" BYE, "all"},
                                            {ASK OK("5") "hel", NULL},
                                            {ASK "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", NULL}};
    certs_make();
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct peer p = {.scripts = {bodies[i][0]}, .cert = "good"};
        peer_start(&p);
        bide_session *s = bide_session_new(.ca_file = cert_path("ca"), .ignore_unexpected_eof = true);
        bide_response *r = bide_get(s, peer_url(&p, "/"));
        const char *body = r ? bide_text(r) : NULL;
        if (bodies[i][1])
            EXPECT_STR(body, bodies[i][1]);
        else
            EXPECT_FAILED(body, BIDE_ETRUNCATED, "GET https://", "the body ended");
        EXPECT_EQ(bide_session_get_stats(s).open, 0);
        bide_release(r);
        bide_release(s);
        peer_stop(&p);
    }
}

/* R100 */
TEST(client_a_body_that_says_where_it_ends_does_not, .real_time = true)
{
    certs_make();
    expect_tls_answer(ASK OK("5") "hello", 0, "hello");
    expect_tls_answer(ASK "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 0, "ab");
    expect_tls_answer(ASK OK("5") "hel", BIDE_ETRUNCATED, "after 3 of 5 bytes");
    expect_tls_answer(ASK OK("5") "hel" BYE, BIDE_ETRUNCATED, "after 3 of 5 bytes");
    expect_tls_answer(ASK "HTTP/1.1 200 OK\r\n", BIDE_EDISCONNECTED, "in the middle of the head");
    expect_tls_answer(ASK, BIDE_EDISCONNECTED, "without an answer");
}

/* R51 */
TEST(client_a_stale_tls_connection_is_replaced, .real_time = true)
{
    certs_make();
    static const char *const ends[] = {ASK OK("1") "a" ASK, ASK OK("1") "a" ASK BYE, ASK OK("1") "a" ASK RESET};

    for (int i = 0; i < 3; i++) {
        struct peer p = {.scripts = {ends[i], ASK OK("1") "b"}, .cert = "good"};
        peer_start(&p);
        {
            bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"));
            expect_get(s, peer_url(&p, "/"), "a");
            expect_get(s, peer_url(&p, "/"), "b");
        }
        EXPECT_EQ(peer_stop(&p), 2);
    }
}

/* D6 */
TEST(client_an_idle_tls_connection_keeps_its_tickets_and_nothing_else, .real_time = true)
{
    certs_make();
    struct peer p = {.scripts = {ASK OK("1") "a" PAUSE ASK OK("1") "b" PAUSE OK("4") "evil" STALL, ASK OK("1") "c"},
                     .cert = "good"};
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"));
        expect_get(s, peer_url(&p, "/"), "a");
        EXPECT_EQ(bide_sleep_ms(20), 0);
        EXPECT_EQ(bide_session_get_stats(s).idle, 1);
        expect_get(s, peer_url(&p, "/"), "b");
        for (int i = 0; i < 500 && bide_session_get_stats(s).idle > 0; i++)
            EXPECT_EQ(bide_sleep_ms(2), 0);
        EXPECT_EQ(bide_session_get_stats(s).open, 0);
        expect_get(s, peer_url(&p, "/"), "c");
    }
    EXPECT_EQ(peer_stop(&p), 2);
}

/* R15 */
TEST(client_a_refusal_stops_an_upload_over_tls, .real_time = true)
{
    enum { MUCH = 6 << 20 };
    static char much[MUCH];
    certs_make();
    struct peer p = {
        .scripts = {HEAD
                    "HTTP/1.1 413 Big\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig" PAUSE PAUSE PAUSE STALL,
                    HEAD "HTTP/1.1 100 Continue\r\n\r\n" PAUSE REST OK("2") "ok"},
        .cert = "good"};
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"));
        bide_auto bide_response *r = bide_post(s, peer_url(&p, "/"), .data = {much, MUCH});
        EXPECT_NOT_NULL(r);
        EXPECT_EQ(bide_status(r), 413);
        bide_auto bide_response *all = bide_post(s, peer_url(&p, "/"), .data = {much, MUCH});
        expect_body(all, "ok");
    }
    peer_stop(&p);
    EXPECT_LE(MUCH, p.nbody);
}
