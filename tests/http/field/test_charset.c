/* SPDX-License-Identifier: MIT */
/*
 * test_charset.c - texts of other charsets as UTF-8 (R122).
 */
#include "harness/guarded.h"
#include "harness/harness.h"
#include "http/field/charset.h"

/* bide__malloc'ed; the last one is freed by the next. */
static const char *utf8_of(const char *type, const char *body, size_t len)
{
    static char out[256];
    struct guarded g = guarded_copy(body, len);
    struct charset c = bide__charset_of(type, strlen(type), g.data, len);
    size_t n = 0;
    char *text = bide__charset_to_utf8(&c, g.data, len, &n);

    EXPECT_NOT_NULL(text);
    EXPECT_EQ(strlen(text), n);
    EXPECT_LT(n, sizeof out);
    strcpy(out, text);
    bide__free(text);
    guarded_free(&g);
    return out;
}
#define UTF8(type, bytes) utf8_of(type, bytes, sizeof(bytes) - 1)

/* R122 */
UNIT(charset_default_is_utf_8_with_replacement)
{
    EXPECT_STR(UTF8("text/plain", "h\xc3\xa9!"), "h\xc3\xa9!");
    EXPECT_STR(UTF8("text/plain; charset=unheard-of", "\xc3\xa9"), "\xc3\xa9");
    EXPECT_STR(UTF8("", "a\xff" "b"), "a\xef\xbf\xbd" "b");
    EXPECT_STR(UTF8("", "\xf0\x9f\x98"), "\xef\xbf\xbd");         /* cut short: one */
    EXPECT_STR(UTF8("", "\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a surrogate: none of it */
    EXPECT_STR(UTF8("", "\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd"); /* overlong */
    EXPECT_STR(UTF8("", "\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");
    EXPECT_STR(UTF8("", ""), "");
}

/* R122 */
UNIT(charset_latin_1_is_windows_1252)
{
    EXPECT_STR(UTF8("text/html; charset=ISO-8859-1", "\x80\xe9\x81"), "\xe2\x82\xac\xc3\xa9\xc2\x81");
    EXPECT_STR(UTF8("text/html;a=b ; CharSet=\"us-ascii\"; c=d", "\x93"), "\xe2\x80\x9c");
}

/* R122 */
UNIT(charset_mark_wins_and_is_left_out)
{
    EXPECT_STR(UTF8("text/plain; charset=latin1", "\xef\xbb\xbf\xc3\xa9"), "\xc3\xa9");
    EXPECT_STR(UTF8("text/plain; charset=utf-8", "\xff\xfe\xe9\0=\xd8\0\xde"), "\xc3\xa9\xf0\x9f\x98\x80");
    EXPECT_STR(UTF8("", "\xfe\xff\0a\xd8\x3d"), "a\xef\xbf\xbd");
    EXPECT_STR(UTF8("text/plain; charset=utf-16be", "\0a\0"), "a\xef\xbf\xbd");
}

/* R122 */
UNIT(charset_others_by_libc)
{
    struct charset c = bide__charset_of("a; charset=koi8-r", 17, "", 0);

    EXPECT_STR(c.iconv, "KOI8-R");
    EXPECT_STR(UTF8("a; charset=koi8-r", "\xc1"), "\xd0\xb0");
    EXPECT_STR(UTF8("a; charset=Shift_JIS", "\x82\xa0\xff" "a"), "\xe3\x81\x82\xef\xbf\xbd" "a");
    EXPECT_STR(UTF8("a; charset=euc-kr", "\xb0\xa1\xb0"), "\xea\xb0\x80\xef\xbf\xbd");
}

UNIT(charset_that_needs_nothing_is_seen)
{
    struct charset c = {CHARSET_UTF_8, 0, NULL};

    EXPECT_TRUE(bide__charset_is_utf8(&c, "\xc3\xa9\xef\xbf\xbd", 5));
    EXPECT_FALSE(bide__charset_is_utf8(&c, "\xc3", 1));
    c.kind = CHARSET_WINDOWS_1252;
    EXPECT_FALSE(bide__charset_is_utf8(&c, "a", 1));
}
