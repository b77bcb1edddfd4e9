/* SPDX-License-Identifier: MIT */
/* test_lying.c - proxies that lie, stop in the middle, or never come to an end: an error that names them, and nothing is left. */
#include "base/base.h"
#include "tunnel/proxy.h"

static const char *proxy_of(struct peer *p, const char *scheme)
{
    static char url[128];

    peer_start(p);
    snprintf(url, sizeof url, "%s://me:secret@127.0.0.1:%d", scheme, p->port);
    return url;
}

/* R72, R73 */
TEST(tunnel_of_a_lying_proxy_is_an_error_that_names_it, .real_time = true)
{
    static const struct {
        const char *script;
        int code;
        const char *text;
    } lies[] = {
        {ASK "SSH-2.0-garbage\r\n\r\n", BIDE_EPROXY, "its answer to CONNECT is not HTTP"},
        {ASK "HTTP/1.1 20", BIDE_EPROXY, "closed the connection in the middle of its answer"},
        {ASK, BIDE_EPROXY, "closed the connection without an answer"},
        {ASK RESET, -ECONNRESET, "proxy http://127.0.0.1"},
        {ASK "HTTP/1.1 200 Yes\r\nContent-Length: 5\r\n\r\nhello", BIDE_ETLS, "does not speak TLS (it says \"hello\""},
        {ASK "HTTP/1.1 302 There\r\nLocation: http://evil.test/\r\nContent-Length: 0\r\n\r\n", BIDE_EPROXY, "302 There"},
        {ASK "HTTP/1.1 403 No\r\n\r\n<b>blocked\x1b[31m by policy</b>\r\nmore", BIDE_EPROXY, "403 No: \"<b>blocked"},
        {ASK "HTTP/1.1 403 No\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", BIDE_EPROXY, "not HTTP"},
        {ASK "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n", BIDE_EPROXY, "407 Who"},
        {ASK "HTTP/1.1 407 Who\r\nProxy-Authenticate: Digest realm=\"x\"\r\nContent-Length: 0\r\n\r\n", BIDE_EPROXY, "407 Who"},
    };

    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct peer p = PEER(lies[i].script);
        bide_auto bide_session *s = bide_session_new(.proxy = proxy_of(&p, "http"));

        EXPECT_FAILED(bide_get(s, "https://a.test/"), lies[i].code, "GET https://a.test/", lies[i].text);
        EXPECT_EQ(bide_session_get_stats(s).open, 0);
        peer_stop(&p);
    }
}

#define NEW_NONCE(n) ASK "HTTP/1.1 407 Who\r\nProxy-Authenticate: Digest realm=\"x\", nonce=\"" n "\", stale=true\r\nContent-Length: 0\r\n\r\n"

TEST(tunnel_of_a_proxy_that_asks_again_and_again_ends, .real_time = true)
{
    struct peer p = PEER(NEW_NONCE("1") NEW_NONCE("2") NEW_NONCE("3") NEW_NONCE("4") NEW_NONCE("5") STALL);
    bide_auto bide_session *s = bide_session_new(.proxy = proxy_of(&p, "http"));

    EXPECT_FAILED(bide_get(s, "https://a.test/"), BIDE_EPROXY, "407 Who", "");
    peer_stop(&p);
    EXPECT_EQ(count_of(p.seen, "CONNECT "), 4);
}

#define NONCE_AND_CLOSE "HTTP/1.1 407 Who\r\nProxy-Authenticate: Digest realm=\"x\", nonce=\"a\", stale=true\r\nConnection: close\r\n\r\n"

TEST(tunnel_of_a_proxy_that_asks_and_closes_again_and_again_ends, .real_time = true)
{
    struct peer p = PEER(ASK NONCE_AND_CLOSE);
    p.repeat = true;
    bide_auto bide_session *s = bide_session_new(.proxy = proxy_of(&p, "http"));

    EXPECT_FAILED(bide_get(s, "https://a.test/"), BIDE_EPROXY, "asks for credentials again and again", "");
    EXPECT_EQ(peer_stop(&p), 3);
}

