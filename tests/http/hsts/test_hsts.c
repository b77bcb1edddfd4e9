/* SPDX-License-Identifier: MIT */
/* test_hsts.c - which hosts are asked over TLS alone (RFC 6797, R122). */
#include "harness/guarded.h"
#include "harness/harness.h"
#include "http/hsts/hsts.h"

#define NOW 1700000000

static int64_t now = NOW;
static char storage[400];

static struct url url_of(const char *text)
{
    struct url u;

    EXPECT_EQ(bide__url_parse(&u, text, strlen(text), storage, sizeof storage), 0);
    return u;
}

static int say(bide_hsts *h, const char *url, const char *value)
{
    struct guarded g = guarded_copy(value, strlen(value));
    struct field field = {.value_len = (uint32_t)strlen(value), .id = HEADER_STRICT_TRANSPORT_SECURITY};
    struct fields fields = {.text = g.data, .all = &field, .n = 1, .seen = HEADER_BIT(HEADER_STRICT_TRANSPORT_SECURITY)};
    struct url u = url_of(url);
    int code = bide__hsts_store(h, &u, &fields, now);

    guarded_free(&g);
    return code;
}

static bool wants(bide_hsts *h, const char *url)
{
    struct url u = url_of(url);

    return bide__hsts_wants(h, &u, now);
}

static const char *upgraded(const char *url)
{
    struct url u = url_of(url), again;
    static char other[400];

    EXPECT_TRUE(bide__hsts_upgrade(&u, storage, sizeof storage));
    EXPECT_EQ(bide__url_parse(&again, u.href, u.len, other, sizeof other), 0); /* the same parts as if it had been read */
    EXPECT_STR(again.href, u.href);
    EXPECT_TRUE(again.len == u.len && again.port == u.port && again.scheme == u.scheme);
    EXPECT_MEM(&again.hostname, &u.hostname, sizeof u.hostname);
    EXPECT_MEM(&again.host, &u.host, sizeof u.host);
    EXPECT_MEM(&again.path, &u.path, sizeof u.path);
    EXPECT_TRUE(again.query.len == u.query.len && (u.query.len == 0 || again.query.off == u.query.off));
    EXPECT_TRUE(again.fragment.len == u.fragment.len && (u.fragment.len == 0 || again.fragment.off == u.fragment.off));
    EXPECT_TRUE(again.username.len == u.username.len && (u.username.len == 0 || again.username.off == u.username.off));
    return u.href;
}

/* R122 */
UNIT(hsts_value_is_as_the_standard_says_or_means_nothing)
{
    static const struct {
        const char *value;
        bool good, below;
        int64_t max_age;
    } cases[] = {
        {"max-age=31536000", true, false, 31536000},   {"Max-Age=\"60\" ; includeSubDomains", true, true, 60},
        {"includesubdomains;max-age=0;", true, true, 0}, {"; ;max-age=5; preload; x=\"a;b\"", true, false, 5},
        {"max-age=99999999999999999999", true, false, HSTS_LIFETIME_MAX},
        {"", false, false, 0},                         {"includeSubDomains", false, false, 0},
        {"max-age", false, false, 0},                  {"max-age=", false, false, 0},
        {"max-age=-1", false, false, 0},               {"max-age=1 2", false, false, 0},
        {"max-age=1.5", false, false, 0},              {"max-age=1; max-age=2", false, false, 0},
        {"max-age=1; includeSubDomains=no", false, false, 0}, {"max-age=1; includeSubDomains; includeSubDomains", false, false, 0},
        {"max-age=\"1", false, false, 0},              {"max-age=1, max-age=2", false, false, 0},
        {"max-age=1; a b", false, false, 0},
    };
    struct hsts_said said;

    for (size_t i = 0; i < array_len(cases); i++) {
        struct guarded g = guarded_copy(cases[i].value, strlen(cases[i].value));
        EXPECT_EQ(bide__hsts_parse(&said, g.data, strlen(cases[i].value)), cases[i].good);
        if (cases[i].good)
            EXPECT_TRUE(said.max_age == cases[i].max_age && said.include_subdomains == cases[i].below);
        guarded_free(&g);
    }
}

