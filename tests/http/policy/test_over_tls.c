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
