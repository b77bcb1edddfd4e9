/* SPDX-License-Identifier: MIT */
/* test_match.c - which hosts and paths a cookie is for (R116, D13). */
#include "http/cookie/jar.h"

static bool domain_match(const char *host, const char *domain)
{
    struct guarded g = guarded_copy(host, strlen(host)), h = guarded_copy(domain, strlen(domain));
    struct cookie_host of = {g.data, strlen(host), host[0] < '0' || host[0] > '9'};
    bool match = bide__cookie_domain_match(of, h.data, strlen(domain));

    guarded_free(&g);
    guarded_free(&h);
    return match;
}

static bool path_match(const char *path, const char *of_cookie)
{
    struct guarded g = guarded_copy(path, strlen(path)), h = guarded_copy(of_cookie, strlen(of_cookie));
    bool match = bide__cookie_path_match(g.data, strlen(path), h.data, strlen(of_cookie));

    guarded_free(&g);
    guarded_free(&h);
    return match;
}

static const char *default_path(const char *path)
{
    static char out[64];
    size_t len = bide__cookie_default_path_len(path, strlen(path));

    memcpy(out, path, len);
    out[len] = '\0';
    return out;
}

UNIT(domain_match_is_the_name_or_a_name_below_it)
{
    EXPECT_TRUE(domain_match("a.test", "a.test") && domain_match("b.a.test", "a.test") && domain_match("c.b.a.test", "a.test"));
    EXPECT_FALSE(domain_match("xa.test", "a.test") || domain_match("a.test", "b.a.test") || domain_match("test", "a.test"));
    EXPECT_FALSE(domain_match("a.test", "") || domain_match("a.test", "est"));
    EXPECT_TRUE(domain_match("192.168.0.1", "192.168.0.1"));
    EXPECT_FALSE(domain_match("192.168.0.1", "168.0.1") || domain_match("192.168.0.1", "0.1"));
}

UNIT(path_match_is_the_path_or_a_folder_above_it)
{
    EXPECT_TRUE(path_match("/a", "/a") && path_match("/a/", "/a") && path_match("/a/b", "/a") && path_match("/a/b", "/a/"));
    EXPECT_TRUE(path_match("/", "/") && path_match("/a", "/"));
    EXPECT_FALSE(path_match("/ab", "/a") || path_match("/", "/a") || path_match("/a", "/a/") || path_match("/A", "/a"));
}

UNIT(path_match_reads_what_needs_no_encoding)
{
    EXPECT_TRUE(path_match("/f%6Fo/x", "/foo") && path_match("/f%6fo", "/foo") && path_match("/f%6Fo/x", "/f%6Fo"));
    EXPECT_FALSE(path_match("/foo", "/f%6Fo") || path_match("/f%6", "/fo") || path_match("/a%2Fb", "/a/b"));
    EXPECT_FALSE(path_match("/f%6Foo", "/foo") || path_match("/%", "/%%"));
}

UNIT(default_path_is_the_folder)
{
    EXPECT_STR(default_path("/"), "/");
    EXPECT_STR(default_path("/a"), "/");
    EXPECT_STR(default_path("/a/"), "/a");
    EXPECT_STR(default_path("/a/b/c"), "/a/b");
    EXPECT_STR(default_path("//"), "/");
}

UNIT(host_D13_is_lower_case_and_without_a_dot_at_its_end)
{
    static const char *const cases[][2] = {{"http://EXAMPLE.test./x", "example.test"},
                                           {"http://[::1]:80/", "::1"},
                                           {"http://127.0.0.1/", "127.0.0.1"},
                                           {"http://b\xc3\xbc" "cher.test/", "xn--bcher-kva.test"}};

    for (size_t i = 0; i < array_len(cases); i++) {
        struct url u = url_of(cases[i][0]);
        struct cookie_host h = bide__cookie_host(&u);
        EXPECT_TRUE(h.len == strlen(cases[i][1]) && memcmp(h.name, cases[i][1], h.len) == 0);
        EXPECT_EQ(h.is_name, i != 1 && i != 2);
    }
}

UNIT(canonical_host_D13_takes_names_and_addresses_in_any_spelling)
{
    char out[COOKIE_DOMAIN_SIZE];
    static char name[400];
    bool is_name;

    EXPECT_EQ(bide__cookie_canonical_host(out, "Example.TEST", 12, &is_name), 12);
    EXPECT_STR(out, "example.test");
    EXPECT_TRUE(is_name);
    EXPECT_EQ(bide__cookie_canonical_host(out, "0:0::1", 6, &is_name), 3);
    EXPECT_STR(out, "::1");
    EXPECT_FALSE(is_name);
    EXPECT_EQ(bide__cookie_canonical_host(out, "[::1]", 5, &is_name), 3);
    EXPECT_EQ(bide__cookie_canonical_host(out, "10.0.0.1", 8, &is_name), 8);
    EXPECT_FALSE(is_name);
    static const char *const bad[] = {"", ".", "a.", "a..b", "a b", "a/b", "a:80", "1.2.3", "[::1", "%41.test"};
    for (size_t i = 0; i < array_len(bad); i++)
        EXPECT_EQ(bide__cookie_canonical_host(out, bad[i], strlen(bad[i]), &is_name), COOKIE_EDOMAIN);
    memset(name, 'a', sizeof name);
    for (size_t len = 250; len < sizeof name; len++)
        EXPECT_TRUE(bide__cookie_canonical_host(out, name, len, &is_name) < COOKIE_DOMAIN_SIZE);
}

UNIT(public_suffixes_D13_are_asked_of_libpsl)
{
    const psl_ctx_t *list = psl_builtin();

    EXPECT_TRUE(bide__is_public_suffix(list, "com") && bide__is_public_suffix(list, "co.uk"));
    EXPECT_TRUE(bide__is_public_suffix(list, "github.io") && bide__is_public_suffix(list, "localhost"));
    EXPECT_FALSE(bide__is_public_suffix(list, "example.com") || bide__is_public_suffix(list, "a.github.io"));
    EXPECT_STR(bide__registrable_domain(list, "a.b.example.co.uk"), "example.co.uk");
    EXPECT_NULL(bide__registrable_domain(list, "co.uk"));
    EXPECT_TRUE(bide__is_public_suffix(NULL, "example.com"));
}
