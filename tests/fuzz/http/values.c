/* SPDX-License-Identifier: MIT */
/*
 * values.c - fuzz target: values of fields: dates, waits, lists, and how they are shown to people.
 *
 * The first byte says which.  A date that was understood is written, and read again as the same; a list falls apart into
 * elements that lie in it, in order; what is shown has nothing that a terminal would obey.
 */
#include <stdlib.h>
#include <string.h>

#include <bide/date.h>
#include <bide/text.h>

#include "http/field/date.h"
#include "http/client/client.h"

#define NOW        1700000000
#define YEAR_1     (-62135596800)
#define YEAR_1601  (-11644473600)
#define YEAR_10000 253402300800
#define YEAR_MS    (INT64_C(366) * 86400 * 1000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

static void check_date(const char *text, size_t len, bool is_cookie)
{
    int64_t when = 0, again = 0;
    char out[BIDE_HTTP_DATE_SIZE];

    if (!(is_cookie ? bide__cookie_date_parse(text, len, &when) : bide_http_date_parse(text, NOW, &when)))
        return;
    must(when >= YEAR_1 && when < YEAR_10000);
    bide_http_date_format(out, when);
    must(strlen(out) == 29 && bide_http_date_parse(out, NOW, &again) && again == when);
    if (when >= YEAR_1601) /* a cookie's years begin there, and 0 to 99 are others */
        must(bide__cookie_date_parse(out, 29, &again) && again == when);
}

/* The second line is a Date. */
static void check_retry_after(char *text)
{
    int64_t when;
    char *date = strchr(text, '\n');
    if (date)
        *date++ = '\0';

    int64_t ms = bide_retry_after_ms(text, date, NOW);
    must(ms >= -1 && ms <= YEAR_MS);
    must(!bide_http_date_parse(text, NOW, &when) || ms >= 0);
    if (*text && strspn(text, "0123456789") == strlen(text)) {
        double seconds = strtod(text, NULL);
        must(ms == (seconds < 366 * 86400 ? (int64_t)seconds * 1000 : YEAR_MS));
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void check_list(const char *text, size_t len)
{
    const char *element, *end = text;
    size_t at = 0, n, count = 0;
    bool has = false;

    while (bide__header_next_element(text, len, &at, &element, &n)) {
        must(element >= end && element + n <= text + len && !memchr(element, ',', n));
        must(n == 0 || (!is_blank(element[0]) && !is_blank(element[n - 1])));
        has |= n == 5 && strncasecmp(element, "close", 5) == 0;
        end = element + n;
        count++;
    }
    must(count <= len + 1 && has == bide__header_has_token(text, len, "close"));
}

static void check_shown(const char *shown, size_t size)
{
    size_t len = strlen(shown);

    must(len < size);
    for (size_t at = 0; at < len; ) {
        uint32_t c = 0;
        int n = bide_utf8_decode(shown + at, len - at, &c);
        must(n > 0 && bide_is_printable(c));
        at += (size_t)n;
    }
}

static void check_field(const char *text, size_t len)
{
    enum header_id id = bide__header_name_ok(text, len) ? bide__header_id(text, len) : HEADER_OTHER;
    char shown[80];

    if (id != HEADER_OTHER)
        must(strlen(bide__header_name(id)) == len && strncasecmp(bide__header_name(id), text, len) == 0);
    if (bide__header_value_ok(text, len))
        must(!memchr(text, '\r', len) && !memchr(text, '\n', len) && !memchr(text, '\0', len));
    bide__shown(shown, text, len);
    check_shown(shown, sizeof shown);
    must(bide_printable(shown, sizeof shown, text, len) <= len);
    check_shown(shown, sizeof shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;

    /* Exactly these bytes, so that the sanitizer sees an over-read; those that read strings see the NUL. */
    size_t len = size - 1;
    bool is_string = data[0] % 5 == 0 || data[0] % 5 == 2;
    char *text = calloc(len + 1, 1);
    memcpy(text, data + 1, len);
    text = is_string ? text : realloc(text, len ? len : 1);
    switch (data[0] % 5) {
    case 0: check_date(text, len, false); break;
    case 1: check_date(text, len, true); break;
    case 2: check_retry_after(text); break;
    case 3: check_list(text, len); break;
    default: check_field(text, len);
    }
    free(text);
    return 0;
}
