/* SPDX-License-Identifier: MIT */
/*
 * route.c - routes: made of a text, and shared by all who name the same one.
 */
#include <openssl/crypto.h>
#include <stdio.h>

#include "http/tunnel/tunnel.h"

/* ---- the text ---- */

/* The next hop of a list, without the white space around it: false: there is none. */
static bool next_hop(const char **at, const char **text, size_t *len)
{
    if (!*at)
        return false;
    *text = *at + strspn(*at, " \t");
    *len = strcspn(*text, ",");
    *at = (*text)[*len] ? *text + *len + 1 : NULL;
    while (*len > 0 && ((*text)[*len - 1] == ' ' || (*text)[*len - 1] == '\t'))
        --*len;
    return true;
}

static unsigned count_hops(const char *text)
{
    const char *one;
    size_t len;
    unsigned n = 0;

    while (next_hop(&text, &one, &len))
        n++;
    return n;
}

bool bide__route_needs_tls(const char *text)
{
    const char *one;
    size_t len;

    while (next_hop(&text, &one, &len))
        if (len > 8 && strncasecmp(one, "https://", 8) == 0)
            return true;
    return false;
}

static void set_names(struct hop *hop)
{
    const struct proxy *p = &hop->proxy;
    bool bracketed = p->host[0] == '[';
    size_t len = strlen(p->host) - 2u * bracketed;

    memcpy(hop->host, p->host + bracketed, len);
    hop->host[len] = '\0';
    hop->name = hop->host;
    snprintf(hop->shown, sizeof hop->shown, "%s://%s:%u", bide__proxy_scheme(p->kind), p->host, p->port);
}

static int read_hops(struct hop *hops, const char *text)
{
    const char *one;
    size_t len;

    for (unsigned i = 0; next_hop(&text, &one, &len); i++) {
        BIDE_TRY(bide__proxy_parse(&hops[i].proxy, one, len));
        set_names(&hops[i]);
    }
    return 0;
}

static int check_count(const char *text)
{
    return count_hops(text) <= ROUTE_HOPS_MAX ? 0 : bide_fail(BIDE_EURL, "proxy: a chain of more than %d", ROUTE_HOPS_MAX);
}

int bide__route_check(const char *text)
{
    if (strncmp(text, "unix:", 5) == 0)
        return 0;
    BIDE_TRY(check_count(text));
    struct hop *hops = bide__calloc(ROUTE_HOPS_MAX, sizeof *hops);
    int code = hops ? read_hops(hops, text) : bide__fail_nomem("a proxy");

    if (hops)
        OPENSSL_cleanse(hops, ROUTE_HOPS_MAX * sizeof *hops);
    bide__free(hops);
    return code;
}

/* ---- making one ---- */

static void route_free(struct route *r)
{
    for (unsigned i = 0; i < r->nhops; i++)
        bide__free(r->hops[i].digest);
    if (r->hops)
        OPENSSL_cleanse(r->hops, r->nhops * sizeof *r->hops);
    bide__free(r->hops);
    bide_release(r->tls);
    OPENSSL_cleanse(r->text, r->text_len);
    bide__free(r);
}

static int set_hops(struct route *r, const char *text)
{
    if (strncmp(text, "unix:", 5) == 0) {
        r->unix_socket = r->text;
        return 0;
    }
    BIDE_TRY(check_count(text));
    unsigned n = count_hops(text);
    r->hops = bide__calloc(n, sizeof *r->hops);
    if (!r->hops)
        return bide__fail_nomem("a proxy");
    r->nhops = n;
    return read_hops(r->hops, text);
}

/* The text, a NUL, and which TLS context. */
static size_t key_of(char *out, const char *text, size_t len, const bide_tls *tls)
{
    memcpy(out, text, len + 1);
    memcpy(out + len + 1, &tls, sizeof tls);
    return len + 1 + sizeof tls;
}

static struct route *route_new(struct routes *rs, const char *text, size_t len, bide_tls *tls)
{
    struct route *r = bide__calloc(1, sizeof *r + len + 1 + sizeof tls);
    if (!r) {
        bide__fail_nomem("a proxy");
        return NULL;
    }
    r->text_len = key_of(r->text, text, len, tls);
    r->tls = tls ? bide_retain(tls) : NULL;
    if (set_hops(r, text) < 0) {
        route_free(r);
        return NULL;
    }
    r->routes = rs;
    bide__map_add(&rs->all, &r->node, r->text, r->text_len);
    return r;
}

struct route *bide__route_get(struct routes *rs, const char *text, bide_tls *tls)
{
    size_t len = strlen(text);
    if (len > 2 * PROXY_TEXT_MAX) {
        bide_fail(BIDE_EURL, "proxy: a text of more than %d bytes", 2 * PROXY_TEXT_MAX);
        return NULL;
    }
    char *key = bide__buf_reserve(&rs->key, len + 1 + sizeof tls);
    if (!key)
        return NULL;

    size_t n = key_of(key, text, len, tls);
    struct map_node *node = bide__map_find(&rs->all, key, n);
    OPENSSL_cleanse(key, n);
    struct route *r = node ? container_of(node, struct route, node) : route_new(rs, text, len, tls);
    return r ? bide__route_share(r) : NULL;
}

void bide__route_release(struct route *r)
{
    if (!r || --r->shares > 0)
        return;
    if (r->routes)
        bide__map_remove(&r->routes->all, &r->node);
    route_free(r);
}

/* ---- all of them ---- */

int bide__routes_init(struct routes *rs)
{
    bide__buf_init(&rs->key, SIZE_MAX);
    return bide__map_init(&rs->all);
}

void bide__routes_free(struct routes *rs)
{
    for (size_t i = 0; rs->all.slots && i < rs->all.nslots; i++)
        for (struct map_node *n = rs->all.slots[i]; n; n = n->next)
            container_of(n, struct route, node)->routes = NULL;
    bide__map_free(&rs->all);
    bide__buf_free(&rs->key);
}
