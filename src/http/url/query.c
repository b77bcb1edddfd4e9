/* SPDX-License-Identifier: MIT */
/*
 * query.c - application/x-www-form-urlencoded, for queries and for form bodies (WHATWG URL 5.2).
 */
#include <string.h>

#include "http/url/url.h"

static void put_char(char *out, size_t cap, size_t *at, char c)
{
    if (*at < cap)
        out[*at] = c;
    ++*at;
}

static void put_text(char *out, size_t cap, size_t *at, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == ' ') {
            put_char(out, cap, at, '+');
        } else if (bide__url_char_sets[c] & URL_SET_FORM) {
            put_char(out, cap, at, '%');
            put_char(out, cap, at, hex[c >> 4]);
            put_char(out, cap, at, hex[c & 15]);
        } else {
            put_char(out, cap, at, (char)c);
        }
    }
}

size_t bide__query_encode(char *out, size_t cap, const bide_pair *pairs)
{
    size_t at = 0;

    for (const bide_pair *p = pairs; p && p->name; p++) {
        if (p != pairs)
            put_char(out, cap, &at, '&');
        put_text(out, cap, &at, p->name);
        put_char(out, cap, &at, '=');
        put_text(out, cap, &at, p->value ? p->value : "");
    }
    return at;
}

int bide__url_add_query(struct url *u, const bide_pair *pairs, char *storage, size_t cap)
{
    size_t need = bide__query_encode(NULL, 0, pairs);
    if (need == 0)
        return 0;
    bool separator = !u->has_query || u->query.len > 0;
    size_t at = u->has_query ? u->query.off + u->query.len : u->path.off + u->path.len;
    size_t grow = need + separator;
    if (u->len + grow >= cap || u->len + grow > BIDE_URL_MAX)
        return URL_ETOOLONG;

    memmove(storage + at + grow, storage + at, u->len - at + 1);
    if (separator)
        storage[at] = u->has_query ? '&' : '?';
    bide__query_encode(storage + at + separator, need, pairs);
    if (!u->has_query)
        u->query.off = (uint32_t)at + 1;
    u->query.len = (uint32_t)(at + grow) - u->query.off;
    u->has_query = true;
    u->fragment.off += (uint32_t)grow;
    u->len += (uint32_t)grow;
    u->href = storage;
    return 0;
}
