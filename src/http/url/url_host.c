/* SPDX-License-Identifier: MIT */
/*
 * url_host.c - the host of a URL: a name, a dotted quad, or an IPv6 address in brackets.
 *
 * A program that reads a host differently than the one that checked it can be sent elsewhere, so there is one form of
 * each: names are lower-case ASCII without percent signs or empty labels; IPv4 addresses are four plain decimal
 * numbers, and whatever else looks like a number is refused; IPv6 addresses are written as RFC 5952 says, with a zone
 * as in RFC 6874.  (WHATWG URL 3.5, with the refusals that docs/conformance.md lists.)
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "http/url/url.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- IPv6 ---- */

/* The longest run of zero groups, at least two: what "::" stands for. */
static int longest_zeros(const uint16_t group[8], int *len)
{
    int best = -1, best_len = 1;

    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && group[i + n] == 0)
            n++;
        if (n > best_len) {
            best = i;
            best_len = n;
        }
        i += n;
    }
    *len = best_len;
    return best;
}

/*
 * "%25eth0" (RFC 6874), or "%eth0" as people write it: on which link a link-local address is.  Means something on
 * this machine only, and is written the first way.  Only what stands in names of interfaces, and in no URL's syntax.
 */
static int put_zone(struct url_out *out, const char *zone, const char *end, uint8_t *zone_len)
{
    if (end - zone >= 2 && memcmp(zone, "25", 2) == 0)
        zone += 2;
    if (zone == end || end - zone >= IF_NAMESIZE)
        return URL_EZONE;
    for (const char *p = zone; p < end; p++)
        if (!is_digit(*p) && !((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z') && (*p == '\0' || !strchr("-._~", *p)))
            return URL_EZONE;
    bide__url_put(out, "%25", 3);
    bide__url_put(out, zone, (size_t)(end - zone));
    *zone_len = (uint8_t)(end - zone + 3);
    return 0;
}

static int put_ipv6_address(struct url_out *out, const char *text, size_t len)
{
    char copy[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    uint16_t group[8];

    if (len >= sizeof copy || memchr(text, '\0', len))
        return URL_EIPV6;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET6, copy, bytes) != 1)
        return URL_EIPV6;
    for (int i = 0; i < 8; i++)
        group[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);

    int zeros_len, zeros = longest_zeros(group, &zeros_len);
    for (int i = 0; i < 8; i++) {
        char digits[8];
        if (i == zeros) {
            bide__url_put(out, "::", 2);
            i += zeros_len - 1;
            continue;
        }
        int n = snprintf(digits, sizeof digits, "%s%x", i == 0 || i == zeros + zeros_len ? "" : ":",
                         group[i]);
        bide__url_put(out, digits, (size_t)n);
    }
    return 0;
}

/* What stands between the brackets. */
static int put_ipv6(struct url_out *out, const char *text, size_t len, uint8_t *zone_len)
{
    const char *end = text + len, *percent = memchr(text, '%', len);

    bide__url_put(out, "[", 1);
    int r = put_ipv6_address(out, text, percent ? (size_t)(percent - text) : len);
    if (r == 0 && percent)
        r = put_zone(out, percent + 1, end, zone_len);
    bide__url_put(out, "]", 1);
    return r;
}

/* ---- names and IPv4 ---- */

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

/* Four times 0 to 255 in decimal, without leading zeros. */
static bool is_dotted_quad(const char *p, size_t len)
{
    const char *end = p + len;

    for (int i = 0; i < 4; i++) {
        const char *first = p;
        int n = 0;
        for (; p < end && p - first < 3 && is_digit(*p); p++)
            n = n * 10 + (*p - '0');
        if (p == first || (p - first > 1 && *first == '0') || n > 255)
            return false;
        if (i < 3 ? p == end || *p++ != '.' : p < end)
            return false;
    }
    return true;
}

/* Would somebody's resolver take the last label for a number?  WHATWG URL 3.6 */
static bool ends_in_number(const char *host, size_t len)
{
    if (len > 0 && host[len - 1] == '.')
        len--;
    size_t start = len;
    while (start > 0 && host[start - 1] != '.')
        start--;
    const char *label = host + start;
    size_t n = len - start, digits = 0;

    if (n == 0)
        return false;
    while (digits < n && is_digit(label[digits]))
        digits++;
    if (digits == n)
        return true;
    if (n < 2 || label[0] != '0' || label[1] != 'x')
        return false;
    for (size_t i = 2; i < n; i++)
        if (!is_hex(label[i]))
            return false;
    return true;
}

/* Forbidden domain code points, WHATWG URL 3.1; '.' is looked at apart. */
static bool is_forbidden(char c)
{
    unsigned char u = (unsigned char)c;
    if ((c >= 'a' && c <= 'z') || (c >= '-' && c <= '9' && c != '/')) /* nearly always */
        return false;
    return u <= 0x20 || u >= 0x7f || strchr("#/:<>?@[\\]^|%", c) != NULL;
}

/* A lower-case ASCII name: nothing forbidden, no empty label but the root behind a last dot. */
static int check_name(const char *host, size_t len, uint8_t *kind)
{
    bool label = false;

    for (size_t i = 0; i < len; i++) {
        if (host[i] == '.' && !label)
            return URL_ELABEL;
        if (is_forbidden(host[i]))
            return host[i] == '%' ? URL_EPERCENT : URL_EHOST;
        label = host[i] != '.';
    }
    *kind = URL_NAME;
    if (!ends_in_number(host, len))
        return 0;
    *kind = URL_IPV4;
    return is_dotted_quad(host, len) ? 0 : URL_EIPV4;
}

/* Names in ASCII are asked for as they are, those that are encoded too: whatever they mean, DNS knows. */
static bool is_international(const char *host, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)host[i] >= 0x80)
            return true;
    return false;
}

never_indirect int bide__url_put_host(struct url_out *out, const char *host, size_t len, uint8_t *kind, uint8_t *zone_len)
{
    size_t start = out->len;

    *zone_len = 0;

    if (len == 0)
        return URL_ENOHOST;
    if (host[0] == '[') {
        *kind = URL_IPV6;
        return host[len - 1] == ']' && len > 2 ? put_ipv6(out, host + 1, len - 2, zone_len) : URL_EIPV6;
    }
    if (is_international(host, len)) {
        int r = bide__url_put_international(out, host, len);
        if (r < 0)
            return r;
    } else {
        bide__url_put(out, host, len);
    }
    for (size_t i = start; i < out->len; i++)
        if (out->data[i] >= 'A' && out->data[i] <= 'Z')
            out->data[i] += 32;
    if (out->full)
        return URL_ETOOLONG;
    return out->len > start ? check_name(out->data + start, out->len - start, kind) : URL_ENOHOST;
}
