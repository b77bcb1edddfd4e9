/* SPDX-License-Identifier: MIT */
/*
 * date_cookie.c - the date of a cookie: RFC 6265 5.1.1.
 *
 * Servers write Expires in dozens of ways, so the rules look at tokens only: the first that looks
 * like a time is the time, the first number of one or two digits left is the day, the first month
 * name the month, the first number left the year.  Whatever follows the digits of a token is
 * ignored, if it does not begin with a digit.
 */
#include <string.h>

#include "http/field/date.h"

struct found {
    int hour, minute, second, day, month, year;
    bool has_time, has_day, has_month, has_year;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* delimiter = %x09 / %x20-2F / %x3B-40 / %x5B-60 / %x7B-7E */
static bool is_delimiter(char c)
{
    return c == '\t' || (c >= 0x20 && c <= 0x2f) || (c >= 0x3b && c <= 0x40) ||
           (c >= 0x5b && c <= 0x60) || (c >= 0x7b && c <= 0x7e);
}

/* min to max digits, and no digit behind them; moves *p. */
static bool take_digits(const char **p, const char *end, int min, int max, int *out)
{
    int n = 0;

    *out = 0;
    while (*p < end && is_digit(**p) && n < max) {
        *out = *out * 10 + (**p - '0');
        ++*p;
        n++;
    }
    return n >= min && (*p == end || !is_digit(**p));
}

static bool take_colon(const char **p, const char *end)
{
    if (*p == end || **p != ':')
        return false;
    ++*p;
    return true;
}

static bool find_time(struct found *f, const char *p, const char *end)
{
    return take_digits(&p, end, 1, 2, &f->hour) && take_colon(&p, end) &&
           take_digits(&p, end, 1, 2, &f->minute) && take_colon(&p, end) &&
           take_digits(&p, end, 1, 2, &f->second);
}

static void look_at_token(struct found *f, const char *p, const char *end)
{
    const char *q = p;

    if (!f->has_time && find_time(f, p, end))
        f->has_time = true;
    else if (!f->has_day && take_digits(&q, end, 1, 2, &f->day))
        f->has_day = true;
    else if (!f->has_month && end - p >= 3 && bide__date_month(p))
        f->has_month = (f->month = bide__date_month(p));
    else if (q = p, !f->has_year && take_digits(&q, end, 2, 4, &f->year))
        f->has_year = true;
}

bool bide__cookie_date_parse(const char *text, size_t len, int64_t *out)
{
    const char *p = text, *end = text + len;
    struct found f = {.has_time = false};

    while (p < end) {
        while (p < end && is_delimiter(*p))
            p++;
        const char *token = p;
        while (p < end && !is_delimiter(*p))
            p++;
        if (p > token)
            look_at_token(&f, token, p);
    }
    if (!f.has_time || !f.has_day || !f.has_month || !f.has_year)
        return false;
    if (f.year >= 70 && f.year <= 99)
        f.year += 1900;
    else if (f.year >= 0 && f.year <= 69)
        f.year += 2000;
    return f.year >= 1601 && f.second <= 59 &&
           bide__date_to_unix(f.year, f.month, f.day, f.hour, f.minute, f.second, out);
}
