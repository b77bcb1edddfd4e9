/* SPDX-License-Identifier: MIT */
/* test_jar.c - what is sent, who must go, and a jar when memory runs out (R116, D9). */
#include "http/cookie/jar.h"

/* R116 */
UNIT(request_longer_paths_first_then_older_ones)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    EXPECT_EQ(set(jar, "http://www.a.test/", "1=root"), 0);
    EXPECT_EQ(set(jar, "http://www.a.test/", "2=b; Path=/b"), 0);
    EXPECT_EQ(set(jar, "http://www.a.test/", "3=wide; Domain=a.test; Path=/b"), 0);
    EXPECT_EQ(set(jar, "http://www.a.test/", "4=bc; Path=/b/c"), 0);
    EXPECT_EQ(set(jar, "http://www.a.test/", "nameless"), 0);
    EXPECT_STR(get(jar, "http://www.a.test/b/c?q=/"), "4=bc; 2=b; 3=wide; 1=root; nameless");
    EXPECT_STR(get(jar, "http://www.a.test/x"), "1=root; nameless");
    EXPECT_STR(get(jar, "http://x.a.test/b"), "3=wide");
    EXPECT_STR(get(jar, "http://other.test/b"), "");
    EXPECT_STR(get(jar, "http://test/b"), "");
}

/* R116 */
UNIT(request_a_suffix_that_is_public_now_sends_nothing_below_it)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();
    struct new_cookie c = {.name = "x", .name_len = 1, .value = "1", .value_len = 1, .path = "/", .path_len = 1,
                           .domain = "github.io", .domain_len = 9, .expires = COOKIE_NEVER};

    EXPECT_EQ(bide__jar_put(jar, &c, now), 0);
    EXPECT_STR(get(jar, "http://me.github.io/"), "");
}

UNIT(request_that_another_site_led_to_gets_no_strict_cookies)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();
    struct url u = url_of("https://a.test/");
    struct jar_request q = {.url = &u, .now = now};

    EXPECT_EQ(set(jar, "https://a.test/", "s=1; SameSite=Strict"), 0);
    EXPECT_EQ(set(jar, "https://a.test/", "l=1; SameSite=Lax"), 0);
    EXPECT_EQ(set(jar, "https://a.test/", "n=1; SameSite=None; Secure"), 0);
    EXPECT_EQ(set(jar, "https://a.test/", "u=1"), 0);
    EXPECT_STR(get_as(jar, &q), "s=1; l=1; n=1; u=1");
    q.is_led = true;
    EXPECT_STR(get_as(jar, &q), "l=1; n=1; u=1");
    q.is_unsafe = true;
    EXPECT_STR(get_as(jar, &q), "n=1; u=1");
}

UNIT(same_site_is_scheme_and_registrable_domain)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"https://a.example.com/", "https://b.example.com:8443/x", true}, {"https://example.com/", "https://example.com/", true},
        {"https://example.com/", "http://example.com/", false},           {"https://a.github.io/", "https://b.github.io/", false},
        {"https://example.com/", "https://example.org/", false},          {"http://10.0.0.1/", "http://10.0.0.1:90/", true},
        {"http://10.0.0.1/", "http://10.0.0.2/", false},                  {"http://localhost/", "http://localhost:1/", true},
        {"https://example.com/", "wss://www.example.com/", true},         {"https://xexample.com/", "https://example.com/", false},
    };

    for (size_t i = 0; i < array_len(cases); i++) {
        struct url a = url_of(cases[i].a), b = url_of(cases[i].b);
        EXPECT_EQ(bide__cookie_same_site(psl_builtin(), &a, &b), cases[i].same);
        EXPECT_EQ(bide__cookie_same_site(psl_builtin(), &b, &a), cases[i].same);
    }
}

/* D9 */
UNIT(request_field_has_a_ceiling)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();
    static char field[4200];

    memset(field, 'x', 4000);
    for (int i = 0; i < 12; i++) {
        field[snprintf(field, sizeof field, "n%02d=", i)] = 'x';
        EXPECT_EQ(set(jar, "http://a.test/", field), 0);
    }
    EXPECT_EQ(set(jar, "http://a.test/", "small=1"), 0);
    const char *value = get(jar, "http://a.test/");
    EXPECT_EQ(strlen(value), 8 * 4000 + 8 * 2 + 7);
    EXPECT_STR(value + strlen(value) - 9, "; small=1");
}

/* ---- who must go ---- */

static void fill(bide_cookie_jar *jar, const char *host, int from, int to, const char *more)
{
    for (int i = from; i < to; i++) {
        char url[100], field[100];
        snprintf(url, sizeof url, "https://%s/", host);
        snprintf(field, sizeof field, "n%d=%d%s", i, i, more);
        EXPECT_EQ(set(jar, url, field), 0);
    }
}

static bool has(const bide_cookie_jar *jar, const char *domain, const char *name)
{
    for (struct cookie *c = bide__jar_after(jar, 0); c; c = bide__jar_after(jar, c->id))
        if (strcmp(c->domain->name, domain) == 0 && strcmp(bide__cookie_name(c), name) == 0)
            return true;
    return false;
}

