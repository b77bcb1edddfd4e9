/* SPDX-License-Identifier: MIT */
/* test_addresses.c - addresses of a session: those that names are given, which kind, and where connections leave from. */
#include "client.h"
#include "../../io/dns_stub.h"

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

/* The name localhost is looked up nowhere, but is a name still: none of its addresses is one that was said. */
TEST(session_of_one_kind_of_address_tries_no_other_of_localhost, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(who);
    bide_auto bide_session *v4 = bide_session_new(.ipv4_only = true), *v6 = bide_session_new(.ipv6_only = true);

    bide_auto bide_response *r = bide_get(v4, url_of(server, "localhost")), *said = bide_get(v6, url_of(server, "127.0.0.1"));
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_EQ(bide_status(said), 200);
    EXPECT_NULL(bide_get(v6, url_of(server, "localhost")));
    EXPECT_LT(bide_error_code(), 0);
    EXPECT_NULL(strstr(bide_error_text(), "127.0.0.1"));
    bide_error_clear();
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

/* ---- name servers ---- */

TEST(session_dns_servers_are_its_own, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(who, .host = "0.0.0.0");
    struct stub one, two;
    char a[32], b[32];

    stub_open(&one, (struct stub_record[]){{.name = "a.example", .type = TYPE_A, .addrs = "127.0.0.3"}, {0}});
    stub_open(&two, (struct stub_record[]){{.name = "a.example", .type = TYPE_A, .addrs = "127.0.0.4"}, {0}});
    for (int i = 0; i < 2; i++) {
        bide_auto bide_session *s1 = bide_session_new(.dns = BIDE_DNS(.servers = stub_server(&one, a)));
        bide_auto bide_session *s2 = bide_session_new(.dns = BIDE_DNS(.servers = stub_server(&two, b)));
        bide_auto bide_response *r1 = bide_get(s1, url_of(server, "a.example"));
        EXPECT_STR(bide_response_peer(r1), "127.0.0.3");
        bide_auto bide_response *r2 = bide_get(s2, url_of(server, "a.example"));
        EXPECT_STR(bide_response_peer(r2), "127.0.0.4");
    }
    EXPECT_EQ(one.queries[0], 1); /* sessions with the same list know the same */
    EXPECT_EQ(two.queries[0], 1);
    EXPECT_FAILED(bide_session_new(.dns = BIDE_DNS(.servers = "a.example")), -EINVAL, "bide_session_new: dns.servers", "not addresses");
    stub_stop(&one);
    stub_stop(&two);
}

/* The answer that is not wanted has not come when the one that is says that there is none. */
TEST(session_of_one_kind_of_address_does_not_wait_for_the_other, .real_time = true)
{
    struct stub dns;
    char at[32];
    stub_open(&dns, (struct stub_record[]){{.name = "a.example", .type = TYPE_A, .silent = true},
                                           {.name = "b.example", .type = TYPE_AAAA, .silent = true},
                                           {.name = "c.example", .type = TYPE_A, .silent = true},
                                           {.name = "c.example", .type = TYPE_AAAA, .rcode = SERVFAIL}, {0}});
    bide_auto bide_session *v4 = bide_session_new(.ipv4_only = true, .dns = BIDE_DNS(.servers = stub_server(&dns, at)));
    bide_auto bide_session *v6 = bide_session_new(.ipv6_only = true, .dns = BIDE_DNS(.servers = stub_server(&dns, at)));

    EXPECT_FAILED(bide_get(v6, "http://a.example/"), BIDE_ENAME, "looking up a.example: the name has no IPv6 address", "");
    EXPECT_FAILED(bide_get(v4, "http://b.example/"), BIDE_ENAME, "looking up b.example: the name has no IPv4 address", "");
    EXPECT_FAILED(bide_get(v6, "http://c.example/"), BIDE_EDNS, "looking up c.example: the name server failed", "");
    stub_stop(&dns);
}

/* ---- ports ---- */

static int port_of(const bide_exchange *x)
{
    const char *colon = strrchr(bide_exchange_peer(x), ':');

    return colon ? atoi(colon + 1) : 0;
}

static int say_port(bide_exchange *x, void *arg)
{
    char text[16];

    (void)arg;
    snprintf(text, sizeof text, "%d", port_of(x));
    return bide_respond_text(x, 200, text);
}

TEST(session_local_ports_are_where_connections_leave_from, .real_time = true)
{
    enum { FIRST = 21000, LAST = 21999 };
    bide_auto bide_server *server = bide_server_start(say_port);
    bide_auto bide_session *s = bide_session_new(.local_port = FIRST, .local_port_last = LAST, .interface = "127.0.0.5");

    for (int i = 0; i < 5; i++) {
        bide_auto bide_response *r = bide_get(s, url_of(server, "127.0.0.1"));
        int port = atoi(bide_text(r));
        EXPECT_LE(FIRST, port);
        EXPECT_LE(port, LAST);
        bide_session_close_idle(s);
    }
}

TEST(session_local_port_that_is_in_use_is_said, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(say_port);
    bide_auto bide_listener *other = bide_listen("0.0.0.0", 0);
    bide_auto bide_session *s = bide_session_new(.local_port = bide_listener_port(other));

    EXPECT_FAILED(bide_get(s, url_of(server, "127.0.0.1")), -EADDRINUSE, "connect 127.0.0.1", "");
    EXPECT_FAILED(bide_session_new(.local_port = 2, .local_port_last = 1), -EINVAL, "local_port_last = 1", "");
}
