/* SPDX-License-Identifier: MIT */
/* test_params.c - the parameters of a field's value. */
#include "base/base.h"
#include "harness/guarded.h"
#include "harness/harness.h"
#include "http/value/params.h"

/* All of them as name=value|, "!" behind those that are odd; the text lies flush against an unreadable page. */
static const char *all(const char *text, bool in_list)
{
    static char out[1024];
    char value[200];
    struct guarded g = guarded_copy(text, strlen(text));
    struct params r = PARAMS(g.data, strlen(text));
    struct param p;
    size_t n = 0;

    r.in_list = in_list;
    out[0] = '\0';
    while (bide__params_next(&r, &p)) {
        size_t len = bide__param_value(&p, value, sizeof value);
        n += (size_t)snprintf(out + n, sizeof out - n, "%.*s%s%.*s%s|", (int)p.name_len, p.name, p.has_value ? "=" : "", (int)len,
                              value, p.is_odd ? "!" : "");
    }
    if (in_list)
        snprintf(out + n, sizeof out - n, "@%d", (int)(r.at - g.data));
    guarded_free(&g);
    return out;
}

UNIT(params_are_names_and_values)
{
    EXPECT_STR(all("; a=b;c = \"d e\" ;; f; g=", false), "a=b|c=d e|f|g=|");
    EXPECT_STR(all("", false), "");
    EXPECT_STR(all(" ; ;", false), "");
    EXPECT_STR(all("a=\"x;y\\\"z\\\\\"; b=1", false), "a=x;y\"z\\|b=1|");
    EXPECT_STR(all("a=\"\"", false), "a=|");
}

UNIT(params_that_are_odd_say_so)
{
    EXPECT_STR(all("a=\"x", false), "a=x!|");
    EXPECT_STR(all("a=\"x\\", false), "a=x\\!|");
    EXPECT_STR(all("a=\"x\" y; b=1", false), "a=x!|b=1|");
    EXPECT_STR(all("a b=1", false), "a b=1!|");
    EXPECT_STR(all("=1", false), "=1!|");
    EXPECT_STR(all("a=\"\"quoted\" x\"", false), "a=\"quoted\" x!|");
}

UNIT(params_in_a_list_end_at_a_comma)
{
    EXPECT_STR(all("; a=b, c", true), "a=b|@5");
    EXPECT_STR(all("; a=\"b, c\" , d", true), "a=b, c|@11");
    EXPECT_STR(all(", c", true), "@0");
}

/* D9 */
UNIT(params_a_field_of_quotes_is_read_in_time)
{
    static char text[32768];

    memset(text, '"', sizeof text);
    memcpy(text, "a=", 2);
    struct params r = PARAMS(text, sizeof text - 1);
    struct param p;
    text[sizeof text - 2] = 'x';
    while (bide__params_next(&r, &p))
        ;
    EXPECT_EQ(r.at - text, sizeof text - 1);
}

static const char *extended(const char *value, size_t cap)
{
    static char out[100];
    struct param p = {.value = value, .value_len = strlen(value)};
    long n = bide__param_extended(&p, out, cap);

    if (n < 0)
        return NULL;
    out[n] = '\0';
    return out;
}

UNIT(params_extended_values_become_utf8)
{
    EXPECT_STR(extended("UTF-8''a%20%e2%82%AC", 50), "a \xe2\x82\xac");
    EXPECT_STR(extended("iso-8859-1'en'%A3 ", 50) ? "read" : "refused", "refused"); /* a blank */
    EXPECT_STR(extended("iso-8859-1'en'%A3%ff", 50), "\xc2\xa3\xc3\xbf");
    static const char *const bad[] = {"", "a", "UTF-8'a", "UTF-16''a", "UTF-8''%4", "UTF-8''%zz", "UTF-8''\xe4", "UTF-8''a\x01"};
    for (size_t i = 0; i < array_len(bad); i++)
        EXPECT_NULL(extended(bad[i], 50));
    EXPECT_NULL(extended("UTF-8''aaaaaaaa", 5));
}
