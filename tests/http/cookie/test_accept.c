/* SPDX-License-Identifier: MIT */
/* test_accept.c - which cookies are kept, and where they belong (R113 to R115, D9, D13). */
#include "http/cookie/jar.h"

/* R114 */
UNIT(cookie_domain_must_include_the_host)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    EXPECT_EQ(set(jar, "http://www.a.test/", "x=1; domain=.A.test"), 0);
    EXPECT_EQ(set(jar, "http://www.a.test/", "y=1; domain=www.a.test"), 0);
    EXPECT_STR(get(jar, "http://b.a.test/"), "x=1");
    EXPECT_STR(get(jar, "http://c.www.a.test/"), "x=1; y=1");
    static const char *const bad[] = {"b.test", "b.www.a.test", ".", "..a.test", "a.test.", "a.test:80", "http://a.test", "[::1]", "1.2.3.4", "%61.test"};
    for (size_t i = 0; i < array_len(bad); i++) {
        char field[80];
        snprintf(field, sizeof field, "z=1; domain=%s", bad[i]);
        EXPECT_EQ(set(jar, "http://www.a.test/", field), COOKIE_EDOMAIN);
    }
}

/* R114 */
UNIT(cookie_public_suffix_is_refused_unless_it_is_the_host)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    EXPECT_EQ(set(jar, "http://evil.co.uk/", "x=1; domain=co.uk"), COOKIE_ESUFFIX);
    EXPECT_EQ(set(jar, "http://evil.github.io/", "x=1; domain=github.io"), COOKIE_ESUFFIX);
    EXPECT_EQ(set(jar, "http://evil.com./", "x=1; domain=com"), COOKIE_ESUFFIX); /* D13 */
    EXPECT_EQ(set(jar, "http://github.io/", "x=1; domain=github.io"), 0);
    EXPECT_STR(get(jar, "http://github.io/"), "x=1");
    EXPECT_STR(get(jar, "http://a.github.io/"), "");
    EXPECT_EQ(set(jar, "http://localhost/", "l=1; domain=localhost"), 0);
    EXPECT_STR(get(jar, "http://localhost/"), "l=1");
    EXPECT_STR(get(jar, "http://a.localhost/"), "");
}

/* D13 */
UNIT(cookie_trailing_dot_of_a_host_does_not_matter)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    EXPECT_EQ(set(jar, "http://a.test./", "x=1"), 0);
    EXPECT_STR(get(jar, "http://a.test/"), "x=1");
    EXPECT_STR(get(jar, "http://a.test./"), "x=1");
    EXPECT_STR(get(jar, "http://b.a.test/"), "");
}

/* D13 */
UNIT(cookie_address_is_for_itself_alone)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    EXPECT_EQ(set(jar, "http://10.0.0.1/", "x=1; domain=10.0.0.1"), 0);
    EXPECT_EQ(set(jar, "http://10.0.0.1/", "y=1; domain=.10.0.0.1"), COOKIE_EDOMAIN);
    EXPECT_EQ(set(jar, "http://10.0.0.1/", "y=1; domain=0.0.1"), COOKIE_EDOMAIN);
    EXPECT_EQ(set(jar, "http://[::1]:8080/", "v6=1"), 0);
    EXPECT_STR(get(jar, "http://10.0.0.1:90/"), "x=1");
    EXPECT_STR(get(jar, "http://[0::1]/"), "v6=1");
    EXPECT_TRUE(bide__jar_after(jar, 0)->host_only);
}

/* R114 */
UNIT(cookie_a_new_one_keeps_the_place_of_the_old_one)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    EXPECT_EQ(set(jar, "http://a.test/", "x=1"), 0);
    EXPECT_EQ(set(jar, "http://a.test/", "y=1"), 0);
    EXPECT_EQ(set(jar, "http://a.test/", "x=2; HttpOnly"), 0);
    EXPECT_STR(get(jar, "http://a.test/"), "x=2; y=1");
    EXPECT_EQ(set(jar, "http://a.test/", "x=3; Path=/p"), 0);
    EXPECT_EQ(set(jar, "http://a.test/", "x=4; Domain=a.test"), 0);
    EXPECT_STR(get(jar, "http://a.test/p"), "x=3; x=2; y=1; x=4");
    EXPECT_EQ(jar->n, 4);
}

