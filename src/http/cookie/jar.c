/* SPDX-License-Identifier: MIT */
/*
 * jar.c - cookies that were kept: found by their domain, and looked at in the order in which they were made.
 *
 * Invariants (jar.h of its tests looks whether they hold):
 *   J1  no two cookies have the same name, domain, host_only and path.
 *   J2  a domain is in the map if it has cookies, and all[0..n) are the cookies of all domains, by id.
 *   J3  no domain has more than JAR_PER_DOMAIN_MAX, the jar no more than JAR_MAX.
 *
 * Who must go when there are too many (RFC 6265bis 5.7): those that have ended; then, of the domain or the site that has too
 * many, or of all, those that are not Secure before those that are, and the one that was not used for longest.
 */
#include "http/cookie/cookie.h"

/* ---- looking ---- */

struct jar_domain *bide__jar_find_domain(const bide_cookie_jar *jar, const char *name, size_t len)
{
    struct map_node *node = bide__map_find(&jar->domains, name, len);

    return node ? container_of(node, struct jar_domain, node) : NULL;
}

/* Where the first with an id of at least this stands in all. */
static size_t index_of(const bide_cookie_jar *jar, uint64_t id)
{
    size_t low = 0, high = jar->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (jar->all[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct cookie *bide__jar_after(const bide_cookie_jar *jar, uint64_t id)
{
    size_t i = id == UINT64_MAX ? jar->n : index_of(jar, id + 1);

    return i < jar->n ? jar->all[i] : NULL;
}

static bool has_key(const struct cookie *c, const struct new_cookie *k)
{
    return c->host_only == k->host_only && c->name_len == k->name_len && c->path_len == k->path_len &&
           memcmp(bide__cookie_name(c), k->name, k->name_len) == 0 &&
           memcmp(bide__cookie_path(c), k->path, k->path_len) == 0;
}

static struct cookie *find_same(const struct jar_domain *d, const struct new_cookie *key)
{
    for (struct list_node *n = d->cookies.next; n != &d->cookies; n = n->next) {
        struct cookie *c = container_of(n, struct cookie, in_domain);
        if (has_key(c, key))
            return c;
    }
    return NULL;
}

/* ---- removing ---- */

static void drop_domain_if_empty(bide_cookie_jar *jar, struct jar_domain *d)
{
    if (d->n > 0)
        return;
    bide__map_remove(&jar->domains, &d->node);
    bide__free(d);
}

void bide__jar_drop(bide_cookie_jar *jar, struct cookie *c)
{
    size_t i = index_of(jar, c->id);

    assert(i < jar->n && jar->all[i] == c);
    memmove(&jar->all[i], &jar->all[i + 1], (--jar->n - i) * sizeof *jar->all);
    bide__list_remove(&c->in_domain);
    c->domain->n--;
    drop_domain_if_empty(jar, c->domain);
    bide__free(c);
}

static void drop_ended(bide_cookie_jar *jar, int64_t now)
{
    for (size_t i = jar->n; i-- > 0;)
        if (bide__cookie_has_ended(jar->all[i], now))
            bide__jar_drop(jar, jar->all[i]);
}

/* ---- making room ---- */

/* Those of one domain, or of one site, or (both NULL) all. */
struct crowd {
    const struct jar_domain *domain;
    const char *site;
};

static bool is_in(const struct cookie *c, const struct crowd *crowd)
{
    struct host_name host = {c->domain->name, c->domain->len, true};

    if (crowd->domain)
        return c->domain == crowd->domain;
    return !crowd->site || bide__host_name_is_in(host, crowd->site, strlen(crowd->site));
}

static bool goes_before(const struct cookie *a, const struct cookie *b)
{
    return a->secure != b->secure ? !a->secure : a->used < b->used;
}

/* The one that must go first, and how many there are. */
static struct cookie *first_to_go(const bide_cookie_jar *jar, struct crowd crowd, size_t *count)
{
    struct cookie *first = NULL;

    *count = 0;
    for (size_t i = 0; i < jar->n; i++) {
        struct cookie *c = jar->all[i];
        if (!is_in(c, &crowd))
            continue;
        ++*count;
        if (!first || goes_before(c, first))
            first = c;
    }
    return first;
}

/* One more is to come, into this domain.  A site with many names cannot push out everybody else. */
static void make_room(bide_cookie_jar *jar, struct jar_domain *d, int64_t now)
{
    size_t count;
    if (d->n < JAR_PER_DOMAIN_MAX && jar->n < JAR_MAX)
        return;

    d->n++; /* so that it stays when it gets empty */
    drop_ended(jar, now);
    d->n--;
    if (d->n >= JAR_PER_DOMAIN_MAX)
        bide__jar_drop(jar, first_to_go(jar, (struct crowd){.domain = d}, &count));
    if (jar->n < JAR_MAX)
        return;
    const char *site = bide__registrable_domain(jar->suffixes, d->name);
    struct cookie *c = site ? first_to_go(jar, (struct crowd){.site = site}, &count) : NULL;
    if (!c || count < JAR_PER_SITE_MAX)
        c = first_to_go(jar, (struct crowd){NULL, NULL}, &count);
    d->n++;
    bide__jar_drop(jar, c);
    d->n--;
}

/* ---- adding ---- */

static int reserve(bide_cookie_jar *jar)
{
    size_t cap = jar->cap ? jar->cap * 2 : 16;
    if (jar->n < jar->cap)
        return 0;

    struct cookie **all = bide__realloc(jar->all, cap * sizeof *all);
    if (!all)
        return bide__fail_nomem("a cookie");
    jar->all = all;
    jar->cap = cap;
    return 0;
}

static struct cookie *make_cookie(const struct new_cookie *from)
{
    struct cookie *c = bide__malloc(sizeof *c + from->name_len + from->value_len + from->path_len + 3);
    if (!c) {
        bide__fail_nomem("a cookie");
        return NULL;
    }
    *c = (struct cookie){.expires = from->expires,
                         .name_len = (uint16_t)from->name_len,
                         .value_len = (uint16_t)from->value_len,
                         .path_len = (uint16_t)from->path_len,
                         .host_only = from->host_only,
                         .secure = from->secure,
                         .http_only = from->http_only,
                         .same_site = from->same_site};
    bide__list_init(&c->in_domain);
    char *at = c->text;
    at = (char *)mempcpy(at, from->name, from->name_len);
    *at++ = '\0';
    at = (char *)mempcpy(at, from->value, from->value_len);
    *at++ = '\0';
    at = (char *)mempcpy(at, from->path, from->path_len);
    *at = '\0';
    return c;
}

static struct jar_domain *find_or_make_domain(bide_cookie_jar *jar, const char *name, size_t len)
{
    struct jar_domain *d = bide__jar_find_domain(jar, name, len);
    if (d)
        return d;

    d = bide__malloc(sizeof *d + len + 1);
    if (!d) {
        bide__fail_nomem("a cookie");
        return NULL;
    }
    *d = (struct jar_domain){.len = len};
    memcpy(d->name, name, len);
    d->name[len] = '\0';
    d->is_public_suffix = bide__is_public_suffix(jar->suffixes, d->name);
    bide__list_init(&d->cookies);
    bide__map_add(&jar->domains, &d->node, d->name, len);
    return d;
}

/* RFC 6265bis 5.7, step 23: it keeps its place in the order. */
static void replace(bide_cookie_jar *jar, struct cookie *old, struct cookie *c)
{
    c->id = old->id;
    c->domain = old->domain;
    bide__list_append(&old->in_domain, &c->in_domain);
    bide__list_remove(&old->in_domain);
    jar->all[index_of(jar, c->id)] = c;
    bide__free(old);
}

static void add(bide_cookie_jar *jar, struct jar_domain *d, struct cookie *c, int64_t now)
{
    make_room(jar, d, now);
    c->id = ++jar->last_id;
    c->domain = d;
    bide__list_append(&d->cookies, &c->in_domain);
    d->n++;
    jar->all[jar->n++] = c;
}

static void remove_same(bide_cookie_jar *jar, const struct new_cookie *key)
{
    struct jar_domain *d = bide__jar_find_domain(jar, key->domain, key->domain_len);
    struct cookie *old = d ? find_same(d, key) : NULL;

    if (old)
        bide__jar_drop(jar, old);
}

int bide__jar_put(bide_cookie_jar *jar, const struct new_cookie *from, int64_t now)
{
    if (from->expires <= now) {
        remove_same(jar, from);
        return 0;
    }
    int code = reserve(jar);
    if (code < 0)
        return code;
    struct cookie *c = make_cookie(from);
    struct jar_domain *d = c ? find_or_make_domain(jar, from->domain, from->domain_len) : NULL;
    if (!d) {
        bide__free(c);
        return BIDE_ENOMEM;
    }

    struct cookie *old = find_same(d, from);
    c->used = ++jar->last_use;
    if (old)
        replace(jar, old, c);
    else
        add(jar, d, c, now);
    return 0;
}
