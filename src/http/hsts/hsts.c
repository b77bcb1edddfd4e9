/* SPDX-License-Identifier: MIT */
/*
 * hsts.c - hosts to be asked over TLS alone: found by their names and those above them (RFC 6797 8).
 *
 * Invariants:
 *   T1  a host is in the map if it is in the order, and there are no more than HSTS_MAX.
 *   T2  names are canonical, and none is an address.
 */
#include "http/hsts/hsts.h"

#include <time.h>

/* ---- life ---- */

static void drop(bide_hsts *h, struct hsts_host *host)
{
    bide__map_remove(&h->hosts, &host->node);
    bide__list_remove(&host->in_order);
    bide__free(host);
}

static void hsts_destroy(void *object)
{
    bide_hsts *h = object;

    bide_hsts_clear(h);
    bide__map_free(&h->hosts);
    bide__object_free(h);
}

static const struct object_type hsts_type = {.name = "HSTS store", .destroy = hsts_destroy};

bide_hsts *bide_hsts_new(void)
{
    bide_hsts *h = bide__object_zalloc(sizeof *h);
    if (!h) {
        bide__fail_nomem("an HSTS store");
        return NULL;
    }
    if (bide__map_init(&h->hosts) < 0) {
        bide__object_free(h);
        return NULL;
    }
    bide__list_init(&h->order);
    bide__object_init(h, &hsts_type);
    return h;
}

static struct hsts_host *first_of(const bide_hsts *h)
{
    return container_of(h->order.next, struct hsts_host, in_order);
}

/* ---- looking ---- */

static struct hsts_host *find(const bide_hsts *h, const char *name, size_t len)
{
    struct map_node *node = bide__map_find(&h->hosts, name, len);

    return node ? container_of(node, struct hsts_host, node) : NULL;
}

static void note_use(bide_hsts *h, struct hsts_host *host)
{
    bide__list_remove(&host->in_order);
    bide__list_append(&h->order, &host->in_order);
}

/* RFC 6797 8.2: the host itself, or one above it that speaks for those below. */
bool bide__hsts_applies(bide_hsts *h, struct host_name host, int64_t now)
{
    const char *name = host.name, *end = host.name + host.len;
    if (!host.is_name)
        return false;

    while (name) {
        struct hsts_host *found = find(h, name, (size_t)(end - name));
        if (found && found->ends <= now) {
            drop(h, found);
        } else if (found && (name == host.name || found->include_subdomains)) {
            note_use(h, found);
            return true;
        }
        name = memchr(name, '.', (size_t)(end - name));
        name = name ? name + 1 : NULL;
    }
    return false;
}

/* ---- changing ---- */

static struct hsts_host *add(bide_hsts *h, struct host_name name)
{
    struct hsts_host *host = bide__malloc(sizeof *host + name.len + 1);
    if (!host) {
        bide__fail_nomem("an HSTS host");
        return NULL;
    }
    if (h->hosts.count >= HSTS_MAX)
        drop(h, first_of(h));
    *host = (struct hsts_host){.len = name.len};
    memcpy(host->name, name.name, name.len);
    host->name[name.len] = '\0';
    bide__list_init(&host->in_order);
    bide__list_append(&h->order, &host->in_order);
    bide__map_add(&h->hosts, &host->node, host->name, name.len);
    return host;
}

int bide__hsts_put(bide_hsts *h, struct host_name name, const struct hsts_said *said, int64_t now)
{
    struct hsts_host *host = find(h, name.name, name.len);

    if (said->max_age == 0) {
        if (host)
            drop(h, host);
        return 0;
    }
    if (!host && !(host = add(h, name)))
        return BIDE_ENOMEM;
    note_use(h, host);
    host->ends = now + said->max_age;
    host->include_subdomains = said->include_subdomains;
    return 0;
}

