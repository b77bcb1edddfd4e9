/* SPDX-License-Identifier: MIT */
/* test_tls.c - the server over TLS. */
#include <bide/server.h>
#include <bide/stream.h>
#include <bide/tls.h>

#include "server/wire_pair.h"

TEST(server_speaks_tls, .real_time = true)
{
    char cert[128], key[128];
    make_certificate(cert, key, sizeof cert);
    START(.cert_file = cert, .key_file = key);
    EXPECT_MEM(bide_server_url(s), "https://127.0.0.1:", 18);
    bide_auto bide_tls *tls = bide_tls_new(.ca_file = cert, .alpn = "http/1.1");
    EXPECT_NOT_NULL(tls);
    bide_auto bide_stream *c = bide_connect("127.0.0.1", bide_server_port(s), .tls = tls);
    EXPECT_NOT_NULL(c);
    EXPECT_STR(bide_stream_alpn(c), "http/1.1");
    send_text(c, "GET /chunks HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_CONTAINS(read_all(c), "5\r\nthree\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n");
    EXPECT_CONTAINS(reply, "\r\n\r\nhello");
}

/* The handshake is a part of the head's time: from the connection on, whatever drips in. */
TEST(server_a_handshake_that_comes_drop_by_drop_is_ended, .real_time = true)
{
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"; /* of 512 bytes */
    char cert[128], key[128], byte;
    make_certificate(cert, key, sizeof cert);
    START(.cert_file = cert, .key_file = key, .idle_timeout_ms = 5000, .head_timeout_ms = 100);
    bide_auto bide_stream *silent = dial(s), *c = dial(s);
    int drops = 0;

    EXPECT_EQ(bide_write(c, hello, sizeof hello - 1), 0);
    for (; drops < 200 && bide_server_get_stats(s).open > 0; drops++) {
        if (bide_write(c, "x", 1) < 0 || bide_drain(c) < 0)
            break;
        EXPECT_EQ(bide_sleep_ms(10), 0);
    }
    bide_error_clear();
    EXPECT_LT(drops, 200);
    EXPECT_EQ(bide_read(silent, &byte, 1), 0);
    EXPECT_EQ(bide_server_get_stats(s).open, 0);
}

TEST(server_survives_a_client_that_speaks_no_tls, .real_time = true)
{
    char cert[128], key[128];
    make_certificate(cert, key, sizeof cert);
    START(.cert_file = cert, .key_file = key);
    bide_auto bide_stream *c = dial(s);
    send_text(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_CONTAINS(read_all(c), "HTTP/1.1 400 Bad Request\r\n");
    EXPECT_CONTAINS(reply, "this port speaks TLS");
    EXPECT_EQ(bide_server_get_stats(s).requests, 0);
}

TEST(server_start_names_a_certificate_that_is_missing, .real_time = true)
{
    EXPECT_NULL(bide_server_start(route, .cert_file = "/none/cert.pem", .key_file = "/none/key.pem"));
    EXPECT_ERR(bide_error_code(), BIDE_ETLS);
    EXPECT_CONTAINS(bide_error_text(), "/none/cert.pem");
}
