/* SPDX-License-Identifier: MIT */
/*
 * no_proxy.c - NO_PROXY: which hosts are asked without a proxy (R76).
 *
 * Names are compared label by label, addresses bit by bit.  There is no standard; where Go and curl differ (".example.com" for
 * example.com itself, the loopback addresses), this does as curl.
 */
#include <arpa/inet.h>

#include "http/proxy/proxy.h"

struct host {
    const char *text; /* without brackets and dots at the end */
    size_t len;
    uint16_t port;
    int family; /* AF_INET, AF_INET6; 0: a name */
    unsigned char address[16];
};

/* The family of an address in text; 0: it is none. */
static int read_address(const char *text, size_t len, unsigned char out[16])
{
    char copy[INET6_ADDRSTRLEN];

    if (len == 0 || len >= sizeof copy)
        return 0;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return inet_pton(AF_INET, copy, out) == 1 ? AF_INET : inet_pton(AF_INET6, copy, out) == 1 ? AF_INET6 : 0;
}

static struct host host_of(const struct url *u)
{
    struct host h = {bide__url_part(u, u->hostname), u->hostname.len, u->port, 0, {0}};

    if (u->host_kind == URL_IPV6) {
        h.text++;
        h.len -= 2u + u->zone_len;
    }
    h.family = u->host_kind == URL_NAME ? 0 : read_address(h.text, h.len, h.address);
    while (h.family == 0 && h.len > 0 && h.text[h.len - 1] == '.')
        h.len--;
    return h;
}

/* Digits alone, at most `most`; -1. */
static int read_number(const char *text, size_t len, int most)
{
    int n = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || n > most)
            return -1;
        n = n * 10 + (text[i] - '0');
    }
    return len > 0 && n <= most ? n : -1;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, int bits)
{
    int whole = bits / 8, rest = bits % 8;

    return memcmp(a, b, (size_t)whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

static bool address_matches(const char *entry, size_t len, const struct host *h)
{
    const char *slash = memchr(entry, '/', len);
    size_t n = slash ? (size_t)(slash - entry) : len;
    unsigned char address[16];
    int family = read_address(entry, n, address), all = family == AF_INET ? 32 : 128;
    int bits = slash ? read_number(slash + 1, len - n - 1, all) : all;

    return family && family == h->family && bits >= 0 && same_bits(address, h->address, bits);
}

/* RFC 4343: in any case.  The host itself, or one below it. */
static bool name_matches(const char *entry, size_t len, const struct host *h)
{
    if (len > 1 && entry[0] == '*' && entry[1] == '.')
        entry++, len--;
    if (len > 0 && entry[0] == '.')
        entry++, len--;
    while (len > 0 && entry[len - 1] == '.')
        len--;
    if (h->family || len == 0 || len > h->len || strncasecmp(h->text + h->len - len, entry, len) != 0)
        return false;
    return len == h->len || h->text[h->len - len - 1] == '.';
}

/* Take ":PORT" off the end, and brackets; false: that port is not the host's, or it is none. */
static bool take_port(const char **entry, size_t *len, const struct host *h)
{
    const char *end = *entry + *len, *close = **entry == '[' ? memchr(*entry, ']', *len) : NULL;
    const char *colon = close ? close + 1 : memchr(*entry, ':', *len);
    bool has_port = close ? colon < end && *colon == ':' : colon && !memchr(colon + 1, ':', (size_t)(end - colon - 1));

    if (close) {
        *len = (size_t)(close - *entry) - 1;
        ++*entry;
    } else if (has_port) {
        *len = (size_t)(colon - *entry);
    }
    return has_port ? read_number(colon + 1, (size_t)(end - colon - 1), 65535) == h->port : !close || colon == end;
}

static bool entry_matches(const char *entry, size_t len, const struct host *h)
{
    if (len == 1 && *entry == '*')
        return true;
    return take_port(&entry, &len, h) && (address_matches(entry, len, h) || name_matches(entry, len, h));
}

bool bide__no_proxy_has(const char *list, const struct url *u)
{
    static const char separators[] = ", \t\r\n";
    struct host h = host_of(u);

    for (list += strspn(list, separators); *list; list += strspn(list, separators)) {
        size_t len = strcspn(list, separators);
        if (entry_matches(list, len, &h))
            return true;
        list += len;
    }
    return false;
}