/* R113 */
UNIT(cookie_max_age_counts_before_expires)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    EXPECT_EQ(set(jar, "http://a.test/", "x=1; Max-Age=10; Expires=Sun, 06 Nov 1994 08:49:37 GMT"), 0);
    EXPECT_EQ(set(jar, "http://a.test/", "y=1; Expires=Tue, 14 Nov 2023 22:13:25 GMT"), 0); /* NOW + 5 */
    EXPECT_EQ(set(jar, "http://a.test/", "z=1"), 0);
    EXPECT_STR(get(jar, "http://a.test/"), "x=1; y=1; z=1");
    now = NOW + 4;
    EXPECT_STR(get(jar, "http://a.test/"), "x=1; y=1; z=1");
    now = NOW + 5;
    EXPECT_STR(get(jar, "http://a.test/"), "x=1; z=1");
    now = NOW + 10;
    EXPECT_STR(get(jar, "http://a.test/"), "z=1");
    EXPECT_EQ(jar->n, 1);
    now = INT64_MAX - COOKIE_LIFETIME_MAX - 1;
    EXPECT_STR(get(jar, "http://a.test/"), "z=1");
}

/* R113 */
UNIT(cookie_lives_400_days_at_most)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    EXPECT_EQ(set(jar, "http://a.test/", "x=1; Max-Age=99999999999999999999"), 0);
    EXPECT_EQ(set(jar, "http://a.test/", "y=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT"), 0);
    EXPECT_EQ(bide__jar_after(jar, 0)->expires, NOW + COOKIE_LIFETIME_MAX);
    EXPECT_EQ(bide__jar_after(jar, 1)->expires, NOW + COOKIE_LIFETIME_MAX);
}

/* R113 */
UNIT(cookie_one_that_has_ended_removes_the_old_one)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    for (int i = 0; i < 3; i++) {
        static const char *const ended[] = {"x=2; Max-Age=0", "x=; Max-Age=-5", "x=3; Expires=Thu, 01 Jan 1970 00:00:00 GMT"};
        EXPECT_EQ(set(jar, "http://a.test/", "x=1"), 0);
        EXPECT_EQ(set(jar, "http://a.test/", ended[i]), 0);
        EXPECT_EQ(jar->n, 0);
    }
    EXPECT_EQ(set(jar, "http://a.test/", "x=1"), 0);
    EXPECT_EQ(set(jar, "http://a.test/", "x=1; Path=/p; Max-Age=0"), 0);
    EXPECT_EQ(jar->n, 1);
}

/* R115 */
UNIT(cookie_secure_comes_and_goes_with_tls_alone)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    EXPECT_EQ(set(jar, "http://a.test/", "x=1; Secure"), COOKIE_ESECURE);
    EXPECT_EQ(set(jar, "https://a.test/", "x=1; Secure"), 0);
    EXPECT_STR(get(jar, "http://a.test/"), "");
    EXPECT_STR(get(jar, "https://a.test/"), "x=1");
    EXPECT_STR(get(jar, "wss://a.test/"), "x=1");
    EXPECT_STR(get(jar, "ws://a.test/"), "");
}

/* R115 */
UNIT(cookie_plain_server_cannot_hide_or_remove_a_secure_one)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    EXPECT_EQ(set(jar, "https://www.a.test/", "x=1; Secure; Path=/p"), 0);
    EXPECT_EQ(set(jar, "http://www.a.test/", "x=2; Path=/p"), COOKIE_EOVERLAY);
    EXPECT_EQ(set(jar, "http://www.a.test/", "x=2; Path=/p/q"), COOKIE_EOVERLAY);
    EXPECT_EQ(set(jar, "http://www.a.test/", "x=2; Path=/p; Max-Age=0"), COOKIE_EOVERLAY);
    EXPECT_EQ(set(jar, "http://b.a.test/", "x=2; Path=/p; Domain=a.test"), COOKIE_EOVERLAY);
    EXPECT_EQ(set(jar, "http://c.www.a.test/", "x=2; Path=/p"), COOKIE_EOVERLAY);
    EXPECT_EQ(set(jar, "http://www.a.test/", "x=2; Path=/"), 0); /* a shorter path comes behind it */
    EXPECT_EQ(set(jar, "http://www.a.test/", "y=2; Path=/p"), 0);
    EXPECT_EQ(set(jar, "http://b.a.test/", "x=2; Path=/p"), 0);
    EXPECT_STR(get(jar, "https://www.a.test/p"), "x=1; y=2; x=2");
    EXPECT_EQ(set(jar, "https://www.a.test/", "x=3; Path=/p"), 0); /* with TLS all may */
    EXPECT_STR(get(jar, "http://www.a.test/p"), "x=3; y=2; x=2");
}

