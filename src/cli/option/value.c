/* SPDX-License-Identifier: MIT */
/*
 * value.c - texts into values: numbers, durations, sizes, rates, choices.
 *
 * A number with a unit is a decimal fraction times the unit's worth, in integers, so that 0.1s is 100 ms exactly.
 * What is more than nothing never becomes 0, which often means "no limit".
 */
#include "cli/option/opt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NANO 1000000000u

struct unit {
    const char *name;
    int64_t worth;
};

/* The first that fits counts: time_units + 1 is that of options whose bare number is milliseconds. */
static const struct unit time_units[] = {
    {"", 1000}, {"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 24 * 3600 * 1000}, {NULL, 0},
};

static const struct unit size_units[] = {
    {"", 1},           {"B", 1},           {"K", 1 << 10},    {"KiB", 1 << 10},    {"KB", 1000},
    {"M", 1 << 20},    {"MiB", 1 << 20},   {"MB", 1000000},   {"G", 1 << 30},      {"GiB", 1 << 30},
    {"GB", 1000000000}, {"T", 1LL << 40}, {"TiB", 1LL << 40}, {"TB", 1000000000000}, {NULL, 0},
};

/* For a rate: the seconds in it. */
static const struct unit rate_units[] = {{"", 1}, {"/s", 1}, {"/m", 60}, {"/h", 3600}, {NULL, 0}};

struct decimal {
    uint64_t whole;
    uint64_t nano;
    const char *rest;
};

/* Digits, and perhaps a point and more digits. */
static bool read_decimal(const char *text, struct decimal *d)
{
    const char *p = text;

    *d = (struct decimal){0};
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(d->whole, 10u, &d->whole) ||
            __builtin_add_overflow(d->whole, (unsigned)(*p - '0'), &d->whole))
            return false;
    bool digits = p > text;
    if (*p == '.') {
        p++;
        digits = digits || (*p >= '0' && *p <= '9');
        bool has_more = false;
        for (uint64_t worth = NANO / 10; *p >= '0' && *p <= '9'; p++, worth /= 10) {
            d->nano += worth * (unsigned)(*p - '0');
            has_more |= worth == 0 && *p > '0';
        }
        d->nano += d->nano == 0 && has_more;
    }
    d->rest = p;
    return digits;
}

static const struct unit *find_unit(const struct unit *units, const char *name)
{
    for (const struct unit *u = units; u->name; u++)
        if (strcasecmp(u->name, name) == 0)
            return u;
    return NULL;
}

static bool read_amount(const char *text, const struct unit *units, int64_t *out)
{
    struct decimal d;

    if (!read_decimal(text, &d))
        return false;
    const struct unit *u = find_unit(units, d.rest);
    if (!u)
        return false;
    int64_t whole, part = (int64_t)((__extension__(unsigned __int128) d.nano * (uint64_t)u->worth) / NANO);
    if (__builtin_mul_overflow(d.whole, u->worth, &whole) || __builtin_add_overflow(whole, part, out))
        return false;
    if (*out == 0 && d.nano > 0)
        *out = 1;
    return true;
}

#define TIME_MAX_MS (INT64_MAX / 1000000) /* the library takes no longer ones */

bool opt_read_duration(const char *text, int64_t *ms)
{
    return read_amount(text, time_units, ms) && *ms <= TIME_MAX_MS;
}

bool opt_read_milliseconds(const char *text, int64_t *ms)
{
    return read_amount(text, time_units + 1, ms) && *ms <= TIME_MAX_MS;
}

bool opt_read_size(const char *text, int64_t *bytes)
{
    return read_amount(text, size_units, bytes);
}

bool opt_read_rate(const char *text, double *per_second)
{
    struct decimal d;

    if (!read_decimal(text, &d))
        return false;
    const struct unit *u = find_unit(rate_units, d.rest);
    if (!u)
        return false;
    *per_second = ((double)d.whole + (double)d.nano / NANO) / (double)u->worth;
    return true;
}

bool opt_read_int(const char *text, int64_t *out)
{
    struct decimal d;
    bool negative = text[0] == '-';

    if (strchr(text, '.') || !read_decimal(text + negative, &d) || d.rest[0] || d.whole > INT64_MAX)
        return false;
    *out = negative ? -(int64_t)d.whole : (int64_t)d.whole;
    return true;
}

/* ---- into the struct ---- */

static bool in_range(const struct opt *row, int64_t n)
{
    return n >= row->min && (row->max == 0 || n <= row->max);
}

