/* SPDX-License-Identifier: MIT */
/* test_route.c - over proxies: which way a request goes, and what each hop is given. */
#include "tunnel/proxy.h"

static int hello(bide_exchange *x, void *arg)
{
    (void)arg;
    if (bide_exchange_header(x, "Proxy-Authorization"))
        return bide_respond_text(x, 500, "leaked");
    return bide_respond_text(x, 200, bide_exchange_header(x, "Host"));
}

static const char *url_of(const bide_server *server, const char *scheme, const char *host)
{
    static char url[4][128];
    static int turn;
    char *text = url[++turn % 4];

    snprintf(text, sizeof url[0], "%s://%s:%d/path?q#f", scheme, host, bide_server_port(server));
    return text;
}

static bide_server *start_secure(void)
{
    certs_make();
    return bide_server_start(hello, .cert_file = cert_path("good"), .key_file = cert_path("good"));
}

static void expect_ok(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);
    if (!r)
        FAIL("%s: %s", url, bide_error_text());
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_NOT_NULL(bide_text(r));
}

/* ---- http: passed on ---- */

/* R2, R74: the whole URL without its fragment; credentials for the proxy alone. */
TEST(forwarded_request_has_the_whole_url_and_credentials_for_the_proxy_alone, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(hello);
    struct proxy_server p = {.basic = "Basic bWU6c2VjcmV0"};
    char line[256];
    proxy_start(&p);
    bide_auto bide_session *s = bide_session_new(.proxy = proxy_url(&p, "http", "me:secret@"));

    expect_ok(s, url_of(server, "http", "a.test"));
    snprintf(line, sizeof line, "GET http://a.test:%d/path?q HTTP/1.1\n", bide_server_port(server));
    EXPECT_CONTAINS(p.log, line);
    EXPECT_EQ(p.refusals, 0);
    proxy_stop(&p);
}

TEST(forwarded_requests_of_two_hosts_share_the_connection_to_the_proxy, .real_time = true)
{
    struct peer p = PEER(ASK OK("1") "a" ASK OK("1") "b" STALL);
    char proxy[64];
    peer_start(&p);
    snprintf(proxy, sizeof proxy, "127.0.0.1:%d", p.port);
    bide_auto bide_session *s = bide_session_new(.proxy = proxy);

    expect_get(s, "http://a.test/", "a");
    expect_get(s, "http://b.test/", "b");
    EXPECT_EQ(bide_session_get_stats(s).connections, 1);
    EXPECT_CONTAINS(p.seen, "GET http://b.test/ HTTP/1.1\r\nHost: b.test\r\n");
    bide_release(bide_take(s));
    EXPECT_EQ(peer_stop(&p), 1);
}

/* R2 */
TEST(forwarded_options_of_the_server_is_a_url_without_path, .real_time = true)
{
    struct peer p = PEER(ASK OK("0") STALL);
    char proxy[64];
    peer_start(&p);
    snprintf(proxy, sizeof proxy, "127.0.0.1:%d", p.port);
    bide_auto bide_session *s = bide_session_new(.proxy = proxy);
    bide_auto bide_response *r = bide_options(s, "http://a.test");

    EXPECT_NOT_NULL(r);
    EXPECT_CONTAINS(p.seen, "OPTIONS http://a.test HTTP/1.1\r\n");
    bide_release(bide_take(r));
    bide_release(bide_take(s));
    peer_stop(&p);
}

TEST(forwarded_request_answers_a_digest_challenge_of_the_proxy_and_keeps_to_it, .real_time = true)
{
    struct peer p = PEER(ASK "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"p\"\r\n"
                             "Proxy-Authenticate: Digest realm=\"p\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256\r\nContent-Length: 2\r\n\r\nno"
                         ASK OK("2") "ok" ASK OK("2") "ok" STALL);
    char proxy[64];
    peer_start(&p);
    snprintf(proxy, sizeof proxy, "http://me:secret@127.0.0.1:%d", p.port);
    bide_auto bide_session *s = bide_session_new(.proxy = proxy);

    expect_get(s, "http://a.test/x", "ok");
    expect_get(s, "http://a.test/y", "ok");
    EXPECT_CONTAINS(p.seen, "Proxy-Authorization: Basic ");
    EXPECT_CONTAINS(p.seen, "Proxy-Authorization: Digest username=\"me\", realm=\"p\"");
    EXPECT_CONTAINS(p.seen, "uri=\"http://a.test/x\"");
    EXPECT_CONTAINS(p.seen, "nc=00000002");
    EXPECT_EQ(count_of(p.seen, "Digest username"), 2);
    bide_release(bide_take(s));
    peer_stop(&p);
}

