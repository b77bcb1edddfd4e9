/* SPDX-License-Identifier: MIT */
/*
 * url_host.c - the host of a URL: a name, a dotted quad, or an IPv6 address in brackets.
 *
 * Whoever reads a host differently than the one who checked it can be sent elsewhere, so there is
 * one form of each: names are lower-case ASCII without percent signs or empty labels; IPv4
 * addresses are four plain decimal numbers, and whatever else looks like a number is refused; IPv6
 * addresses are written as RFC 5952 says.  (WHATWG URL 3.5, with the refusals that
 * docs/conformance.md lists.)
 */
#include <arpa/inet.h>
#include <idn2.h>
#include <stdio.h>
#include <string.h>

#include "http/url.h"

#define HOST_MAX \
    1024 /* bytes of an international name as written; no name that resolves comes near */

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

static int put_ipv6(struct url_out *out, const char *text, size_t len)
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
    bide__url_put(out, "[", 1);
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
    bide__url_put(out, "]", 1);
    return 0;
}

/* ---- names and IPv4 ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

/* 0 to 255 in decimal, without leading zeros. */
static bool is_quad_part(const char *p, size_t len)
{
    if (len == 0 || len > 3 || (len > 1 && p[0] == '0'))
        return false;
    int n = 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(p[i]))
            return false;
        n = n * 10 + (p[i] - '0');
    }
    return n <= 255;
}

static bool is_dotted_quad(const char *p, size_t len)
{
    const char *end = p + len;

    for (int i = 0; i < 4; i++) {
        const char *dot = i < 3 ? memchr(p, '.', (size_t)(end - p)) : end;
        if (!dot || !is_quad_part(p, (size_t)(dot - p)))
            return false;
        p = dot + 1;
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

/* Does the name need libidn2: bytes beyond ASCII, or a label that says it is encoded? */
static bool is_international(const char *host, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)host[i] >= 0x80)
            return true;
        if ((i == 0 || host[i - 1] == '.') && len - i >= 4 && strncasecmp(host + i, "xn--", 4) == 0)
            return true;
    }
    return false;
}

/* UTS 46, non-transitional, with the check that an encoded label is what its decoded form encodes
 * to. */
static int put_international(struct url_out *out, const char *host, size_t len)
{
    char copy[HOST_MAX];
    uint8_t *ascii = NULL;

    if (len >= sizeof copy || memchr(host, '\0', len))
        return URL_EHOST;
    if (memchr(host, '%', len))
        return URL_EPERCENT;
    memcpy(copy, host, len);
    copy[len] = '\0';
    int r = idn2_lookup_u8((const uint8_t *)copy, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (r == IDN2_MALLOC)
        return URL_ENOMEM;
    if (r != IDN2_OK)
        return URL_EIDNA;
    bide__url_put(out, (char *)ascii, strlen((char *)ascii));
    idn2_free(ascii);
    return 0;
}

int bide__url_put_host(struct url_out *out, const char *host, size_t len, uint8_t *kind)
{
    size_t start = out->len;

    if (len == 0)
        return URL_ENOHOST;
    if (host[0] == '[') {
        *kind = URL_IPV6;
        return host[len - 1] == ']' && len > 2 ? put_ipv6(out, host + 1, len - 2) : URL_EIPV6;
    }
    if (is_international(host, len)) {
        int r = put_international(out, host, len);
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
