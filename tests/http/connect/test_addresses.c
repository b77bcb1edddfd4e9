/* SPDX-License-Identifier: MIT */
/* test_addresses.c - addresses of a session: those that names are given, which kind, and where connections leave from. */
#include "client.h"

static int who(bide_exchange *x, void *arg)
{
    (void)arg;
    return bide_respond_text(x, 200, bide_exchange_peer(x));
}

static const char *url_of(const bide_server *server, const char *host)
{
    static char url[128];

    snprintf(url, sizeof url, "http://%s:%d/", host, bide_server_port(server));
    return url;
}

TEST(session_resolve_to_gives_a_name_addresses_without_asking, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(who);
    bide_auto bide_session *s =
        bide_session_new(.resolve_to = (const char *const[]){"nowhere.invalid:*:127.0.0.9,127.0.0.1", "other.invalid:1:127.0.0.1", NULL});

    bide_auto bide_response *r = bide_get(s, url_of(server, "NoWhere.invalid"));
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_FAILED(bide_get(s, url_of(server, "other.invalid"), .timeout_ms = 3000), bide_error_code(), "other.invalid", "");
}

TEST(session_resolve_to_that_is_none_is_refused)
{
    static const char *const bad[] = {"a", "a:80", "a:80:", "a:80:b.test", ":80:127.0.0.1", "a:99999:127.0.0.1", "a::127.0.0.1", "a:80:127.0.0.1,"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_FAILED(bide_session_new(.resolve_to = (const char *const[]){bad[i], NULL}), -EINVAL, "resolve_to", "not HOST:PORT:ADDRESS");
    EXPECT_FAILED(bide_session_new(.ipv4_only = true, .ipv6_only = true), -EINVAL, ".ipv4_only", "exclude");
}

TEST(session_of_one_kind_of_address_tries_no_other, .real_time = true)
{
    static const char *const both[] = {"two.invalid:*:127.0.0.1,[::1]", NULL}, *const four[] = {"two.invalid:*:127.0.0.1", NULL};
    bide_auto bide_server *server = bide_server_start(who);
    bide_auto bide_session *v4 = bide_session_new(.resolve_to = both, .ipv4_only = true);
    bide_auto bide_session *v6 = bide_session_new(.resolve_to = four, .ipv6_only = true);

    bide_auto bide_response *r = bide_get(v4, url_of(server, "two.invalid"));
    EXPECT_STR(bide_response_peer(r), "127.0.0.1");
    EXPECT_FAILED(bide_get(v6, url_of(server, "two.invalid")), BIDE_ENAME, "it has no IPv6 address", "two.invalid");
}

TEST(session_interface_is_where_connections_leave_from, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(who);
    bide_auto bide_session *s = bide_session_new(.interface = "127.0.0.77"), *none = bide_session_new(.interface = "nosuchif0");

    bide_auto bide_response *r = bide_get(s, url_of(server, "127.0.0.1"));
    EXPECT_CONTAINS(bide_text(r), "127.0.0.77");
    EXPECT_FAILED(bide_get(none, url_of(server, "127.0.0.1")), bide_error_code(), "connect 127.0.0.1", "");
    EXPECT_LT(bide_error_code(), 1);
}
