/* SPDX-License-Identifier: MIT */
/*
 * route.c - the options about proxies as one text, as sessions have it: "preproxy, proxy", with user and password in the URL of
 * the last one; and the range of ports.
 */
#include "cli/route/route.h"

#include <stdlib.h>
#include <string.h>

#include "cli/terminal/text.h"

/* One of --proxy, --socks5, ...; a message if there are several. */
static int choose(const struct route_options *o, const char **scheme, const char **host)
{
    const struct {
        const char *option, *value, *scheme;
    } all[] = {{"--proxy", o->proxy, ""},
               {"--socks5", o->socks5, "socks5://"},
               {"--socks5-hostname", o->socks5_hostname, "socks5h://"},
               {"--socks4a", o->socks4a, "socks4a://"}};
    const char *first = NULL;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].value && first) {
            say("%s and %s exclude each other; --preproxy makes a chain", first, all[i].option);
            return EXIT_USAGE;
        }
        if (!all[i].value)
            continue;
        first = all[i].option;
        *scheme = all[i].scheme;
        *host = all[i].value;
    }
    return EXIT_OK;
}

/* What would end the user's part of a URL is percent-encoded. */
static void add_encoded(struct text *t, const char *text, size_t len)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        char encoded[3] = {'%', hex[c >> 4], hex[c & 15]};
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-._~", c);
        text_add(t, is_plain ? text + i : encoded, is_plain ? 1 : 3);
    }
}

static void add_user(struct text *t, const char *user)
{
    size_t len = strcspn(user, "\r\n"); /* of a file: its first line */
    const char *colon = memchr(user, ':', len);
    size_t name = colon ? (size_t)(colon - user) : len;

    add_encoded(t, user, name);
    text_add(t, ":", 1);
    if (colon)
        add_encoded(t, colon + 1, len - name - 1);
    text_add(t, "@", 1);
}

/* The URL, with --proxy-user before its host. */
static int add_proxy(struct text *t, const char *scheme, const char *url, const char *user)
{
    const char *mark = strstr(url, "://"), *host = mark ? mark + 3 : url, *at = strrchr(host, '@');

    if (user && strchr(url, ',')) {
        say("--proxy-user with a chain: write user and password into the URLs");
        return EXIT_USAGE;
    }
    text_add(t, scheme, strlen(scheme));
    if (mark)
        text_add(t, url, (size_t)(host - url));
    if (user)
        add_user(t, user);
    host = user && at ? at + 1 : host;
    text_add(t, host, strlen(host));
    return EXIT_OK;
}

int route_proxy(const struct route_options *o, const char *user, char **out)
{
    const char *scheme = "", *host = NULL;
    struct text t = {0};
    int code = choose(o, &scheme, &host);

    *out = NULL;
    if (code == EXIT_OK && !host && (o->preproxy || o->proxy_user)) {
        say("--%s without --proxy", o->preproxy ? "preproxy" : "proxy-user");
        code = EXIT_USAGE;
    }
    if (code != EXIT_OK || !host)
        return code;
    if (o->preproxy) {
        text_add(&t, o->preproxy, strlen(o->preproxy));
        text_add(&t, ", ", 2);
    }
    code = host[0] ? add_proxy(&t, scheme, host, user) : EXIT_OK;
    text_add(&t, "", 1);
    if (code == EXIT_OK && t.no_memory)
        code = say_no_memory();
    if (code == EXIT_OK)
        *out = t.data;
    else
        text_free(&t);
    return code;
}

/* ---- ports ---- */

static bool read_port(const char **at, int *port)
{
    char *end;
    unsigned long n = **at >= '0' && **at <= '9' ? strtoul(*at, &end, 10) : 0;
    if (n < 1 || n > 65535)
        return false;

    *port = (int)n;
    *at = end;
    return true;
}

bool route_read_ports(const char *text, int *first, int *last)
{
    *first = *last = 0;
    if (!text)
        return true;
    if (!read_port(&text, first))
        return false;
    *last = *first;
    if (*text == '-') {
        text++;
        if (!read_port(&text, last))
            return false;
    }
    return !*text && *last >= *first;
}
