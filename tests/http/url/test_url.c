/* SPDX-License-Identifier: MIT */
/*
 * test_url.c - URLs: what is refused, what is read, how links resolve, what a query becomes.
 */
#include <bide/url.h>

#include "base/base.h"
#include "harness/guarded.h"
#include "harness/harness.h"
#include "http/url/url.h"

static char storage[BIDE_URL_MAX + 1], base_storage[BIDE_URL_MAX + 1];
static struct url url, base;

/* The text lies flush against an unreadable page. */
static int parse(const char *text)
{
    struct guarded g = guarded_copy(text, strlen(text));
    int r = bide__url_parse(&url, g.data, strlen(text), storage, sizeof storage);
    guarded_free(&g);
    return r;
}

static const char *href(const char *text)
{
    int r = parse(text);
    return r < 0 ? bide__url_strerror(r) : url.href;
}

static const char *resolve(const char *link, const char *on)
{
    struct guarded g = guarded_copy(link, strlen(link));
    EXPECT_EQ(bide__url_parse(&base, on, strlen(on), base_storage, sizeof base_storage), 0);
    int r = bide__url_resolve(&url, &base, g.data, strlen(link), storage, sizeof storage);
    guarded_free(&g);
    return r < 0 ? bide__url_strerror(r) : url.href;
}

static bool is(struct url_part part, const char *text)
{
    return part.len == strlen(text) && memcmp(bide__url_part(&url, part), text, part.len) == 0;
}

UNIT(url_parts)
{
    EXPECT_EQ(parse("HTTPS://me:se:cret@EXAMPLE.com:8080/a/b?c=d?#e#f"), 0);
    EXPECT_STR(url.href, "https://me:se%3Acret@example.com:8080/a/b?c=d?#e#f");
    EXPECT_TRUE(is(url.username, "me") && is(url.password, "se%3Acret"));
    EXPECT_TRUE(is(url.hostname, "example.com") && is(url.host, "example.com:8080"));
    EXPECT_TRUE(is(url.path, "/a/b") && is(url.query, "c=d?") && is(url.fragment, "e#f"));
    EXPECT_TRUE(is(bide__url_target(&url), "/a/b?c=d?"));
    EXPECT_TRUE(url.port == 8080 && url.scheme == URL_HTTPS && bide__url_is_secure(&url));
    EXPECT_EQ(parse("http://x"), 0);
    EXPECT_TRUE(is(url.path, "/") && is(bide__url_target(&url), "/") && url.port == 80 &&
                !url.has_query);
    EXPECT_STR(url.href, "http://x/");
    EXPECT_STR(href("https://x:443/"), "https://x/");
    EXPECT_EQ(url.port, 443);
    EXPECT_STR(href("http://x:443/"), "http://x:443/");
    EXPECT_STR(href("http://x:/"), "http://x/");
    EXPECT_STR(href("http://x:00080/"), "http://x/");
    EXPECT_STR(href("wss://x?"), "wss://x/?");
    EXPECT_STR(href("  http://x/ "), "http://x/");
}

/* R4 */
UNIT(url_only_what_is_illegal_is_encoded)
{
    EXPECT_STR(href("http://x//a/%2F/%2f//?b=%zz&c"), "http://x//a/%2F/%2f//?b=%zz&c");
    EXPECT_STR(href("http://x/a b\"<>`{}^\xc3\xa9|[]"),
               "http://x/a%20b%22%3C%3E%60%7B%7D%5E%C3%A9|[]");
    EXPECT_STR(href("http://x/?a b\"<>'`{}\\\xff"), "http://x/?a%20b%22%3C%3E%27`{}\\%FF");
    EXPECT_STR(href("http://x/#a b\"<>`{}"), "http://x/#a%20b%22%3C%3E%60{}");
    EXPECT_STR(href("http://a/b:c/@d"), "http://a/b:c/@d");
}

