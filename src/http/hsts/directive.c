/* SPDX-License-Identifier: MIT */
/* directive.c - the value of Strict-Transport-Security (RFC 6797 6.1): a value that is not as it should be means nothing. */
#include "http/hsts/hsts.h"

#include "http/value/params.h"

static bool read_seconds(const struct param *p, int64_t *out)
{
    int64_t n = 0;

    for (size_t i = 0; i < p->value_len; i++) {
        if (p->value[i] < '0' || p->value[i] > '9')
            return false;
        n = n >= HSTS_LIFETIME_MAX ? n : n * 10 + (p->value[i] - '0');
    }
    *out = n < HSTS_LIFETIME_MAX ? n : HSTS_LIFETIME_MAX;
    return p->value_len > 0;
}

bool bide__hsts_parse(struct hsts_said *out, const char *value, size_t len)
{
    struct params r = PARAMS(value, len);
    struct param p;
    bool has_max_age = false;

    *out = (struct hsts_said){.max_age = 0};
    while (bide__params_next(&r, &p)) {
        bool is_max_age = bide__header_equals(p.name, p.name_len, "max-age");
        bool is_below = bide__header_equals(p.name, p.name_len, "includesubdomains");
        if (p.is_odd || (is_max_age && has_max_age) || (is_below && (out->include_subdomains || p.has_value)))
            return false;
        if (is_max_age && !read_seconds(&p, &out->max_age))
            return false;
        has_max_age |= is_max_age;
        out->include_subdomains |= is_below;
    }
    return has_max_age;
}
