/* SPDX-License-Identifier: MIT */
/*
 * mime.c - Content-Type, as browsers read it (WHATWG MIME Sniffing 4.4).
 *
 * Two things are otherwise than in other fields: blanks around "=" are a part of the name or the value, and the first parameter
 * of a name counts.
 */
#include "http/field/headers.h"
#include "http/field/scan.h"
#include "http/value/values.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool bide__mime_parse(struct mime *out, const char *text, size_t len)
{
    const char *end = text + len;

    while (text < end && is_space(*text))
        text++;
    while (end > text && is_space(end[-1]))
        end--;
    const char *slash = memchr(text, '/', (size_t)(end - text));
    if (!slash)
        return false;

    const char *behind = memchr(slash, ';', (size_t)(end - slash)), *stop = behind ? behind : end;
    while (stop > slash + 1 && is_space(stop[-1]))
        stop--;
    *out = (struct mime){.type = text, .type_len = (size_t)(slash - text), .subtype = slash + 1,
                         .subtype_len = (size_t)(stop - slash - 1), .params = {.at = behind ? behind : end, .end = end}};
    return bide__header_name_ok(out->type, out->type_len) && bide__header_name_ok(out->subtype, out->subtype_len);
}

/* Also one with a blank in front, which is a part of it, and quotes behind that. */
static void take_plain(struct params *r, struct param *out)
{
    out->value = r->at;
    while (r->at < r->end && *r->at != ';')
        r->at++;
    out->value_len = (size_t)(r->at - out->value);
    while (out->value_len > 0 && is_space(out->value[out->value_len - 1]))
        out->value_len--;
}

/* A quoted value ends with the first quote that has no backslash, whatever stands behind it. */
static void take_quoted(struct params *r, struct param *out)
{
    const char *p = ++r->at;

    out->is_quoted = true;
    out->value = p;
    while (p < r->end && *p != '"')
        p += *p == '\\' && p + 1 < r->end ? 2 : 1;
    out->value_len = (size_t)(p - out->value);
    r->at = p;
    while (r->at < r->end && *r->at != ';')
        r->at++;
}

static bool next(struct params *r, struct param *out)
{
    while (r->at < r->end && (*r->at == ';' || is_space(*r->at)))
        r->at++;
    if (r->at == r->end)
        return false;

    *out = (struct param){.name = r->at, .value = r->end};
    while (r->at < r->end && *r->at != ';' && *r->at != '=')
        r->at++;
    out->name_len = (size_t)(r->at - out->name);
    if (r->at == r->end || *r->at == ';')
        return true;
    r->at++;
    out->has_value = true;
    if (r->at < r->end && *r->at == '"')
        take_quoted(r, out);
    else
        take_plain(r, out);
    return true;
}

bool bide__mime_next(struct params *r, struct param *out)
{
    while (next(r, out)) {
        bool has_value = out->has_value && (out->is_quoted || out->value_len > 0);
        if (has_value && bide__header_name_ok(out->name, out->name_len) &&
            scan_value(out->value, out->value + out->value_len) == out->value + out->value_len)
            return true;
    }
    return false;
}

ssize_t bide__mime_value(const struct mime *m, const char *name, char *out, size_t cap)
{
    struct params r = m->params;
    struct param p;

    while (bide__mime_next(&r, &p))
        if (bide__header_equals(p.name, p.name_len, name))
            return (ssize_t)bide__param_value(&p, out, cap);
    return -1;
}
