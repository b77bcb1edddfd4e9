/* SPDX-License-Identifier: MIT */
/*
 * url.c - the public URL object: the parser's slices, each copied out with a NUL behind it, in one
 * allocation.
 */
#include <bide/url.h>

#include "base/base.h"
#include "http/url/url.h"

#define ON_STACK 2048
#define QUOTED 300 /* more than any message shows */

struct bide_url {
    struct object object;
    struct url url;
    const char *scheme, *username, *password, *origin, *host, *hostname, *path, *query, *fragment;
    char text[]; /* href, then the parts */
};

static void url_destroy(void *object)
{
    bide__object_free(object);
}

static const struct object_type url_type = {.name = "url", .destroy = url_destroy};

static const char *copy_part(char **at, const char *text, size_t len)
{
    char *copy = *at;

    memcpy(copy, text, len);
    copy[len] = '\0';
    *at += len + 1;
    return copy;
}

/* An address without its brackets, and with its zone as the system writes it: fe80::1%eth0. */
static const char *copy_hostname(char **at, const struct url *u)
{
    const char *name = bide__url_part(u, u->hostname), *copy = *at;
    if (u->host_kind != URL_IPV6)
        return copy_part(at, name, u->hostname.len);

    size_t address = u->hostname.len - 2 - u->zone_len;
    *at = mempcpy(*at, name + 1, address);
    if (u->zone_len > 0) {
        *(*at)++ = '%';
        *at = mempcpy(*at, name + 1 + address + 3, u->zone_len - 3u);
    }
    *(*at)++ = '\0';
    return copy;
}

static bide_url *make(const struct url *from)
{
    /* Each part once, host and hostname twice more, and eleven NULs. */
    bide_url *u = bide__object_alloc(sizeof *u + 2 * (size_t)from->len + 3 * (size_t)from->host.len + 32);
    if (!u) {
        bide__fail_nomem("URL");
        return NULL;
    }
    char *at = u->text;
    const char *scheme_end = strstr(from->href, "://");

    bide__object_init(u, &url_type);
    u->url = *from;
    u->url.href = copy_part(&at, from->href, from->len);
    u->scheme = copy_part(&at, from->href, (size_t)(scheme_end - from->href));
    u->username = copy_part(&at, bide__url_part(from, from->username), from->username.len);
    u->password = copy_part(&at, bide__url_part(from, from->password), from->password.len);
    u->origin = at;
    memcpy(at, from->href, (size_t)(scheme_end + 3 - from->href));
    at += scheme_end + 3 - from->href;
    copy_part(&at, bide__url_part(from, from->host), from->host.len);
    u->host = copy_part(&at, bide__url_part(from, from->host), from->host.len);
    u->hostname = copy_hostname(&at, from);
    u->path = copy_part(&at, bide__url_part(from, from->path), from->path.len);
    u->query = copy_part(&at, bide__url_part(from, from->query), from->query.len);
    u->fragment = copy_part(&at, bide__url_part(from, from->fragment), from->fragment.len);
    return u;
}

/* Where userinfo could begin: behind a scheme and slashes of either kind, or at once. */
static const char *authority_of(const char *text, const char *end)
{
    const char *at = text;

    while (at < end && !strchr(":/\\@", *at))
        at++;
    at += at < end && *at == ':';
    if (at == end || !strchr("/\\", *at))
        return text;
    while (at < end && strchr("/\\", *at))
        at++;
    return at;
}

/*
 * The '@' behind what could be user and password: the last one before the path.  A password may have what ends an
 * authority in it ("me:a/b@host"), and that is malformed, so here the colon decides, and too much is hidden, if need be.
 */
static const char *user_info_end(const char *start, const char *end)
{
    const char *stop = start;

    while (stop < end && !strchr("/?#\\", *stop))
        stop++;
    const char *at = memrchr(start, '@', (size_t)(stop - start));
    if (!at && memchr(start, ':', (size_t)(stop - start)))
        at = memrchr(start, '@', (size_t)(end - start));
    return at;
}

