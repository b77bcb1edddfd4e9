/* SPDX-License-Identifier: MIT */
/*
 * test_date.c - HTTP dates, cookie dates.
 */
#include <bide/date.h>

#include "harness/harness.h"
#include "http/field/date.h"

#define NOW  1700000000 /* 2023-11-14 */
#define NONE (-12345)

static int64_t http(const char *text)
{
    int64_t when;
    return bide_http_date_parse(text, NOW, &when) ? when : NONE;
}

static int64_t cookie(const char *text)
{
    int64_t when;
    return bide__cookie_date_parse(text, strlen(text), &when) ? when : NONE;
}

/* R27 */
UNIT(http_date_three_forms)
{
    EXPECT_EQ(http("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    EXPECT_EQ(http("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    EXPECT_EQ(http("Sun Nov  6 08:49:37 1994"), 784111777);
    EXPECT_EQ(http("Sun Nov 16 08:49:37 1994"), 784111777 + 864000);
    EXPECT_EQ(http("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
    EXPECT_EQ(http("Wed, 31 Dec 1969 23:59:59 GMT"), -1);
    EXPECT_EQ(http("Thu, 29 Feb 2024 12:00:00 GMT"), 1709208000);
    EXPECT_EQ(http("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228800); /* a leap second */
    EXPECT_EQ(http("Fri, 31 Dec 9999 23:59:59 GMT"), 253402300799);
}

/* R27 */
UNIT(http_date_two_digit_years_are_at_most_50_years_ahead)
{
    EXPECT_EQ(http("Tuesday, 14-Nov-23 22:13:20 GMT"), NOW);
    EXPECT_EQ(http("Sunday, 01-Jan-73 00:00:00 GMT"), 3250454400); /* 2073 */
    EXPECT_EQ(http("Tuesday, 01-Jan-74 00:00:00 GMT"), 126230400); /* 1974 */
    EXPECT_EQ(http("Friday, 31-Dec-99 23:59:59 GMT"), 946684799);  /* 1999 */
}

UNIT(http_date_any_time_of_ours_settles_the_century)
{
    const char *text = "Sunday, 06-Nov-94 08:49:37 GMT";
    int64_t when;

    EXPECT_TRUE(bide_http_date_parse(text, INT64_MIN, &when));
    EXPECT_EQ(when, 784111777); /* as of 1970 */
    EXPECT_TRUE(bide_http_date_parse(text, 2019686400, &when)); /* 2034: 2094 is 60 years ahead */
    EXPECT_EQ(when, 784111777);
    EXPECT_TRUE(bide_http_date_parse(text, 2398377600, &when)); /* 2046: 2094 is 48 years ahead */
    EXPECT_EQ(when, 784111777 + INT64_C(36525) * 86400);
    EXPECT_TRUE(bide_http_date_parse(text, INT64_MAX, &when));
    EXPECT_FALSE(bide_http_date_parse(NULL, NOW, &when));
}

UNIT(http_date_that_is_none_leaves_the_result_alone)
{
    int64_t when = NONE;

    EXPECT_FALSE(bide_http_date_parse("Sun, 31 Feb 1994 08:49:37 GMT", NOW, &when));
    EXPECT_FALSE(bide_http_date_parse("Sunday, 31-Feb-94 08:49:37 GMT", NOW, &when));
    EXPECT_EQ(when, NONE);
}

/* R27 */
UNIT(http_date_anything_else_is_refused)
{
    static const char *const bad[] = {
        "",
        "Sun",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 29 Feb 2023 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
        "784111777",
        "Sun, -6 Nov 1994 08:49:37 GMT",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_EQ(http(bad[i]), NONE);
}

UNIT(http_date_written_reads_back)
{
    char text[BIDE_HTTP_DATE_SIZE];
    bide_http_date_format(text, 784111777);
    EXPECT_STR(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    bide_http_date_format(text, -1);
    EXPECT_STR(text, "Wed, 31 Dec 1969 23:59:59 GMT");
    bide_http_date_format(text, INT64_MAX);
    EXPECT_STR(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    bide_http_date_format(text, INT64_MIN);
    EXPECT_STR(text, "Mon, 01 Jan 0001 00:00:00 GMT");
    for (int64_t when = -3000000000; when < 9000000000; when += 86399 * 7) {
        bide_http_date_format(text, when);
        EXPECT_EQ(http(text), when);
    }
}

UNIT(cookie_date_is_forgiving)
{
    EXPECT_EQ(cookie("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    EXPECT_EQ(cookie("06-nov-94 8:49:37"), 784111777);
    EXPECT_EQ(cookie("1994 6 November 8:49:37junk"), 784111777);
    EXPECT_EQ(cookie("Thu, 01 Jan 1970 00:000:01 GMT"), NONE);
    EXPECT_EQ(cookie("01 Jan 1600 00:00:00 GMT"), NONE);
    EXPECT_EQ(cookie("30 Feb 2000 00:00:00 GMT"), NONE);
    EXPECT_EQ(cookie("01 Jan 2000"), NONE);
    EXPECT_EQ(cookie(""), NONE);
}
