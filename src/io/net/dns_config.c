/* SPDX-License-Identifier: MIT */
/* dns_config.c - the options of a resolver, checked; its servers in one spelling, so that lists can be compared. */
#include <stdio.h>
#include <stdlib.h>

#include "io/net/dns.h"

#define SERVERS_MAX 8
#define SERVER_TEXT_MAX (INET6_ADDRSTRLEN + 16 + sizeof "[]:65535,")
#define PORT 53
#define TIMEOUT_MS 2000
#define TIMEOUT_MAX_MS 600000
#define TRIES 3
#define TRIES_MAX 10
#define MIN_TTL_MS 1000
#define MAX_TTL_MS 300000
#define NEGATIVE_TTL_MS 1000
#define NAMES_MAX 1024

/* ---- servers ---- */

/* A port behind an address: in "1.2.3.4:53" and "[::1]:53", but not in "::1". */
static char *find_port(char *text)
{
    char *from = text[0] == '[' ? strchr(text, ']') : text, *colon = from ? strchr(from, ':') : NULL;

    return colon && !strchr(colon + 1, ':') ? colon : NULL;
}

static bool parse_server(struct addr *a, char *text)
{
    char *end, *colon = find_port(text);
    unsigned long port = PORT;

    if (colon) {
        *colon = '\0';
        port = colon[1] >= '0' && colon[1] <= '9' ? strtoul(colon + 1, &end, 10) : 0;
        if (port < 1 || port > 65535 || *end)
            return false;
    }
    return bide__addr_parse(a, text, (int)port);
}

/* The next word of the list, copied; its length, or 0 if it is too long for an address. */
static size_t take_word(const char **list, char *out, size_t cap)
{
    const char *at = *list + strspn(*list, " ");
    size_t len = strcspn(at, ","), n = len;

    *list = at + len;
    while (n > 0 && at[n - 1] == ' ')
        n--;
    if (n >= cap)
        return 0;
    memcpy(out, at, n);
    out[n] = '\0';
    return n;
}

static int bad_servers(const char *who, const char *list, const char *why)
{
    return bide_fail(-EINVAL, "%s: dns.servers = \"%.80s\": %s", who, list, why);
}

/* "127.0.0.1:53,[::1]:5353" */
static int spell_servers(char *out, const char *list, const char *who)
{
    char word[SERVER_TEXT_MAX];
    const char *at = list;
    struct addr a;

    for (int n = 0;; n++, at++) {
        if (n == SERVERS_MAX)
            return bad_servers(who, list, "more than 8");
        if (take_word(&at, word, sizeof word) == 0 || !parse_server(&a, word))
            return bad_servers(who, list, "not addresses with commas between, such as 127.0.0.1:5353, [::1]:53");
        if (n > 0)
            *out++ = ',';
        bide__addr_format(&a, out, SERVER_TEXT_MAX);
        out += strlen(out);
        if (!*at)
            return 0;
    }
}

/* ---- numbers ---- */

static int check(const bide_dns_args *a, const char *who)
{
    int64_t min_ms = a->min_ttl_ms ? a->min_ttl_ms : MIN_TTL_MS, max_ms = a->max_ttl_ms ? a->max_ttl_ms : MAX_TTL_MS;

    BIDE_TRY(bide__check_named(a->guard_, who));
    BIDE_TRY(bide__check_time(who, "dns.timeout_ms", a->timeout_ms, false));
    BIDE_TRY(bide__check_time(who, "dns.min_ttl_ms", a->min_ttl_ms, false));
    BIDE_TRY(bide__check_time(who, "dns.max_ttl_ms", a->max_ttl_ms, true));
    BIDE_TRY(bide__check_time(who, "dns.negative_ttl_ms", a->negative_ttl_ms, false));
    BIDE_TRY(bide__check_number(who, "dns.tries", a->tries, 0));
    BIDE_TRY(bide__check_number(who, "dns.cache_size", a->cache_size, BIDE_NONE));
    if (a->timeout_ms > TIMEOUT_MAX_MS)
        return bide_fail(-EINVAL, "%s: dns.timeout_ms = %lld: at most %d", who, (long long)a->timeout_ms, TIMEOUT_MAX_MS);
    if (a->tries > TRIES_MAX)
        return bide_fail(-EINVAL, "%s: dns.tries = %d: at most %d", who, a->tries, TRIES_MAX);
    if (max_ms < min_ms && a->max_ttl_ms && a->min_ttl_ms)
        return bide_fail(-EINVAL, "%s: dns.max_ttl_ms = %lld is less than dns.min_ttl_ms = %lld", who, (long long)max_ms,
                         (long long)min_ms);
    return 0;
}

