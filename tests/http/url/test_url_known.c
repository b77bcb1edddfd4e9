/* SPDX-License-Identifier: MIT */
/* test_url_known.c - URLs of one origin after the other are read as if each came alone. */
#include "harness/harness.h"
#include "http/url/url.h"

static const char *const urls[] = {
    "http://a/", "http://a", "http://a/b", "http://a/b?c#d", "http://a?c", "http://a#d", "http://a//b", "http://a/..//b",
    "http://a/./x/../y", "http://a/b  ", "  http://a/b", "http://a/\\b", "http://a/b?\\", "http://a/\tb", "http://a/b\n",
    "http://a/%zz%", "http://a/\xc3\xa9 \"", "http://a:80/b", "http://a:81/b", "http://a:8/b", "http://A/b", "http://ab/b",
    "http://a.b/", "http://u@a/b", "http://u:p@a/b", "http://@a/b", "http://a@b/", "https://a/b", "HTTP://a/b", "http:///a/b",
    "http:/a/b", "//a/b", "/b", "", "http://", "http://a\0b", "http://[::1]/", "http://[::1]/b", "http://[::1]:8080/b",
    "http://[fe80::1%25eth0]/b", "http://[fe80::1]/b", "http://1.2.3.4/", "http://1.2.3/b", "http://\xc3\xa4.example/b",
    "http://xn--4ca.example/b", "ws://a/b", "http://a/http://a/", "http://a/b#//", "http://a/ b",
    "http://a/\t/b", "http://a/\n\\b", "http://a/?/b",
};

/* After the first, the second is what it is without it. */
static void expect_the_same(const char *first, const char *second)
{
    struct url_origin known = {.url.href = NULL};
    struct url expected = {.href = NULL}, u = {.href = NULL};
    char a[1024], b[1024], c[1024];
    size_t len = strlen(second);

    int before = bide__url_parse_next(&u, &known, first, strlen(first), a, sizeof a);
    EXPECT_EQ(before, bide__url_parse(&u, first, strlen(first), a, sizeof a));
    int code = bide__url_parse(&expected, second, len, b, sizeof b);
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(bide__url_parse_next(&u, &known, second, len, c, sizeof c), code);
        if (code < 0)
            continue;
        EXPECT_STR(u.href, expected.href);
        u.href = expected.href;
        EXPECT_MEM(&u, &expected, sizeof u);
    }
}

UNIT(url_after_another_is_what_it_is_alone)
{
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        for (size_t j = 0; j < sizeof urls / sizeof *urls; j++)
            expect_the_same(urls[i], urls[j]);
}

UNIT(url_after_another_of_its_origin_fits_into_the_same_storage)
{
    struct url_origin known = {.url.href = NULL};
    struct url u;
    char storage[64];

    EXPECT_EQ(bide__url_parse_next(&u, &known, "http://a/b", 10, storage, sizeof storage), 0);
    EXPECT_NOT_NULL(known.url.href);
    EXPECT_EQ(bide__url_parse_next(&u, &known, "http://a/bcd", 12, storage, 12), URL_ETOOLONG);
    EXPECT_EQ(bide__url_parse_next(&u, &known, "http://a/bcd", 12, storage, 13), 0);
    EXPECT_STR(u.href, "http://a/bcd");
}

/* What is longer than there is room for, or has a password, is not kept. */
UNIT(url_origin_is_kept_without_secrets_and_up_to_a_ceiling)
{
    struct url_origin known = {.url.href = NULL};
    struct url u;
    char text[URL_ORIGIN_MAX + 64], storage[1024];

    EXPECT_EQ(bide__url_parse_next(&u, &known, "http://a/b", 10, storage, sizeof storage), 0);
    EXPECT_STR(known.url.href, "http://a/");
    EXPECT_EQ(bide__url_parse_next(&u, &known, "http://u:p@a/b", 14, storage, sizeof storage), 0);
    EXPECT_NULL(known.url.href);
    for (int n = 40; n < 60; n++) {
        snprintf(text, sizeof text, "http://%0*d.%0*d.x/b", n, 0, n, 0);
        EXPECT_EQ(bide__url_parse_next(&u, &known, text, strlen(text), storage, sizeof storage), 0);
        EXPECT_EQ(known.url.href != NULL, strlen(text) <= URL_ORIGIN_MAX);
    }
}
