/* SPDX-License-Identifier: MIT */
/* test_match.c - which paths a cookie is for, and who registers names (R116, D13). */
#include "http/cookie/jar.h"

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

/* D13 */
UNIT(public_suffixes_are_asked_of_libpsl)
{
    const psl_ctx_t *list = psl_builtin();

    EXPECT_TRUE(bide__is_public_suffix(list, "com") && bide__is_public_suffix(list, "co.uk"));
    EXPECT_TRUE(bide__is_public_suffix(list, "github.io") && bide__is_public_suffix(list, "localhost"));
    EXPECT_FALSE(bide__is_public_suffix(list, "example.com") || bide__is_public_suffix(list, "a.github.io"));
    EXPECT_STR(bide__registrable_domain(list, "a.b.example.co.uk"), "example.co.uk");
    EXPECT_NULL(bide__registrable_domain(list, "co.uk"));
    EXPECT_TRUE(bide__is_public_suffix(NULL, "example.com"));
}