/* R122 */
UNIT(hsts_is_believed_over_tls_and_from_names_alone)
{
    bide_auto bide_hsts *h = bide_hsts_new();

    EXPECT_EQ(say(h, "http://a.test/", "max-age=100"), 0);
    EXPECT_EQ(say(h, "https://10.0.0.1/", "max-age=100"), 0);
    EXPECT_EQ(say(h, "https://[::1]/", "max-age=100"), 0);
    EXPECT_EQ(say(h, "https://b.test/", "max-age=nonsense"), 0);
    EXPECT_EQ(bide_hsts_len(h), 0);
    EXPECT_EQ(say(h, "https://A.test.:8443/", "max-age=100"), 0); /* canonical, whatever the port */
    EXPECT_TRUE(wants(h, "http://a.test/") && wants(h, "ws://a.test.:81/x"));
    EXPECT_FALSE(wants(h, "https://a.test/") || wants(h, "http://b.a.test/") || wants(h, "http://test/") || wants(h, "http://10.0.0.1/"));
}

/* R122 */
UNIT(hsts_include_subdomains_is_for_all_below)
{
    bide_auto bide_hsts *h = bide_hsts_new();

    EXPECT_EQ(say(h, "https://a.test/", "max-age=100; includeSubDomains"), 0);
    EXPECT_EQ(say(h, "https://c.b.a.test/", "max-age=100"), 0);
    EXPECT_TRUE(wants(h, "http://b.a.test/") && wants(h, "http://x.c.b.a.test/"));
    EXPECT_FALSE(wants(h, "http://xa.test/") || wants(h, "http://test/"));
    EXPECT_EQ(say(h, "https://a.test/", "max-age=100"), 0); /* the newest word counts */
    EXPECT_FALSE(wants(h, "http://b.a.test/"));
    EXPECT_TRUE(wants(h, "http://a.test/") && wants(h, "http://c.b.a.test/"));
}

/* R122 */
UNIT(hsts_max_age_0_deletes_and_time_ends_it)
{
    bide_auto bide_hsts *h = bide_hsts_new();

    EXPECT_EQ(say(h, "https://a.test/", "max-age=100"), 0);
    EXPECT_EQ(say(h, "https://b.test/", "max-age=50"), 0);
    EXPECT_EQ(say(h, "https://a.test/", "max-age=0"), 0);
    EXPECT_FALSE(wants(h, "http://a.test/"));
    now += 49;
    EXPECT_TRUE(wants(h, "http://b.test/"));
    now += 1;
    EXPECT_FALSE(wants(h, "http://b.test/"));
    EXPECT_EQ(bide_hsts_len(h), 0);
    EXPECT_EQ(say(h, "https://c.test/", "max-age=0"), 0);
}

/* R122 */
UNIT(hsts_port_80_becomes_443_and_others_stay)
{
    EXPECT_STR(upgraded("http://a.test/x?y#z"), "https://a.test/x?y#z");
    EXPECT_STR(upgraded("http://u:p@a.test:80/"), "https://u:p@a.test/");
    EXPECT_STR(upgraded("http://a.test:8080/x"), "https://a.test:8080/x");
    EXPECT_STR(upgraded("http://a.test:443/x?#"), "https://a.test/x?#");
    EXPECT_STR(upgraded("ws://a.test/chat"), "wss://a.test/chat");
    EXPECT_STR(upgraded("https://a.test/"), "https://a.test/");
    struct url u = url_of("http://a.test/");
    EXPECT_FALSE(bide__hsts_upgrade(&u, storage, u.len + 1));
    EXPECT_STR(u.href, "http://a.test/");
    EXPECT_TRUE(bide__hsts_upgrade(&u, storage, u.len + 2));
}

/* D9 */
UNIT(hsts_keeps_4096_hosts)
{
    bide_auto bide_hsts *h = bide_hsts_new();
    char url[64];

    for (int i = 0; i <= HSTS_MAX; i++) {
        snprintf(url, sizeof url, "https://h%d.test/", i);
        EXPECT_EQ(say(h, url, "max-age=100"), 0);
        if (i == 1)
            EXPECT_TRUE(wants(h, "http://h0.test/")); /* used */
    }
    EXPECT_EQ(bide_hsts_len(h), HSTS_MAX);
    EXPECT_TRUE(wants(h, "http://h0.test/") && !wants(h, "http://h1.test/") && wants(h, "http://h2.test/"));
}

UNIT(hsts_that_is_empty_asks_nothing)
{
    bide_auto bide_hsts *h = bide_hsts_new();

    EXPECT_FALSE(bide__hsts_wants(NULL, NULL, now));
    EXPECT_FALSE(bide__hsts_wants(h, NULL, now)); /* the URL is not looked at */
}

