/* SPDX-License-Identifier: MIT */
/*
 * urlset.c - a table of hashes, open addressing, at most three quarters full.
 */
#include "cli/list/urlset.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 1024

void urlset_init(struct urlset *s, size_t max, bool has_digests)
{
    *s = (struct urlset){.max = max, .has_digests = has_digests, .secret = siphash_new_key()};
}

void urlset_free(struct urlset *s)
{
    free(s->slots);
    free(s->digests);
    *s = (struct urlset){0};
}

uint64_t urlset_key(const struct urlset *s, const char *url, size_t len)
{
    uint64_t key = siphash(s->secret, url, len);

    return key ? key : 1;
}

static size_t find(const struct urlset_entry *slots, size_t nslots, uint64_t key)
{
    size_t i = (size_t)key & (nslots - 1);

    while (slots[i].key != 0 && slots[i].key != key)
        i = (i + 1) & (nslots - 1);
    return i;
}

struct urlset_entry *urlset_find(const struct urlset *s, uint64_t key)
{
    struct urlset_entry *e = s->nslots ? &s->slots[find(s->slots, s->nslots, key)] : NULL;

    return e && e->key ? e : NULL;
}

static bool grow(struct urlset *s)
{
    size_t nslots = s->nslots ? s->nslots * 2 : FIRST_SLOTS;
    struct urlset_entry *slots = calloc(nslots, sizeof *slots);
    unsigned char(*digests)[32] = slots && s->has_digests ? malloc(nslots * sizeof *digests) : NULL;
    if (!slots || (s->has_digests && !digests)) {
        free(slots);
        return false;
    }

    for (size_t i = 0; i < s->nslots; i++) {
        if (!s->slots[i].key)
            continue;
        size_t at = find(slots, nslots, s->slots[i].key);
        slots[at] = s->slots[i];
        if (digests)
            memcpy(digests[at], s->digests[i], sizeof digests[at]);
    }
    free(s->slots);
    free(s->digests);
    s->slots = slots;
    s->digests = digests;
    s->nslots = nslots;
    return true;
}

struct urlset_entry *urlset_add(struct urlset *s, uint64_t key)
{
    if (s->used >= s->max || (s->used * 4 >= s->nslots * 3 && !grow(s)))
        return NULL;
    struct urlset_entry *e = &s->slots[find(s->slots, s->nslots, key)];

    *e = (struct urlset_entry){.key = key};
    s->used++;
    return e;
}

unsigned char *urlset_digest(const struct urlset *s, const struct urlset_entry *e)
{
    return s->digests[e - s->slots];
}

/* ---- URLs that need not be parsed ---- */

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "a.example", "127.0.0.1": not what could be another way to write an address, such as 127.1 and 0x7f000001. */
static size_t plain_host(const char *s)
{
    size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-."), label = len;
    int numbers = 0, value = 0;

    while (label > 0 && s[label - 1] != '.')
        label--;
    if (label < len && is_lower(s[label]))
        return len;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && is_digit(s[i])) {
            value = value * 10 + (s[i] - '0');
            if (value > 255 || (s[i] == '0' && value == 0 && i + 1 < len && s[i + 1] != '.'))
                return 0;
        } else if ((i < len && s[i] != '.') || i == 0 || s[i - 1] == '.') {
            return 0;
        } else {
            numbers++;
            value = 0;
        }
    }
    return numbers == 4 ? len : 0;
}

/* ":8080", or nothing. */
static const char *behind_port(const char *s, bool is_https)
{
    if (*s != ':')
        return s;
    size_t digits = strspn(s + 1, "0123456789");
    long port = digits >= 1 && digits <= 5 && s[1] != '0' ? strtol(s + 1, NULL, 10) : 0;

    return port == 0 || port > 65535 || port == (is_https ? 443 : 80) ? NULL : s + 1 + digits;
}

/* Of a path or query: bytes that stay as they are. */
static bool is_plain(char c)
{
    return (c >= 'A' && c <= 'Z') || is_lower(c) || is_digit(c) || (c && strchr("-_~!$&()*+,;=:@/", c));
}

size_t urlset_plain_length(const char *url)
{
    bool is_https = strncmp(url, "https://", 8) == 0;
    size_t scheme = is_https ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0, host = scheme ? plain_host(url + scheme) : 0;
    const char *at = host ? behind_port(url + scheme + host, is_https) : NULL;

    if (!at || *at != '/')
        return 0;
    for (; *at && *at != '?' && *at != '#'; at++)
        if (!is_plain(*at) && (*at != '%' || at[1] == '2') && (*at != '.' || at[-1] == '/'))
            return 0; /* "/." may be "/./", and so may "/%2e" */
    if (*at == '?')
        for (at++; *at && *at != '#'; at++)
            if (!is_plain(*at) && !strchr("%.?", *at))
                return 0;
    return (size_t)(at - url);
}
