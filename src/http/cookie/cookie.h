/* SPDX-License-Identifier: MIT */
/*
 * cookie.h - the room's header: cookies as RFC 6265bis has them, in memory.  No I/O, and no clock: "now" is given.
 *
 * In reading order: match.c, set_cookie.c, jar.c, accept.c, select.c, netscape.c, api.c.  Times are seconds since 1970.
 */
#ifndef BIDE_HTTP_COOKIE_H
#define BIDE_HTTP_COOKIE_H

#include <libpsl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <bide/cookie.h>

#include "base/base.h"
#include "http/field/fields.h"
#include "http/url/host_name.h"

#define COOKIE_PAIR_MAX      4096               /* bytes of name and value together */
#define COOKIE_ATTRIBUTE_MAX 1024               /* of the value of an attribute; a longer one is not there */
#define COOKIE_LIFETIME_MAX  (400 * 86400)      /* seconds */
#define JAR_PER_DOMAIN_MAX   50                 /* cookies with the same domain */
#define JAR_PER_SITE_MAX     300                /* with the same registrable domain, once the jar is full */
#define JAR_MAX              3000
#define JAR_PER_RESPONSE_MAX 50                 /* Set-Cookie fields that are looked at */
#define JAR_HEADER_MAX       32768              /* bytes of a Cookie field */

/* X(name, why a cookie is refused) */
#define BIDE_COOKIE_ERRORS(X)                                                            \
    X(COOKIE_ECONTROL, "a control character is in it")                                   \
    X(COOKIE_EEMPTY, "it has neither a name nor a value")                                \
    X(COOKIE_ETOOLONG, "name and value are longer than 4096 bytes")                      \
    X(COOKIE_EDOMAIN, "its domain does not include the host")                            \
    X(COOKIE_ESUFFIX, "its domain is a public suffix")                                   \
    X(COOKIE_ESECURE, "it is Secure, and the URL is not")                                \
    X(COOKIE_EOVERLAY, "a Secure cookie has its name, and the URL is not secure")        \
    X(COOKIE_EPREFIX, "__Secure- demands Secure; __Host-, also Path=/ and no Domain")    \
    X(COOKIE_ESAMESITE, "SameSite=None demands Secure")                                  \
    X(COOKIE_ESTATE, "this jar takes no cookies")

enum cookie_error {
    COOKIE__FIRST = -2200,
#define BIDE__ERROR(name, text) name,
    BIDE_COOKIE_ERRORS(BIDE__ERROR)
#undef BIDE__ERROR
        COOKIE__END
};

const char *bide__cookie_strerror(int error);

/* ---- match.c: paths, and who registers names ---- */

/* RFC 6265bis 5.1.4. */
bool bide__cookie_path_match(const char *path, size_t len, const char *of_cookie, size_t cookie_len);
/* How much of a URL's path is the path of a cookie that has none: 1 for "/". */
size_t bide__cookie_default_path_len(const char *path, size_t len);

/* Does everybody register names below it?  Without a list: yes. */
bool bide__is_public_suffix(const psl_ctx_t *list, const char *name);
/* The name that somebody registered, a part of this one; NULL: it is a public suffix, or an address. */
const char *bide__registrable_domain(const psl_ctx_t *list, const char *name);

/* ---- set_cookie.c: one Set-Cookie field ---- */

struct set_cookie { /* slices of its text */
    const char *name, *value, *domain, *path;
    size_t name_len, value_len, domain_len, path_len; /* domain: without the dot in front; 0: none.  path: 0: none */
    int64_t max_age, expires;
    bool has_max_age, has_expires, domain_has_dot, secure, http_only;
    uint8_t same_site; /* enum bide_same_site */
};

/* 0, or enum cookie_error. */
int bide__set_cookie_parse(struct set_cookie *out, const char *text, size_t len);
/* What a name, a value or another part of a cookie may not hold. */
bool bide__cookie_text_ok(const char *text, size_t len);

/* ---- jar.c: those that were kept ---- */

#define COOKIE_NEVER INT64_MAX /* ends with the session */

struct cookie {
    struct list_node in_domain;
    struct jar_domain *domain;
    uint64_t id;          /* the order in which they were made */
    uint64_t used;        /* the order in which they were used last */
    int64_t expires;
    uint16_t name_len, value_len, path_len;
    bool host_only, secure, http_only;
    uint8_t same_site;
    char text[];          /* name NUL value NUL path NUL */
};

static inline const char *bide__cookie_name(const struct cookie *c)
{
    return c->text;
}
static inline const char *bide__cookie_value(const struct cookie *c)
{
    return c->text + c->name_len + 1;
}
static inline const char *bide__cookie_path(const struct cookie *c)
{
    return c->text + c->name_len + 1 + c->value_len + 1;
}
static inline bool bide__cookie_has_ended(const struct cookie *c, int64_t now)
{
    return c->expires <= now;
}