static int read_text(bide_hsts *h, const char *text)
{
    struct guarded g = guarded_copy(text, strlen(text));
    int n = bide__hsts_read_text(h, g.data, strlen(text), now);

    guarded_free(&g);
    return n;
}

UNIT(hsts_file_of_curl_is_read_and_written)
{
    bide_auto bide_hsts *h = bide_hsts_new(), *again = bide_hsts_new();
    struct buf text;

    EXPECT_EQ(read_text(h, "# Your HSTS cache. https://curl.se/docs/hsts.html\n"
                           "# This file was generated by libcurl! Edit at your own risk.\n"
                           ".a.test \"20241231 23:59:59\"\r\n"
                           "B.test \"20231114 22:13:21\"\n"
                           "old.test \"20231114 22:13:20\"\n"
                           "c.test \"unlimited\""), 3);
    EXPECT_TRUE(wants(h, "http://x.a.test/") && wants(h, "http://b.test/") && wants(h, "http://c.test/"));
    EXPECT_FALSE(wants(h, "http://x.b.test/") || wants(h, "http://old.test/"));
    bide__buf_init(&text, HSTS_FILE_MAX);
    EXPECT_EQ(bide__hsts_write_text(h, &text, now), 0);
    EXPECT_EQ(bide__buf_append(&text, "", 1), 0);
    EXPECT_CONTAINS(bide__buf_head(&text), "\n.a.test \"20241231 23:59:59\"\nb.test \"20231114 22:13:21\"\nc.test \"20331121 22:13:20\"\n");
    EXPECT_EQ(read_text(again, bide__buf_head(&text)), 3);
    EXPECT_TRUE(wants(again, "http://x.a.test/"));
    bide__buf_free(&text);
}

UNIT(hsts_file_that_is_none_says_so)
{
    bide_auto bide_hsts *h = bide_hsts_new();
    static const char *const bad[] = {
        "<html>",                         "a.test 20241231 23:59:59",      "a.test \"20241231\"",      "a.test \"20241331 23:59:59\"",
        "\"20241231 23:59:59\"",          ". \"20241231 23:59:59\"",       "10.0.0.1 \"unlimited\"",   "a..b \"unlimited\"",
        "a.test \"20241231 23:59:59\" x", "a.test \"20241231 23:59:599\"", "a.test \"",
    };

    for (size_t i = 0; i < array_len(bad); i++)
        EXPECT_ERR(read_text(h, bad[i]), -EINVAL);
    EXPECT_EQ(read_text(h, "# only this\n\n"), 0);
    EXPECT_EQ(read_text(h, "what?\na.test \"unlimited\"\n"), 1);
}

UNIT(hsts_api_takes_names)
{
    bide_auto bide_hsts *h = bide_hsts_new();

    EXPECT_EQ(bide_hsts_set(h, "Example.TEST.", 100, true), 0);
    EXPECT_TRUE(bide_hsts_applies(h, "www.example.test") && bide_hsts_applies(h, "EXAMPLE.test."));
    EXPECT_FALSE(bide_hsts_applies(h, "test") || bide_hsts_applies(h, "10.0.0.1") || bide_hsts_applies(h, "a..b"));
    EXPECT_ERR(bide_hsts_set(h, "10.0.0.1", 100, false), -EINVAL);
    EXPECT_ERR(bide_hsts_set(h, "http://a.test", 100, false), -EINVAL);
    EXPECT_ERR(bide_hsts_set(h, "a.test", -1, false), -EINVAL);
    EXPECT_ERR(bide_hsts_set(NULL, "a.test", 1, false), -EINVAL);
    EXPECT_EQ(bide_hsts_set(h, "example.test", 0, false), 0);
    EXPECT_EQ(bide_hsts_set(h, "a.test", INT64_MAX, false), 0);
    EXPECT_EQ(bide_hsts_len(h), 1);
    bide_hsts_clear(h);
    EXPECT_EQ(bide_hsts_len(h), 0);
}

UNIT(hsts_without_memory_says_so_and_stays_whole)
{
    long n = 0;

    for (bool failed = true; failed; n++) {
        bide__alloc_fail_at(n);
        bide_hsts *h = bide_hsts_new();
        int code = h ? bide_hsts_set(h, "a.test", 100, true) : BIDE_ENOMEM;
        failed = !bide__alloc_fail_at(-1);
        EXPECT_EQ(code, failed ? BIDE_ENOMEM : 0);
        if (h)
            EXPECT_EQ(bide_hsts_set(h, "a.test", 100, true), 0);
        bide_release(h);
    }
    EXPECT_TRUE(n > 3);
}