/* R115 */
UNIT(cookie_prefixes_keep_their_word_in_any_case)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();
    static const char *const bad[] = {
        "__Secure-x=1", "__sEcUrE-x=1", "__Host-x=1; Path=/", "__Host-x=1; Secure", "__Host-x=1; Secure; Path=/p",
        "__host-x=1; Secure; Path=/; Domain=a.test", "=__Secure-x=1; Secure", "__Host-x; Secure; Path=/", "=__HOST-x=1; Secure; Path=/",
    };

    for (size_t i = 0; i < array_len(bad); i++)
        EXPECT_EQ(set(jar, "https://a.test/", bad[i]), COOKIE_EPREFIX);
    EXPECT_EQ(set(jar, "https://a.test/", "__Secure-x=1; Secure; Domain=a.test"), 0);
    EXPECT_EQ(set(jar, "https://a.test/", "__Host-x=1; Secure; Path=/"), 0);
    EXPECT_EQ(set(jar, "https://a.test/", "__Hos=1"), 0);
    EXPECT_EQ(set(jar, "http://a.test/", "__Host-x=2; Secure; Path=/"), COOKIE_ESECURE);
}

/* R115 */
UNIT(cookie_same_site_none_demands_secure)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    EXPECT_EQ(set(jar, "https://a.test/", "x=1; SameSite=None"), COOKIE_ESAMESITE);
    EXPECT_EQ(set(jar, "https://a.test/", "x=1; SameSite=None; Secure"), 0);
}

/* D9 */
UNIT(cookie_an_answer_sets_50_at_most)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();
    static char text[4096];
    static struct field all[80];
    struct fields fields = {.text = text, .all = all, .n = 80, .seen = HEADER_BIT(HEADER_SET_COOKIE)};
    struct url u = url_of("http://a.test/");
    size_t at = 0;

    for (int i = 0; i < 80; i++) {
        int n = snprintf(text + at, sizeof text - at, i % 3 == 2 ? "bad=\x01" : "n%d=v", i);
        all[i] = (struct field){.value = (uint32_t)at, .value_len = (uint32_t)n, .id = HEADER_SET_COOKIE};
        at += (size_t)n + 1;
    }
    all[0].id = HEADER_COOKIE;
    EXPECT_EQ(bide__jar_store(jar, &u, &fields, now), 0);
    EXPECT_EQ(jar->n, 33); /* of the fields 1 to 50, seventeen are bad */
    EXPECT_STR(bide__cookie_name(bide__jar_after(jar, 0)), "n1");
    EXPECT_STR(bide__cookie_name(jar->all[32]), "n49");
    fields.seen = 0;
    EXPECT_EQ(bide__jar_store(jar, &u, &fields, now), 0);
    EXPECT_EQ(bide__jar_store(NULL, &u, &fields, now), 0);
}

UNIT(cookie_of_a_long_path_is_for_the_root)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();
    static char url[4000] = "http://a.test/";

    memset(url + 14, 'p', 2000);
    strcpy(url + 2014, "/x");
    EXPECT_EQ(set(jar, url, "x=1"), 0);
    EXPECT_STR(get(jar, "http://a.test/"), "x=1");
}

/* D9 */
UNIT(no_cookies_takes_none)
{
    EXPECT_EQ(set(BIDE_NO_COOKIES, "http://a.test/", "x=1"), COOKIE_ESTATE);
    EXPECT_STR(get(BIDE_NO_COOKIES, "http://a.test/"), "");
    EXPECT_TRUE(bide_no_cookies() == BIDE_NO_COOKIES && bide_cookie_jar_len(BIDE_NO_COOKIES) == 0);
    bide_release(BIDE_NO_COOKIES);
    EXPECT_ERR(bide_cookie_jar_add(BIDE_NO_COOKIES, "http://a.test/", "x=1"), BIDE_ESTATE);
}