struct jar_domain {
    struct map_node node; /* by name */
    struct list_node cookies;
    unsigned n;
    bool is_public_suffix;
    size_t len;
    char name[];
};

/*
 *     domains:  "example.com"      ---> sid, lang      a request to www.example.com looks up
 *               "www.example.com"  ---> cart           www.example.com, example.com and com
 *
 *     all:      sid | cart | lang | free               by id, for those who look at all of them
 */
struct bide_cookie_jar {
    struct object object;
    struct map domains;
    struct cookie **all;
    size_t n, cap;
    uint64_t last_id, last_use;
    const psl_ctx_t *suffixes;
    bool is_closed;          /* BIDE_NO_COOKIES, BIDE_COOKIES_PER_REQUEST */
    struct cookie **chosen;  /* for the request that is being made, and its text */
    size_t nchosen, chosen_cap;
    struct buf header;
};

/* A cookie to be kept: what it says, and where it belongs. */
struct new_cookie {
    const char *name, *value, *domain, *path; /* domain: NUL behind it */
    size_t name_len, value_len, domain_len, path_len;
    int64_t expires;
    bool host_only, secure, http_only;
    uint8_t same_site;
};

/* Keep it, in place of the one with the same name, domain, path; one that has ended only removes that.  0 or BIDE_ENOMEM, on
 * record: the jar is as it was. */
int bide__jar_put(bide_cookie_jar *jar, const struct new_cookie *from, int64_t now);
void bide__jar_drop(bide_cookie_jar *jar, struct cookie *c);
struct jar_domain *bide__jar_find_domain(const bide_cookie_jar *jar, const char *name, size_t len);
/* The first with a greater id; NULL: that was the last. */
struct cookie *bide__jar_after(const bide_cookie_jar *jar, uint64_t id);

/* ---- accept.c: what an answer sets ---- */

/* 0; enum cookie_error: it is refused; BIDE_ENOMEM, on record. */
int bide__jar_accept(bide_cookie_jar *jar, const struct url *url, const struct set_cookie *from, int64_t now);
/* The same for the text of a field. */
int bide__jar_set(bide_cookie_jar *jar, const struct url *url, const char *text, size_t len, int64_t now);
/* 0, or enum cookie_error: what holds wherever the cookie comes from. */
int bide__cookie_check_prefix(const struct new_cookie *c);

int bide__jar_store_fields(bide_cookie_jar *jar, const struct url *url, const struct fields *fields, int64_t now);

/*
 * The client calls this for each answer, those that redirect included, before it asks elsewhere (R65).  What is refused is
 * passed over.
 *
 * Returns:  0; BIDE_ENOMEM, on record
 */
static inline int bide__jar_store(bide_cookie_jar *jar, const struct url *url, const struct fields *fields, int64_t now)
{
    if (likely(!jar || !bide__fields_have(fields, HEADER_SET_COOKIE)))
        return 0;
    return bide__jar_store_fields(jar, url, fields, now);
}

/* ---- select.c: what a request sends ---- */

struct jar_request {
    const struct url *url;
    int64_t now;
    bool is_led;    /* another site chose this URL (a redirect, see bide__cookie_same_site): SameSite=Strict stays here, */
    bool is_unsafe; /* and Lax as well if the method is none of GET, HEAD, OPTIONS, TRACE */
};

ssize_t bide__jar_choose(bide_cookie_jar *jar, const struct jar_request *q, const char **value);

/*
 * The client calls this for each hop.  An empty jar is one comparison; what is sent allocates only until the jar's memory has
 * grown to it.
 *
 * Returns:  the length of the Cookie field's value, 0: there is none to be sent; BIDE_ENOMEM, on record
 * Owns:     *value is borrowed until the next call for this jar
 */
static inline ssize_t bide__jar_header(bide_cookie_jar *jar, const struct jar_request *q, const char **value)
{
    if (likely(!jar || jar->n == 0))
        return 0;
    return bide__jar_choose(jar, q, value);
}

/* The same scheme, and the same registrable domain or address. */
bool bide__cookie_same_site(const psl_ctx_t *suffixes, const struct url *a, const struct url *b);

/* ---- netscape.c: cookies.txt ---- */

#define NETSCAPE_FILE_MAX ((size_t)24 << 20) /* a full jar is less */

/* How many there are in it; -EINVAL: it has lines, and none is one of a cookies.txt; BIDE_ENOMEM.  On record. */
int bide__jar_read_text(bide_cookie_jar *jar, const char *text, size_t len, int64_t now);
/* 0, or BIDE_ENOMEM, on record. */
int bide__jar_write_text(const bide_cookie_jar *jar, struct buf *out, int64_t now);

#endif
