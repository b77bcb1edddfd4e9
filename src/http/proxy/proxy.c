/* SPDX-License-Identifier: MIT */
/*
 * proxy.c - the URL of a proxy, read by the parser of URLs; and the variables that name one.
 */
#include <ctype.h>

#include <openssl/crypto.h>

#include "http/proxy/proxy.h"

static const struct {
    const char *scheme;
    uint16_t port;
} kinds[] = {
    [PROXY_HTTP] = {"http", 80},       [PROXY_HTTPS] = {"https", 443},    [PROXY_SOCKS4A] = {"socks4a", 1080},
    [PROXY_SOCKS5] = {"socks5", 1080}, [PROXY_SOCKS5H] = {"socks5h", 1080},
};

const char *bide__proxy_scheme(enum proxy_kind kind)
{
    return kinds[kind].scheme;
}

/* What stands before "://": its kind, and the text behind it. */
static int read_scheme(struct proxy *p, const char **text, size_t *len)
{
    const char *mark = memmem(*text, *len, "://", 3);
    size_t n = mark ? (size_t)(mark - *text) : 0;

    if (!mark) {
        p->kind = PROXY_HTTP;
        return 0;
    }
    for (size_t i = 0; i < array_len(kinds); i++)
        if (strlen(kinds[i].scheme) == n && strncasecmp(kinds[i].scheme, *text, n) == 0) {
            p->kind = (uint8_t)i;
            *text += n + 3;
            *len -= n + 3;
            return 0;
        }
    return bide_fail(BIDE_EURL, "proxy: its scheme is none of http, https, socks5h, socks5 and socks4a");
}

static int hex_value(char c)
{
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* False: it is too long, or has control characters. */
static bool decode(char out[PROXY_PART_MAX + 1], const char *text, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        bool encoded = text[i] == '%' && len - i > 2 && isxdigit((unsigned char)text[i + 1]) && isxdigit((unsigned char)text[i + 2]);
        char c = encoded ? (char)(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2])) : text[i];
        if (n == PROXY_PART_MAX || (unsigned char)c < 0x20 || c == 0x7f)
            return false;
        out[n++] = c;
        i += encoded ? 2 : 0;
    }
    out[n] = '\0';
    return true;
}

static int read_user(struct proxy *p, const struct url *u)
{
    p->has_user = u->username.len + u->password.len > 0;
    if (!decode(p->user, bide__url_part(u, u->username), u->username.len) ||
        !decode(p->password, bide__url_part(u, u->password), u->password.len))
        return bide_fail(BIDE_EURL, "proxy: user or password is longer than %d bytes, or has control characters", PROXY_PART_MAX);
    if (p->kind <= PROXY_HTTPS && strchr(p->user, ':'))
        return bide_fail(BIDE_EURL, "proxy: a colon in the name of the user");
    if (p->kind == PROXY_SOCKS4A && p->password[0])
        return bide_fail(BIDE_EURL, "proxy: socks4a knows no password");
    return 0;
}

/* As a URL of this scheme, into storage. */
static int read_as(struct url *u, const char *scheme, const char *text, size_t len, char storage[PROXY_TEXT_MAX * 4])
{
    char whole[PROXY_TEXT_MAX + 16];
    int n = snprintf(whole, sizeof whole, "%s://%.*s", scheme, (int)len, text);
    int r = bide__url_parse(u, whole, (size_t)n, storage, PROXY_TEXT_MAX * 4);

    OPENSSL_cleanse(whole, sizeof whole);
    return r;
}

int bide__proxy_parse(struct proxy *out, const char *text, size_t len)
{
    char storage[PROXY_TEXT_MAX * 4];
    struct url u;
    int r;

    *out = (struct proxy){0};
    if (len > PROXY_TEXT_MAX || memchr(text, '\0', len))
        return bide_fail(BIDE_EURL, "proxy: a URL of more than %d bytes, or with a NUL", PROXY_TEXT_MAX);
    if ((r = read_scheme(out, &text, &len)) < 0)
        return r;
    /* The parser leaves out a port that is the scheme's own: with another scheme it shows whether there was one. */
    if ((r = read_as(&u, "https", text, len, storage)) == 0) {
        uint16_t port = u.port;
        r = read_as(&u, "http", text, len, storage);
        out->has_port = r == 0 && port == u.port;
    }
    if (r < 0)
        return bide_fail(BIDE_EURL, "proxy: %s", bide__url_strerror(r));
    if (u.path.len > 1 || u.has_query || u.has_fragment || u.hostname.len > PROXY_PART_MAX)
        return bide_fail(BIDE_EURL, "proxy: more than a host and a port, or a host of more than %d bytes", PROXY_PART_MAX);
    memcpy(out->host, bide__url_part(&u, u.hostname), u.hostname.len);
    out->port = out->has_port ? u.port : kinds[out->kind].port;
    r = read_user(out, &u);
    OPENSSL_cleanse(storage, sizeof storage);
    return r;
}

/* The first of these that is set, though it be empty. */
static const char *first_of(proxy_env_fn *env, void *arg, const char *lower, const char *upper)
{
    const char *value = env(lower, arg);

    return value || !upper ? value : env(upper, arg);
}

void bide__proxy_read_env(struct proxy_variables *out, proxy_env_fn *env, void *arg)
{
    const char *all = first_of(env, arg, "all_proxy", "ALL_PROXY");
    bool is_cgi = env("REQUEST_METHOD", arg);

    out->plain = first_of(env, arg, "http_proxy", is_cgi ? NULL : "HTTP_PROXY");
    out->secure = first_of(env, arg, "https_proxy", "HTTPS_PROXY");
    out->plain = out->plain ? out->plain : all;
    out->secure = out->secure ? out->secure : all;
    out->except = first_of(env, arg, "no_proxy", "NO_PROXY");
}
