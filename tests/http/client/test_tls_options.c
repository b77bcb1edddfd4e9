/* SPDX-License-Identifier: MIT */
/* test_tls_options.c - TLS of a session: its options, a context handed over, contexts shared by sessions. */
#include "client.h"
#include "http/client/client.h"

static int hello(bide_exchange *x, void *arg)
{
    (void)arg;
    return bide_respond_text(x, 200, "hello");
}

static bide_server *start(void)
{
    certs_make();
    return bide_server_start(hello, .cert_file = cert_path("good"), .key_file = cert_path("good"));
}

static const char *url_of(const bide_server *server)
{
    static char url[64];

    snprintf(url, sizeof url, "https://127.0.0.1:%d/", bide_server_port(server));
    return url;
}

TEST(session_tls_options_are_obeyed, .real_time = true)
{
    bide_auto bide_server *server = start();
    bide_auto bide_session *good = bide_session_new(.tls_options = BIDE_TLS(.ca_file = cert_path("ca"), .server_name = "good.test"));
    bide_auto bide_session *bad =
        bide_session_new(.ca_file = cert_path("ca"),
                         .tls_options = BIDE_TLS(.pins = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));

    expect_get(good, url_of(server), "hello");
    EXPECT_FAILED(bide_get(bad, url_of(server)), BIDE_ECERT, "GET https://", "is not among the pins");
}

TEST(session_tls_context_that_is_handed_over_is_used, .real_time = true)
{
    bide_auto bide_server *server = start();
    bide_auto bide_tls *tls = bide_tls_new(.ca_file = cert_path("ca"));
    bide_auto bide_session *s = bide_session_new(.tls = tls);

    bide_release(bide_take(tls));
    expect_get(s, url_of(server), "hello");
}

TEST(session_tls_options_that_contradict_are_refused)
{
    certs_make();
    bide_auto bide_tls *tls = bide_tls_new(.ca_file = cert_path("ca"));

    EXPECT_FAILED(bide_session_new(.tls = tls, .insecure = true), -EINVAL, ".tls is a whole context", ".insecure");
    EXPECT_FAILED(bide_session_new(.ca_file = "a", .tls_options = BIDE_TLS(.ca_file = "b")), -EINVAL, ".ca_file", ".tls_options");
    EXPECT_FAILED(bide_session_new(.tls_options = BIDE_TLS(.server = true, .cert_file = "a")), -EINVAL, ".server", "");
    EXPECT_FAILED(bide_session_new(.tls_options = BIDE_TLS(.cert_file = "/nowhere")), BIDE_ETLS, "/nowhere", "");
}

/* D1: whom to trust belongs to what connections are shared by. */
TEST(request_insecure_is_refused_with_the_reason)
{
    bide_auto bide_session *s = bide_session_new(.limit = 1);

    EXPECT_FAILED(bide_get(s, "https://a.test/", .insecure = true), -EINVAL, "share connections", "bide_session_new(.insecure = true)");
}

/* D5 */
TEST(sessions_with_the_same_options_share_a_context_and_its_tickets, .real_time = true)
{
    bide_auto bide_server *server = start();
    bide_auto bide_session *a = bide_session_new(.ca_file = cert_path("ca"));
    bide_auto bide_session *b = bide_session_new(.ca_file = cert_path("ca"));
    bide_auto bide_session *c = bide_session_new(.ca_file = cert_path("ca"), .tls_options = BIDE_TLS(.min_version = 0x0304));

    expect_get(a, url_of(server), "hello");
    expect_get(b, url_of(server), "hello");
    EXPECT_NOT_NULL(a->tls);
    EXPECT_TRUE(a->tls == b->tls);
    EXPECT_TRUE(a->tls != c->tls);
}
