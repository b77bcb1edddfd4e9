/* SPDX-License-Identifier: MIT */
/*
 * match.c - which hosts and paths a cookie is for: RFC 6265bis 5.1, and the list of public suffixes.
 *
 * Names are compared in their canonical form (D13): lower case, ASCII, no dot at the end.  An address matches itself alone.
 */
#include "http/cookie/cookie.h"

struct cookie_host bide__cookie_host(const struct url *url)
{
    struct cookie_host h = {bide__url_part(url, url->hostname), url->hostname.len, url->host_kind == URL_NAME};

    if (url->host_kind == URL_IPV6) { /* [::1] */
        h.name++;
        h.len -= 2;
    } else if (h.len > 1 && h.name[h.len - 1] == '.') {
        h.len--;
    }
    return h;
}

bool bide__cookie_domain_match(struct cookie_host host, const char *domain, size_t len)
{
    if (host.len == len)
        return memcmp(host.name, domain, len) == 0;
    if (!host.is_name || len == 0 || host.len < len)
        return false;
    return host.name[host.len - len - 1] == '.' && memcmp(host.name + host.len - len, domain, len) == 0;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 6.2.2.2: %6F is another way to write an "o", because that needs no encoding; %2F is not another slash. */
static char next_char(const char **at, const char *end)
{
    const char *p = (*at)++;
    int high = *p == '%' && end - p > 2 ? hex_digit(p[1]) : -1, low = high < 0 ? -1 : hex_digit(p[2]), c = high * 16 + low;
    bool is_unreserved = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' ||
                         c == '_' || c == '~';

    if (low < 0 || !is_unreserved)
        return *p;
    *at = p + 3;
    return (char)c;
}

/* Behind the cookie's path in the URL's, as that is written, or as it could have been; NULL: it begins with another. */
static const char *skip_path(const char *path, const char *end, const char *of_cookie, size_t cookie_len)
{
    const char *stop = of_cookie + cookie_len;

    if ((size_t)(end - path) >= cookie_len && memcmp(path, of_cookie, cookie_len) == 0)
        return path + cookie_len;
    while (path < end && of_cookie < stop)
        if (next_char(&path, end) != *of_cookie++)
            return NULL;
    return of_cookie == stop ? path : NULL;
}

bool bide__cookie_path_match(const char *path, size_t len, const char *of_cookie, size_t cookie_len)
{
    const char *end = path + len, *rest = skip_path(path, end, of_cookie, cookie_len);

    return rest && (rest == end || *rest == '/' || (cookie_len > 0 && of_cookie[cookie_len - 1] == '/'));
}

size_t bide__cookie_default_path_len(const char *path, size_t len)
{
    const char *slash = len > 0 && path[0] == '/' ? memrchr(path, '/', len) : NULL;

    return slash && slash > path ? (size_t)(slash - path) : 1;
}

bool bide__is_public_suffix(const psl_ctx_t *list, const char *name)
{
    return !list || psl_is_public_suffix(list, name);
}

const char *bide__registrable_domain(const psl_ctx_t *list, const char *name)
{
    return list ? psl_registrable_domain(list, name) : NULL;
}

/* An IPv6 address may come with its brackets or without; it leaves without. */
ssize_t bide__cookie_canonical_host(char out[COOKIE_DOMAIN_SIZE], const char *text, size_t len, bool *is_name)
{
    char bracketed[COOKIE_DOMAIN_SIZE];
    struct url_out host = {.data = out, .cap = COOKIE_DOMAIN_SIZE - 1};
    uint8_t kind, zone;
    if (len == 0 || len > sizeof bracketed - 2 || text[len - 1] == '.')
        return COOKIE_EDOMAIN;

    if (text[0] != '[' && memchr(text, ':', len)) {
        bracketed[0] = '[';
        memcpy(bracketed + 1, text, len);
        bracketed[len + 1] = ']';
        text = bracketed;
        len += 2;
    }
    if (bide__url_put_host(&host, text, len, &kind, &zone) < 0 || host.full)
        return COOKIE_EDOMAIN;
    if (kind == URL_IPV6)
        memmove(out, out + 1, host.len -= 2);
    out[host.len] = '\0';
    *is_name = kind == URL_NAME;
    return (ssize_t)host.len;
}