UNIT(url_dot_segments_are_carried_out_once)
{
    EXPECT_STR(href("http://x/a/./b/../c"), "http://x/a/c");
    EXPECT_STR(href("http://x/../../a"), "http://x/a");
    EXPECT_STR(href("http://x/a/.."), "http://x/");
    EXPECT_STR(href("http://x/a/."), "http://x/a/");
    EXPECT_STR(href("http://x/a/%2e%2E/.%2e/b"), "http://x/b");
    EXPECT_STR(href("http://x/.../..a/.b"), "http://x/.../..a/.b");
    EXPECT_STR(href("http://x////../.."), "http://x//");
    EXPECT_STR(href("http://x/%252e/b"), "http://x/%252e/b");
}

UNIT(url_links_resolve)
{
    static const char on[] = "http://u:p@a:81/b/c/d;p?q#f";
    EXPECT_STR(resolve("", on), "http://u:p@a:81/b/c/d;p?q");
    EXPECT_STR(resolve("g", on), "http://u:p@a:81/b/c/g");
    EXPECT_STR(resolve("./g/", on), "http://u:p@a:81/b/c/g/");
    EXPECT_STR(resolve("/g", on), "http://u:p@a:81/g");
    EXPECT_STR(resolve("//g", on), "http://g/");
    EXPECT_STR(resolve("//g:81?y", on), "http://g:81/?y");
    EXPECT_STR(resolve("?y", on), "http://u:p@a:81/b/c/d;p?y");
    EXPECT_STR(resolve("?", on), "http://u:p@a:81/b/c/d;p?");
    EXPECT_STR(resolve("#s", on), "http://u:p@a:81/b/c/d;p?q#s");
    EXPECT_STR(resolve("g?y#s", on), "http://u:p@a:81/b/c/g?y#s");
    EXPECT_STR(resolve("..", on), "http://u:p@a:81/b/");
    EXPECT_STR(resolve("../../../g", on), "http://u:p@a:81/g");
    EXPECT_STR(resolve("https://z/x/../y", on), "https://z/y");
    EXPECT_STR(resolve("g:h", on), bide__url_strerror(URL_ESCHEME));
    EXPECT_STR(resolve("http:g", on), bide__url_strerror(URL_ESLASHES));
    EXPECT_STR(resolve("a\\b", on), bide__url_strerror(URL_EBACKSLASH));
    EXPECT_TRUE(bide__url_same_origin(&base, &base));
}

UNIT(url_what_is_no_url_is_refused)
{
    EXPECT_EQ(parse(""), URL_ENOSCHEME);
    EXPECT_EQ(parse("example.com/x"), URL_ENOSCHEME);
    EXPECT_EQ(parse("/x"), URL_ENOSCHEME);
    EXPECT_EQ(parse("://x"), URL_ENOSCHEME);
    EXPECT_EQ(parse("ftp://x/"), URL_ESCHEME);
    EXPECT_EQ(parse("localhost:80/"), URL_ESCHEME);
    EXPECT_EQ(parse("file:///etc/passwd"), URL_ESCHEME);
    EXPECT_EQ(parse("httpx://x/"), URL_ESCHEME);
    EXPECT_EQ(parse("http://"), URL_ENOHOST);
    EXPECT_EQ(parse("http:///"), URL_ENOHOST);
    EXPECT_EQ(parse("http://:80/"), URL_ENOHOST);
    EXPECT_EQ(parse("http://u@/"), URL_ENOHOST);
    EXPECT_EQ(parse("http://?x"), URL_ENOHOST);
}

/* R111 */
UNIT(url_what_two_readers_read_differently_is_refused)
{
    EXPECT_EQ(parse("http:/x"), URL_ESLASHES);
    EXPECT_EQ(parse("http:x"), URL_ESLASHES);
    EXPECT_EQ(parse("http:\\\\x"), URL_EBACKSLASH);
    EXPECT_EQ(parse("http://x\\@y/"), URL_EBACKSLASH);
    EXPECT_EQ(parse("http://x/\\y"), URL_EBACKSLASH);
    EXPECT_EQ(parse("http://x/a\tb"), URL_EBLANK);
    EXPECT_EQ(parse("http://x/a\r\nb"), URL_EBLANK);
    EXPECT_EQ(parse("http://x/#a\n"), URL_EBLANK);
    EXPECT_EQ(parse("http://x:0/"), URL_EPORT);
    EXPECT_EQ(parse("http://x:65536/"), URL_EPORT);
    EXPECT_EQ(parse("http://x:99999999999999999999/"), URL_EPORT);
    EXPECT_EQ(parse("http://x:+80/"), URL_EPORT);
    EXPECT_EQ(parse("http://x:8 0/"), URL_EPORT);
    EXPECT_EQ(parse("http://x:80:80/"), URL_EPORT);
    EXPECT_STR(href("http://x:65535/"), "http://x:65535/");
}

