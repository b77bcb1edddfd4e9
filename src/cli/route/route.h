/* SPDX-License-Identifier: MIT */
/*
 * route.h - how requests get to their servers, and whom to trust there: proxies, Unix sockets, TLS.
 *
 * Parts of struct http_options; ROUTE_OPTIONS and TRUST_OPTIONS fill them.
 */
#ifndef BIDE_CLI_ROUTE_H
#define BIDE_CLI_ROUTE_H

#include <stdlib.h>

#include <bide/dns.h>
#include <bide/tls.h>

#include "cli/option/opt.h"

struct route_options {
    const char *proxy;      /* as .proxy of a session; NULL: as the environment says */
    const char *preproxy;   /* the hop before it */
    const char *socks5, *socks5_hostname, *socks4a; /* HOST[:PORT] */
    const char *proxy_user; /* "NAME:PASSWORD", "@FILE" */
    const char *noproxy;
    const char *unix_socket;
    struct opt_list resolve; /* "HOST:PORT:ADDRESS" */
    bool ipv4, ipv6, public_only;
    const char *interface;
    const char *dns_servers; /* "ADDRESS[:PORT],..." */
    const char *local_port;  /* "FIRST[-LAST]" */
};

#define ROUTE_OPTIONS(S, m)                                                                                            \
    {"proxy", 'x', "URL", OPT_STRING(S, m.proxy), .secret = true, .rare = true, .group = "Proxy",                      \
     .help = "ask through it: http, https, socks5h, socks5, socks4a; two with a comma between are a chain; '': none, " \
             "whatever http_proxy, https_proxy and all_proxy say"},                                                   \
    {"preproxy", 0, "URL", OPT_STRING(S, m.preproxy), .secret = true, .rare = true,                                   \
     .help = "the proxy through which --proxy is reached"},                                                            \
    {"proxy-user", 'U', "USER", OPT_STRING(S, m.proxy_user), .secret = true, .rare = true,                            \
     .help = "NAME:PASSWORD for the proxy alone (Basic, or Digest if it asks for that); @FILE reads it; NAME alone: as with --user"},              \
    {"noproxy", 0, "LIST", OPT_STRING(S, m.noproxy), .rare = true,                                                     \
     .help = "hosts that are asked directly: a.example, .b.example, 10.0.0.0/8, c.example:81, *; in place of NO_PROXY"}, \
    {"socks5", 0, "HOST", OPT_STRING(S, m.socks5), .rare = true,                                                       \
     .help = "as --proxy socks5://HOST: names are looked up here"},                                                   \
    {"socks5-hostname", 0, "HOST", OPT_STRING(S, m.socks5_hostname), .rare = true,                                     \
     .help = "as --proxy socks5h://HOST: the proxy looks them up"},                                                    \
    {"socks4a", 0, "HOST", OPT_STRING(S, m.socks4a), .rare = true, .help = "as --proxy socks4a://HOST"},               \
    {"unix-socket", 0, "PATH", OPT_STRING(S, m.unix_socket), .rare = true,                                             \
     .help = "ask over this Unix socket, whatever the host is; @NAME: an abstract one"},                               \
    {"resolve", 0, "H:P:ADDRESS", OPT_LIST(S, m.resolve), .rare = true, .group = "Addresses",                          \
     .help = "host H with port P (*: any) has this address; several with commas between"},                            \
    {"ipv4", '4', NULL, OPT_FLAG(S, m.ipv4), .excludes = "ipv6", .rare = true, .help = "try IPv4 addresses of names alone"},               \
    {"ipv6", '6', NULL, OPT_FLAG(S, m.ipv6), .excludes = "ipv4", .rare = true, .help = "try IPv6 addresses of names alone"},               \
    {"public-only", 0, NULL, OPT_FLAG(S, m.public_only), .rare = true,                                                 \
     .help = "connect to no address of this machine or a private network, whatever a name or a redirect leads to; no proxies"}, \
    {"interface", 0, "NAME", OPT_STRING(S, m.interface), .rare = true,                                                 \
     .help = "leave this machine by an interface, or from one of its addresses"},                                      \
    {"local-port", 0, "N[-M]", OPT_STRING(S, m.local_port), .rare = true,                                              \
     .help = "leave it from this port, or one of these: as many connections at most"},                                 \
    {"dns-servers", 0, "LIST", OPT_STRING(S, m.dns_servers), .rare = true,                                             \
     .help = "look names up there, in place of /etc/resolv.conf: addresses with commas between, 127.0.0.1:5353,[::1]:53"}

/*
 * The session's .proxy of these options, owned: *out NULL: they name none.  user: what --proxy-user says; or NULL.
 *
 * Returns:   EXIT_OK, else after a message
 */
