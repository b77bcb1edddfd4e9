/* SPDX-License-Identifier: MIT */
/*
 * url_compare.c - two URLs side by side: do they lead to the same host, and what one takes over from the other.
 */
#include <string.h>

#include "http/url/url.h"

/* "[fe80::1" of "[fe80::1%25eth0]". */
static size_t address_len(const struct url *u)
{
    return u->hostname.len - 1 - u->zone_len;
}

void bide__url_inherit_zone(struct url *u, const struct url *from, char *storage, size_t cap)
{
    size_t len = address_len(u), zone_len = from->zone_len;
    if (u->host_kind != URL_IPV6 || from->host_kind != URL_IPV6 || u->zone_len > 0 || zone_len == 0 ||
        u->len + zone_len >= cap || len != address_len(from) ||
        memcmp(bide__url_part(u, u->hostname), bide__url_part(from, from->hostname), len) != 0)
        return;

    char *at = storage + u->hostname.off + len;
    memmove(at + zone_len, at, strlen(at) + 1);
    memcpy(at, bide__url_part(from, from->hostname) + len, zone_len);
    u->hostname.len += (uint32_t)zone_len;
    u->host.len += (uint32_t)zone_len;
    struct url_part *behind[] = {&u->path, &u->query, &u->fragment};
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++)
        behind[i]->off += behind[i]->off > 0 ? (uint32_t)zone_len : 0; /* a part that is not there has none */
    u->zone_len = from->zone_len;
    u->len += (uint32_t)zone_len;
}

bool bide__url_same_host(const struct url *a, const struct url *b)
{
    return a->hostname.len == b->hostname.len &&
           memcmp(bide__url_part(a, a->hostname), bide__url_part(b, b->hostname), a->hostname.len) == 0;
}

bool bide__url_same_origin(const struct url *a, const struct url *b)
{
    return a->scheme == b->scheme && a->port == b->port && bide__url_same_host(a, b);
}
