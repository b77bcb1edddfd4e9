/* SPDX-License-Identifier: MIT */
/*
 * hsts.h - the room's header: hosts that said to be asked over TLS alone (RFC 6797).  No I/O, and no clock: "now" is given, in
 * seconds since 1970.
 *
 * In reading order: directive.c, hsts.c, hsts_text.c.
 */
#ifndef BIDE_HTTP_HSTS_H
#define BIDE_HTTP_HSTS_H

#include <bide/hsts.h>

#include "base/base.h"
#include "http/field/fields.h"
#include "http/url/host_name.h"

#define HSTS_MAX          4096                       /* hosts */
#define HSTS_LIFETIME_MAX ((int64_t)10 * 366 * 86400) /* seconds */
#define HSTS_FILE_MAX     ((size_t)2 << 20)          /* a full store is less */

/* ---- directive.c: the value of Strict-Transport-Security ---- */

struct hsts_said {
    int64_t max_age; /* at most HSTS_LIFETIME_MAX */
    bool include_subdomains;
};

/* False: it is not as RFC 6797 6.1 says, and means nothing. */
bool bide__hsts_parse(struct hsts_said *out, const char *value, size_t len);

/* ---- hsts.c: the hosts ---- */

struct hsts_host {
    struct map_node node; /* by name */
    struct list_node in_order;
    int64_t ends;
    bool include_subdomains;
    size_t len;
    char name[]; /* canonical */
};

struct bide_hsts {
    struct object object;
    struct map hosts;
    struct list_node order; /* those that were met longest ago first: they go when there are too many */
};

/* Keep, change or (max_age 0) forget a host; the name is canonical.  0, or BIDE_ENOMEM on record. */
int bide__hsts_put(bide_hsts *h, struct host_name host, const struct hsts_said *said, int64_t now);

/*
 * The client calls this for each answer that came over TLS whose certificate was verified: nothing else may (R122).
 *
 * Returns:  0; BIDE_ENOMEM, on record
 */
int bide__hsts_store_fields(bide_hsts *h, const struct url *url, const struct fields *fields, int64_t now);
static inline int bide__hsts_store(bide_hsts *h, const struct url *url, const struct fields *fields, int64_t now)
{
    if (likely(!h || !bide__fields_have(fields, HEADER_STRICT_TRANSPORT_SECURITY)))
        return 0;
    return bide__hsts_store_fields(h, url, fields, now);
}

bool bide__hsts_applies(bide_hsts *h, struct host_name host, int64_t now);
/* Make it https or wss, in its own storage: port 80 becomes 443, others stay.  False: there is no room (one byte more). */
bool bide__hsts_upgrade(struct url *u, char *storage, size_t cap);

/* The client asks this for each hop: is this URL to be upgraded?  A comparison, if the store is empty. */
static inline bool bide__hsts_wants(bide_hsts *h, const struct url *url, int64_t now)
{
    if (likely(!h || h->hosts.count == 0) || bide__url_is_secure(url))
        return false;
    return bide__hsts_applies(h, bide__host_name_of(url), now);
}

/* ---- hsts_text.c: the file that curl has ---- */

/* How many there were; -EINVAL: it has lines, and none is one of such a file; BIDE_ENOMEM.  On record. */
int bide__hsts_read_text(bide_hsts *h, const char *text, size_t len, int64_t now);
int bide__hsts_write_text(const bide_hsts *h, struct buf *out, int64_t now);

#endif
