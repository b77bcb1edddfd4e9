/* SPDX-License-Identifier: MIT */
/*
 * proxy.h - which proxy a URL is asked through: proxy URLs, the environment, NO_PROXY (R72 to R77).
 *
 * A proxy's user and password live here alone, and go nowhere but to the proxy (D3).  Names of hosts are resolved by the proxy with
 * http, https, socks5h and socks4a, and here with socks5.
 */
#ifndef BIDE_HTTP_PROXY_H
#define BIDE_HTTP_PROXY_H

#include "base/base.h"
#include "http/url/url.h"

#define PROXY_TEXT_MAX 2048 /* of a proxy's URL */
#define PROXY_PART_MAX 255  /* of its host, its user and its password: what SOCKS can say (RFC 1928, 1929) */

enum proxy_kind { PROXY_HTTP, PROXY_HTTPS, PROXY_SOCKS4A, PROXY_SOCKS5, PROXY_SOCKS5H };

struct proxy {
    uint8_t kind; /* enum proxy_kind */
    bool has_user, has_port;
    uint16_t port; /* default: 80, 443, 1080 */
    char host[PROXY_PART_MAX + 1]; /* as in a URL: an IPv6 address has its brackets */
    char user[PROXY_PART_MAX + 1], password[PROXY_PART_MAX + 1]; /* percent-decoded */
};

const char *bide__proxy_scheme(enum proxy_kind kind);

/* Read "[SCHEME://][USER[:PASSWORD]@]HOST[:PORT][/]"; without a scheme it is http.  0; BIDE_EURL: the text says why, not what. */
int bide__proxy_parse(struct proxy *out, const char *text, size_t len);

/* A variable of the environment, or NULL: getenv, or a test's. */
typedef const char *proxy_env_fn(const char *name, void *arg);

/* What the environment says; borrowed from it, NULL: nothing, "": none. */
struct proxy_variables {
    const char *plain, *secure; /* the proxy for http, for https */
    const char *except;         /* NO_PROXY */
};

/*
 * Read http_proxy, https_proxy, then all_proxy, each in lower case before upper case; an empty one means none.  HTTP_PROXY is
 * not looked at where REQUEST_METHOD is set: there it may be a field of a request (CVE-2016-5385).
 */
void bide__proxy_read_env(struct proxy_variables *out, proxy_env_fn *env, void *arg);

/*
 * Does this list (NO_PROXY) name the URL's host?
 *
 *     *            all
 *     a.example    it and all below it; so do .a.example and *.a.example
 *     a.example:81 that port only; [::1]:81
 *     10.0.0.0/8   addresses; 2001:db8::/32.  Nothing is resolved: a name is no address
 */
bool bide__no_proxy_has(const char *list, const struct url *u);

#endif
