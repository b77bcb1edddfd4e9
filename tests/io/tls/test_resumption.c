/* SPDX-License-Identifier: MIT */
/* test_resumption.c - TLS: sessions that are resumed, and how many are kept. */
#include "tls/tls_pair.h"

/* R101 */
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

/* R101: Sessions that nobody takes: those of one server have a ceiling, and all together have one. */
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
