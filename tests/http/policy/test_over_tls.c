/* SPDX-License-Identifier: MIT */
/* test_over_tls.c - what policies do over TLS alone. */
#include "client.h"

#define NO_BASIC "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"b\"\r\nContent-Length: 0\r\n\r\n"

static int get(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);

    return r ? bide_status(r) : bide_error_code();
}

/* R117 */
TEST(auth_of_any_scheme_answers_basic_over_tls, .real_time = true)
{
    certs_make();
    struct peer p = PEER(ASK NO_BASIC ASK OK("2") "ok" ASK OK("2") "ok" ASK NO_BASIC);
    p.cert = "good";
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new(.auth = BIDE_ANY_AUTH("me", "pw"), .ca_file = cert_path("ca"));

    EXPECT_EQ(get(s, peer_url(&p, "/")), 200);
    EXPECT_EQ(get(s, peer_url(&p, "/")), 200);
    EXPECT_EQ(get(s, peer_url(&p, "/")), 401);
    peer_stop(&p);
    EXPECT_EQ(count_of(p.seen, "\r\nAuthorization: Basic bWU6cHc=\r\n"), 3);
}

/* R122: from TLS with a verified certificate alone; a redirect to http there has not left the origin */
TEST(hsts_that_a_server_says_makes_https_of_http, .real_time = true)
{
    certs_make();
    struct peer p = PEER(ASK "HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=100\r\nContent-Length: 2\r\n\r\nok"
                         ASK "HTTP/1.1 302 Found\r\nLocation: http://good.test/b\r\nContent-Length: 0\r\n\r\n" ASK OK("2") "ok");
    char to[64];
    p.cert = "good";
    peer_start(&p);
    snprintf(to, sizeof to, "::127.0.0.1:%d", p.port);
    bide_auto bide_hsts *hsts = bide_hsts_new();
    bide_auto bide_session *s = bide_session_new(.hsts = hsts, .ca_file = cert_path("ca"), .connect_to = (const char *const[]){to, NULL},
                                                 .auth = BIDE_BASIC("me", "pw"));

    EXPECT_EQ(get(s, "https://good.test/"), 200);
    EXPECT_TRUE(bide_hsts_applies(hsts, "good.test"));
    bide_auto bide_response *r = bide_get(s, "http://good.test/a");
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_STR(bide_response_url(r), "https://good.test/b");
    peer_stop(&p);
    EXPECT_EQ(count_of(p.seen, "\r\nAuthorization: Basic "), 3);
}

/* R122 */
TEST(hsts_is_not_believed_without_a_verified_certificate, .real_time = true)
{
    certs_make();
    struct peer p = PEER(ASK "HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=100\r\nContent-Length: 2\r\n\r\nok");
    char to[64];
    p.cert = "good";
    peer_start(&p);
    snprintf(to, sizeof to, "::127.0.0.1:%d", p.port);
    bide_auto bide_hsts *hsts = bide_hsts_new();
    bide_auto bide_session *s = bide_session_new(.hsts = hsts, .insecure = true, .connect_to = (const char *const[]){to, NULL});

    EXPECT_EQ(get(s, "https://good.test/"), 200);
    EXPECT_EQ(bide_hsts_len(hsts), 0);
    peer_stop(&p);
}