/* D14 */
UNIT(url_at_signs_and_percent_in_the_host_are_refused)
{
    EXPECT_EQ(parse("http://a@b@c/"), URL_EAT);
    EXPECT_EQ(parse("http://x%2Fy/"), URL_EPERCENT);
    EXPECT_EQ(parse("http://x%00/"), URL_EPERCENT);
    EXPECT_EQ(parse("http://%65xample.com/"), URL_EPERCENT);
    EXPECT_EQ(parse("http://\xc3\xa9%41/"), URL_EPERCENT);
    EXPECT_EQ(parse("http://a b/"), URL_EHOST);
    EXPECT_EQ(parse("http://a<b/"), URL_EHOST);
    EXPECT_EQ(parse("http://a^b/"), URL_EHOST);
    EXPECT_EQ(parse("http://a\x7f/"), URL_EHOST);
    EXPECT_EQ(parse("http://a]/"), URL_EHOST);
    EXPECT_EQ(bide__url_parse(&url, "http://a\0b/", 11, storage, sizeof storage), URL_EHOST);
}

/* R109 */
UNIT(url_names_are_checked_and_written_in_lower_case)
{
    EXPECT_STR(href("http://EXAMPLE.Com./"), "http://example.com./");
    EXPECT_STR(href("http://a_b-.c/"), "http://a_b-.c/");
    EXPECT_STR(href("http://b\xc3\xbc"
                    "cher.example/"),
               "http://xn--bcher-kva.example/");
    EXPECT_STR(href("http://B\xc3\x9c"
                    "CHER.example/"),
               "http://xn--bcher-kva.example/");
    EXPECT_STR(href("http://fa\xc3\x9f.de/"),
               "http://xn--fa-hia.de/"); /* not transitional: not fass.de */
    EXPECT_STR(href("http://XN--BCHER-KVA.example/"), "http://xn--bcher-kva.example/");
    EXPECT_STR(href("http://\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82"
                    "com/"),
               "http://xn--6qq79v.com/");
    EXPECT_EQ(parse("http://\xff/"), URL_EIDNA);
    EXPECT_EQ(parse("http://\xef\xbf\xbd.com/"), URL_EIDNA);
    EXPECT_EQ(parse("http://a..b/"), URL_ELABEL);
    EXPECT_EQ(parse("http://.a/"), URL_ELABEL);
    EXPECT_EQ(parse("http://a../"), URL_ELABEL);
    EXPECT_EQ(parse("http://./"), URL_ELABEL);
}

/* R109 */
UNIT(url_names_in_ascii_are_asked_for_as_they_are)
{
    EXPECT_STR(href("http://XN--I-7iq.test/"), "http://xn--i-7iq.test/"); /* an emoji, which IDNA 2008 does not have */
    EXPECT_STR(href("http://xn--abc-/"), "http://xn--abc-/");
    EXPECT_STR(href("http://xn--a.b/"), "http://xn--a.b/");
    EXPECT_STR(href("http://r8---sn-q4f7snss.test/"), "http://r8---sn-q4f7snss.test/");
    EXPECT_STR(href("http://-a-.b-/"), "http://-a-.b-/");
}

