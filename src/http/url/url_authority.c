/* SPDX-License-Identifier: MIT */
/*
 * url_authority.c - the authority of a URL in its canonical form: user, password, host (url_host.c), port.
 */
#include <string.h>

#include "http/url/url.h"

/* me:secret@, of which an empty half is left out. */
static void put_userinfo(struct url *u, struct url_out *out, const char *p, const char *end)
{
    const char *colon = memchr(p, ':', (size_t)(end - p));
    const char *user_end = colon ? colon : end;
    size_t start = out->len;

    bide__url_put_encoded(out, p, (size_t)(user_end - p), URL_SET_USERINFO);
    u->username = u->password = bide__url_part_since(out, start);
    u->password = (struct url_part){(uint32_t)out->len, 0};
    if (colon && colon + 1 < end) {
        bide__url_put(out, ":", 1);
        start = out->len;
        bide__url_put_encoded(out, colon + 1, (size_t)(end - colon - 1), URL_SET_USERINFO);
        u->password = bide__url_part_since(out, start);
    }
    if (u->username.len + u->password.len > 0)
        bide__url_put(out, "@", 1);
}

static int put_port(struct url *u, struct url_out *out, const char *p, const char *end)
{
    unsigned port = 0;
    if (p == end)
        return 0;

    while (p < end && *p == '0')
        p++;
    const char *digits = p; /* the canonical form */
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return URL_EPORT;
        port = port * 10 + (unsigned)(*p - '0');
        if (port > 65535)
            return URL_EPORT;
    }
    if (port == 0)
        return URL_EPORT;
    if (port == u->port)
        return 0;
    u->port = (uint16_t)port;
    bide__url_put(out, ":", 1);
    bide__url_put(out, digits, (size_t)(end - digits));
    return 0;
}

never_indirect int bide__url_put_authority(struct url *u, struct url_out *out, const char *p, const char *end)
{
    const char *at = memchr(p, '@', (size_t)(end - p));

    u->username = u->password = bide__url_part_since(out, out->len);
    if (at) {
        if (memchr(at + 1, '@', (size_t)(end - at - 1)))
            return URL_EAT;
        put_userinfo(u, out, p, at);
        p = at + 1;
    }
    /* Inside of brackets a ':' is no port's. */
    const char *bracket = p < end && *p == '[' ? memchr(p, ']', (size_t)(end - p)) : NULL;
    const char *colon = memchr(bracket ? bracket : p, ':', (size_t)(end - (bracket ? bracket : p)));
    const char *host_end = colon ? colon : end;
    size_t start = out->len;

    int r = bide__url_put_host(out, p, (size_t)(host_end - p), &u->host_kind, &u->zone_len);
    if (r < 0)
        return r;
    u->hostname = bide__url_part_since(out, start);
    r = colon ? put_port(u, out, colon + 1, end) : 0;
    u->host = bide__url_part_since(out, start);
    return r;
}
