/* SPDX-License-Identifier: MIT */
/* test_api.c - a jar as the user has it. */
#include <time.h>

#include "http/cookie/jar.h"

UNIT(jar_api_sets_as_the_server_could)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    EXPECT_EQ(bide_cookie_jar_set(jar, "https://www.a.test/x/y", "sid", "1", .secure = true), 0);
    EXPECT_EQ(bide_cookie_jar_set(jar, "https://www.a.test/", "lang", "de", .domain = ".a.test", .path = "/p", .http_only = true,
                                  .expires = time(NULL) + 100, .same_site = BIDE_SAME_SITE_LAX), 0);
    EXPECT_EQ(bide_cookie_jar_add(jar, "http://a.test/", "plain=\"x, y\""), 0);
    EXPECT_EQ(bide_cookie_jar_len(jar), 3);
    EXPECT_STR(bide_cookie_jar_header(jar, "https://www.a.test/p"), "lang=de; sid=1");
    EXPECT_STR(bide_cookie_jar_header(jar, "http://www.a.test/p"), "lang=de");
    EXPECT_STR(bide_cookie_jar_header(jar, "http://a.test/"), "plain=\"x, y\"");
    EXPECT_STR(bide_cookie_jar_header(jar, "http://other.test/"), "");
    EXPECT_EQ(bide_cookie_jar_set(jar, "https://www.a.test/", "sid", "", .expires = 1), 0);
    EXPECT_EQ(bide_cookie_jar_len(jar), 2);
}

UNIT(jar_api_refuses_what_would_be_read_as_something_else)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();
    const char *url = "https://a.test/";
    static char big[5000];

    memset(big, 'x', sizeof big - 1);
    EXPECT_ERR(bide_cookie_jar_set(jar, url, "", "v"), -EINVAL);
    EXPECT_ERR(bide_cookie_jar_set(jar, url, "a=b", "v"), -EINVAL);
    EXPECT_ERR(bide_cookie_jar_set(jar, url, "a", "v; Domain=test"), -EINVAL);
    EXPECT_ERR(bide_cookie_jar_set(jar, url, "a", "v\r\nX: y"), -EINVAL);
    EXPECT_ERR(bide_cookie_jar_set(jar, url, "a", " v"), -EINVAL);
    EXPECT_ERR(bide_cookie_jar_set(jar, url, "a", big), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "longer than 4096 bytes");
    EXPECT_ERR(bide_cookie_jar_set(jar, url, "a", "v", .path = "x"), -EINVAL);
    EXPECT_ERR(bide_cookie_jar_set(jar, url, "a", "v", .path = "/x;"), -EINVAL);
    EXPECT_ERR(bide_cookie_jar_set(jar, url, "a", "v", .domain = "b.test"), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "cookie a: its domain does not include the host");
    EXPECT_ERR(bide_cookie_jar_set(jar, url, "a", "v", .same_site = (enum bide_same_site)9), -EINVAL);
    EXPECT_ERR(bide_cookie_jar_set(jar, "http://a.test/", "a", "v", .secure = true), -EINVAL);
    EXPECT_ERR(bide_cookie_jar_set(jar, "a.test", "a", "v"), BIDE_EURL);
    EXPECT_ERR(bide_cookie_jar_set(jar, url, NULL, "v"), -EINVAL);
    EXPECT_ERR(bide_cookie_jar_set(jar, url, "a", NULL), -EINVAL);
    EXPECT_ERR(bide_cookie_jar_set(NULL, url, "a", "v"), -EINVAL);
    EXPECT_ERR(bide_cookie_jar_set(BIDE_NO_COOKIES, url, "a", "v"), BIDE_ESTATE);
    EXPECT_ERR(bide_cookie_jar_add(jar, url, "a=\x7f"), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "a control character is in it");
    EXPECT_ERR(bide_cookie_jar_add(jar, "http://u:secret@a..test/", "a=b"), BIDE_EURL);
    EXPECT_NULL(strstr(bide_error_text(), "secret"));
    EXPECT_NULL(bide_cookie_jar_header(jar, "a.test"));
    EXPECT_EQ(bide_cookie_jar_len(jar), 0);
}

UNIT(jar_api_walks_while_the_jar_changes)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();
    bide_cookie c = {0};
    char seen[64] = "";

    for (const char *const *field = (const char *const[]){"a=1", "b=2", "c=3", "d=4", NULL}; *field; field++)
        EXPECT_EQ(bide_cookie_jar_add(jar, "https://a.test/", *field), 0);
    while (bide_cookie_jar_next(jar, &c)) {
        strcat(strcat(seen, c.name), c.value);
        if (c.name[0] == 'b') {
            EXPECT_EQ(bide_cookie_jar_remove(jar, NULL, NULL, "b"), 1);
            EXPECT_EQ(bide_cookie_jar_remove(jar, NULL, NULL, "c"), 1);
            EXPECT_EQ(bide_cookie_jar_add(jar, "https://a.test/", "e=5; Secure; HttpOnly; Path=/p; Domain=a.test; SameSite=Strict"), 0);
        }
    }
    EXPECT_STR(seen, "a1b2d4e5");
    EXPECT_EQ(c.id, 5);
    EXPECT_FALSE(bide_cookie_jar_next(jar, &c));
    c = (bide_cookie){.id = 4};
    EXPECT_TRUE(bide_cookie_jar_next(jar, &c));
    EXPECT_STR(c.domain, "a.test");
    EXPECT_STR(c.path, "/p");
    EXPECT_TRUE(c.secure && c.http_only && !c.host_only && c.same_site == BIDE_SAME_SITE_STRICT && c.expires == 0);
    c.id = UINT64_MAX;
    EXPECT_FALSE(bide_cookie_jar_next(jar, &c));
}

UNIT(jar_api_removes_what_is_named)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    EXPECT_EQ(bide_cookie_jar_add(jar, "https://a.test/", "a=1"), 0);
    EXPECT_EQ(bide_cookie_jar_add(jar, "https://a.test/", "a=1; Path=/p"), 0);
    EXPECT_EQ(bide_cookie_jar_add(jar, "https://b.test/", "a=1"), 0);
    EXPECT_EQ(bide_cookie_jar_add(jar, "https://b.test/", "b=1"), 0);
    EXPECT_EQ(bide_cookie_jar_remove(jar, "c.test", NULL, NULL), 0);
    EXPECT_EQ(bide_cookie_jar_remove(jar, NULL, "/p", NULL), 1);
    EXPECT_EQ(bide_cookie_jar_remove(jar, "b.test", "/", "a"), 1);
    EXPECT_EQ(bide_cookie_jar_len(jar), 2);
    bide_cookie_jar_clear(jar);
    EXPECT_EQ(bide_cookie_jar_len(jar), 0);
    EXPECT_ERR(bide_cookie_jar_remove(NULL, NULL, NULL, NULL), -EINVAL);
    EXPECT_ERR(bide_cookie_jar_len(NULL), -EINVAL);
}

UNIT(jar_api_is_shared)
{
    bide_cookie_jar *jar = bide_cookie_jar_new();
    bide_auto bide_cookie_jar *share = bide_retain(jar);

    EXPECT_EQ(bide_cookie_jar_add(jar, "https://a.test/", "a=1"), 0);
    bide_release(jar);
    EXPECT_STR(bide_cookie_jar_header(share, "https://a.test/"), "a=1");
}
