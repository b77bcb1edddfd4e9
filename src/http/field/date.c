/* SPDX-License-Identifier: MIT */
/*
 * date.c - HTTP-date, read and written.
 *
 * Each of the three forms is a chain of take_...() that either eats exactly what must stand there
 * or gives up; nothing is skipped, so nothing that only looks like a date gets through.
 */
#include "http/field/date.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <bide/date.h>

#define YEAR_1        (-62135596800)
#define YEAR_9999_END 253402300799
#define FIFTY_YEARS   ((int64_t)50 * 31556952)

struct reading {
    const char *p, *end;
    int day, month, year, hour, minute, second;
};

static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

int bide__date_month(const char *three)
{
    for (int i = 0; i < 12; i++)
        if (strncasecmp(three, months + 3 * i, 3) == 0)
            return i + 1;
    return 0;
}

/* Howard Hinnant's count of days: years begin in March, so the leap day comes last. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int month_length(int year, int month)
{
    static const char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return lengths[month - 1] + (leap && month == 2);
}

bool bide__date_to_unix(int year, int month, int day, int hour, int minute, int second,
                        int64_t *out)
{
    if (month < 1 || month > 12 || day < 1 || day > month_length(year, month))
        return false;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    *out = days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

/* ---- reading ---- */

static bool take_text(struct reading *r, const char *text, size_t len)
{
    if ((size_t)(r->end - r->p) < len || memcmp(r->p, text, len) != 0)
        return false;
    r->p += len;
    return true;
}

static bool take_day_name(struct reading *r, bool whole)
{
    for (int i = 0; i < 7; i++)
        if (take_text(r, days[i], whole ? strlen(days[i]) : 3))
            return true;
    return false;
}

static bool take_month(struct reading *r)
{
    for (int i = 0; i < 12; i++)
        if (take_text(r, months + 3 * i, 3)) {
            r->month = i + 1;
            return true;
        }
    return false;
}

static bool take_number(struct reading *r, int digits, bool blank_ok, int *out)
{
    *out = 0;
    for (int i = 0; i < digits; i++, r->p++) {
        if (r->p == r->end)
            return false;
        if (i == 0 && blank_ok && *r->p == ' ')
            continue;
        if (*r->p < '0' || *r->p > '9')
            return false;
        *out = *out * 10 + (*r->p - '0');
    }
    return true;
}

static bool take_time(struct reading *r)
{
    return take_number(r, 2, false, &r->hour) && take_text(r, ":", 1) &&
           take_number(r, 2, false, &r->minute) && take_text(r, ":", 1) &&
           take_number(r, 2, false, &r->second);
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool take_imf_fixdate(struct reading *r)
{
    return take_day_name(r, false) && take_text(r, ", ", 2) && take_number(r, 2, false, &r->day) &&
           take_text(r, " ", 1) && take_month(r) && take_text(r, " ", 1) &&
           take_number(r, 4, false, &r->year) && take_text(r, " ", 1) && take_time(r) &&
           take_text(r, " GMT", 4);
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static bool take_rfc850(struct reading *r)
{
    return take_day_name(r, true) && take_text(r, ", ", 2) && take_number(r, 2, false, &r->day) &&
           take_text(r, "-", 1) && take_month(r) && take_text(r, "-", 1) &&
           take_number(r, 2, false, &r->year) && take_text(r, " ", 1) && take_time(r) &&
           take_text(r, " GMT", 4);
}

/* Sun Nov  6 08:49:37 1994 */
static bool take_asctime(struct reading *r)
{
    return take_day_name(r, false) && take_text(r, " ", 1) && take_month(r) &&
           take_text(r, " ", 1) && take_number(r, 2, true, &r->day) && take_text(r, " ", 1) &&
           take_time(r) && take_text(r, " ", 1) && take_number(r, 4, false, &r->year);
}

static bool is_date(const struct reading *r, int64_t *out)
{
    return bide__date_to_unix(r->year, r->month, r->day, r->hour, r->minute, r->second, out);
}

/* RFC 9110 5.6.7: the latest year with these two digits that is at most 50 years ahead. */
static void settle_century(struct reading *r, int64_t now)
{
    now = now < 0 ? 0 : now > YEAR_9999_END ? YEAR_9999_END : now;
    int this_year = 1970 + (int)(now / 31556952);
    int64_t when;

    r->year += this_year - this_year % 100 + 100;
    while (r->year > this_year + 51)
        r->year -= 100;
    if (is_date(r, &when) && when > now + FIFTY_YEARS)
        r->year -= 100;
}

bool bide_http_date_parse(const char *text, int64_t now, int64_t *out)
{
    if (!text)
        return false;
    struct reading fixed = {.p = text, .end = text + strlen(text)}, old = fixed, asc = fixed;

    if (take_imf_fixdate(&fixed))
        return fixed.p == fixed.end && is_date(&fixed, out);
    if (take_rfc850(&old)) {
        settle_century(&old, now);
        return old.p == old.end && is_date(&old, out);
    }
    return take_asctime(&asc) && asc.p == asc.end && is_date(&asc, out);
}

/* ---- writing ---- */

const char *bide_http_date_format(char out[BIDE_HTTP_DATE_SIZE], int64_t when)
{
    when = when < YEAR_1 ? YEAR_1 : when > YEAR_9999_END ? YEAR_9999_END : when;
    int64_t day_number = (when - (when < 0 ? 86399 : 0)) / 86400, rest = when - day_number * 86400;
    int year = 1970 + (int)(day_number / 366), month = 1;

    if (day_number < 0)
        year = 1970 + (int)(day_number / 365) - 1;
    while (days_since_1970(year + 1, 1, 1) <= day_number)
        year++;
    while (month < 12 && days_since_1970(year, month + 1, 1) <= day_number)
        month++;
    int day = (int)(day_number - days_since_1970(year, month, 1)) + 1;
    int week_day = (int)(((day_number + 4) % 7 + 7) % 7);
    char text[80];
    snprintf(text, sizeof text, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days[week_day], day,
             months + 3 * (month - 1), year, (int)(rest / 3600), (int)(rest / 60 % 60),
             (int)(rest % 60));
    memcpy(out, text, 29);
    out[29] = '\0';
    return out;
}