/* R116 */
UNIT(jar_keeps_50_of_a_domain_and_drops_what_was_used_longest_ago)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    fill(jar, "a.test", 0, 50, "; Path=/other");
    EXPECT_EQ(set(jar, "https://a.test/", "n0=again; Path=/other"), 0); /* used */
    EXPECT_EQ(set(jar, "https://a.test/", "new=1"), 0);
    EXPECT_EQ(jar->n, 50);
    EXPECT_TRUE(has(jar, "a.test", "n0") && !has(jar, "a.test", "n1") && has(jar, "a.test", "n2") && has(jar, "a.test", "new"));
    EXPECT_STR(get(jar, "https://a.test/other/2"), "n0=again; n2=2; n3=3; n4=4; n5=5; n6=6; n7=7; n8=8; n9=9; n10=10; n11=11; "
               "n12=12; n13=13; n14=14; n15=15; n16=16; n17=17; n18=18; n19=19; n20=20; n21=21; n22=22; n23=23; n24=24; n25=25; "
               "n26=26; n27=27; n28=28; n29=29; n30=30; n31=31; n32=32; n33=33; n34=34; n35=35; n36=36; n37=37; n38=38; n39=39; "
               "n40=40; n41=41; n42=42; n43=43; n44=44; n45=45; n46=46; n47=47; n48=48; n49=49; new=1");
}

/* R116 */
UNIT(jar_drops_the_ended_first_and_the_secure_last)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    fill(jar, "a.test", 0, 20, "; Secure");
    fill(jar, "a.test", 20, 40, "; Max-Age=10");
    fill(jar, "a.test", 40, 50, "");
    now += 10;
    EXPECT_EQ(set(jar, "https://a.test/", "new=1"), 0);
    EXPECT_EQ(jar->n, 31); /* all that had ended */
    fill(jar, "a.test", 100, 119, "");
    EXPECT_EQ(set(jar, "https://a.test/", "newer=1"), 0);
    EXPECT_TRUE(jar->n == 50 && has(jar, "a.test", "n0") && !has(jar, "a.test", "n40") && has(jar, "a.test", "n41"));
}

/* R116 */
UNIT(jar_keeps_3000_and_one_site_cannot_push_out_the_others)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();
    char host[64];

    fill(jar, "bank.example.org", 0, 3, "");
    for (int i = 0; i < 80; i++) {
        snprintf(host, sizeof host, "h%d.evil.example", i);
        fill(jar, host, 0, 50, "");
    }
    EXPECT_EQ(jar->n, JAR_MAX);
    EXPECT_TRUE(has(jar, "bank.example.org", "n0") && !has(jar, "h0.evil.example", "n0") && has(jar, "h79.evil.example", "n49"));
    for (int i = 0; i < 10; i++) {
        snprintf(host, sizeof host, "site%d.test", i);
        fill(jar, host, 0, 1, "");
    }
    EXPECT_TRUE(jar->n == JAR_MAX && !has(jar, "bank.example.org", "n0") && has(jar, "site9.test", "n0")); /* the oldest of all */
}

UNIT(jar_gives_back_the_domain_of_its_last_cookie)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    EXPECT_EQ(set(jar, "http://a.test/", "x=1; Max-Age=5"), 0);
    EXPECT_EQ(set(jar, "http://a.test/", "y=1; Max-Age=5"), 0);
    now += 5;
    EXPECT_STR(get(jar, "http://a.test/"), "");
    EXPECT_TRUE(jar->n == 0 && jar->domains.count == 0);
}

/* ---- memory ---- */

UNIT(jar_that_is_empty_asks_nothing)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();
    struct jar_request q = {.url = NULL};

    EXPECT_EQ(bide__jar_header(NULL, &q, NULL), 0);
    EXPECT_EQ(bide__jar_header(jar, &q, NULL), 0); /* the URL is not looked at */
}

UNIT(jar_that_has_answered_once_allocates_nothing)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    fill(jar, "www.a.test", 0, 40, "");
    EXPECT_STR(get(jar, "http://a.test/"), "");
    const char *first = get(jar, "http://www.a.test/");
    EXPECT_TRUE(strlen(first) > 100);
    bide__alloc_fail_at(0);
    for (int i = 0; i < 100; i++)
        EXPECT_TRUE(strlen(get(jar, "http://www.a.test/")) > 100);
    EXPECT_TRUE(bide__alloc_fail_at(-1));
}

/* Everything that allocates, with the n-th allocation failing: 0, or BIDE_ENOMEM and a jar that is whole. */
static int use_jar(bide_cookie_jar *jar)
{
    struct url u = url_of("http://www.a.test/");
    const char *value;
    int code = set(jar, "http://www.a.test/", "x=1; Domain=a.test");

    if (code == 0)
        code = set(jar, "http://www.a.test/", "y=1");
    if (code == 0)
        code = set(jar, "http://www.a.test/", "y=22222");
    ssize_t n = code == 0 ? bide__jar_header(jar, &(struct jar_request){.url = &u, .now = now}, &value) : code;
    return n < 0 ? (int)n : 0;
}

UNIT(jar_without_memory_says_so_and_stays_whole)
{
    long n = 0;

    for (bool failed = true; failed; n++) {
        bide__alloc_fail_at(n);
        bide_cookie_jar *jar = bide_cookie_jar_new();
        int code = jar ? use_jar(jar) : BIDE_ENOMEM;
        failed = !bide__alloc_fail_at(-1);
        EXPECT_EQ(code, failed ? BIDE_ENOMEM : 0);
        if (failed)
            EXPECT_ERR(bide_error_code(), BIDE_ENOMEM);
        if (jar)
            EXPECT_EQ(use_jar(jar), 0);
        bide_release(jar);
    }
    EXPECT_TRUE(n > 8);
}
