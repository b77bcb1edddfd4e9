/* SPDX-License-Identifier: MIT */
/* test_set_cookie.c - one Set-Cookie field, taken apart (R113). */
#include "http/cookie/jar.h"

static struct set_cookie c;
static struct guarded text;

static int parse(const char *field)
{
    if (text.map)
        guarded_free(&text);
    text = guarded_copy(field, strlen(field));
    return bide__set_cookie_parse(&c, text.data, strlen(field));
}

static bool is(const char *bytes, size_t len, const char *expected)
{
    return len == strlen(expected) && memcmp(bytes, expected, len) == 0;
}

/* R113 */
UNIT(set_cookie_name_and_value_are_trimmed_and_not_decoded)
{
    EXPECT_EQ(parse("sid=31d4d96e"), 0);
    EXPECT_TRUE(is(c.name, c.name_len, "sid") && is(c.value, c.value_len, "31d4d96e"));
    EXPECT_EQ(parse("  a \t=\t \"b c\"=%41 ; x"), 0);
    EXPECT_TRUE(is(c.name, c.name_len, "a") && is(c.value, c.value_len, "\"b c\"=%41"));
    EXPECT_EQ(parse("a="), 0);
    EXPECT_TRUE(is(c.name, c.name_len, "a") && c.value_len == 0);
    EXPECT_EQ(parse("\xc3\xa9=\xff"), 0);
    EXPECT_TRUE(is(c.name, c.name_len, "\xc3\xa9") && is(c.value, c.value_len, "\xff"));
}

/* R113 */
UNIT(set_cookie_without_equals_it_is_a_value)
{
    EXPECT_EQ(parse("lonely; Path=/x"), 0);
    EXPECT_TRUE(c.name_len == 0 && is(c.value, c.value_len, "lonely") && is(c.path, c.path_len, "/x"));
    EXPECT_EQ(parse("=v"), 0);
    EXPECT_TRUE(c.name_len == 0 && is(c.value, c.value_len, "v"));
    EXPECT_EQ(parse(""), COOKIE_EEMPTY);
    EXPECT_EQ(parse(" \t "), COOKIE_EEMPTY);
    EXPECT_EQ(parse("="), COOKIE_EEMPTY);
    EXPECT_EQ(parse("; Path=/"), COOKIE_EEMPTY);
}

/* R113 */
UNIT(set_cookie_a_control_character_anywhere_is_refused)
{
    char field[] = "a=b; Path=/; x=?";

    for (int byte = 1; byte < 256; byte++) {
        field[sizeof field - 2] = (char)byte;
        bool is_control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
        EXPECT_EQ(parse(field), is_control ? COOKIE_ECONTROL : 0);
    }
    EXPECT_EQ(parse("a\tb=c\td"), 0);
    EXPECT_TRUE(is(c.name, c.name_len, "a\tb") && is(c.value, c.value_len, "c\td"));
}

/* R113 */
UNIT(set_cookie_a_nul_ends_it)
{
    EXPECT_EQ(bide__set_cookie_parse(&c, "a=b\0c; Secure", 13), 0);
    EXPECT_TRUE(is(c.value, c.value_len, "b") && !c.secure);
}

/* R113 */
UNIT(set_cookie_name_and_value_have_4096_bytes_at_most)
{
    static char field[5000];

    memset(field, 'x', 4097);
    field[100] = '=';
    field[4097] = '\0';
    EXPECT_EQ(parse(field), 0); /* 4096 without the "=" */
    EXPECT_EQ(c.name_len + c.value_len, 4096);
    field[4097] = 'x';
    EXPECT_EQ(parse(field), COOKIE_ETOOLONG);
}

/* R113 */
UNIT(set_cookie_an_attribute_of_more_than_1024_bytes_is_not_there)
{
    static char field[3000];

    memset(field, 'x', sizeof field);
    memcpy(field, "a=b; path=/", 11);
    field[10 + 1024] = '\0';
    EXPECT_EQ(parse(field), 0);
    EXPECT_EQ(c.path_len, 1024);
    field[10 + 1024] = 'x';
    field[10 + 1025] = '\0';
    EXPECT_EQ(parse(field), 0);
    EXPECT_EQ(c.path_len, 0);
}

/* R113 */
UNIT(set_cookie_the_last_attribute_of_a_name_counts)
{
    EXPECT_EQ(parse("a=b; PATH=/x; path=/y; Domain=a.test; DOMAIN=.b.test; Max-Age=5; max-age=7"), 0);
    EXPECT_TRUE(is(c.path, c.path_len, "/y") && is(c.domain, c.domain_len, "b.test") && c.domain_has_dot);
    EXPECT_TRUE(c.has_max_age && c.max_age == 7);
    EXPECT_EQ(parse("a=b; Domain=a.test; Domain=; Path=/x; Path=y"), 0);
    EXPECT_TRUE(c.domain_len == 0 && !c.domain_has_dot && c.path_len == 0);
}

/* R113 */
UNIT(set_cookie_max_age_is_digits_or_is_not_there)
{
    static const struct {
        const char *text;
        bool is_one;
        int64_t seconds;
    } cases[] = {
        {"0", true, 0},       {"60", true, 60},      {"-1", true, -1},   {"-", false, 0},    {"", false, 0},  {"6x", false, 0},
        {"+6", false, 0},     {" 6 ", true, 6},      {"6.5", false, 0},  {"1,000", false, 0}, {"--1", false, 0},
    };
    char field[64];

    for (size_t i = 0; i < array_len(cases); i++) {
        snprintf(field, sizeof field, "a=b; Max-Age=%s", cases[i].text);
        EXPECT_EQ(parse(field), 0);
        EXPECT_EQ(c.has_max_age, cases[i].is_one);
        if (c.has_max_age)
            EXPECT_EQ(c.max_age, cases[i].seconds);
    }
    EXPECT_EQ(parse("a=b; Max-Age=99999999999999999999999999"), 0);
    EXPECT_TRUE(c.has_max_age && c.max_age > COOKIE_LIFETIME_MAX);
    EXPECT_EQ(parse("a=b; Max-Age=-99999999999999999999999999"), 0);
    EXPECT_TRUE(c.has_max_age && c.max_age < 0);
}

/* R113 */
UNIT(set_cookie_other_attributes)
{
    EXPECT_EQ(parse("a=b; Secure=no; httponly ;SameSite=LAX;Expires=Sun, 06 Nov 1994 08:49:37 GMT;;;=;unknown=1"), 0);
    EXPECT_TRUE(c.secure && c.http_only && c.same_site == BIDE_SAME_SITE_LAX);
    EXPECT_TRUE(c.has_expires && c.expires == 784111777);
    EXPECT_EQ(parse("a=b; \"Secure\"; Expires=soon; SameSite=Strict; SameSite=odd"), 0);
    EXPECT_TRUE(!c.secure && !c.has_expires && c.same_site == BIDE_SAME_SITE_UNSAID);
}
