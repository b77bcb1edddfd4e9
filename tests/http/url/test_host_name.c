/* SPDX-License-Identifier: MIT */
/* test_host_name.c - host names as stores compare them (D13). */
#include "base/base.h"
#include "harness/guarded.h"
#include "harness/harness.h"
#include "http/url/host_name.h"

static bool is_in(const char *host, const char *domain)
{
    struct guarded g = guarded_copy(host, strlen(host)), h = guarded_copy(domain, strlen(domain));
    struct host_name of = {g.data, strlen(host), host[0] < '0' || host[0] > '9'};
    bool match = bide__host_name_is_in(of, h.data, strlen(domain));

    guarded_free(&g);
    guarded_free(&h);
    return match;
}

UNIT(host_name_is_in_its_own_domain_and_those_above)
{
    EXPECT_TRUE(is_in("a.test", "a.test") && is_in("b.a.test", "a.test") && is_in("c.b.a.test", "a.test"));
    EXPECT_FALSE(is_in("xa.test", "a.test") || is_in("a.test", "b.a.test") || is_in("test", "a.test"));
    EXPECT_FALSE(is_in("a.test", "") || is_in("a.test", "est"));
    EXPECT_TRUE(is_in("192.168.0.1", "192.168.0.1"));
    EXPECT_FALSE(is_in("192.168.0.1", "168.0.1") || is_in("192.168.0.1", "0.1"));
}

/* D13 */
UNIT(host_name_is_lower_case_and_without_a_dot_at_its_end)
{
    static const char *const cases[][2] = {{"http://EXAMPLE.test./x", "example.test"},
                                           {"http://[::1]:80/", "::1"},
                                           {"http://127.0.0.1/", "127.0.0.1"},
                                           {"http://b\xc3\xbc" "cher.test/", "xn--bcher-kva.test"}};
    char storage[200];

    for (size_t i = 0; i < array_len(cases); i++) {
        struct url u;
        EXPECT_EQ(bide__url_parse(&u, cases[i][0], strlen(cases[i][0]), storage, sizeof storage), 0);
        struct host_name h = bide__host_name_of(&u);
        EXPECT_TRUE(h.len == strlen(cases[i][1]) && memcmp(h.name, cases[i][1], h.len) == 0);
        EXPECT_EQ(h.is_name, i != 1 && i != 2);
    }
}

/* D13 */
UNIT(host_name_takes_names_and_addresses_in_any_spelling)
{
    char out[HOST_NAME_SIZE];
    static char name[400];
    bool is_name;

    EXPECT_EQ(bide__host_name_put(out, "Example.TEST", 12, &is_name), 12);
    EXPECT_STR(out, "example.test");
    EXPECT_TRUE(is_name);
    EXPECT_EQ(bide__host_name_put(out, "0:0::1", 6, &is_name), 3);
    EXPECT_STR(out, "::1");
    EXPECT_FALSE(is_name);
    EXPECT_EQ(bide__host_name_put(out, "[::1]", 5, &is_name), 3);
    EXPECT_EQ(bide__host_name_put(out, "10.0.0.1", 8, &is_name), 8);
    EXPECT_FALSE(is_name);
    static const char *const bad[] = {"", ".", "a.", "a..b", "a b", "a/b", "a:80", "1.2.3", "[::1", "%41.test", "a.test\xef\xbd\xa1", "com\xe3\x80\x82"};
    for (size_t i = 0; i < array_len(bad); i++)
        EXPECT_EQ(bide__host_name_put(out, bad[i], strlen(bad[i]), &is_name), -1);
    memset(name, 'a', sizeof name);
    for (size_t len = 250; len < sizeof name; len++)
        EXPECT_TRUE(bide__host_name_put(out, name, len, &is_name) < HOST_NAME_SIZE);
}
