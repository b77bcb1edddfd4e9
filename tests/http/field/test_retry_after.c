/* SPDX-License-Identifier: MIT */
/* test_retry_after.c - how long Retry-After asks to wait (R59). */
#include <bide/date.h>

#include "harness/harness.h"

UNIT(retry_after_seconds_or_a_date_are_milliseconds)
{
    const char *date = "Sun, 06 Nov 1994 08:49:37 GMT";

    EXPECT_EQ(bide_retry_after_ms("0", NULL, 0), 0);
    EXPECT_EQ(bide_retry_after_ms("120", NULL, 0), 120000);
    EXPECT_EQ(bide_retry_after_ms("99999999999999999999999", NULL, 0), 366LL * 86400 * 1000);
    EXPECT_EQ(bide_retry_after_ms(date, NULL, 784111777 - 5), 5000);
    EXPECT_EQ(bide_retry_after_ms("Sunday, 06-Nov-94 08:49:37 GMT", NULL, 784111777 - 5), 5000);
    EXPECT_EQ(bide_retry_after_ms("Sun Nov  6 08:49:37 1994", NULL, 784111777 - 5), 5000);
    EXPECT_EQ(bide_retry_after_ms(date, "Sun, 06 Nov 1994 08:49:30 GMT", 1), 7000);
    EXPECT_EQ(bide_retry_after_ms(date, "Sun, 06 Nov 1994 09:00:00 GMT", 1), 0);
}

UNIT(retry_after_fractions_are_waited_for_in_full)
{
    EXPECT_EQ(bide_retry_after_ms("1.5", NULL, 0), 1500);
    EXPECT_EQ(bide_retry_after_ms("0.25", NULL, 0), 250);
    EXPECT_EQ(bide_retry_after_ms("120.0", NULL, 0), 120000);
    EXPECT_EQ(bide_retry_after_ms("0.0001", NULL, 0), 1);
    EXPECT_EQ(bide_retry_after_ms("2.99999999999999999999", NULL, 0), 3000);
    EXPECT_EQ(bide_retry_after_ms("99999999999999999999999.9", NULL, 0), 366LL * 86400 * 1000);
}

UNIT(retry_after_nonsense_is_nothing)
{
    static const char *const bad[] = {"", "-1", ".5", "1.", "1.5.2", "1,5", "1.x", "1s", "+1", " 1", "1 ", "12x", "0x10", "1e3", "soon", "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49:37 CET"};

    EXPECT_EQ(bide_retry_after_ms(NULL, NULL, 0), -1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_EQ(bide_retry_after_ms(bad[i], NULL, 0), -1);
}

/* The server's clock is 10 minutes behind: its own Date decides, if it is one. */
UNIT(retry_after_date_is_compared_with_that_of_the_answer)
{
    const char *until = "Tue, 14 Nov 2023 22:15:20 GMT"; /* now and 120 s */
    int64_t now = 1700000000;

    EXPECT_EQ(bide_retry_after_ms(until, NULL, now), 120000);
    EXPECT_EQ(bide_retry_after_ms(until, "yesterday", now), 120000);
    EXPECT_EQ(bide_retry_after_ms(until, "Tue, 14 Nov 2023 22:05:20 GMT", now), 600000);
    EXPECT_EQ(bide_retry_after_ms(until, NULL, now + 1000), 0);
    EXPECT_EQ(bide_retry_after_ms("7", "Tue, 14 Nov 2023 22:05:20 GMT", now), 7000);
}

UNIT(retry_after_extreme_times_are_at_most_366_days)
{
    const int64_t most = INT64_C(366) * 86400 * 1000;

    EXPECT_EQ(bide_retry_after_ms("Fri, 31 Dec 9999 23:59:59 GMT", NULL, 0), most);
    EXPECT_EQ(bide_retry_after_ms("Fri, 31 Dec 9999 23:59:59 GMT", NULL, INT64_MIN), most);
    EXPECT_EQ(bide_retry_after_ms("Fri, 31 Dec 9999 23:59:59 GMT", NULL, INT64_MAX), 0);
    EXPECT_EQ(bide_retry_after_ms("Mon, 01 Jan 0001 00:00:00 GMT", NULL, INT64_MAX), 0);
    EXPECT_EQ(bide_retry_after_ms("Mon, 01 Jan 0001 00:00:00 GMT", NULL, INT64_MIN), most);
    EXPECT_EQ(bide_retry_after_ms("31622400", NULL, 0), most);
    EXPECT_EQ(bide_retry_after_ms("31622400.5", NULL, 0), most);
    EXPECT_EQ(bide_retry_after_ms("31622399.5", NULL, 0), most - 500);
}