/* One of them alone moves the default of the other. */
static void set_times(struct dns_config *c, const bide_dns_args *a)
{
    c->timeout_ms = (int)(a->timeout_ms ? a->timeout_ms : TIMEOUT_MS);
    c->min_ttl_ms = a->min_ttl_ms ? a->min_ttl_ms : MIN_TTL_MS;
    c->max_ttl_ms = a->max_ttl_ms ? a->max_ttl_ms : MAX_TTL_MS;
    c->negative_ttl_ms = a->negative_ttl_ms ? a->negative_ttl_ms : NEGATIVE_TTL_MS;
    if (c->max_ttl_ms < c->min_ttl_ms && a->max_ttl_ms)
        c->min_ttl_ms = c->max_ttl_ms;
    else if (c->max_ttl_ms < c->min_ttl_ms)
        c->max_ttl_ms = c->min_ttl_ms;
}

/* ---- all of it ---- */

const struct dns_config bide__dns_default = {.min_ttl_ms = MIN_TTL_MS, .max_ttl_ms = MAX_TTL_MS, .negative_ttl_ms = NEGATIVE_TTL_MS,
                                             .timeout_ms = TIMEOUT_MS, .tries = TRIES, .names_max = NAMES_MAX, .servers = ""};

struct dns_config *bide__dns_config_new(struct arena *arena, const bide_dns_args *options, const char *who)
{
    bide_dns_args a;
    if (bide__options_take(&a, sizeof a, options, who) < 0 || check(&a, who) < 0)
        return NULL;

    size_t size = sizeof(struct dns_config) + (a.servers ? SERVERS_MAX * SERVER_TEXT_MAX : 1);
    struct dns_config *c = arena ? bide__arena_alloc(arena, size) : bide__malloc(size);
    if (!c) {
        bide__fail_nomem("the resolver");
        return NULL;
    }
    *c = (struct dns_config){.tries = a.tries ? a.tries : TRIES, .tcp_only = a.tcp_only};
    c->names_max = a.cache_size == BIDE_NONE ? 0 : a.cache_size ? (unsigned)a.cache_size : NAMES_MAX;
    set_times(c, &a);
    c->servers[0] = '\0';
    if (a.servers && spell_servers(c->servers, a.servers, who) < 0) {
        if (!arena)
            bide__free(c);
        return NULL;
    }
    return c;
}

bool bide__dns_config_equal(const struct dns_config *a, const struct dns_config *b)
{
    return a->min_ttl_ms == b->min_ttl_ms && a->max_ttl_ms == b->max_ttl_ms && a->negative_ttl_ms == b->negative_ttl_ms &&
           a->timeout_ms == b->timeout_ms && a->tries == b->tries && a->names_max == b->names_max &&
           a->tcp_only == b->tcp_only && strcmp(a->servers, b->servers) == 0;
}

struct dns_config *bide__dns_config_copy(const struct dns_config *from)
{
    size_t used = offsetof(struct dns_config, servers) + strlen(from->servers) + 1; /* it begins in the struct's padding */
    struct dns_config *c = bide__malloc(used > sizeof *c ? used : sizeof *c);

    return c ? memcpy(c, from, used) : NULL;
}
