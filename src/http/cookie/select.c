/* SPDX-License-Identifier: MIT */
/*
 * select.c - the cookies of a request: RFC 6265bis 5.8.3 (R116).
 *
 * The host's name and each of its parents are looked up, so it does not matter how many cookies other sites have.  Those with
 * the longer path come first, then those that were made first.
 */
#include "http/cookie/cookie.h"

static bool stays_for_site(const struct cookie *c, const struct jar_request *q)
{
    if (!q->is_led)
        return false;
    return c->same_site == BIDE_SAME_SITE_STRICT || (q->is_unsafe && c->same_site == BIDE_SAME_SITE_LAX);
}

static bool belongs(const struct cookie *c, const struct jar_request *q, bool is_own_host)
{
    const char *path = bide__url_part(q->url, q->url->path);

    if (!is_own_host && (c->host_only || c->domain->is_public_suffix))
        return false;
    if (c->secure && !bide__url_is_secure(q->url))
        return false;
    return !stays_for_site(c, q) && bide__cookie_path_match(path, q->url->path.len, bide__cookie_path(c), c->path_len);
}

static bool comes_before(const struct cookie *a, const struct cookie *b)
{
    return a->path_len != b->path_len ? a->path_len > b->path_len : a->id < b->id;
}

static int insert(bide_cookie_jar *jar, struct cookie *c)
{
    if (jar->nchosen == jar->chosen_cap) {
        size_t cap = jar->chosen_cap ? jar->chosen_cap * 2 : 16;
        struct cookie **chosen = bide__realloc(jar->chosen, cap * sizeof *chosen);
        if (!chosen)
            return bide__fail_nomem("cookies");
        jar->chosen = chosen;
        jar->chosen_cap = cap;
    }
    size_t i = jar->nchosen++;
    for (; i > 0 && comes_before(c, jar->chosen[i - 1]); i--)
        jar->chosen[i] = jar->chosen[i - 1];
    jar->chosen[i] = c;
    return 0;
}

static int choose_of(bide_cookie_jar *jar, struct jar_domain *d, const struct jar_request *q, bool is_own_host)
{
    struct list_node *next;
    int code = 0;

    for (struct list_node *n = d->cookies.next; n != &d->cookies && code == 0; n = next) {
        struct cookie *c = container_of(n, struct cookie, in_domain);
        bool is_last = d->n == 1;
        next = n->next;
        if (!bide__cookie_has_ended(c, q->now)) {
            code = belongs(c, q, is_own_host) ? insert(jar, c) : 0;
            continue;
        }
        bide__jar_drop(jar, c);
        if (is_last) /* and its domain with it */
            break;
    }
    return code;
}

/* The host, and each name above it. */
static int choose(bide_cookie_jar *jar, const struct jar_request *q)
{
    struct host_name host = bide__host_name_of(q->url);
    const char *name = host.name, *end = host.name + host.len;
    int code = 0;

    jar->nchosen = 0;
    while (name && code == 0) {
        struct jar_domain *d = bide__jar_find_domain(jar, name, (size_t)(end - name));
        if (d)
            code = choose_of(jar, d, q, name == host.name);
        name = host.is_name ? memchr(name, '.', (size_t)(end - name)) : NULL;
        name = name ? name + 1 : NULL;
    }
    return code;
}

static size_t length_of(const struct cookie *c)
{
    return (c->name_len ? c->name_len + 1u : 0) + c->value_len;
}

/* name=value; what has no name is its value alone. */
static int write_cookie(struct buf *out, const struct cookie *c)
{
    size_t len = length_of(c), before = bide__buf_len(out) > 0 ? 2 : 0;
    char *at = bide__buf_reserve(out, before + len);
    if (!at)
        return BIDE_ENOMEM;

    at = (char *)mempcpy(at, "; ", before);
    if (c->name_len > 0) {
        at = (char *)mempcpy(at, bide__cookie_name(c), c->name_len);
        *at++ = '=';
    }
    memcpy(at, bide__cookie_value(c), c->value_len);
    bide__buf_commit(out, before + len);
    return 0;
}

ssize_t bide__jar_choose(bide_cookie_jar *jar, const struct jar_request *q, const char **value)
{
    int code = choose(jar, q);

    bide__buf_consume(&jar->header, bide__buf_len(&jar->header));
    for (size_t i = 0; i < jar->nchosen && code == 0; i++) {
        struct cookie *c = jar->chosen[i];
        if (bide__buf_len(&jar->header) + length_of(c) + 2 > JAR_HEADER_MAX)
            continue; /* no server reads so much */
        c->used = ++jar->last_use;
        code = write_cookie(&jar->header, c);
    }
    ssize_t len = (ssize_t)bide__buf_len(&jar->header);
    *value = len > 0 ? bide__buf_head(&jar->header) : "";
    return code < 0 ? code : len;
}

bool bide__cookie_same_site(const psl_ctx_t *suffixes, const struct url *a, const struct url *b)
{
    struct host_name x = bide__host_name_of(a), y = bide__host_name_of(b);
    char name[HOST_NAME_SIZE];
    if (bide__url_is_secure(a) != bide__url_is_secure(b))
        return false;
    if (x.len == y.len && memcmp(x.name, y.name, x.len) == 0)
        return true;
    if (!x.is_name || !y.is_name || x.len >= sizeof name)
        return false;

    memcpy(name, x.name, x.len);
    name[x.len] = '\0';
    const char *site = bide__registrable_domain(suffixes, name);
    return site && bide__host_name_is_in(y, site, strlen(site));
}
