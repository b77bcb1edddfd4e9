/* SPDX-License-Identifier: MIT */
/*
 * session_addresses.c - where a session connects to and where from: connect_to, resolve_to, families, interface and ports,
 * name servers.
 */
#include <stdio.h>
#include <stdlib.h>

#include "http/client/client.h"

/* ---- one text ---- */

/* The next part up to a colon, in brackets if it has colons itself; ends the string there. */
static char *next_part(char **at)
{
    char *start = *at;
    if (!start)
        return NULL;
    char *end = *start == '[' ? strchr(start, ']') : start;
    char *colon = end ? strchr(end, ':') : NULL;

    *at = colon ? colon + 1 : NULL;
    if (colon)
        *colon = '\0';
    return start;
}

static bool parse_port(const char *text, int *port)
{
    char *end;
    long n = strtol(text, &end, 10);

    *port = (int)n;
    return !*text || (*text >= '0' && *text <= '9' && !*end && n >= 1 && n <= 65535);
}

/* HOST:PORT:ADDR:PORT as curl has it; what is empty means any, or as it was. */
static int parse_override(bide_session *s, void *out, const char *text)
{
    struct connect_override *d = out;
    char *copy = bide__arena_strndup(&s->strings, text, strlen(text)), *at = copy;
    if (!copy)
        return BIDE_ENOMEM;
    const char *host = next_part(&at), *port = next_part(&at), *addr = next_part(&at), *addr_port = at;

    if (!addr_port || !parse_port(port, &d->port) || !parse_port(addr_port, &d->addr_port))
        return bide_fail(-EINVAL, "connect_to \"%s\": not HOST:PORT:ADDR:PORT", text);
    d->host = *host ? host : NULL;
    d->addr = *addr ? addr : NULL;
    return 0;
}

static bool are_addresses(const char *list)
{
    char one[INET6_ADDRSTRLEN + 32];
    struct addr a;

    do {
        size_t len = strcspn(list, ",");
        snprintf(one, sizeof one, "%.*s", len < sizeof one ? (int)len : 0, list);
        if (!bide__addr_parse(&a, one, 0))
            return false;
        list += len;
    } while (*list++ == ',');
    return true;
}

/* HOST:PORT:ADDRESS[,ADDRESS] as curl has it; an IPv6 address may have brackets. */
static int parse_addresses(bide_session *s, void *out, const char *text)
{
    struct address_override *a = out;
    char *copy = bide__arena_strndup(&s->strings, text, strlen(text)), *at = copy;
    if (!copy)
        return BIDE_ENOMEM;
    const char *host = next_part(&at), *port = next_part(&at);
    bool is_any = port && strcmp(port, "*") == 0;

    if (!at || !*host || (!is_any && (!*port || !parse_port(port, &a->port))) || !are_addresses(at))
        return bide_fail(-EINVAL, "resolve_to \"%s\": not HOST:PORT:ADDRESS[,ADDRESS]", text);
    a->host = host;
    a->addresses = at;
    return 0;
}

/* ---- lists of them ---- */

/* Each text of a NULL-ended list parsed into an array of items, which are zeros before.  How many, or an error. */
static ssize_t parse_each(bide_session *s, const char *const *texts, size_t size, void **items,
                          int (*parse)(bide_session *s, void *out, const char *text))
{
    size_t n = 0;

    while (texts && texts[n])
        n++;
    if (n == 0)
        return 0;
    *items = bide__arena_alloc(&s->strings, n * size);
    if (!*items)
        return BIDE_ENOMEM;
    memset(*items, 0, n * size);
    for (size_t i = 0; i < n; i++)
        BIDE_TRY(parse(s, (char *)*items + i * size, texts[i]));
    return (ssize_t)n;
}

static int set_overrides(bide_session *s, const bide_session_args *args)
{
    struct connector *k = &s->connector;
    void *overrides = NULL, *addresses = NULL;

    ssize_t n = parse_each(s, args->connect_to, sizeof *k->overrides, &overrides, parse_override);
    if (n < 0)
        return (int)n;
    k->overrides = overrides;
    k->noverrides = (size_t)n;
    n = parse_each(s, args->resolve_to, sizeof *k->addresses, &addresses, parse_addresses);
    if (n < 0)
        return (int)n;
    k->addresses = addresses;
    k->naddresses = (size_t)n;
    return 0;
}

/* ---- where it leaves from ---- */

static int set_local(bide_session *s, const bide_session_args *args)
{
    struct connector *k = &s->connector;

    BIDE_TRY(bide__local_ports_check(args->local_port, args->local_port_last, "bide_session_new"));
    k->local_port = args->local_port;
    k->local_port_last = args->local_port_last;
    if (args->interface && !(k->interface = bide__arena_strndup(&s->strings, args->interface, strlen(args->interface))))
        return BIDE_ENOMEM;
    return 0;
}

int bide__session_set_addresses(bide_session *s, const bide_session_args *args)
{
    if (args->ipv4_only && args->ipv6_only)
        return bide_fail(-EINVAL, "bide_session_new: .ipv4_only and .ipv6_only exclude each other");
    if (args->public_only && args->dial)
        return bide_fail(-EINVAL, "bide_session_new: .public_only cannot know where .dial leads");
    s->connector.public_only = args->public_only;
    s->connector.family = args->ipv4_only ? AF_INET : args->ipv6_only ? AF_INET6 : 0;
    BIDE_TRY(set_overrides(s, args));
    BIDE_TRY(set_local(s, args));
    if (args->dns && !(s->connector.dns = bide__dns_config_new(&s->strings, args->dns, "bide_session_new")))
        return bide_error_code();
    return 0;
}
