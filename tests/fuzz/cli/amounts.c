/* SPDX-License-Identifier: MIT */
/*
 * amounts.c - fuzz target: numbers, times, sizes and rates of options.
 *
 * What is accepted is what a reader with floating point makes of it; what is more than nothing never becomes 0, which
 * often means "no limit"; and nothing is negative that must not be.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/option/opt.h"
#include "cli/progress/progress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

/* The number in front: digits and a point, nothing that strtod alone would take. */
static long double number(const char *text)
{
    size_t len = strspn(text, "0123456789.");
    char digits[5000];

    must(len < sizeof digits);
    memcpy(digits, text, len);
    digits[len] = '\0';
    return strtold(digits, NULL);
}

static void check_amount(bool (*read)(const char *, int64_t *), const char *text, const long double *worths)
{
    int64_t n = -1;
    if (!read(text, &n))
        return;

    long double value = number(text);
    bool fits = false;
    must(n >= 0 && (n > 0 || value == 0));
    for (; *worths > 0; worths++) /* digits behind the ninth do not count */
        fits |= fabsl(value * *worths - (long double)n) <= 1 + (value * 1e-9L + 1.001e-9L) * *worths;
    must(fits);
}

static void check_options(const char *text)
{
    static const long double times[] = {1, 1e3L, 6e4L, 36e5L, 864e5L, 0};
    static const long double sizes[] = {1, 1 << 10, 1 << 20, 1 << 30, 1e3L, 1e6L, 1e9L, 1e12L, 1099511627776.0L, 0};
    double rate = -1;
    int64_t n;

    check_amount(opt_read_duration, text, times);
    check_amount(opt_read_milliseconds, text, times);
    check_amount(opt_read_size, text, sizes);
    if (opt_read_rate(text, &rate))
        must(rate >= 0 && isfinite(rate) && (rate > 0 || number(text) == 0));
    if (opt_read_int(text, &n)) {
        char *end;
        must(strtoll(text, &end, 10) == n && *end == '\0');
    }
}

/* And back again, for people. */
static void check_shown(const char *text)
{
    struct text t = {0};
    int64_t n = 0;

    if (opt_read_size(text, &n) || opt_read_duration(text, &n)) {
        text_add_bytes(&t, (double)n);
        text_add_time(&t, n);
        text_add_count(&t, (uint64_t)n);
        must(!t.no_memory && t.len > 0 && t.len < 100);
    }
    text_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);

    check_options(text);
    check_shown(text);
    free(text);
    return 0;
}
