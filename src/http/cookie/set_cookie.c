/* SPDX-License-Identifier: MIT */
/*
 * set_cookie.c - a Set-Cookie field, taken apart: RFC 6265bis 5.6 (R113).
 *
 * Nothing is decoded and nothing is quoted: a name and a value are bytes.  Of attributes with one name the last counts; one
 * that is too long, or says nothing that can be understood, is not there.
 */
#include "http/cookie/cookie.h"
#include "http/field/date.h"
#include "http/field/scan.h"

struct slice {
    const char *text;
    size_t len;
};

static const char *const error_texts[] = {
#define BIDE__TEXT(name, text) text,
    BIDE_COOKIE_ERRORS(BIDE__TEXT)
#undef BIDE__TEXT
};

const char *bide__cookie_strerror(int error)
{
    return error > COOKIE__FIRST && error < COOKIE__END ? error_texts[error - COOKIE__FIRST - 1] : "unknown";
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct slice trimmed(const char *text, const char *end)
{
    while (text < end && is_blank(*text))
        text++;
    while (end > text && is_blank(end[-1]))
        end--;
    return (struct slice){text, (size_t)(end - text)};
}

/* Up to the next semicolon; *at stands behind it then. */
static struct slice next_part(const char **at, const char *end)
{
    const char *start = *at, *stop = memchr(start, ';', (size_t)(end - start));

    if (!stop)
        stop = end;
    *at = stop < end ? stop + 1 : end;
    return (struct slice){start, (size_t)(stop - start)};
}

/* Without "=": all of it is a value for the cookie itself, a name for an attribute. */
static bool split(struct slice part, struct slice *name, struct slice *value)
{
    const char *end = part.text + part.len, *equals = memchr(part.text, '=', part.len);

    *name = trimmed(part.text, equals ? equals : end);
    *value = equals ? trimmed(equals + 1, end) : (struct slice){end, 0};
    return equals;
}

/* Seconds: digits, with a minus perhaps; more than there will ever be is as good as the most. */
static bool read_max_age(struct slice value, int64_t *out)
{
    bool is_negative = value.len > 0 && value.text[0] == '-';
    size_t i = is_negative;
    int64_t n = 0;

    for (; i < value.len && value.text[i] >= '0' && value.text[i] <= '9'; i++)
        n = n > COOKIE_LIFETIME_MAX ? n : n * 10 + (value.text[i] - '0');
    *out = is_negative ? -n : n;
    return i == value.len && i > is_negative;
}

static uint8_t read_same_site(struct slice value)
{
    if (bide__header_equals(value.text, value.len, "strict"))
        return BIDE_SAME_SITE_STRICT;
    if (bide__header_equals(value.text, value.len, "lax"))
        return BIDE_SAME_SITE_LAX;
    return bide__header_equals(value.text, value.len, "none") ? BIDE_SAME_SITE_NONE : BIDE_SAME_SITE_UNSAID;
}

static void take_domain(struct set_cookie *c, struct slice value)
{
    c->domain_has_dot = value.len > 0 && value.text[0] == '.';
    c->domain = value.text + c->domain_has_dot;
    c->domain_len = value.len - c->domain_has_dot;
}

static void take_path(struct set_cookie *c, struct slice value)
{
    c->path = value.text;
    c->path_len = value.len > 0 && value.text[0] == '/' ? value.len : 0;
}

static void take_attribute(struct set_cookie *c, struct slice name, struct slice value)
{
    int64_t n;

    if (value.len > COOKIE_ATTRIBUTE_MAX)
        return;
    if (bide__header_equals(name.text, name.len, "expires")) {
        if (bide__cookie_date_parse(value.text, value.len, &n))
            c->has_expires = true, c->expires = n;
    } else if (bide__header_equals(name.text, name.len, "max-age")) {
        if (read_max_age(value, &n))
            c->has_max_age = true, c->max_age = n;
    } else if (bide__header_equals(name.text, name.len, "domain")) {
        take_domain(c, value);
    } else if (bide__header_equals(name.text, name.len, "path")) {
        take_path(c, value);
    } else if (bide__header_equals(name.text, name.len, "secure")) {
        c->secure = true;
    } else if (bide__header_equals(name.text, name.len, "httponly")) {
        c->http_only = true;
    } else if (bide__header_equals(name.text, name.len, "samesite")) {
        c->same_site = read_same_site(value);
    }
}

bool bide__cookie_text_ok(const char *text, size_t len)
{
    return scan_value(text, text + len) == text + len;
}

int bide__set_cookie_parse(struct set_cookie *out, const char *text, size_t len)
{
    const char *at = text, *end = text + strnlen(text, len); /* a NUL ends it, as in browsers; over HTTP none comes so far (R20) */
    struct slice name, value;
    if (!bide__cookie_text_ok(text, (size_t)(end - text)))
        return COOKIE_ECONTROL;

    if (!split(next_part(&at, end), &name, &value)) { /* nameless */
        value = name;
        name.len = 0;
    }
    if (name.len + value.len == 0)
        return COOKIE_EEMPTY;
    if (name.len + value.len > COOKIE_PAIR_MAX)
        return COOKIE_ETOOLONG;
    *out = (struct set_cookie){.name = name.text, .value = value.text, .name_len = name.len, .value_len = value.len};
    while (at < end) {
        split(next_part(&at, end), &name, &value);
        take_attribute(out, name, value);
    }
    return 0;
}
