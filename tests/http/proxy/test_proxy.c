/* SPDX-License-Identifier: MIT */
/*
 * test_proxy.c - which proxy: its URL, the environment, NO_PROXY.
 */
#include <stdlib.h>

#include "harness/harness.h"
#include "from_env.h"

static struct proxy p;

static int parse(const char *text)
{
    return bide__proxy_parse(&p, text, strlen(text));
}

static struct url url_of(const char *text)
{
    static char storage[4096];
    struct url u;

    EXPECT_EQ(bide__url_parse(&u, text, strlen(text), storage, sizeof storage), 0);
    return u;
}

/* "A=1 B=2" as an environment. */
static const char *variable(const char *name, void *arg)
{
    static char values[8][256];
    static int turn;
    size_t len = strlen(name);

    for (const char *at = arg; at && *at; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL)
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return snprintf(values[++turn % 8], 256, "%.*s", (int)strcspn(at + len + 1, " "), at + len + 1), values[turn % 8];
    return NULL;
}

static int from_env(const char *env, const char *url)
{
    struct url u = url_of(url);
    return proxy_from_env(&p, &u, variable, (void *)(uintptr_t)env);
}

static bool exempt(const char *list, const char *url)
{
    struct url u = url_of(url);
    return bide__no_proxy_has(list, &u);
}

UNIT(proxy_url_is_read)
{
    EXPECT_EQ(parse("socks5h://me:a%40b@[::1]:80"), 0);
    EXPECT_EQ(p.kind, PROXY_SOCKS5H);
    EXPECT_STR(p.host, "[::1]");
    EXPECT_EQ(p.port, 80);
    EXPECT_TRUE(p.has_port);
    EXPECT_STR(p.user, "me");
    EXPECT_STR(p.password, "a@b");
    EXPECT_EQ(parse("Proxy.Example"), 0);
    EXPECT_EQ(p.kind, PROXY_HTTP);
    EXPECT_STR(p.host, "proxy.example");
    EXPECT_EQ(p.port, 80);
    EXPECT_FALSE(p.has_port || p.has_user);
    EXPECT_EQ(parse("https://p/"), 0);
    EXPECT_EQ(p.port, 443);
    EXPECT_EQ(parse("socks4a://p"), 0);
    EXPECT_EQ(p.port, 1080);
    EXPECT_EQ(parse("http://p:443"), 0);
    EXPECT_EQ(p.port, 443);
}

UNIT(proxy_url_that_is_none_is_refused)
{
    static const char *const bad[] = {"", "ftp://p", "socks4://p", "http://", "http://p/path", "http://p?q", "http://p:0", "http://a b",
                                      "http://u%0d%0a@p", "http://a%3Ab:c@p", "socks4a://u:secret@p"};
    char longest[400] = "http://";

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        EXPECT_ERR(parse(bad[i]), BIDE_EURL);
        EXPECT_NULL(strstr(bide_error_text(), "secret"));
    }
    memset(longest + 7, 'u', 256);
    strcpy(longest + 7 + 256, "@p");
    EXPECT_ERR(parse(longest), BIDE_EURL);
    strcpy(longest + 7 + 255, "@p");
    EXPECT_EQ(parse(longest), 0);
}

/* R76 */
UNIT(proxy_lower_case_comes_first)
{
    EXPECT_EQ(from_env("http_proxy=low HTTP_PROXY=up", "http://a/"), 1);
    EXPECT_STR(p.host, "low");
    EXPECT_EQ(from_env("HTTP_PROXY=up ALL_PROXY=all", "http://a/"), 1);
    EXPECT_STR(p.host, "up");
    EXPECT_EQ(from_env("HTTP_PROXY=up ALL_PROXY=all", "https://a/"), 1);
    EXPECT_STR(p.host, "all");
    EXPECT_EQ(from_env("https_proxy= ALL_PROXY=all", "https://a/"), 0);
    EXPECT_EQ(from_env("", "https://a/"), 0);
    EXPECT_ERR(from_env("http_proxy=ftp://x", "http://a/"), BIDE_EURL);
}

/* R76 */
UNIT(proxy_httpoxy_upper_case_is_ignored_under_cgi)
{
    EXPECT_EQ(from_env("HTTP_PROXY=evil REQUEST_METHOD=GET", "http://a/"), 0);
    EXPECT_EQ(from_env("HTTP_PROXY=evil REQUEST_METHOD=GET http_proxy=mine", "http://a/"), 1);
    EXPECT_STR(p.host, "mine");
    EXPECT_EQ(from_env("HTTPS_PROXY=mine REQUEST_METHOD=GET", "https://a/"), 1);
}

/* R76 */
UNIT(no_proxy_names_by_label)
{
    EXPECT_TRUE(exempt("*", "http://a/"));
    EXPECT_TRUE(exempt("x, a.example", "http://A.example/"));
    EXPECT_TRUE(exempt("a.example.", "http://b.a.example./"));
    EXPECT_TRUE(exempt(".a.example", "http://b.a.example/"));
    EXPECT_TRUE(exempt("*.a.example", "http://b.a.example/"));
    EXPECT_FALSE(exempt("a.example", "http://ba.example/"));
    EXPECT_FALSE(exempt("b.a.example", "http://a.example/"));
    EXPECT_FALSE(exempt("", "http://a/"));
    EXPECT_FALSE(exempt(" ,, . , *. ", "http://a/"));
    EXPECT_FALSE(exempt("0.0.1", "http://127.0.0.1/"));
}

/* R76 */
UNIT(no_proxy_ports_and_addresses)
{
    EXPECT_TRUE(exempt("a:81", "http://a:81/"));
    EXPECT_FALSE(exempt("a:81", "http://a/"));
    EXPECT_TRUE(exempt("a:443", "https://a/"));
    EXPECT_FALSE(exempt("a:x", "http://a/"));
    EXPECT_TRUE(exempt("[::1]:81", "http://[::1]:81/"));
    EXPECT_FALSE(exempt("[::1]:81", "http://[::1]/"));
    EXPECT_TRUE(exempt("[::1]", "http://[::1]/"));
    EXPECT_FALSE(exempt("[::1]x", "http://[::1]/"));
    EXPECT_TRUE(exempt("10.0.0.0/8", "http://10.255.0.1/"));
    EXPECT_FALSE(exempt("10.0.0.0/8", "http://11.0.0.1/"));
    EXPECT_TRUE(exempt("0.0.0.0/0", "http://11.0.0.1/"));
    EXPECT_FALSE(exempt("10.0.0.0/33", "http://10.0.0.0/"));
    EXPECT_FALSE(exempt("10.0.0.0/", "http://10.0.0.0/"));
    EXPECT_TRUE(exempt("2001:db8::/33", "http://[2001:db8:7fff::1]/"));
    EXPECT_FALSE(exempt("2001:db8::/33", "http://[2001:db8:8000::1]/"));
    EXPECT_FALSE(exempt("::/0", "http://10.0.0.1/"));
}

/* R77 */
UNIT(no_proxy_loopback_only_if_it_is_named)
{
    EXPECT_EQ(from_env("http_proxy=p", "http://127.0.0.1/"), 1);
    EXPECT_EQ(from_env("http_proxy=p", "http://localhost/"), 1);
    EXPECT_EQ(from_env("http_proxy=p no_proxy=localhost,127.0.0.0/8", "http://127.9.9.9/"), 0);
}
