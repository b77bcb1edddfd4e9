/* SPDX-License-Identifier: MIT */
/*
 * url.h - the URL parser without objects: text in, slices of one normalised text out, in memory of
 * the caller.
 *
 *     char storage[2048];
 *     struct url u;
 *     int r = bide__url_parse(&u, text, len, storage, sizeof storage);    0 or enum url_error
 *
 * Only an international host name allocates, inside libidn2.
 *
 *     https://me:secret@example.com:8080/a/b?c=d#e
 *             |username |hostname        |path
 *                |password   host with port  |query |fragment
 */
#ifndef BIDE_HTTP_URL_H
#define BIDE_HTTP_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <bide/url.h>

#include "base/hardening.h"

/* X(name, text) */
#define BIDE_URL_ERRORS(X)                                     \
    X(URL_ENOSCHEME, "no scheme (http:// or https://)")        \
    X(URL_ESCHEME, "unsupported scheme")                       \
    X(URL_ESLASHES, "the scheme is not followed by //")        \
    X(URL_EBLANK, "tab, CR or LF in it")                       \
    X(URL_EBACKSLASH, "backslash in it")                       \
    X(URL_ENOHOST, "no host")                                  \
    X(URL_EHOST, "invalid character in the host")              \
    X(URL_EPERCENT, "percent sign in the host")                \
    X(URL_ELABEL, "empty label in the host")                   \
    X(URL_EIDNA, "the host is not a valid international name") \
    X(URL_EIPV4, "the host is a number but not a dotted quad") \
    X(URL_EIPV6, "invalid IPv6 address")                       \
    X(URL_EZONE, "invalid zone of an IPv6 address, as in [fe80::1%25eth0]") \
    X(URL_EAT, "more than one @ before the path")              \
    X(URL_EPORT, "the port is not a number from 1 to 65535")   \
    X(URL_ETOOLONG, "longer than 65535 bytes")                 \
    X(URL_ENOMEM, "out of memory")

enum url_error {
    URL__FIRST = -2000,
#define BIDE__ERROR(name, text) name,
    BIDE_URL_ERRORS(BIDE__ERROR)
#undef BIDE__ERROR
        URL__END
};

const char *bide__url_strerror(int error);

enum url_scheme { URL_HTTP, URL_HTTPS, URL_WS, URL_WSS };

enum url_host_kind { URL_NAME, URL_IPV4, URL_IPV6 };

struct url_part {
    uint32_t off, len; /* in href */
};

struct url {
    const char *href; /* ends with a NUL */
    uint32_t len;
    struct url_part username, password;
    struct url_part hostname;        /* lower case, ASCII; an IPv6 address has its brackets, and its zone */
    struct url_part host;            /* hostname, and :port unless it is the scheme's own */
    struct url_part path;            /* never empty */
    struct url_part query, fragment; /* without ? and # */
    uint16_t port;                   /* always set */
    uint8_t scheme;                  /* enum url_scheme */
    uint8_t host_kind;               /* enum url_host_kind */
    uint8_t zone_len;                /* "%25eth0" before the closing bracket of an IPv6 address; 0: none */
    bool has_query, has_fragment;
};

static inline const char *bide__url_part(const struct url *u, struct url_part part)
{
    return u->href + part.off;
}

/* Path and query: what stands in a request line (RFC 9112 3.2.1). */
static inline struct url_part bide__url_target(const struct url *u)
{
    uint32_t end = u->has_query ? u->query.off + u->query.len : u->path.off + u->path.len;
    return (struct url_part){u->path.off, end - u->path.off};
}

/* https, wss */
static inline bool bide__url_is_secure(const struct url *u)
{
    return u->scheme == URL_HTTPS || u->scheme == URL_WSS;
}

/* Storage that is enough for any text of this length (and base); the longest is BIDE_URL_MAX + 1.
 */
never_indirect size_t bide__url_bound(size_t len, const struct url *base);

/* Read an absolute URL; storage holds the result and must live as long as it.  0 or enum url_error.
 */
never_indirect int bide__url_parse(struct url *out, const char *text, size_t len, char *storage, size_t cap);

