/* SPDX-License-Identifier: MIT */
/* test_glob.c - URL patterns: what they stand for, and what is refused. */
#include <harness/harness.h>

#include "cli/cli.h"
#include "cli/pattern/glob.h"

/* All URLs of a pattern, divided by spaces. */
static const char *all(const char *pattern, bool literal)
{
    static char out[4096];
    struct glob g;
    struct text why = {0}, t = {0};
    uint64_t which[GLOB_MAX];

    if (glob_parse(&g, pattern, literal, &why) != EXIT_OK)
        FAIL("%s: %s", pattern, why.data);
    for (uint64_t k = 0; k < g.count; k++) {
        text_add_string(&t, k ? " " : "");
        glob_pick(&g, k, which);
        glob_add_url(&g, which, &t);
    }
    snprintf(out, sizeof out, "%s", t.data ? t.data : "");
    glob_free(&g);
    text_free(&t);
    text_free(&why);
    return out;
}

static void refuses(const char *pattern, const char *cause)
{
    struct glob g;
    struct text why = {0};

    if (glob_parse(&g, pattern, false, &why) != EXIT_USAGE)
        FAIL("%s: was accepted", pattern);
    EXPECT_CONTAINS(why.data, cause);
    glob_free(&g);
    text_free(&why);
}

static uint64_t count(const char *pattern)
{
    struct glob g;
    struct text why = {0};

    if (glob_parse(&g, pattern, false, &why) != EXIT_OK)
        FAIL("%s: %s", pattern, why.data);
    uint64_t n = g.count;
    glob_free(&g);
    return n;
}

UNIT(glob_numbers_rise_fall_and_step)
{
    EXPECT_STR(all("a[1-3]b", false), "a1b a2b a3b");
    EXPECT_STR(all("[3-1]", false), "3 2 1");
    EXPECT_STR(all("[1-10:4]", false), "1 5 9");
    EXPECT_STR(all("[10-1:4]", false), "10 6 2");
    EXPECT_STR(all("[5-5]", false), "5");
    EXPECT_STR(all("[0-2]", false), "0 1 2");
    EXPECT_STR(all("[1-3:100]", false), "1");
}

UNIT(glob_numbers_with_zeros_keep_their_width)
{
    EXPECT_STR(all("[08-11]", false), "08 09 10 11");
    EXPECT_STR(all("[099-101]", false), "099 100 101");
    EXPECT_STR(all("[11-09]", false), "11 10 09");
    EXPECT_STR(all("[00-1]", false), "00 01");
    EXPECT_STR(all("[0-1]", false), "0 1");
}

UNIT(glob_letters)
{
    EXPECT_STR(all("[a-c]", false), "a b c");
    EXPECT_STR(all("[C-A]", false), "C B A");
    EXPECT_STR(all("[a-z:10]", false), "a k u");
}

UNIT(glob_sets)
{
    EXPECT_STR(all("{red,green}", false), "red green");
    EXPECT_STR(all("a{,.sig}", false), "a a.sig");
    EXPECT_STR(all("{a}", false), "a");
    EXPECT_STR(all("{a,}", false), "a ");
    EXPECT_STR(all("{a\\,b,c\\}}", false), "a,b c}");
}

UNIT(glob_last_changes_fastest)
{
    EXPECT_STR(all("{a,b}[1-2]-{x,y}", false), "a1-x a1-y a2-x a2-y b1-x b1-y b2-x b2-y");
}

UNIT(glob_escapes_and_literals)
{
    EXPECT_STR(all("a\\[1\\]\\{b\\}", false), "a[1]{b}");
    EXPECT_STR(all("a\\b\\\\c", false), "a\\b\\c");
    EXPECT_STR(all("a[1-2]{b", true), "a[1-2]{b");
    EXPECT_STR(all("", false), "");
}

UNIT(glob_ipv6_address_is_none)
{
    EXPECT_STR(all("http://[::1]:80/[1-2]", false), "http://[::1]:80/1 http://[::1]:80/2");
    EXPECT_STR(all("[fe80::1.2.3.4]", false), "[fe80::1.2.3.4]");
    EXPECT_STR(all("http://[fe80::1%25eth0.1]/[1-2]", false), "http://[fe80::1%25eth0.1]/1 http://[fe80::1%25eth0.1]/2");
    EXPECT_STR(all("[fe80::1%eth0]", false), "[fe80::1%eth0]");
    EXPECT_STR(all("[1-9:3]", false), "1 4 7");
}

UNIT(glob_names_are_kept)
{
    struct glob g;
    struct text why = {0};

    EXPECT_EQ(glob_parse(&g, "[<page>1-2]{<c>x,y}", false, &why), EXIT_OK);
    EXPECT_STR(g.vars[0]->name, "page");
    EXPECT_STR(g.vars[1]->name, "c");
    EXPECT_EQ(g.count, 4);
    glob_free(&g);
    EXPECT_STR(all("[<p>1-2]", false), "1 2");
}

UNIT(glob_large_ranges_take_no_time)
{
    struct glob g;
    struct text why = {0}, t = {0};
    uint64_t which[GLOB_MAX];

    EXPECT_EQ(glob_parse(&g, "x[0-999999999999]/[a-z]", false, &why), EXIT_OK);
    EXPECT_EQ(g.count, 26000000000000);
    glob_pick(&g, g.count - 1, which);
    glob_add_url(&g, which, &t);
    EXPECT_STR(t.data, "x999999999999/z");
    glob_free(&g);
    text_free(&t);
    EXPECT_EQ(count("[0-999999999999999999]"), 1000000000000000000);
}

UNIT(glob_bad_ones_are_refused_with_a_place)
{
    refuses("a[1-", "column 2");
    refuses("a[1-", "\\[ or --no-glob");
    refuses("[]", "a range is written");
    refuses("[5]", "a range is written");
    refuses("[1-2", "ends with ]");
    refuses("[1-2:]", "the step");
    refuses("[1-2:0]", "the step");
    refuses("[1-2:-1]", "the step");
    refuses("[a-5]", "a range is written");
    refuses("[a-Z]", "a range is written");
    refuses("[-1-5]", "a range is written");
    refuses("[1--5]", "a range is written");
    refuses("[1-1111111111111111111]", "too large");
    refuses("ab]", "column 3: a ] without its [");
    refuses("ab}", "a } without its {");
    refuses("{", "ends with }");
    refuses("{a,b", "ends with }");
    refuses("{}", "empty");
    refuses("{a,{b}}", "a glob inside of a set");
    refuses("{a,[1-2]}", "a glob inside of a set");
    refuses("[<>1-2]", "name");
    refuses("[<1a>1-2]", "name");
    refuses("[<page1-2]", "ends with >");
    refuses("[<host>1-2]", "a meaning of its own");
    refuses("[<a>1-2][<a>1-2]", "two globs");
    refuses("[0-999999999999999999][0-999999999999999999]", "more URLs than");
    refuses("[0-1][0-1][0-1][0-1][0-1][0-1][0-1][0-1][0-1][0-1][0-1][0-1][0-1][0-1][0-1][0-1][0-1]", "more than 16");
}
