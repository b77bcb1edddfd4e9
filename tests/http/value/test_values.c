/* SPDX-License-Identifier: MIT */
/* test_values.c - Content-Type, Content-Disposition and file names (D19), Link. */
#include "base/base.h"
#include "harness/guarded.h"
#include "harness/harness.h"
#include "http/value/values.h"

static struct guarded text;

static const char *keep(const char *bytes)
{
    if (text.map)
        guarded_free(&text);
    text = guarded_copy(bytes, strlen(bytes));
    return text.data;
}

/* ---- Content-Type ---- */

static const char *charset(const char *type)
{
    static char out[100];
    struct mime m;
    ssize_t n = bide__mime_parse(&m, keep(type), strlen(type)) ? bide__mime_value(&m, "charset", out, sizeof out - 1) : -2;

    if (n < 0)
        return n == -1 ? "none" : "no type";
    out[n] = '\0';
    return out;
}

/* R122 */
UNIT(mime_charset_is_found_as_browsers_do)
{
    EXPECT_STR(charset("text/html; charset=utf-8"), "utf-8");
    EXPECT_STR(charset(" TEXT/HTML ;CHARSET=\"u\\tf-8\"x; charset=b"), "utf-8");
    EXPECT_STR(charset("text/html; charset = a; charset=b"), "b");
    EXPECT_STR(charset("text/html; charset=\"a"), "a");
    EXPECT_STR(charset("text/html; charset=; charset=b"), "b");
    EXPECT_STR(charset("text/html; charset=\"\""), "");
    EXPECT_STR(charset("text/html; x=\"; charset=a\""), "none");
    EXPECT_STR(charset("text/html"), "none");
    static const char *const bad[] = {"", "text", "/html", "text/", "te xt/html", "text/ht ml", "text /html", "text/html, x/y"};
    for (size_t i = 0; i < array_len(bad); i++)
        EXPECT_STR(charset(bad[i]), "no type");
}

/* ---- file names ---- */

static const char *name(const char *field)
{
    static char out[FILE_NAME_SIZE];
    struct disposition d;

    return bide__disposition_parse(&d, keep(field), strlen(field)) ? (bide__disposition_file_name(&d, out), out) : "no type";
}

/* D19 */
UNIT(file_name_is_the_last_part_alone)
{
    EXPECT_STR(name("attachment; filename=\"a b.txt\""), "a b.txt");
    EXPECT_STR(name("attachment; filename=\"/etc/passwd\""), "passwd");
    EXPECT_STR(name("attachment; filename=\"../../x\""), "x");
    EXPECT_STR(name("attachment; filename=\"C:\\\\dir\\\\x.txt\""), "x.txt");
    EXPECT_STR(name("attachment; filename*=UTF-8''..%2f..%2fx"), "x");
    EXPECT_STR(name("attachment; filename*=UTF-8''a%5cb"), "b");
    static const char *const none[] = {"..", ".", "a/", "", "/", "a/..", " "};
    for (size_t i = 0; i < array_len(none); i++) {
        char field[64];
        snprintf(field, sizeof field, "attachment; filename=\"%s\"", none[i]);
        EXPECT_STR(name(field), "");
    }
}

/* D19 */
UNIT(file_name_has_nothing_that_a_terminal_obeys)
{
    EXPECT_STR(name("attachment; filename=\"a\x1b[31m\x7f\""), "a_[31m_");
    EXPECT_STR(name("attachment; filename*=UTF-8''a%00%0a%e2%80%aeb"), "a___b"); /* NUL, a line, right to left */
    EXPECT_STR(name("attachment; filename=\"\xff\xe9t\xe9\""), "__t_");
    EXPECT_STR(name("attachment; filename=\".bashrc\""), "_bashrc");
    EXPECT_STR(name("attachment; filename=\"\xc3\xa9t\xc3\xa9\""), "\xc3\xa9t\xc3\xa9");
}

/* D19 */
UNIT(file_name_has_255_bytes_at_most)
{
    static char field[3000];
    char out[FILE_NAME_SIZE];

    memset(field, 'x', sizeof field - 1);
    EXPECT_EQ(bide__file_name_make_safe(out, field, 2999), 255);
    field[254] = '\xc3', field[255] = '\xa9'; /* not half of it */
    EXPECT_EQ(bide__file_name_make_safe(out, field, 2999), 254);
    memcpy(field, "attachment; filename=", 21);
    field[2000] = '\0';
    EXPECT_EQ(strlen(name(field)), 255); /* of 1024 that are read */
}

UNIT(file_name_of_filename_star_comes_first_if_it_can_be_read)
{
    EXPECT_STR(name("attachment; filename=plain; filename*=UTF-8''%e2%82%ac"), "\xe2\x82\xac");
    EXPECT_STR(name("attachment; filename*=UTF-8''%e4; filename=plain"), "plain");
    EXPECT_STR(name("attachment; filename*=\"UTF-8''x\"; filename=plain"), "plain");
    EXPECT_STR(name("attachment"), "");
    EXPECT_STR(name("; filename=x"), "no type");
    EXPECT_STR(name("\"attachment\"; filename=x"), "no type");
}

/* ---- Link ---- */

static const char *links(const char *field, const char *rel)
{
    static char out[400];
    const char *value = keep(field);
    struct link l;
    size_t at = 0, n = 0;

    out[0] = '\0';
    while (bide__link_next(value, strlen(field), &at, &l))
        if (!rel || bide__link_has_rel(&l, rel))
            n += (size_t)snprintf(out + n, sizeof out - n, "%.*s%s|", (int)l.target_len, l.target,
                                  bide__link_is_about_itself(&l) ? "" : "!");
    EXPECT_EQ(at, strlen(field));
    return out;
}

UNIT(link_targets_are_found_by_their_relation)
{
    const char *field = "<https://a.test/?page=2,3>; rel=\"next\", </?page=9>; rel=last; title=\"x, y\" ,<b>;Rel=\"prev NEXT\"";

    EXPECT_STR(links(field, NULL), "https://a.test/?page=2,3|/?page=9|b|");
    EXPECT_STR(links(field, "next"), "https://a.test/?page=2,3|b|");
    EXPECT_STR(links(field, "last"), "/?page=9|");
    EXPECT_STR(links(field, "nex"), "");
    EXPECT_STR(links("<a>; rel=x; rel=next", "next"), ""); /* the first rel counts */
    EXPECT_STR(links("<>; rel=self; anchor=\"#foo\"", "self"), "!|");
}

UNIT(link_that_is_none_is_passed_over)
{
    EXPECT_STR(links("", NULL), "");
    EXPECT_STR(links(" , ,", NULL), "");
    EXPECT_STR(links("a; x=\"<no>, \\\", b\", <yes>", NULL), "yes|");
    EXPECT_STR(links("<never", NULL), "");
    EXPECT_STR(links("<a> junk; rel=next, <b>", NULL), "a|b|");
    EXPECT_STR(links("<a>; title=\"open, <b>", NULL), "a|");
}