TEST(forwarding_proxy_that_asks_again_and_again_ends_with_its_407, .real_time = true)
{
    struct peer p = PEER(NEW_NONCE("1") NEW_NONCE("2") NEW_NONCE("3") NEW_NONCE("4") NEW_NONCE("5") STALL);
    bide_auto bide_session *s = bide_session_new(.proxy = proxy_of(&p, "http"));
    bide_auto bide_response *r = bide_get(s, "http://a.test/");

    EXPECT_EQ(bide_status(r), 407);
    bide_release(bide_take(r));
    bide_release(bide_take(s));
    peer_stop(&p);
    EXPECT_EQ(count_of(p.seen, "GET http://a.test/"), 4);
}

static int send_interims(bide_stream *s, void *arg)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *line;

    (void)arg;
    if (bide_read_until(s, "\r\n\r\n", &line) < 0)
        return 0;
    for (int i = 0; i < 10000; i++)
        if (bide_write(s, interim, sizeof interim - 1) < 0)
            return 0;
    (void)!bide_drain(s);
    return 0;
}

static int send_long_head(bide_stream *s, void *arg)
{
    static const char line[] = "X-Filler: 0123456789012345678901234567890123456789\r\n";
    const char *head;

    (void)arg;
    if (bide_read_until(s, "\r\n\r\n", &head) < 0 || bide_write(s, "HTTP/1.1 200 OK\r\n", 17) < 0)
        return 0;
    for (int i = 0; i < 100000; i++)
        if (bide_write(s, line, sizeof line - 1) < 0)
            return 0;
    return 0;
}

static void against(bide_connection_handler *handler, int code, const char *text)
{
    char proxy[64];
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(bide_serve, l, handler, NULL));
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", bide_listener_port(l));
    bide_auto bide_session *s = bide_session_new(.proxy = proxy);

    EXPECT_FAILED(bide_get(s, "https://a.test/"), code, text, "proxy http://127.0.0.1");
    bide_task_cancel(t);
    (void)!bide_await(t);
}

TEST(tunnel_answer_without_end_is_an_error, .real_time = true)
{
    against(send_interims, BIDE_EPROXY, "no answer but 1xx");
    against(send_long_head, BIDE_EPROXY, "not HTTP");
}

/* ---- SOCKS ---- */

static int say_socks(bide_stream *s, void *arg)
{
    const bide_bytes *answer = arg;
    char bytes[64];

    if (bide_read(s, bytes, sizeof bytes) <= 0 || bide_write(s, answer->data, answer->len) < 0 || bide_drain(s) < 0)
        return 0;
    (void)!bide_stream_shutdown(s);
    return 0;
}

/* R75 */
TEST(socks_of_a_lying_proxy_is_an_error_that_names_it, .real_time = true)
{
    static const struct {
        bide_bytes answer;
        int code;
        const char *text;
    } lies[] = {
        {{"HTTP/1.1 400 Bad\r\n\r\n", 20}, -EPROTO, "does not speak SOCKS 5"},
        {{"\5", 1}, BIDE_EPROXY, "in the middle of SOCKS"},
        {{"\5\2", 2}, -EPROTO, "another way of logging in"},
        {{"\5\0\5\0\0\1\0\0\0\0\0\0", 12}, -EPROTO, "answers before it was asked"},
    };

    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        char proxy[64];
        bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
        bide_auto bide_task *t = bide_create_task(bide_coro(bide_serve, l, say_socks, (void *)(uintptr_t)&lies[i].answer));
        snprintf(proxy, sizeof proxy, "socks5h://127.0.0.1:%d", bide_listener_port(l));
        bide_auto bide_session *s = bide_session_new(.proxy = proxy);

        EXPECT_FAILED(bide_get(s, "http://a.test/"), lies[i].code, "proxy socks5h://127.0.0.1", lies[i].text);
        bide_task_cancel(t);
        (void)!bide_await(t);
    }
}

TEST(socks_name_that_is_too_long_is_refused_and_not_looked_up_here, .real_time = true)
{
    char url[400] = "http://";
    struct proxy_server p = {0};
    proxy_start(&p);
    for (int i = 0; i < 5; i++)
        strcat(url, "123456789012345678901234567890123456789012345678901234567890.");
    bide_auto bide_session *s = bide_session_new(.proxy = proxy_url(&p, "socks5h", ""));

    EXPECT_NULL(bide_get(s, url));
    EXPECT_TRUE(bide_error_code() == -EINVAL || bide_error_code() == BIDE_EURL);
    bide_error_clear();
    EXPECT_NULL(strstr(p.log, "socks5"));
    proxy_stop(&p);
}