/* R109: What browsers make of names that IDNA 2008 would not have. */
UNIT(url_names_are_converted_as_in_browsers)
{
    static const char *const names[][2] = {
        {"i\xe2\x9d\xa4.test", "xn--i-7iq.test"},
        {"\xf0\x9f\x92\xa9.la", "xn--ls8h.la"},
        {"xn--i-7iq.b\xc3\xbc" "cher", "xn--i-7iq.xn--bcher-kva"},
        {"r8---sn.B\xc3\x9c" "cher", "r8---sn.xn--bcher-kva"},
        {"fa\xc3\x9f\xe2\x9d\xa4.DE", "xn--fa-hia8550b.de"},   /* the sharp s stays beside an emoji */
        {"FA\xe1\xba\x9e.de", "xn--fa-hia.de"},
        {"ab--\xc3\xbc.de", "xn--ab---3ra.de"},
        {"\xc3\xbc-.de", "xn----dha.de"},
        {"-\xc3\xbc.de", "xn----eha.de"},
        {"a\xe2\x80\xa0--", "xn--a---kp0a"},
        {"\xe2\x98\x95", "xn--53h"},
        {"\xef\xbc\xa1\xef\xbc\xa2\xe2\x9d\xa4.\xef\xbc\xa3", "xn--ab-pny.c"},    /* full-width letters */
        {"\xe2\x9d\xa4\xe3\x80\x82\xe2\x98\x95\xef\xbc\x8e" "test\xef\xbd\xa1", "xn--qei.xn--53h.test."},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[100], want[100];
        snprintf(text, sizeof text, "http://%s/", names[i][0]);
        snprintf(want, sizeof want, "http://%s/", names[i][1]);
        EXPECT_STR(href(text), want);
    }
    EXPECT_EQ(parse("http://xn--te\xc5\xa1la/"), URL_EIDNA);              /* encoded, and not */
    EXPECT_EQ(parse("http://xn--\xe2\x9d\xa4/"), URL_EIDNA);
    EXPECT_EQ(parse("http://\xe2\x9d\xa4\xe2\x80\x8d\xe2\x9d\xa4/"), URL_EIDNA); /* a joiner between emoji */
    EXPECT_EQ(parse("http://\xef\xbf\xbd\xe2\x9d\xa4/"), URL_EIDNA);
    EXPECT_EQ(parse("http://\xe2\x9d\xa4\xef\xbc\x8f/"), URL_EIDNA);      /* a full-width slash */
}

/* R109 */
UNIT(url_a_name_of_many_emoji_is_bounded)
{
    char text[1000] = "http://";

    for (int i = 0; i < 70; i++)
        strcat(text, "\xe2\x9d\xa4");
    EXPECT_EQ(parse(text), URL_EIDNA);
    strcpy(text, "http://");
    for (int i = 0; i < 70; i++)
        strcat(text, "\xe2\x9d\xa4.");
    EXPECT_EQ(parse(text), URL_EIDNA);
}

/* R110 */
UNIT(url_ipv4_is_a_plain_dotted_quad)
{
    static const char *const bad[] = {
        "127.1", "2130706433", "0x7f000001",       "0x7f.0.0.1", "010.0.0.1", "1.2.3.256",
        "1.2.3", "1.2.3.4.5",  "1.2.3.4.",         "1.2.3.08",   "a.1",       "a.0x",
        "0x",    "1.2.3.0x4",  "\xef\xbc\x91.2.3", "00.0.0.0",   "1.2.3.4444"};
    EXPECT_STR(href("http://127.0.0.1:80/"), "http://127.0.0.1/");
    EXPECT_EQ(url.host_kind, URL_IPV4);
    EXPECT_STR(href("http://255.255.255.255/"), "http://255.255.255.255/");
    EXPECT_STR(href("http://1.2.3.4a/"), "http://1.2.3.4a/");
    EXPECT_EQ(url.host_kind, URL_NAME);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[64];
        snprintf(text, sizeof text, "http://%s/", bad[i]);
        EXPECT_EQ(parse(text), URL_EIPV4);
    }
}

