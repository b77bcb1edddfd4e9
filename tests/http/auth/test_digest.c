/* SPDX-License-Identifier: MIT */
/*
 * test_digest.c - Digest: which challenge is answered, known answers, counters.
 */
#include "harness/harness.h"
#include "http/auth/digest.h"

static struct digest chosen(const char *field)
{
    struct digest d = {0};

    bide__digest_choose(&d, field, strlen(field));
    return d;
}

static const struct digest_user mufasa = {"Mufasa", "Circle of Life"};
static const struct digest_request get = {
    .method = "GET", .target = "/dir/index.html", .cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"};

/* R118 */
UNIT(digest_rfc_7616_example_gives_its_answer)
{
    struct digest d = chosen("Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, "
                             "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
                             "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"");
    char out[1024];

    EXPECT_LT(0, bide__digest_answer(&d, &mufasa, &get, out, sizeof out));
    EXPECT_STR(out, "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", "
                    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", "
                    "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", algorithm=SHA-256, "
                    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", qop=auth, nc=00000001, "
                    "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\"");
}

/* R118 */
UNIT(digest_userhash_hides_the_name)
{
    struct digest d = chosen("Digest realm=\"r\", nonce=\"n\", qop=auth, algorithm=MD5, userhash=true");
    char out[1024];

    EXPECT_LT(0, bide__digest_answer(&d, &mufasa, &get, out, sizeof out));
    EXPECT_CONTAINS(out, "userhash=true");
    EXPECT_NULL(strstr(out, "Mufasa"));
    EXPECT_CONTAINS(out, "username=\"f22c6a3b9a5760c7952710252a94d0f4\""); /* MD5 of Mufasa:r */
}

/* R118 */
UNIT(digest_strongest_challenge_is_chosen)
{
    struct digest d = chosen("Basic realm=x, Digest realm=a, nonce=1, algorithm=MD5, Digest realm=b, nonce=2, algorithm=SHA-512-256, "
                             "Digest realm=c, nonce=3, algorithm=SHA-256");

    EXPECT_EQ(d.algorithm, DIGEST_SHA_512_256);
    EXPECT_STR(d.realm, "b");
    bide__digest_choose(&d, "Digest realm=z, nonce=9, algorithm=SHA-256", 42); /* another field */
    EXPECT_STR(d.realm, "b");
}

UNIT(digest_that_cannot_be_answered_is_passed_over)
{
    static const char *const bad[] = {
        "Digest realm=a, nonce=1, algorithm=SHA-1",
        "Digest realm=a, nonce=1, qop=auth-conf",
        "Digest realm=a",
        "Digest nonce=1",
        "Basic realm=a, nonce=1",
        "Digest realm=\"a",
        "",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_FALSE(chosen(bad[i]).is_set);
    EXPECT_EQ(bide_error_code(), 0);
}

/* D9 */
UNIT(digest_megabyte_challenge_is_passed_over)
{
    static char field[1 << 20];

    memset(field, 'a', sizeof field - 1);
    memcpy(field, "Digest realm=a, nonce=", 22);
    EXPECT_FALSE(chosen(field).is_set);
    field[22 + DIGEST_NONCE_MAX] = '\0'; /* within the field's ceiling, not the nonce's */
    EXPECT_FALSE(chosen(field).is_set);
    field[22 + DIGEST_NONCE_MAX - 1] = '\0';
    EXPECT_TRUE(chosen(field).is_set);
}

/* R118, D16 */
UNIT(digest_nc_counts_and_cnonce_is_new)
{
    struct digest d = chosen("Digest realm=a, nonce=1, qop=auth");
    struct digest_request q = {.method = "GET", .target = "/"};
    char one[512], two[512];

    bide__digest_answer(&d, &mufasa, &q, one, sizeof one);
    bide__digest_answer(&d, &mufasa, &q, two, sizeof two);
    EXPECT_CONTAINS(one, "nc=00000001");
    EXPECT_CONTAINS(two, "nc=00000002");
    EXPECT_NE(strcmp(strstr(one, "cnonce="), strstr(two, "cnonce=")), 0);
}

UNIT(digest_session_keeps_its_cnonce)
{
    struct digest d = chosen("Digest realm=a, nonce=1, qop=auth, algorithm=MD5-sess");
    struct digest_request q = {.method = "GET", .target = "/"};
    char one[512], two[512];

    bide__digest_answer(&d, &mufasa, &q, one, sizeof one);
    bide__digest_answer(&d, &mufasa, &q, two, sizeof two);
    EXPECT_STR(strstr(one, "cnonce="), strstr(two, "cnonce="));
    EXPECT_CONTAINS(two, "algorithm=MD5-sess");
}

/* R118 */
UNIT(digest_stale_is_seen_and_same_nonce_too)
{
    struct digest a = chosen("Digest realm=a, nonce=1"), b = chosen("Digest realm=a, nonce=2, stale=TRUE");

    EXPECT_TRUE(b.stale);
    EXPECT_FALSE(a.stale);
    EXPECT_FALSE(bide__digest_same_nonce(&a, &b));
    EXPECT_TRUE(bide__digest_same_nonce(&a, &a));
}

/* R118 */
UNIT(digest_quotes_and_backslashes_are_escaped)
{
    struct digest d = chosen("Digest realm=\"a\\\"\\\\b\", nonce=\"1\"");
    struct digest_user who = {"x\"y\\z", "p"};
    struct digest_request q = {.method = "GET", .target = "/"};
    char out[512];

    EXPECT_STR(d.realm, "a\"\\b");
    EXPECT_LT(0, bide__digest_answer(&d, &who, &q, out, sizeof out));
    EXPECT_CONTAINS(out, "username=\"x\\\"y\\\\z\", realm=\"a\\\"\\\\b\"");
    EXPECT_NULL(strstr(out, "qop")); /* none was offered */
}

/* D8 */
UNIT(digest_control_characters_are_refused)
{
    struct digest d = chosen("Digest realm=a, nonce=1");
    struct digest_user who = {"x\r\nEvil: 1", "p"};
    struct digest_request q = {.method = "GET", .target = "/"};
    char out[512];

    EXPECT_ERR(bide__digest_answer(&d, &who, &q, out, sizeof out), -EINVAL);
    EXPECT_ERR(bide__digest_answer(&d, &mufasa, &q, out, 20), BIDE_ETOOBIG);
    d = chosen("Digest realm=a, nonce=1, qop=auth-int");
    EXPECT_ERR(bide__digest_answer(&d, &mufasa, &q, out, sizeof out), BIDE_ESTATE);
}