/* ---- time, cancellation, memory ---- */

TEST(tunnel_of_a_silent_proxy_runs_into_the_connect_limit, .real_time = true)
{
    struct peer p = PEER(STALL);
    bide_auto bide_session *s = bide_session_new(.proxy = proxy_of(&p, "http"), .connect_timeout_ms = 50);

    EXPECT_FAILED(bide_get(s, "https://a.test/"), BIDE_ETIMEDOUT, "not connected within 50 ms", "");
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    peer_stop(&p);
}

static int get_status(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);

    return r ? bide_status(r) : bide_error_code();
}

static int hello(bide_exchange *x, void *arg)
{
    (void)arg;
    return bide_respond_text(x, 200, "hello");
}

/* Whatever moment it is: nothing is left, and the session works afterwards. */
TEST(chain_cancelled_at_any_moment_leaves_nothing, .real_time = true)
{
    certs_make();
    bide_auto bide_server *server = bide_server_start(hello, .cert_file = cert_path("good"), .key_file = cert_path("good"));
    struct proxy_server first = {.byte_by_byte = true}, second = {.basic = "Basic YTpi", .byte_by_byte = true};
    char chain[256], url[64];
    proxy_start(&first);
    proxy_start(&second);
    snprintf(chain, sizeof chain, "%s, %s", proxy_url(&first, "socks5h", ""), proxy_url(&second, "http", "a:b@"));
    snprintf(url, sizeof url, "https://good.test:%d/", bide_server_port(server));
    bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"), .proxy = chain, .limit = 1);
    int cancelled = 0;

    for (int us = 0; us < 60; us += 3) {
        bide_auto bide_task *t = bide_create_task(bide_coro(get_status, s, url));
        EXPECT_EQ(bide_sleep_ms(us), 0);
        bide_task_cancel(t);
        cancelled += bide_await(t) == BIDE_ECANCELED;
        bide_error_clear();
    }
    EXPECT_LT(1, cancelled);
    EXPECT_EQ(get_status(s, url), 200);
    EXPECT_LE(bide_session_get_stats(s).open, 1);
    bide_release(bide_take(s));
    proxy_stop(&first);
    proxy_stop(&second);
}

/* The proxy's thread is not the library's, so only the client's allocations fail. */
static int through(const char *proxy, const char *url)
{
    bide_auto bide_session *s = bide_session_new(.proxy = proxy);

    return s ? get_status(s, url) : bide_error_code();
}

#define DIGEST_407 "HTTP/1.1 407 Who\r\nProxy-Authenticate: Digest realm=\"x\", nonce=\"a\"\r\nContent-Length: 0\r\n\r\n"

static void fail_each_allocation(const char *script, const char *second)
{
    char proxy[256];
    struct peer p = PEER(script);
    p.repeat = true;
    snprintf(proxy, sizeof proxy, "%s%s", proxy_of(&p, "http"), second);
    int code, failed = 0;

    EXPECT_EQ(through(proxy, "http://a.test/"), 200);
    for (int n = 0; n < 300; n++) {
        bide__alloc_fail_at(n);
        code = through(proxy, "http://a.test/");
        bool never_came = bide__alloc_fail_at(-1);
        EXPECT_TRUE(code == BIDE_ENOMEM || code == 200);
        bide_error_clear();
        failed += code < 0;
        if (never_came)
            break;
    }
    EXPECT_LT(5, failed);
    EXPECT_EQ(code, 200);
    peer_stop(&p);
}

TEST(route_out_of_memory_is_an_error_at_every_allocation, .real_time = true)
{
    fail_each_allocation(ASK DIGEST_407 ASK OK("0"), "");
    fail_each_allocation(ASK DIGEST_407 ASK "HTTP/1.1 200 Yes\r\n\r\n" ASK OK("0"), ", http://b.test");
}