/* R110 */
UNIT(url_ipv6_is_written_one_way)
{
    static const char *const bad[] = {"[",
                                      "[]",
                                      "[::1",
                                      "::1]",
                                      "[fe80::1%]",
                                      "[fe80::1%25]",
                                      "[fe80::1%25a b]",
                                      "[fe80::1%25a%41]",
                                      "[fe80::1%2516-characters---]",
                                      "[%25eth0]",
                                      "[1.2.3.4%25eth0]",
                                      "[1::2::3]",
                                      "[:1]",
                                      "[12345::]",
                                      "[1:2:3:4:5:6:7:8:9]",
                                      "[::1.2.3]",
                                      "[::01.2.3.4]",
                                      "[ ::1]",
                                      "[0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0]",
                                      "[::1]x"};
    EXPECT_STR(href("http://[::1]:8080/"), "http://[::1]:8080/");
    EXPECT_TRUE(url.host_kind == URL_IPV6 && is(url.hostname, "[::1]"));
    EXPECT_STR(href("http://[0:0:0:0:0:0:0:0]/"), "http://[::]/");
    EXPECT_STR(href("http://[2001:DB8:0:0:1:0:0:1]/"), "http://[2001:db8::1:0:0:1]/");
    EXPECT_STR(href("http://[2001:db8:0:1:1:1:1:1]/"), "http://[2001:db8:0:1:1:1:1:1]/");
    EXPECT_STR(href("http://[1:0:0:0:0:0:0:0]/"), "http://[1::]/");
    EXPECT_STR(href("http://[::ffff:1.2.3.4]/"), "http://[::ffff:102:304]/");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[100];
        snprintf(text, sizeof text, "http://%s/", bad[i]);
        EXPECT_TRUE(parse(text) < 0);
    }
}

UNIT(url_storage_too_small_is_refused_at_every_size)
{
    static const char text[] = "https://u:p@example.com:81/a b?c d#e f";
    char tight[64];
    size_t need = strlen("https://u:p@example.com:81/a%20b?c%20d#e%20f") + 1;
    for (size_t cap = 0; cap <= need; cap++) {
        struct guarded g = guarded_copy(tight, cap);
        int r = bide__url_parse(&url, text, strlen(text), g.data, cap);
        EXPECT_EQ(r, cap < need ? URL_ETOOLONG : 0);
        guarded_free(&g);
    }
    EXPECT_TRUE(bide__url_bound(strlen(text), NULL) >= need);
}

UNIT(url_longest_is_65535_bytes)
{
    static char text[70000];
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "http://x/", 9);
    text[BIDE_URL_MAX] = '\0';
    EXPECT_EQ(parse(text), 0);
    text[BIDE_URL_MAX] = 'a';
    text[BIDE_URL_MAX + 1] = '\0';
    EXPECT_EQ(parse(text), URL_ETOOLONG);
}

/* R110 */
UNIT(url_a_zone_is_kept_and_written_one_way)
{
    struct url from, to;
    char other[200];

    EXPECT_EQ(bide__url_parse(&url, "http://[::1%a\0]/", 17, storage, sizeof storage), URL_EZONE);
    EXPECT_STR(href("http://[FE80::1%25Eth0.1]:8080/a"), "http://[fe80::1%25Eth0.1]:8080/a");
    EXPECT_TRUE(url.zone_len == 9 && is(url.hostname, "[fe80::1%25Eth0.1]"));
    EXPECT_STR(href("http://[fe80::1%eth0]/"), "http://[fe80::1%25eth0]/");
    EXPECT_STR(href("http://[fe80::1%252]/"), "http://[fe80::1%252]/");

    EXPECT_EQ(bide__url_parse(&from, "http://[fe80::1%eth0]:81/", 25, other, sizeof other), 0);
    EXPECT_EQ(bide__url_resolve(&to, &from, "b?c#d", 5, storage, sizeof storage), 0);
    EXPECT_STR(to.href, "http://[fe80::1%25eth0]:81/b?c#d");
    EXPECT_EQ(to.zone_len, 7);

    url = (struct url){.href = NULL};
    EXPECT_EQ(parse("https://[fe80::1]:82/b?c#d"), 0);
    bide__url_inherit_zone(&url, &from, storage, sizeof storage);
    EXPECT_STR(url.href, "https://[fe80::1%25eth0]:82/b?c#d");
    EXPECT_TRUE(is(url.path, "/b") && is(url.query, "c") && is(url.fragment, "d") && is(url.host, "[fe80::1%25eth0]:82"));
    EXPECT_EQ(url.len, strlen(url.href));
    EXPECT_EQ(parse("https://[fe80::2]/"), 0);
    bide__url_inherit_zone(&url, &from, storage, sizeof storage);
    EXPECT_STR(url.href, "https://[fe80::2]/");
}