int route_proxy(const struct route_options *o, const char *user, char **out);

/* The ports of --local-port; NULL: 0 and 0.  false: it is something else. */
bool route_read_ports(const char *text, int *first, int *last);
static inline int route_port(const struct route_options *o, bool is_last)
{
    int first, last;

    return !route_read_ports(o->local_port, &first, &last) ? 0 : is_last ? last : first;
}

/* What a session takes of these options, but for the proxy. */
#define ROUTE_OF_SESSION(r)                                                                                            \
    .no_proxy = (r)->noproxy, .unix_socket = (r)->unix_socket, .resolve_to = (r)->resolve.items,                       \
    .ipv4_only = (r)->ipv4, .ipv6_only = (r)->ipv6, .public_only = (r)->public_only, .interface = (r)->interface,                                       \
    .local_port = route_port((r), false), .local_port_last = route_port((r), true),                                    \
    .dns = (r)->dns_servers ? BIDE_DNS(.servers = (r)->dns_servers) : NULL

/* ---- TLS ---- */

enum tls_version { TLS_ANY, TLS_1_2, TLS_1_3 };

struct trust_options {
    const char *ca_path, *cert, *key, *pass, *pin, *pinned_key, *ciphers, *keylog;
    int tls_min, tls_max; /* enum tls_version */
};

extern const char *const tls_versions[];

#define TRUST_OPTIONS(S, m)                                                                                            \
    {"capath", 0, "DIR", OPT_STRING(S, m.ca_path), .rare = true, .group = "TLS",                                       \
     .help = "trust the certificates in this directory, by hash (openssl rehash), in place of the system's"},         \
    {"cert", 'E', "FILE", OPT_STRING(S, m.cert), .rare = true,                                                         \
     .help = "show this certificate when asked: PEM, or PKCS#12 with its key"},                                        \
    {"key", 0, "FILE", OPT_STRING(S, m.key), .rare = true, .help = "its key (PEM; default: in the same file)"},        \
    {"pass", 0, "TEXT", OPT_STRING(S, m.pass), .secret = true, .rare = true, .help = "the password of the key"},       \
    {"pin", 0, "HASHES", OPT_STRING(S, m.pin), .excludes = "pinnedpubkey", .rare = true,                               \
     .help = "the server's public key must be one of these, beside being trusted: 'sha256//BASE64;sha256//...'"},     \
    {"pinnedpubkey", 0, "HASHES", OPT_STRING(S, m.pinned_key), .excludes = "pin", .rare = true, .help = "as --pin"},  \
    {"tls-min", 0, "VERSION", OPT_CHOICE(S, m.tls_min), .choices = tls_versions, .def = "any", .rare = true,           \
     .help = "refuse older versions of TLS; any: 1.2"},                                                                \
    {"tls-max", 0, "VERSION", OPT_CHOICE(S, m.tls_max), .choices = tls_versions, .def = "any", .rare = true,           \
     .help = "offer no newer version of TLS"},                                                                         \
    {"ciphers", 0, "LIST", OPT_STRING(S, m.ciphers), .rare = true,                                                     \
     .help = "those of OpenSSL with colons between, the best first; TLS_... are those of TLS 1.3"},                     \
    {"keylog", 0, "FILE", OPT_STRING(S, m.keylog), .rare = true,                                                       \
     .help = "append the secrets of each connection, for Wireshark (default: $SSLKEYLOGFILE)"}

/* 0: the library's own. */
static inline int trust_version(int version)
{
    return version == TLS_1_2 ? 0x0303 : version == TLS_1_3 ? 0x0304 : 0;
}

static inline const char *trust_keylog(const struct trust_options *t)
{
    const char *file = t->keylog ? t->keylog : getenv("SSLKEYLOGFILE");

    return file && *file ? file : NULL;
}

/* Without, no context is made before it is needed. */
static inline bool trust_is_said(const struct trust_options *t)
{
    return t->ca_path || t->cert || t->key || t->pin || t->pinned_key || t->ciphers || trust_keylog(t) || t->tls_min || t->tls_max;
}

#define TRUST_TLS(t)                                                                                                   \
    BIDE_TLS(.ca_dir = (t)->ca_path, .cert_file = (t)->cert, .key_file = (t)->key, .key_password = (t)->pass,          \
             .pins = (t)->pin ? (t)->pin : (t)->pinned_key, .ciphers = (t)->ciphers, .keylog_file = trust_keylog(t),                                \
             .min_version = trust_version((t)->tls_min), .max_version = trust_version((t)->tls_max))

#endif