TEST(forwarded_request_with_a_wrong_password_gives_the_407, .real_time = true)
{
    struct proxy_server p = {.basic = "Basic bWU6c2VjcmV0"};
    proxy_start(&p);
    bide_auto bide_session *s = bide_session_new(.proxy = proxy_url(&p, "http", "me:wrong@"));
    bide_auto bide_response *r = bide_get(s, "http://a.test/");

    EXPECT_EQ(bide_status(r), 407);
    EXPECT_EQ(p.refusals, 1);
    bide_release(bide_take(r));
    proxy_stop(&p);
}

/* ---- https: a tunnel ---- */

/* R72, R74, D3 */
TEST(tunnel_has_the_target_as_host_and_its_credentials_never_reach_the_server, .real_time = true)
{
    bide_auto bide_server *server = start_secure();
    struct proxy_server p = {.basic = "Basic bWU6c2VjcmV0"};
    char line[128];
    proxy_start(&p);
    bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"), .proxy = proxy_url(&p, "http", "me:secret@"));

    expect_ok(s, url_of(server, "https", "good.test"));
    expect_ok(s, url_of(server, "https", "good.test"));
    snprintf(line, sizeof line, "CONNECT good.test:%d HTTP/1.1\n", bide_server_port(server));
    EXPECT_CONTAINS(p.log, line);
    EXPECT_EQ(p.connections, 1);
    EXPECT_EQ(count_of(p.log, "auth "), 1);
    EXPECT_NULL(strstr(p.log, "GET"));
    bide_release(bide_take(s));
    proxy_stop(&p);
}

/* D4 */
TEST(tunnel_checks_the_certificate_of_the_server, .real_time = true)
{
    bide_auto bide_server *server = start_secure();
    struct proxy_server p = {0};
    proxy_start(&p);
    bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"), .proxy = proxy_url(&p, "http", ""));

    EXPECT_FAILED(bide_get(s, url_of(server, "https", "other.test")), BIDE_ECERT, "other.test", "hostname mismatch");
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    proxy_stop(&p);
}

TEST(tunnel_that_is_refused_is_an_error_with_status_and_body, .real_time = true)
{
    struct proxy_server p = {0};
    proxy_start(&p);
    bide_auto bide_session *s = bide_session_new(.proxy = proxy_url(&p, "http", "me:secret@"));

    EXPECT_FAILED(bide_get(s, "https://a.test:1/"), BIDE_EPROXY, "CONNECT a.test:1: 502 No: \"nobody there\"", proxy_url(&p, "http", ""));
    (void)!bide_get(s, "https://a.test:1/");
    EXPECT_NULL(strstr(bide_error_text(), "secret"));
    bide_error_clear();
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    proxy_stop(&p);
}