/* ---- the public object ---- */

UNIT(url_object_gives_every_part)
{
    bide_auto bide_url *u = bide_url_parse("https://me:secret@[::1]:8080/a/b?c=d#e");
    EXPECT_STR(bide_url_href(u), "https://me:secret@[::1]:8080/a/b?c=d#e");
    EXPECT_STR(bide_url_scheme(u), "https");
    EXPECT_STR(bide_url_username(u), "me");
    EXPECT_STR(bide_url_password(u), "secret");
    EXPECT_STR(bide_url_origin(u), "https://[::1]:8080");
    EXPECT_STR(bide_url_host(u), "[::1]:8080");
    EXPECT_STR(bide_url_hostname(u), "::1");
    EXPECT_EQ(bide_url_port(u), 8080);
    EXPECT_STR(bide_url_path(u), "/a/b");
    EXPECT_STR(bide_url_query(u), "c=d");
    EXPECT_STR(bide_url_fragment(u), "e");

    bide_auto bide_url *zoned = bide_url_parse("http://[fe80::1%25eth0]:8080/");
    EXPECT_STR(bide_url_host(zoned), "[fe80::1%25eth0]:8080");
    EXPECT_STR(bide_url_hostname(zoned), "fe80::1%eth0");
    EXPECT_STR(bide_url_path(zoned), "/");

    bide_auto bide_url *next = bide_url_resolve(u, "../x");
    EXPECT_STR(bide_url_href(next), "https://me:secret@[::1]:8080/x");
    EXPECT_STR(bide_url_query(next), "");
}

UNIT(url_object_functions_take_null)
{
    bide_auto bide_url *u = bide_url_parse("http://x/");

    EXPECT_TRUE(bide_url_parse(NULL) == NULL);
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_STR(bide_error_text(), "bide_url_parse: the text is NULL");
    EXPECT_TRUE(bide_url_resolve(NULL, "a") == NULL);
    EXPECT_STR(bide_error_text(), "bide_url_resolve: the base is NULL");
    EXPECT_TRUE(bide_url_resolve(u, NULL) == NULL);
    EXPECT_STR(bide_error_text(), "bide_url_resolve: the link is NULL");
    EXPECT_TRUE(bide_url_with_query(NULL, NULL) == NULL);
    bide_auto bide_url *same = bide_url_with_query(u, NULL);
    EXPECT_STR(bide_url_href(same), "http://x/");
    const char *(*const parts[])(const bide_url *) = {bide_url_href, bide_url_scheme, bide_url_username, bide_url_password,
                                                      bide_url_origin, bide_url_host, bide_url_hostname, bide_url_path,
                                                      bide_url_query, bide_url_fragment};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        EXPECT_STR(parts[i](NULL), "");
    EXPECT_EQ(bide_url_port(NULL), -EINVAL);
    EXPECT_STR(bide_error_text(), "bide_url_port: the URL is NULL");
    bide_error_clear();
}

UNIT(url_object_long_one_goes_through_the_heap)
{
    char text[5000];
    memset(text, ' ', sizeof text);
    memcpy(text, "http://x/", 9);
    text[4998] = 'z';
    text[4999] = '\0';
    bide_auto bide_url *u = bide_url_parse(text);
    EXPECT_TRUE(u && strlen(bide_url_path(u)) == 1 + 3 * 4989 + 1);
}

