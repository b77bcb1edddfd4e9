/* SPDX-License-Identifier: MIT */
/*
 * accept.c - which cookies of an answer are kept, and where they belong: RFC 6265bis 5.7 (R113 to R115, D9, D13).
 */
#include "http/cookie/cookie.h"

/* Which domain it belongs to; `out` is where that is written. */
static int decide_domain(const bide_cookie_jar *jar, struct host_name host, const struct set_cookie *from,
                         char out[HOST_NAME_SIZE], struct new_cookie *c)
{
    c->host_only = true;
    if (host.len >= HOST_NAME_SIZE)
        return COOKIE_EDOMAIN; /* longer than a name can be */
    memcpy(out, host.name, host.len);
    out[host.len] = '\0';
    c->domain = out;
    c->domain_len = host.len;
    if (from->domain_len == 0 && !from->domain_has_dot)
        return 0;
    if (!host.is_name)
        return !from->domain_has_dot && bide__host_name_is_in(host, from->domain, from->domain_len) ? 0 : COOKIE_EDOMAIN;

    bool is_name;
    ssize_t len = bide__host_name_put(out, from->domain, from->domain_len, &is_name);
    if (len < 0 || !is_name)
        return COOKIE_EDOMAIN;
    c->domain_len = (size_t)len;
    if (bide__is_public_suffix(jar->suffixes, out))
        return c->domain_len == host.len && memcmp(out, host.name, host.len) == 0 ? 0 : COOKIE_ESUFFIX;
    c->host_only = false;
    return bide__host_name_is_in(host, out, c->domain_len) ? 0 : COOKIE_EDOMAIN;
}

static void decide_path(const struct url *url, const struct set_cookie *from, struct new_cookie *c)
{
    c->path = from->path;
    c->path_len = from->path_len;
    if (from->path_len > 0)
        return;
    const char *path = bide__url_part(url, url->path);
    size_t len = bide__cookie_default_path_len(path, url->path.len);
    bool fits = len <= COOKIE_ATTRIBUTE_MAX;
    c->path = fits ? path : "/";
    c->path_len = fits ? len : 1;
}

static int64_t decide_expires(const struct set_cookie *from, int64_t now)
{
    int64_t latest = now + COOKIE_LIFETIME_MAX, at = COOKIE_NEVER;

    if (from->has_max_age)
        at = from->max_age <= 0 ? INT64_MIN : from->max_age >= COOKIE_LIFETIME_MAX ? latest : now + from->max_age;
    else if (from->has_expires)
        at = from->expires < latest ? from->expires : latest;
    return at;
}

static bool begins_with(const char *text, size_t len, const char *lower)
{
    size_t n = strlen(lower);

    return len >= n && bide__header_equals(text, n, lower);
}

/* Steps 20 to 22: also what looks like such a name once it is sent without one. */
int bide__cookie_check_prefix(const struct new_cookie *c)
{
    const char *text = c->name_len > 0 ? c->name : c->value;
    size_t len = c->name_len > 0 ? c->name_len : c->value_len;
    bool is_secure = begins_with(text, len, "__secure-"), is_host = begins_with(text, len, "__host-");

    if (!is_secure && !is_host)
        return 0;
    if (c->name_len == 0 || !c->secure)
        return COOKIE_EPREFIX;
    return is_secure || (c->host_only && c->path_len == 1) ? 0 : COOKIE_EPREFIX;
}

/* Step 16: one that is Secure would be sent beside this one, or hidden by it. */
static bool lies_over(const struct cookie *old, const struct new_cookie *c)
{
    struct host_name a = {old->domain->name, old->domain->len, true}, b = {c->domain, c->domain_len, true};

    if (!old->secure || old->name_len != c->name_len || memcmp(bide__cookie_name(old), c->name, c->name_len) != 0)
        return false;
    return (bide__host_name_is_in(a, b.name, b.len) || bide__host_name_is_in(b, a.name, a.len)) &&
           bide__cookie_path_match(c->path, c->path_len, bide__cookie_path(old), old->path_len);
}

static bool lies_over_secure(const bide_cookie_jar *jar, const struct new_cookie *c, int64_t now)
{
    for (size_t i = 0; i < jar->n; i++)
        if (lies_over(jar->all[i], c) && !bide__cookie_has_ended(jar->all[i], now))
            return true;
    return false;
}

static int check(const bide_cookie_jar *jar, const struct url *url, const struct new_cookie *c, bool has_path, int64_t now)
{
    bool is_secure = bide__url_is_secure(url);
    struct new_cookie said = *c;

    if (c->secure && !is_secure)
        return COOKIE_ESECURE;
    if (!c->secure && !is_secure && lies_over_secure(jar, c, now))
        return COOKIE_EOVERLAY;
    if (c->same_site == BIDE_SAME_SITE_NONE && !c->secure)
        return COOKIE_ESAMESITE;
    said.path_len = has_path ? c->path_len : 0; /* __Host- wants it said */
    return bide__cookie_check_prefix(&said);
}

int bide__jar_accept(bide_cookie_jar *jar, const struct url *url, const struct set_cookie *from, int64_t now)
{
    char domain[HOST_NAME_SIZE];
    struct new_cookie c = {.name = from->name, .value = from->value, .name_len = from->name_len, .value_len = from->value_len,
                           .expires = decide_expires(from, now), .secure = from->secure, .http_only = from->http_only,
                           .same_site = from->same_site};
    int code = jar->is_closed ? COOKIE_ESTATE : decide_domain(jar, bide__host_name_of(url), from, domain, &c);
    if (code < 0)
        return code;

    decide_path(url, from, &c);
    code = check(jar, url, &c, from->path_len > 0, now);
    return code < 0 ? code : bide__jar_put(jar, &c, now);
}

int bide__jar_set(bide_cookie_jar *jar, const struct url *url, const char *text, size_t len, int64_t now)
{
    struct set_cookie from;
    int code = bide__set_cookie_parse(&from, text, len);

    return code < 0 ? code : bide__jar_accept(jar, url, &from, now);
}

int bide__jar_store_fields(bide_cookie_jar *jar, const struct url *url, const struct fields *fields, int64_t now)
{
    int looked_at = 0, code = 0;

    for (uint32_t i = 0; i < fields->n && looked_at < JAR_PER_RESPONSE_MAX && code != BIDE_ENOMEM; i++) {
        const struct field *f = &fields->all[i];
        if (f->id != HEADER_SET_COOKIE)
            continue;
        looked_at++;
        code = bide__jar_set(jar, url, bide__field_value(fields, f), f->value_len, now);
    }
    return code == BIDE_ENOMEM ? code : 0;
}
