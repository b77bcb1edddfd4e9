/* SPDX-License-Identifier: MIT */
/* link.c - the links of a Link field (RFC 8288): <target>; rel="next"; title="...", with commas between. */
#include "http/value/values.h"

#include <string.h>

#include "http/field/headers.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Up to a comma that stands in no quotes: what comes before it is no link. */
static const char *skip_to_comma(const char *at, const char *end)
{
    bool is_quoted = false;

    for (; at < end && (is_quoted || *at != ','); at++) {
        if (is_quoted && *at == '\\' && at + 1 < end)
            at++;
        else if (*at == '"')
            is_quoted = !is_quoted;
    }
    return at;
}

/* The parameters, which the caller is given once more, end here. */
static const char *skip_params(struct params r)
{
    struct param p;

    while (bide__params_next(&r, &p))
        ;
    return r.at;
}

bool bide__link_next(const char *text, size_t len, size_t *at, struct link *out)
{
    const char *p = text + (*at < len ? *at : len), *end = text + len;

    for (;;) {
        while (p < end && (is_blank(*p) || *p == ','))
            p++;
        if (p == end)
            break;
        const char *close = *p == '<' ? memchr(p, '>', (size_t)(end - p)) : NULL;
        if (!close) {
            p = skip_to_comma(p, end);
            continue;
        }
        *out = (struct link){.target = p + 1, .target_len = (size_t)(close - p - 1),
                             .params = {.at = close + 1, .end = end, .in_list = true}};
        *at = (size_t)(skip_params(out->params) - text);
        return true;
    }
    *at = len;
    return false;
}

/* The first parameter of this name; false: there is none. */
static bool find(const struct link *l, const char *name, struct param *out)
{
    struct params r = l->params;

    while (bide__params_next(&r, out))
        if (bide__header_equals(out->name, out->name_len, name))
            return true;
    return false;
}

bool bide__link_has_rel(const struct link *l, const char *rel)
{
    struct param p;
    if (!find(l, "rel", &p))
        return false;

    const char *at = p.value, *end = p.value + p.value_len;
    while (at < end) {
        const char *start = at;
        while (at < end && !is_blank(*at))
            at++;
        if (bide__header_equals(start, (size_t)(at - start), rel))
            return true;
        while (at < end && is_blank(*at))
            at++;
    }
    return false;
}

bool bide__link_is_about_itself(const struct link *l)
{
    struct param p;

    return !find(l, "anchor", &p);
}