/* R112 */
UNIT(url_query_is_appended_and_form_encoded)
{
    bide_auto bide_url *u = bide_url_parse("http://x/a?b=%20#f");
    bide_auto bide_url *v =
        bide_url_with_query(u, BIDE_PAIRS({"q", "a b&c=\xc3\xa9~*-._"}, {"n", NULL}));
    EXPECT_STR(bide_url_href(v), "http://x/a?b=%20&q=a+b%26c%3D%C3%A9%7E*-._&n=#f");
    EXPECT_STR(bide_url_fragment(v), "f");
    EXPECT_STR(bide_url_href(u), "http://x/a?b=%20#f");

    bide_auto bide_url *plain = bide_url_parse("http://x");
    bide_auto bide_url *w = bide_url_with_query(plain, BIDE_PAIRS({"a", "1"}, {"b", "2"}));
    EXPECT_STR(bide_url_href(w), "http://x/?a=1&b=2");
    EXPECT_STR(bide_url_query(w), "a=1&b=2");
    bide_auto bide_url *empty = bide_url_parse("http://x/?");
    bide_auto bide_url *x = bide_url_with_query(empty, BIDE_PAIRS({"a", ""}));
    EXPECT_STR(bide_url_href(x), "http://x/?a=");
    bide_auto bide_url *same = bide_url_with_query(u, NULL);
    EXPECT_STR(bide_url_href(same), bide_url_href(u));
}

UNIT(url_errors_name_the_url_without_its_password)
{
    EXPECT_TRUE(bide_url_parse("http://me:secret@ho st/x") == NULL);
    EXPECT_EQ(bide_error_code(), BIDE_EURL);
    EXPECT_STR(bide_error_text(), "http://@ho st/x: invalid character in the host");
    bide_error_clear();

    char out[80], text[200];
    memset(text, 'a', sizeof text);
    EXPECT_EQ(strlen(bide__url_quote(out, text, sizeof text)), 67);
    EXPECT_STR(bide__url_quote(out, "a\x1b[2J\n\xff", 7), "a?[2J??");
    EXPECT_STR(bide__url_quote(out, "http://a@b@c/d@e", 16), "http://@c/d@e");
    EXPECT_STR(bide__url_quote(out, "", 0), "");
    EXPECT_STR(bide__url_quote(out, "http://例え.h/ü\xf0\x9f\x9a\x80 b", 24), "http://例え.h/ü\xf0\x9f\x9a\x80 b");
    /* what is no UTF-8, controls of both kinds, an overlong NUL, a surrogate, marks that turn the text around */
    EXPECT_STR(bide__url_quote(out, "a\xc3(b\xc2\x9b" "c\xc0\x80" "d\xed\xa0\x80" "e\xe2\x80\xae" "f\xe4\xb8", 20),
               "a?(b?c??d???e?f??");
    EXPECT_STR(bide__url_quote(out, "xééééééééééééééééééééééééééééééééé", 67), "xééééééééééééééééééééééééééééééé...");
    static const char *const leaks[] = {"http:/me:secret@h/",   "http:///me:secret@h/", "http:me:secret@h",
                                        "http:\\\\me:secret@h", "me:secret@h//x",       "http://me:sec/secret@h/",
                                        "http://me:a?secret@h", "me:a/secret@h",        "//me:secret@h:x"};
    for (size_t i = 0; i < sizeof leaks / sizeof *leaks; i++)
        EXPECT_NULL(strstr(bide__url_quote(out, leaks[i], strlen(leaks[i])), "secret"));
    EXPECT_STR(bide__url_quote(out, "http://h:99999/a", 16), "http://h:99999/a");
}

UNIT(url_out_of_memory_is_an_error_at_every_allocation)
{
    char text[3000] = "http://x/?";
    memset(text + 10, ' ', 2980);
    text[2989] = 'z';
    bide_auto bide_url *on = bide_url_parse("http://x/a");
    for (long n = 0;; n++) {
        bide__alloc_fail_at(n);
        bide_auto bide_url *u = bide_url_parse(text);
        bide_auto bide_url *v = u ? bide_url_resolve(on, "b") : NULL;
        bide_auto bide_url *w = v ? bide_url_with_query(v, BIDE_PAIRS({"c", "d"})) : NULL;
        bide__alloc_fail_at(-1);
        if (w)
            break;
        EXPECT_EQ(bide_error_code(), BIDE_ENOMEM);
        bide_error_clear();
        EXPECT_TRUE(n < 10);
    }
}