/* RFC 6797 8.1: over TLS, from a name; of several fields the first counts. */
int bide__hsts_store_fields(bide_hsts *h, const struct url *url, const struct fields *fields, int64_t now)
{
    const struct field *f = bide__fields_find(fields, HEADER_STRICT_TRANSPORT_SECURITY);
    struct host_name host = bide__host_name_of(url);
    struct hsts_said said;

    if (!f || !bide__url_is_secure(url) || !host.is_name || host.len >= HOST_NAME_SIZE ||
        !bide__hsts_parse(&said, bide__field_value(fields, f), f->value_len))
        return 0;
    return bide__hsts_put(h, host, &said, now);
}

/* ---- upgrading ---- */

/* Put text in place of what is there, and move all parts that come behind. */
static void splice(struct url *u, char *storage, uint32_t at, uint32_t old_len, const char *text, uint32_t len)
{
    struct url_part *parts[] = {&u->username, &u->password, &u->hostname, &u->host, &u->path, &u->query, &u->fragment};

    memmove(storage + at + len, storage + at + old_len, u->len - at - old_len + 1);
    memcpy(storage + at, text, len);
    u->len = u->len + len - old_len;
    u->href = storage;
    for (size_t i = 0; i < array_len(parts); i++)
        if (parts[i]->off >= at + old_len)
            parts[i]->off = parts[i]->off + len - old_len;
}

bool bide__hsts_upgrade(struct url *u, char *storage, size_t cap)
{
    if (bide__url_is_secure(u))
        return true;
    if (u->len + 2 > cap)
        return false;

    splice(u, storage, u->scheme == URL_HTTP ? 4 : 2, 0, "s", 1);
    u->scheme = u->scheme == URL_HTTP ? URL_HTTPS : URL_WSS;
    u->port = u->port == 80 ? 443 : u->port;
    if (u->port == 443 && u->host.len > u->hostname.len) { /* now the scheme's own */
        splice(u, storage, u->hostname.off + u->hostname.len, u->host.len - u->hostname.len, "", 0);
        u->host.len = u->hostname.len;
    }
    return true;
}

/* ---- for the user ---- */

static bool is_missing(const void *argument, const char *function, const char *what)
{
    if (likely(argument != NULL))
        return false;
    bide_fail(-EINVAL, "%s: the %s is NULL", function, what);
    return true;
}

/* As given, perhaps with a dot at its end. */
static bool read_name(const char *text, char out[HOST_NAME_SIZE], struct host_name *name)
{
    size_t len = strlen(text);
    ssize_t n = bide__host_name_put(out, text, len - (len > 1 && text[len - 1] == '.'), &name->is_name);

    name->name = out;
    name->len = n < 0 ? 0 : (size_t)n;
    return n >= 0 && name->is_name;
}

int bide_hsts_set(bide_hsts *h, const char *host, int64_t max_age_s, bool include_subdomains)
{
    char text[HOST_NAME_SIZE], shown[80];
    struct host_name name;
    struct hsts_said said = {max_age_s < HSTS_LIFETIME_MAX ? max_age_s : HSTS_LIFETIME_MAX, include_subdomains};

    if (is_missing(h, __func__, "store") || is_missing(host, __func__, "host"))
        return -EINVAL;
    if (max_age_s < 0)
        return bide_fail(-EINVAL, "bide_hsts_set: a time cannot be negative");
    if (!read_name(host, text, &name))
        return bide_fail(-EINVAL, "bide_hsts_set: %s is no host name", bide__shown(shown, host, strlen(host)));
    return bide__hsts_put(h, name, &said, time(NULL));
}

bool bide_hsts_applies(bide_hsts *h, const char *host)
{
    char text[HOST_NAME_SIZE];
    struct host_name name;

    if (is_missing(h, __func__, "store") || is_missing(host, __func__, "host"))
        return false;
    return read_name(host, text, &name) && bide__hsts_applies(h, name, time(NULL));
}

int bide_hsts_len(const bide_hsts *h)
{
    return is_missing(h, __func__, "store") ? -EINVAL : (int)h->hosts.count;
}

void bide_hsts_clear(bide_hsts *h)
{
    while (!is_missing(h, __func__, "store") && !bide__list_is_empty(&h->order))
        drop(h, first_of(h));
}
