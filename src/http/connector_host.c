/* SPDX-License-Identifier: MIT */
/*
 * connector_host.c - origins: what makes two requests able to share a connection, and where it leads.
 *
 * An origin is kept for as long as it has a connection, a waiter, or a call that has it in hand.
 */
#include "http/connector.h"

static struct conn_key key_of(const struct url *u)
{
    return (struct conn_key){.host = bide__url_part(u, u->hostname),
                             .host_len = u->hostname.len,
                             .port = u->port,
                             .secure = bide__url_is_secure(u)};
}

static bool same_key(const struct conn_key *a, const struct conn_key *b)
{
    return a->secure == b->secure && a->port == b->port && a->host_len == b->host_len &&
           memcmp(a->host, b->host, a->host_len) == 0;
}

static const struct connect_override *find_override(const bide_session *s, const struct conn_key *key)
{
    for (size_t i = 0; i < s->noverrides; i++) {
        const struct connect_override *d = &s->overrides[i];
        bool host_fits = !d->host || (strlen(d->host) == key->host_len &&
                                      strncasecmp(d->host, key->host, key->host_len) == 0);
        if (host_fits && (d->port == 0 || d->port == key->port))
            return d;
    }
    return NULL;
}

/* The bytes by which the map finds it: the port, the scheme, the host. */
static size_t map_key(char *out, const struct conn_key *key)
{
    out[0] = (char)(key->port >> 8);
    out[1] = (char)key->port;
    out[2] = key->secure ? 's' : 'p';
    memcpy(out + 3, key->host, key->host_len);
    return key->host_len + 3;
}

/*
 * The name for a certificate and, behind it, the one to connect to: they differ for an IPv6 address with a zone,
 * "[fe80::1%25eth0]", which is fe80::1 for the former and fe80::1%eth0 for the latter.
 */
static void set_names(struct host *h, char *at, const struct conn_key *key)
{
    bool bracketed = key->host[0] == '[';
    const char *host = key->host + bracketed;
    size_t len = key->host_len - 2u * bracketed;
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

static void host_init(struct host *h, bide_session *s, const struct conn_key *key)
{
    size_t n = map_key(h->text, key);
    const struct connect_override *d = find_override(s, key);

    h->session = s;
    h->key = *key;
    h->key.host = h->text + 3;
    set_names(h, h->text + n, key);
    h->dial = d && d->addr ? d->addr : h->own_dial;
    h->dial_port = d && d->addr_port ? d->addr_port : key->port;
    bide__list_init(&h->idle);
    bide__list_init(&h->waiters);
    bide__list_init(&h->blocked);
    bide__map_add(&s->hosts, &h->node, h->text, n);
}

static struct host *host_new(bide_session *s, const struct conn_key *key)
{
    struct host *h = bide__calloc(1, sizeof *h + 3 * (size_t)key->host_len + 5);

    if (h)
        host_init(h, s, key);
    else
        bide__fail_nomem("a connection");
    return h;
}

struct host *bide__host_find(struct request *q)
{
    bide_session *s = q->session;
    struct conn_key key = key_of(&q->url);
    if (likely(s->last_host && same_key(&s->last_host->key, &key)))
        return s->last_host;

    char *bytes = bide__arena_alloc(&q->response->arena, key.host_len + 3);
    if (!bytes)
        return NULL;
    struct map_node *n = bide__map_find(&s->hosts, bytes, map_key(bytes, &key));
    struct host *h = n ? container_of(n, struct host, node) : host_new(s, &key);
    s->last_host = h;
    return h;
}

void bide__host_free_if_unused(struct host *h)
{
    bide_session *s = h->session;
    if (h->open > 0 || h->in_use > 0 || !bide__list_is_empty(&h->waiters))
        return;

    if (s->last_host == h)
        s->last_host = NULL;
    bide__list_remove(&h->blocked);
    bide__map_remove(&s->hosts, &h->node);
    bide__free(h);
}