/* The origin of a URL that was read, to be known again; all zeros: none. */
#define URL_ORIGIN_MAX 128 /* bytes that may be known */
struct url_origin {
    struct url url; /* its root; href is the member below, or NULL: none */
    char href[URL_ORIGIN_MAX];
};
/* bide__url_parse, of URLs that often have the same origin, one after the other. */
never_indirect int bide__url_parse_next(struct url *out, struct url_origin *known, const char *text, size_t len,
                                        char *storage, size_t cap);

/* Read a link on the page `base`, whose storage is another one. */
never_indirect int bide__url_resolve(struct url *out, const struct url *base, const char *text, size_t len,
                                     char *storage, size_t cap);

/* Append pairs to the query of a URL in its own storage. */
int bide__url_add_query(struct url *u, const bide_pair *pairs, char *storage, size_t cap);

/* A link to the same IPv6 address leads over the same interface: who made it could not know the zone.  It is inserted,
 * into u's own storage. */
void bide__url_inherit_zone(struct url *u, const struct url *from, char *storage, size_t cap);

/* The same scheme, host and port: may credentials of one go to the other? */
bool bide__url_same_origin(const struct url *a, const struct url *b);
bool bide__url_same_host(const struct url *a, const struct url *b);

/* For messages: bide__shown of it, without user and password. */
const char *bide__url_quote(char out[80], const char *text, size_t len);

/* ---- between the files of the parser ---- */

/* What must be percent-encoded where. */
#define URL_SET_USERINFO 1
#define URL_SET_PATH     2
#define URL_SET_QUERY    4
#define URL_SET_FRAGMENT 8
#define URL_SET_FORM     16
/* And what ends a part of a URL, or may not stand in it: ? # \ tab CR LF. */
#define URL_SET_MARK     32

extern const uint8_t bide__url_char_sets[256];

/* Bytes written to memory with an end; `full` once they did not fit. */
struct url_out {
    char *data;
    size_t len, cap;
    bool full;
};

/* What was written since it had `start` bytes. */
static inline struct url_part bide__url_part_since(const struct url_out *out, size_t start)
{
    return (struct url_part){(uint32_t)start, (uint32_t)(out->len - start)};
}

never_indirect void bide__url_put(struct url_out *out, const char *bytes, size_t len);
never_indirect void bide__url_put_encoded(struct url_out *out, const char *bytes, size_t len, uint8_t set);

/* "me:secret@host:8080": write it, and its parts into u, whose port is the scheme's.  0 or enum url_error. */
never_indirect int bide__url_put_authority(struct url *u, struct url_out *out, const char *p, const char *end);

/* Write the canonical form of a host as it stands in a URL. */
never_indirect int bide__url_put_host(struct url_out *out, const char *host, size_t len, uint8_t *kind, uint8_t *zone_len);

/* url_idna.c: the same for a name that is not all ASCII; its ASCII form, still to be checked. */
int bide__url_put_international(struct url_out *out, const char *host, size_t len);

/* ---- url_punycode.c: one label of a name, as characters ---- */

#define URL_LABEL_MAX 63 /* RFC 1035 2.3.4: bytes of a label, and so characters of it */

struct url_label {
    uint32_t chars[URL_LABEL_MAX];
    size_t n;
};

/* False: there is no room. */
bool bide__label_insert(struct url_label *l, size_t at, uint32_t c);
/* The smallest character that is not below c; UINT32_MAX: there is none. */
uint32_t bide__label_next(const struct url_label *l, uint32_t c);
/* Append what the text behind "xn--" stands for.  False: for nothing, or too much. */
bool bide__label_decode(struct url_label *out, const char *text, size_t len);
/* Those in ASCII alone: how many.  All, behind "xn--". */
size_t bide__label_put_ascii(struct url_out *out, const struct url_label *l);
void bide__label_put_encoded(struct url_out *out, const struct url_label *l);

/* name=value&name=value, application/x-www-form-urlencoded; returns what it needs, writes what
 * fits. */
size_t bide__query_encode(char *out, size_t cap, const bide_pair *pairs);

#endif
