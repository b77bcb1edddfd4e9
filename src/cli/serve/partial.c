/* SPDX-License-Identifier: MIT */
/*
 * partial.c - conditional requests and ranges (RFC 9110 13 and 14): all of it, a part of it, or that it has not changed.
 *
 * One range is answered with that part.  Several are answered with the whole, as RFC 9110 14.2 allows: no client of ours asks for them,
 * and a client that does must be able to take it.  What cannot be read as a condition or a range is passed over, as the RFC wants it.
 */
#include "cli/serve/serve.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <bide/date.h>

/* ---- conditions ---- */

static bool read_date(const char *text, int64_t *out)
{
    return bide_http_date_parse(text, time(NULL), out);
}

/* Is the tag in a list such as: W/"a", "b"?  A weak one counts only where that is enough. */
static bool has_tag(const char *list, const char *tag, bool weak_counts)
{
    size_t len = strlen(tag);

    while (*list) {
        bool is_weak = strncmp(list, "W/", 2) == 0;
        const char *begin = list + 2 * is_weak, *end = *begin == '"' ? strchr(begin + 1, '"') : NULL;
        if (!end)
            return false;
        if ((size_t)(end + 1 - begin) == len && memcmp(begin, tag, len) == 0 && (!is_weak || weak_counts))
            return true;
        list = end + 1;
        list += strspn(list, ", \t");
    }
    return false;
}

static bool matches(const char *list, const struct serve_content *c, bool weak_counts)
{
    return strcmp(list, "*") == 0 || has_tag(list, c->tag, weak_counts);
}

static bool is_reading(const bide_exchange *x)
{
    const char *method = bide_exchange_method(x);

    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* RFC 9110 13.2.2, in its order: 412, 304, or 0: go on. */
static int check_conditions(const bide_exchange *x, const struct serve_content *c)
{
    const char *match = bide_exchange_header(x, "If-Match"), *none = bide_exchange_header(x, "If-None-Match");
    const char *unmodified = bide_exchange_header(x, "If-Unmodified-Since"),
               *modified = bide_exchange_header(x, "If-Modified-Since");
    int64_t when;

    if (match && !matches(match, c, false))
        return 412;
    if (!match && unmodified && c->modified >= 0 && read_date(unmodified, &when) && c->modified > when)
        return 412;
    if (none)
        return !matches(none, c, true) ? 0 : is_reading(x) ? 304 : 412;
    if (modified && c->modified >= 0 && is_reading(x) && read_date(modified, &when) && c->modified <= when)
        return 304;
    return 0;
}

/* If-Range: is what the client has a part of still this?  A tag must be strong, a date the same (RFC 9110 13.1.5). */
static bool is_same(const bide_exchange *x, const struct serve_content *c)
{
    const char *have = bide_exchange_header(x, "If-Range");
    int64_t when;

    if (!have)
        return true;
    if (have[0] == '"' || have[0] == 'W')
        return has_tag(have, c->tag, false);
    return c->modified >= 0 && read_date(have, &when) && when == c->modified;
}

/* ---- ranges ---- */

/* Digits; a number that is too large is as large as there are.  Returns: behind them; NULL: there are none. */
static const char *read_number(const char *text, int64_t *out)
{
    const char *p = text;

    for (*out = 0; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, *p - '0', out))
            *out = INT64_MAX / 10; /* more digits keep it there, or above any size */
    return p > text ? p : NULL;
}

enum serve_range serve_read_range(const char *text, int64_t size, int64_t *first, int64_t *last)
{
    const char *p = text;
    int64_t from = 0, to = INT64_MAX;

    if (strncasecmp(p, "bytes=", strlen("bytes=")) != 0)
        return RANGE_NONE;
    p += strlen("bytes=");
    bool is_suffix = *p == '-';
    if (!is_suffix && (!(p = read_number(p, &from)) || *p != '-'))
        return RANGE_NONE;
    p++;
    if (*p && !(p = read_number(p, &to)))
        return RANGE_NONE;
    if (*p || (is_suffix && p[-1] == '-') || (!is_suffix && to < from))
        return RANGE_NONE;
    if (is_suffix ? to == 0 || size == 0 : from >= size)
        return RANGE_NOT_THERE;
    *first = is_suffix ? (to < size ? size - to : 0) : from;
    *last = is_suffix || to >= size ? size - 1 : to;
    return RANGE_PART;
}

static enum serve_range wanted_range(const bide_exchange *x, struct serve_content *c)
{
    const char *range = bide_exchange_header(x, "Range");

    c->first = 0;
    c->last = c->size - 1;
    if (!range || strcmp(bide_exchange_method(x), "GET") != 0 || !is_same(x, c))
        return RANGE_NONE;
    return serve_read_range(range, c->size, &c->first, &c->last);
}

/* ---- the head ---- */

static int add_validators(bide_exchange *x, const struct serve_content *c)
{
    char date[BIDE_HTTP_DATE_SIZE];

    if (!c->tag[0])
        return 0;
    BIDE_TRY(bide_respond_header(x, "ETag", c->tag));
    BIDE_TRY(bide_respond_header(x, "Accept-Ranges", "bytes"));
    if (c->modified < 0)
        return 0;
    bide_http_date_format(date, c->modified);
    return bide_respond_header(x, "Last-Modified", date);
}

static int refuse_range(bide_exchange *x, const struct serve_content *c)
{
    char range[64];

    snprintf(range, sizeof range, "bytes */%" PRId64, c->size);
    BIDE_TRY(bide_respond_header(x, "Content-Range", range));
    return serve_refuse(x, 416, "the range begins after the end");
}

static int begin(bide_exchange *x, const struct serve_content *c, bool is_part)
{
    char text[96];

    snprintf(text, sizeof text, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, c->first, c->last, c->size);
    if (is_part)
        BIDE_TRY(bide_respond_header(x, "Content-Range", text));
    snprintf(text, sizeof text, "%" PRId64, c->last - c->first + 1);
    BIDE_TRY(bide_respond_header(x, "Content-Length", text));
    return bide_respond_begin(x, is_part ? 206 : 200, c->type);
}

int serve_begin(bide_exchange *x, struct serve_content *c, bool *has_body)
{
    int condition = check_conditions(x, c);
    enum serve_range range = condition ? RANGE_NONE : wanted_range(x, c);

    *has_body = false;
    BIDE_TRY(add_validators(x, c));
    if (condition == 304)
        return bide_respond(x, 304, NULL, "", 0);
    if (condition)
        return serve_refuse(x, condition, "the condition is not met");
    if (range == RANGE_NOT_THERE)
        return refuse_range(x, c);
    BIDE_TRY(begin(x, c, range == RANGE_PART));
    *has_body = strcmp(bide_exchange_method(x), "HEAD") != 0 && c->size > 0;
    return *has_body ? 0 : bide_respond_end(x);
}
