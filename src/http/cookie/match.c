/* SPDX-License-Identifier: MIT */
/* match.c - which paths a cookie is for (RFC 6265bis 5.1.4), and the list of public suffixes. */
#include "http/cookie/cookie.h"

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
