/* SPDX-License-Identifier: MIT */
/*
 * origin.c - origins: what makes two requests able to share a connection, and where it leads.
 *
 * An origin is kept for as long as it has a connection, a waiter, or a call that has it in hand.
 */
#include "http/connect/connect.h"

static bool same_origin(const struct origin *a, const struct origin *b)
{
    return a->secure == b->secure && a->port == b->port && a->host_len == b->host_len &&
           a->route == b->route && a->tls == b->tls && a->is_forwarded == b->is_forwarded && memcmp(a->host, b->host, a->host_len) == 0;
}

static const struct connect_override *find_override(const struct connector *k, const struct origin *origin)
{
    for (size_t i = 0; i < k->noverrides; i++) {
        const struct connect_override *d = &k->overrides[i];
        bool host_fits = !d->host || (strlen(d->host) == origin->host_len &&
                                      strncasecmp(d->host, origin->host, origin->host_len) == 0);
        if (host_fits && (d->port == 0 || d->port == origin->port))
            return d;
    }
    return NULL;
}

/* Those of the name that is connected to; NULL: it is looked up. */
static const char *find_addresses(const struct connector *k, const char *host, int port)
{
    for (size_t i = 0; i < k->naddresses; i++) {
        const struct address_override *a = &k->addresses[i];
        if (strcasecmp(a->host, host) == 0 && (a->port == 0 || a->port == port))
            return a->addresses;
    }
    return NULL;
}

#define KEY_HOST (3 + sizeof(struct route *) + sizeof(bide_tls *)) /* where the host begins */

/* The bytes by which the map finds it: the port, the scheme and whether it is a proxy, the route, TLS, the host. */
static size_t map_key(char *out, const struct origin *origin)
{
    out[0] = (char)(origin->port >> 8);
    out[1] = (char)origin->port;
    out[2] = (char)(origin->secure | origin->is_forwarded << 1);
    memcpy(out + 3, &origin->route, sizeof origin->route);
    memcpy(out + 3 + sizeof origin->route, &origin->tls, sizeof origin->tls);
    memcpy(out + KEY_HOST, origin->host, origin->host_len);
    return origin->host_len + KEY_HOST;
}

/*
 * The name for a certificate and, behind it, the one to connect to: they differ for an IPv6 address with a zone,
 * "[fe80::1%25eth0]", which is fe80::1 for the former and fe80::1%eth0 for the latter.
 */
static void set_names(struct host *h, char *at, const struct origin *origin)
{
    bool bracketed = origin->host[0] == '[';
    const char *host = origin->host + bracketed;
    size_t len = origin->host_len - 2u * bracketed;
    const char *zone = bracketed ? memchr(host, '%', len) : NULL;
    size_t name_len = zone ? (size_t)(zone - host) : len;

    h->name = h->own_dial = at;
    at = mempcpy(at, host, name_len);
    *at++ = '\0';
    if (!zone)
        return;
    h->own_dial = at;
    at = mempcpy(at, host, name_len + 1);
    at = mempcpy(at, zone + 3, len - name_len - 3);
    *at = '\0';
}

static struct host *host_new(struct connector *k, const struct origin *origin)
{
    const struct connect_override *d = find_override(k, origin);
    struct host *h = bide__calloc(1, sizeof *h + KEY_HOST + 3 * (size_t)origin->host_len + 2);
    if (!h) {
        bide__fail_nomem("a connection");
        return NULL;
    }
    size_t n = map_key(h->text, origin);
    h->connector = k;
    h->origin = *origin;
    h->origin.host = h->text + KEY_HOST;
    if (h->origin.route)
        bide__route_share(h->origin.route);
    if (h->origin.tls)
        bide_retain(h->origin.tls);
    set_names(h, h->text + n, origin);
    h->dial = d && d->addr ? d->addr : h->own_dial;
    h->dial_port = d && d->addr_port ? d->addr_port : origin->port;
    h->addresses = find_addresses(k, h->dial, h->dial_port);
    bide__list_init(&h->idle);
    bide__list_init(&h->shared);
    bide__list_init(&h->waiters);
    bide__list_init(&h->blocked);
    bide__map_add(&k->hosts, &h->node, h->text, n);
    return h;
}

struct host *bide__host_find(struct connector *k, const struct origin *origin)
{
    if (likely(k->last_host && same_origin(&k->last_host->origin, origin)))
        return k->last_host;

    char *bytes = bide__buf_reserve(&k->key, origin->host_len + KEY_HOST);
    if (!bytes)
        return NULL;
    struct map_node *n = bide__map_find(&k->hosts, bytes, map_key(bytes, origin));
    struct host *h = n ? container_of(n, struct host, node) : host_new(k, origin);
    k->last_host = h;
    return h;
}

void bide__host_free_if_unused(struct host *h)
{
    struct connector *k = h->connector;
    if (h->open > 0 || h->in_use > 0 || !bide__list_is_empty(&h->waiters))
        return;

    if (k->last_host == h)
        k->last_host = NULL;
    bide__list_remove(&h->blocked);
    bide__map_remove(&k->hosts, &h->node);
    bide__route_release(h->origin.route);
    bide_release(h->origin.tls);
    bide__free(h);
}

/* ---- what is remembered of servers ---- */

bool bide__host_is_old(const struct host *h)
{
    const struct connector *k = h->connector;

    for (size_t i = 0; i < array_len(k->old_servers) && i < k->nold_servers; i++)
        if (k->old_servers[i] == h->node.hash)
            return true;
    return false;
}

void bide__host_note_old(struct host *h)
{
    struct connector *k = h->connector;

    if (!bide__host_is_old(h))
        k->old_servers[k->nold_servers++ % array_len(k->old_servers)] = h->node.hash;
}