TEST(tunnel_proxy_that_closes_behind_its_407_is_asked_again_with_digest, .real_time = true)
{
    struct peer p = PEER(ASK "HTTP/1.1 407 Who\r\nProxy-Authenticate: Digest realm=\"p\", nonce=\"n1\", qop=\"auth\"\r\nConnection: close\r\n\r\n",
                         ASK "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    char proxy[64];
    peer_start(&p);
    snprintf(proxy, sizeof proxy, "http://me:secret@127.0.0.1:%d", p.port);
    bide_auto bide_session *s = bide_session_new(.proxy = proxy);

    EXPECT_FAILED(bide_get(s, "https://a.test/"), BIDE_EPROXY, "403 No", "CONNECT a.test:443");
    EXPECT_CONTAINS(p.seen, "Digest username=\"me\"");
    EXPECT_CONTAINS(p.seen, "uri=\"a.test:443\"");
    EXPECT_EQ(peer_stop(&p), 2);
}

/* D4 */
TEST(tunnel_through_a_proxy_that_speaks_tls_is_tls_in_tls, .real_time = true)
{
    bide_auto bide_server *server = start_secure();
    bide_auto bide_tls *tls = bide_tls_new(.server = true, .cert_file = cert_path("good"), .key_file = cert_path("good"));
    struct proxy_server p = {.tls = tls};
    proxy_start(&p);
    bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"), .proxy = proxy_url(&p, "https", ""));

    expect_ok(s, url_of(server, "https", "good.test"));
    EXPECT_CONTAINS(p.log, "CONNECT good.test:");
    bide_release(bide_take(s));
    proxy_stop(&p);
}

/* ---- SOCKS ---- */

static void through_socks(const char *scheme, const char *user, const char *expected, bool byte_by_byte)
{
    bide_auto bide_server *server = bide_server_start(hello);
    struct proxy_server p = {.user = user[0] ? "me" : NULL, .password = "secret", .byte_by_byte = byte_by_byte};
    proxy_start(&p);
    bide_auto bide_session *s = bide_session_new(.proxy = proxy_url(&p, scheme, user));

    expect_ok(s, url_of(server, "http", "name.localhost"));
    EXPECT_CONTAINS(p.log, expected);
    bide_release(bide_take(s));
    proxy_stop(&p);
}

/* R75 */
TEST(socks5h_gives_the_name_to_the_proxy, .real_time = true)
{
    through_socks("socks5h", "", "socks5 name name.localhost\n", false);
}

TEST(socks5_looks_the_name_up_itself, .real_time = true)
{
    through_socks("socks5", "", "socks5 address\n", false);
}

TEST(socks4a_gives_the_name_to_the_proxy, .real_time = true)
{
    through_socks("socks4a", "", "socks4a name.localhost\n", false);
}

TEST(socks5h_logs_in_and_takes_answers_byte_by_byte, .real_time = true)
{
    through_socks("socks5h", "me:secret@", "user me\nsocks5 name name.localhost\n", true);
}

TEST(socks5h_refusals_say_what_the_proxy_said, .real_time = true)
{
    struct proxy_server p = {.user = "me", .password = "secret"};
    proxy_start(&p);
    bide_auto bide_session *s = bide_session_new(.proxy = proxy_url(&p, "socks5h", "me:secret@"));
    bide_auto bide_session *wrong = bide_session_new(.proxy = proxy_url(&p, "socks5h", "me:wrong@"));

    EXPECT_FAILED(bide_get(s, "http://a.test:1/"), -ECONNREFUSED, "proxy socks5h://127.0.0.1", "connection refused");
    EXPECT_FAILED(bide_get(wrong, "http://a.test:1/"), -EACCES, "proxy socks5h://127.0.0.1", "does not take user and password");
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    proxy_stop(&p);
}

/* ---- chains ---- */

TEST(chain_of_two_goes_through_both_in_order, .real_time = true)
{
    bide_auto bide_server *server = start_secure();
    struct proxy_server first = {0}, second = {.basic = "Basic YTpi"};
    char chain[256];
    proxy_start(&first);
    proxy_start(&second);
    snprintf(chain, sizeof chain, "%s, %s", proxy_url(&first, "socks5h", ""), proxy_url(&second, "http", "a:b@"));
    bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"), .proxy = chain);
    bide_auto bide_server *plain = bide_server_start(hello);

    expect_ok(s, url_of(server, "https", "good.test"));
    expect_ok(s, url_of(plain, "http", "name.localhost"));
    EXPECT_EQ(count_of(first.log, "socks5 address\n"), 2);
    EXPECT_NULL(strstr(first.log, "auth"));
    EXPECT_CONTAINS(second.log, "CONNECT good.test:");
    EXPECT_CONTAINS(second.log, "GET http://name.localhost:");
    bide_release(bide_take(s));
    proxy_stop(&first);
    proxy_stop(&second);
}

TEST(chain_error_names_the_hop_that_failed, .real_time = true)
{
    struct proxy_server first = {0};
    char chain[256];
    proxy_start(&first);
    snprintf(chain, sizeof chain, "%s, http://127.0.0.1:1", proxy_url(&first, "http", ""));
    bide_auto bide_session *s = bide_session_new(.proxy = chain);

    EXPECT_FAILED(bide_get(s, "https://a.test/"), BIDE_EPROXY, proxy_url(&first, "http", ""), "CONNECT 127.0.0.1:1: 502");
    proxy_stop(&first);
    EXPECT_FAILED(bide_get(s, "https://a.test/"), -ECONNREFUSED, "proxy http://127.0.0.1", "refused");
}

/* ---- which one ---- */

/* R67 */
TEST(redirect_chooses_the_proxy_anew_for_each_hop, .real_time = true)
{
    struct peer p = PEER(ASK "HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" STALL);
    char script[256], proxy[64];
    bide_auto bide_server *server = bide_server_start(hello);
    snprintf(script, sizeof script, p.scripts[0], bide_server_port(server));
    p.scripts[0] = script;
    peer_start(&p);
    snprintf(proxy, sizeof proxy, "http://me:secret@127.0.0.1:%d", p.port);
    bide_auto bide_session *s = bide_session_new(.proxy = proxy, .no_proxy = "127.0.0.0/8");

    expect_ok(s, "http://a.test/");
    EXPECT_EQ(count_of(p.seen, "Proxy-Authorization"), 1);
    EXPECT_EQ(p.nrequests, 1);
    bide_release(bide_take(s));
    peer_stop(&p);
}

TEST(request_proxy_replaces_that_of_the_session, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(hello);
    struct proxy_server p = {0};
    proxy_start(&p);
    bide_auto bide_session *s = bide_session_new(.proxy = "http://127.0.0.1:1");
    bide_auto bide_response *direct = bide_get(s, url_of(server, "http", "127.0.0.1"), .proxy = "");
    bide_auto bide_response *other = bide_get(s, url_of(server, "http", "127.0.0.1"), .proxy = proxy_url(&p, "http", ""));

    EXPECT_EQ(bide_status(direct), 200);
    EXPECT_EQ(bide_status(other), 200);
    EXPECT_EQ(p.connections, 1);
    EXPECT_EQ(bide_session_get_stats(s).connections, 2);
    bide_release(bide_take(other));
    bide_release(bide_take(s));
    proxy_stop(&p);
}

/* R76 */
TEST(environment_is_asked_only_if_the_session_says_so, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(hello);
    struct proxy_server p = {0};
    proxy_start(&p);
    setenv("http_proxy", proxy_url(&p, "http", ""), 1);
    setenv("no_proxy", "localhost", 1);
    bide_auto bide_session *no = bide_session_new(.limit = 1), *yes = bide_session_new(.proxy_from_env = true);

    unsetenv("http_proxy");
    unsetenv("no_proxy");
    expect_ok(no, url_of(server, "http", "127.0.0.1"));
    EXPECT_EQ(p.connections, 0);
    expect_ok(yes, url_of(server, "http", "localhost"));
    EXPECT_EQ(p.connections, 0);
    expect_ok(yes, url_of(server, "http", "127.0.0.1")); /* R77: loopback is no exception */
    EXPECT_EQ(p.connections, 1);
    bide_release(bide_take(yes));
    proxy_stop(&p);
}

/* ---- what is refused ---- */

TEST(proxy_that_is_none_is_refused_when_it_is_set, .real_time = true)
{
    static const char *const bad[] = {"ftp://p", "http://p/path", "http://a,http://b,http://c", "http://a,,http://b", "a b"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_FAILED(bide_session_new(.proxy = bad[i]), BIDE_EURL, "proxy:", "");
    EXPECT_FAILED(bide_session_new(.proxy = "http://a", .unix_socket = "/b"), -EINVAL, ".proxy", ".unix_socket");
    bide_auto bide_session *s = bide_session_new(.limit = 1);
    EXPECT_FAILED(bide_get(s, "http://a.test/", .proxy = "ftp://p"), BIDE_EURL, "GET http://a.test/", "proxy:");
    EXPECT_FAILED(bide_get(s, "http://a.test/", .proxy = "http://p", .unix_socket = "/b"), -EINVAL, "exclude", "");
}

/* D3 */
TEST(proxy_authorization_of_the_user_is_refused_with_a_proxy, .real_time = true)
{
    bide_auto bide_session *s = bide_session_new(.proxy = "http://127.0.0.1:1");

    EXPECT_FAILED(bide_get(s, "https://a.test/", .headers = BIDE_PAIRS({"Proxy-Authorization", "Basic x"})), -EINVAL,
                  "Proxy-Authorization", "proxy's URL");
}

/* ---- Unix sockets ---- */

static int answer_one(bide_stream *s, void *arg)
{
    static const char text[] = OK("2") "ok";
    const char *line;

    (void)arg;
    while (bide_read_until(s, "\r\n\r\n", &line) > 0)
        if (bide_write(s, text, sizeof text - 1) < 0 || bide_drain(s) < 0)
            break;
    return 0;
}

static int serve_unix(bide_listener *l)
{
    return bide_serve(l, answer_one, NULL);
}

static void ask_over(const char *path)
{
    char host[160];
    snprintf(host, sizeof host, "unix:%s", path);
    bide_auto bide_listener *l = bide_listen(host, 0);
    EXPECT_NOT_NULL(l);
    bide_auto bide_task *t = bide_create_task(bide_coro(serve_unix, l));
    bide_auto bide_session *s = bide_session_new(.unix_socket = path), *other = bide_session_new(.limit = 1);
    bide_auto bide_response *r = bide_get(other, "http://docker/", .unix_socket = path);

    expect_get(s, "http://docker/info", "ok");
    expect_get(s, "http://docker/info", "ok");
    EXPECT_EQ(bide_session_get_stats(s).connections, 1);
    expect_body(r, "ok");
    bide_task_cancel(t);
    (void)!bide_await(t);
}

TEST(unix_socket_carries_requests_of_any_host, .real_time = true)
{
    char path[100];

    snprintf(path, sizeof path, "/tmp/bide-test-%d.sock", getpid());
    unlink(path);
    ask_over(path);
    unlink(path);
    bide_auto bide_session *s = bide_session_new(.unix_socket = path);
    EXPECT_FAILED(bide_get(s, "http://docker/"), -ENOENT, "connect unix:", path);
}

TEST(unix_socket_with_an_abstract_name_needs_no_file, .real_time = true)
{
    char path[100];

    snprintf(path, sizeof path, "@bide-test-%d", getpid());
    ask_over(path);
    EXPECT_NE(access(path, F_OK), 0);
}