const char *bide__url_quote(char out[80], const char *text, size_t len)
{
    const char *end = text + len, *start = authority_of(text, end), *at = user_info_end(start, end);
    char without[QUOTED];
    size_t head = (size_t)(start - text);

    if (!at || head > QUOTED)
        return bide__shown(out, text, len);
    size_t tail = (size_t)(end - at) < QUOTED - head ? (size_t)(end - at) : QUOTED - head;
    memcpy(without, text, head);
    memcpy(without + head, at, tail);
    return bide__shown(out, without, head + tail);
}

static bide_url *fail(int error, const char *text, size_t len)
{
    char quoted[80];

    if (error == URL_ENOMEM)
        bide__fail_nomem("URL");
    else
        bide_fail(BIDE_EURL, "%s: %s", bide__url_quote(quoted, text, len),
                  bide__url_strerror(error));
    return NULL;
}

static bide_url *parse(const struct url *base, const char *text)
{
    char on_stack[ON_STACK];
    size_t len = strlen(text), need = bide__url_bound(len, base);
    char *storage = need <= sizeof on_stack ? on_stack : bide__malloc(need);
    struct url u;

    int r = storage ? bide__url_resolve(&u, base, text, len, storage, need) : URL_ENOMEM;
    bide_url *made = r < 0 ? fail(r, text, len) : make(&u);
    if (storage != on_stack)
        bide__free(storage);
    return made;
}

/* An argument that is NULL: -EINVAL on record. */
static bool is_missing(const void *argument, const char *function, const char *what)
{
    if (likely(argument != NULL))
        return false;
    bide_fail(-EINVAL, "%s: the %s is NULL", function, what);
    return true;
}

bide_url *bide_url_parse(const char *text)
{
    return is_missing(text, __func__, "text") ? NULL : parse(NULL, text);
}

bide_url *bide_url_resolve(const bide_url *base, const char *link)
{
    if (is_missing(base, __func__, "base") || is_missing(link, __func__, "link"))
        return NULL;
    return parse(&base->url, link);
}

bide_url *bide_url_with_query(const bide_url *url, const bide_pair *pairs)
{
    if (is_missing(url, __func__, "URL"))
        return NULL;
    size_t cap = (size_t)url->url.len + bide__query_encode(NULL, 0, pairs) + 2;
    char *storage = cap <= BIDE_URL_MAX + 1 ? bide__malloc(cap) : NULL;
    struct url u = url->url;

    if (!storage)
        return fail(cap <= BIDE_URL_MAX + 1 ? URL_ENOMEM : URL_ETOOLONG, u.href, u.len);
    memcpy(storage, u.href, u.len + 1);
    u.href = storage;
    int r = bide__url_add_query(&u, pairs, storage, cap);
    bide_url *made = r < 0 ? fail(r, url->url.href, url->url.len) : make(&u);
    bide__free(storage);
    return made;
}

const char *bide_url_href(const bide_url *url)
{
    return is_missing(url, __func__, "URL") ? "" : url->url.href;
}

const char *bide_url_scheme(const bide_url *url)
{
    return is_missing(url, __func__, "URL") ? "" : url->scheme;
}

const char *bide_url_username(const bide_url *url)
{
    return is_missing(url, __func__, "URL") ? "" : url->username;
}

const char *bide_url_password(const bide_url *url)
{
    return is_missing(url, __func__, "URL") ? "" : url->password;
}

const char *bide_url_origin(const bide_url *url)
{
    return is_missing(url, __func__, "URL") ? "" : url->origin;
}

const char *bide_url_host(const bide_url *url)
{
    return is_missing(url, __func__, "URL") ? "" : url->host;
}

const char *bide_url_hostname(const bide_url *url)
{
    return is_missing(url, __func__, "URL") ? "" : url->hostname;
}

int bide_url_port(const bide_url *url)
{
    return is_missing(url, __func__, "URL") ? -EINVAL : url->url.port;
}

const char *bide_url_path(const bide_url *url)
{
    return is_missing(url, __func__, "URL") ? "" : url->path;
}

const char *bide_url_query(const bide_url *url)
{
    return is_missing(url, __func__, "URL") ? "" : url->query;
}

const char *bide_url_fragment(const bide_url *url)
{
    return is_missing(url, __func__, "URL") ? "" : url->fragment;
}