static bool store_int(const struct opt *row, const char *text, int *to)
{
    int64_t n;

    if (!opt_read_int(text, &n) || !in_range(row, n) || n > INT32_MAX || n < INT32_MIN)
        return false;
    *to = (int)n;
    return true;
}

static bool store_amount(const struct opt *row, const char *text, int64_t *to)
{
    bool (*read)(const char *, int64_t *) = row->kind == OPT_KIND_SIZE           ? opt_read_size
                                            : row->kind == OPT_KIND_MILLISECONDS ? opt_read_milliseconds
                                                                                 : opt_read_duration;
    int64_t n;

    if (!read(text, &n) || !in_range(row, n))
        return false;
    *to = row->kind == OPT_KIND_TIMEOUT && n == 0 ? BIDE_FOREVER : n;
    return true;
}

static bool store_choice(const struct opt *row, const char *text, int *to)
{
    for (int i = 0; row->choices[i]; i++)
        if (strcmp(row->choices[i], text) == 0) {
            *to = i;
            return true;
        }
    return false;
}

static bool store_flag(const char *text, bool *to)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(words[i], text) == 0) {
            *to = i % 2;
            return true;
        }
    return false;
}

bool opt_store(const struct opt *row, const char *text, void *into)
{
    void *to = (char *)into + row->offset;

    switch (row->kind) {
    case OPT_KIND_FLAG:
        return store_flag(text, to);
    case OPT_KIND_COUNT:
    case OPT_KIND_INT:
        return store_int(row, text, to);
    case OPT_KIND_DURATION:
    case OPT_KIND_MILLISECONDS:
    case OPT_KIND_TIMEOUT:
    case OPT_KIND_SIZE:
        return store_amount(row, text, to);
    case OPT_KIND_RATE:
        return opt_read_rate(text, to);
    case OPT_KIND_STRING:
        *(const char **)to = text;
        return true;
    case OPT_KIND_CHOICE:
        return store_choice(row, text, to);
    case OPT_KIND_LIST:
        break; /* opt.c: it needs memory */
    }
    return false;
}

void opt_clear(const struct opt *row, void *member)
{
    static const size_t sizes[] = {
        [OPT_KIND_FLAG] = sizeof(bool),          [OPT_KIND_COUNT] = sizeof(int),
        [OPT_KIND_INT] = sizeof(int),            [OPT_KIND_DURATION] = sizeof(int64_t),
        [OPT_KIND_MILLISECONDS] = sizeof(int64_t), [OPT_KIND_TIMEOUT] = sizeof(int64_t),
        [OPT_KIND_SIZE] = sizeof(int64_t),       [OPT_KIND_RATE] = sizeof(double),
        [OPT_KIND_STRING] = sizeof(char *),      [OPT_KIND_LIST] = sizeof(struct opt_list),
        [OPT_KIND_CHOICE] = sizeof(int),
    };

    memset(member, 0, sizes[row->kind]);
}

/* ---- what was expected ---- */

static void expected_choice(const struct opt *row, char *out, size_t size)
{
    size_t len = (size_t)snprintf(out, size, "one of");

    for (const char *const *c = row->choices; *c && len < size; c++)
        len += (size_t)snprintf(out + len, size - len, "%s %s", c == row->choices ? "" : ",", *c);
}

static void expected_int(const struct opt *row, char *out, size_t size)
{
    if (row->max)
        snprintf(out, size, "a whole number from %" PRId64 " to %" PRId64, row->min, row->max);
    else
        snprintf(out, size, "a whole number, %" PRId64 " or more", row->min);
}

const char *opt_expected(const struct opt *row, char *out, size_t size)
{
    static const char *const of_kind[] = {
        [OPT_KIND_DURATION] = "a time such as 500ms, 10s, 1.5 (seconds) or 5m",
        [OPT_KIND_MILLISECONDS] = "a time such as 100 (milliseconds), 100ms or 1.5s",
        [OPT_KIND_TIMEOUT] = "a time such as 500ms, 10s, 1.5 (seconds) or 5m",
        [OPT_KIND_SIZE] = "a size such as 500, 64KiB or 10M",
        [OPT_KIND_RATE] = "a rate such as 50/s, 600/m or 1000/h",
        [OPT_KIND_FLAG] = "yes or no",
        [OPT_KIND_STRING] = "a text",
        [OPT_KIND_LIST] = "a text",
    };

    if (row->kind == OPT_KIND_INT || row->kind == OPT_KIND_COUNT)
        expected_int(row, out, size);
    else if (row->kind == OPT_KIND_CHOICE)
        expected_choice(row, out, size);
    else
        snprintf(out, size, "%s", of_kind[row->kind] ? of_kind[row->kind] : "nothing");
    return out;
}
