/* SPDX-License-Identifier: MIT */
/* addr.c - addresses as text and back.  No names are looked up here. */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/un.h>

#include "base/base.h"
#include "io/stream/addr.h"

/* RFC 4007 11.2: "%eth0" or "%2" behind a link-local address says on which link; 0: there is no such link. */
static unsigned parse_zone(const char *zone)
{
    char *end;
    unsigned long index = strtoul(zone, &end, 10);

    if (zone[0] >= '0' && zone[0] <= '9' && *end == '\0' && index <= UINT32_MAX)
        return (unsigned)index;
    return if_nametoindex(zone);
}

static bool parse6(struct addr *a, const char *text, size_t len, int port)
{
    char copy[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE];
    if (len >= sizeof copy)
        return false;

    memcpy(copy, text, len);
    copy[len] = '\0';
    a->in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    a->len = sizeof a->in6;
    char *zone = strchr(copy, '%');
    if (zone) {
        *zone = '\0';
        a->in6.sin6_scope_id = parse_zone(zone + 1);
    }
    return inet_pton(AF_INET6, copy, &a->in6.sin6_addr) == 1 && (!zone || a->in6.sin6_scope_id > 0);
}

bool bide__addr_parse(struct addr *a, const char *host, int port)
{
    size_t len = strlen(host);

    if (host[0] == '[')
        return len > 2 && host[len - 1] == ']' && parse6(a, host + 1, len - 2, port);
    if (memchr(host, ':', len))
        return parse6(a, host, len, port);
    a->in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a->len = sizeof a->in;
    return inet_pton(AF_INET, host, &a->in.sin_addr) == 1; /* four decimal numbers, nothing else */
}

/* By hand: printf takes more stack than all the rest of a connect, and a task that waits keeps what it has touched. */
static char *put_number(char *at, unsigned n)
{
    char digits[10];
    int len = 0;

    do
        digits[len++] = (char)('0' + n % 10);
    while (n /= 10);
    while (len > 0)
        *at++ = digits[--len];
    *at = '\0';
    return at;
}

static void put_ip4(char *at, const struct in_addr *ip)
{
    const unsigned char *bytes = (const unsigned char *)ip;

    for (int i = 0; i < 4; i++) {
        at = put_number(at, bytes[i]);
        *at++ = '.';
    }
    at[-1] = '\0';
}

void bide__addr_format_host(const struct addr *a, char *out, size_t cap)
{
    assert(cap >= INET6_ADDRSTRLEN);
    (void)cap;
    if (a->sa.sa_family == AF_INET)
        put_ip4(out, &a->in.sin_addr);
    else if (a->sa.sa_family != AF_INET6 || !inet_ntop(AF_INET6, &a->in6.sin6_addr, out, INET6_ADDRSTRLEN))
        strcpy(out, "unix:");
}

void bide__addr_format(const struct addr *a, char *out, size_t cap)
{
    bool is_ip6 = a->sa.sa_family == AF_INET6;

    out[0] = '[';
    bide__addr_format_host(a, out + is_ip6, cap - 10);
    if (a->sa.sa_family != AF_INET && !is_ip6)
        return;
    char *at = stpcpy(out + strlen(out), is_ip6 ? "]:" : ":");
    put_number(at, ntohs(is_ip6 ? a->in6.sin6_port : a->in.sin_port));
}

void bide__addr_set_port(struct addr *a, int port)
{
    if (a->sa.sa_family == AF_INET)
        a->in.sin_port = htons((uint16_t)port);
    else
        a->in6.sin6_port = htons((uint16_t)port);
}

bool bide__addr_is_localhost(const char *name)
{
    static const char word[] = "localhost";
    size_t len = strlen(name), n = sizeof word - 1;

    len -= len > 0 && name[len - 1] == '.';
    if (len < n || strncasecmp(name + len - n, word, n) != 0)
        return false;
    return len == n || name[len - n - 1] == '.';
}

int bide__addr_unix(struct sockaddr_storage *out, socklen_t *len, const char *host)
{
    if (strncmp(host, "unix:", 5) != 0)
        return 0;
    const char *path = host + 5;
    struct sockaddr_un *un = (struct sockaddr_un *)out;
    if (strlen(path) >= sizeof un->sun_path)
        return bide_fail(-ENAMETOOLONG, "%s: the path of a Unix socket has at most %zu bytes", host,
                         sizeof un->sun_path - 1);

    *un = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(un->sun_path, path, strlen(path) + 1);
    *len = sizeof *un;
    if (path[0] == '@') { /* an abstract name is as long as the address says */
        un->sun_path[0] = '\0';
        *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    }
    return 1;
}
