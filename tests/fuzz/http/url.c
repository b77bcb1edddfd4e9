/* SPDX-License-Identifier: MIT */
/*
 * url.c - fuzz target: URLs and links.
 *
 * What was accepted must be printable ASCII, must fit the bound, must parse again to itself (so
 * that no second reader sees another URL), and its parts must lie in order inside of it.  The text
 * behind the first line end is a link.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/url/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

static void check_order(const struct url *u, struct url_part a, struct url_part b)
{
    must(a.off + a.len <= b.off && b.off + b.len <= u->len);
}

static void check_url(const struct url *u)
{
    static char again_storage[BIDE_URL_MAX + 1];
    struct url again;

    must(strlen(u->href) == u->len);
    for (uint32_t i = 0; i < u->len; i++)
        must(u->href[i] > 0x20 && u->href[i] < 0x7f);
    must(u->port > 0 && u->hostname.len > 0 && u->path.len > 0 &&
         *bide__url_part(u, u->path) == '/');
    check_order(u, u->username, u->password);
    check_order(u, u->password, u->hostname);
    check_order(u, u->host, u->path);
    check_order(u, u->path, u->query);
    check_order(u, u->query, u->fragment);
    must(bide__url_parse(&again, u->href, u->len, again_storage, sizeof again_storage) == 0);
    must(strcmp(again.href, u->href) == 0 && again.port == u->port &&
         bide__url_same_origin(&again, u));
}

/* Found without reading, they are the ones that were read; names that are not ASCII are written otherwise, and so are addresses
   in brackets. */
static void check_authority(const struct url *u, const char *text, size_t len)
{
    bide_url_authority a = bide_url_find_authority(text, len);
    const char *hostname = bide__url_part(u, u->hostname);

    must(a.host.data >= text && a.host.data + a.host.len <= text + len);
    must(!a.user.data || a.user.data + a.user.len + 1 == a.host.data);
    must((u->username.len > 0 || u->password.len > 0) == (a.user.len > 1 || (a.user.len == 1 && *a.user.data != ':')));
    bool is_ascii = true;
    for (size_t i = 0; i < a.host.len; i++)
        is_ascii &= (unsigned char)a.host.data[i] < 0x80;
    if (!is_ascii || u->host_kind == URL_IPV6)
        return;
    must(a.host.len >= u->hostname.len && strncasecmp(a.host.data, hostname, u->hostname.len) == 0);
    must(a.host.len == u->hostname.len || a.host.data[u->hostname.len] == ':');
}

static bool has_blanks(const char *text, size_t len)
{
    return len > 0 && ((unsigned char)text[0] <= ' ' || (unsigned char)text[len - 1] <= ' ');
}

/* Exactly as much memory as was promised to be enough. */
static int read_url(struct url *u, const struct url *base, const char *text, size_t len,
                    char **storage)
{
    size_t cap = bide__url_bound(len, base);
    char *copy = malloc(len ? len : 1);

    memcpy(copy, text, len);
    *storage = malloc(cap);
    int r = bide__url_resolve(u, base, copy, len, *storage, cap);
    must(r <= 0 && (r != URL_ETOOLONG || cap == BIDE_URL_MAX + 1));
    if (r == 0)
        check_url(u);
    if (r == 0 && !base && !has_blanks(text, len))
        check_authority(u, copy, len);
    free(copy);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *line_end = size > 0 ? memchr(text, '\n', size) : NULL;
    size_t len = line_end ? (size_t)(line_end - text) : size;
    char *storage, *link_storage, quoted[80];
    struct url base, link;

    bide__url_quote(quoted, text, len);
    if (read_url(&base, NULL, text, len, &storage) == 0 && line_end) {
        read_url(&link, &base, line_end + 1, size - len - 1, &link_storage);
        free(link_storage);
    }
    free(storage);
    return 0;
}
