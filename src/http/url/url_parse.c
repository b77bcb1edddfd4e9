/* SPDX-License-Identifier: MIT */
/*
 * url_parse.c - URL text to normalised URL, in one walk from left to right.
 *
 * The text is cut at its delimiters first (scheme, authority, path, query, fragment), then each
 * part is written to the storage in canonical form.  A link takes the parts it lacks from the base.
 * WHATWG URL 4.4, for the schemes of the web, without its state machine: the forms it needs the
 * states for are the ones that we refuse.
 *
 * Invariant: the parts of a struct url lie in its href in order, so a change at the end moves
 * nothing before it.
 */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "http/url/url.h"

static const struct {
    const char *name;
    size_t len;
    uint16_t port;
} schemes[] = {
    [URL_HTTP] = {"http", 4, 80},
    [URL_HTTPS] = {"https", 5, 443},
    [URL_WS] = {"ws", 2, 80},
    [URL_WSS] = {"wss", 3, 443},
};

/* Text, cut up; what a link does not have is NULL. */
struct pieces {
    const char *authority, *authority_end;
    const char *path, *path_end;
    const char *query, *query_end;
    const char *fragment, *end;
};

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_scheme_char(char c)
{
    return is_alpha(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

/* The ':' behind a scheme; NULL if the text begins otherwise. */
static const char *find_scheme_end(const char *p, const char *end)
{
    if (p == end || !is_alpha(*p))
        return NULL;
    while (p < end && is_scheme_char(*p))
        p++;
    return p < end && *p == ':' ? p : NULL;
}

static int find_scheme(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (schemes[i].len == len && strncasecmp(name, schemes[i].name, len) == 0)
            return (int)i;
    return URL_ESCHEME;
}

/*
 * One look at each byte: where query and fragment begin.  Tabs and line ends are refused everywhere, a backslash where it
 * could be taken for a slash.
 */
static int find_marks(struct pieces *t, const char *p, const char *end)
{
    for (; p < end; p++) {
        if (!(bide__url_char_sets[(unsigned char)*p] & URL_SET_MARK))
            continue;
        if (*p == '\t' || *p == '\r' || *p == '\n')
            return URL_EBLANK;
        if (t->fragment)
            continue;
        if (*p == '#')
            t->fragment = p + 1;
        else if (!t->query && *p == '\\')
            return URL_EBACKSLASH;
        else if (!t->query && *p == '?')
            t->query = p + 1;
    }
    return 0;
}

/* Cut what follows the scheme, once query and fragment are found. */
static void cut(struct pieces *t, const char *p, const char *end)
{
    t->end = end;
    t->query_end = t->fragment ? t->fragment - 1 : end;
    t->path_end = t->query ? t->query - 1 : t->query_end;
    if (t->path_end - p >= 2 && p[0] == '/' && p[1] == '/') {
        while (p < t->path_end && *p == '/')
            p++;
        const char *slash = memchr(p, '/', (size_t)(t->path_end - p));
        t->authority = p;
        t->authority_end = p = slash ? slash : t->path_end;
    }
    t->path = p;
}

/* "." or "..", of which each dot may be written %2e: how many dots? */
static int count_dots(const char *p, const char *end)
{
    int dots = 0;

    while (p < end) {
        if (*p == '.')
            p++;
        else if (end - p >= 3 && p[0] == '%' && p[1] == '2' && (p[2] | 0x20) == 'e')
            p += 3;
        else
            return 0;
        dots++;
    }
    return dots <= 2 ? dots : 0;
}

static void pop_segment(struct url_out *out, size_t path_start)
{
    while (out->len > path_start)
        if (out->data[--out->len] == '/')
            return;
}

/* Append "/segment" for each segment of the text; "." and ".." are carried out (RFC 3986 5.2.4). */
static void put_segments(struct url_out *out, size_t path_start, const char *p, const char *end)
{
    for (;;) {
        const char *segment_end = memchr(p, '/', (size_t)(end - p));
        bool last = !segment_end;
        if (last)
            segment_end = end;
        int dots = count_dots(p, segment_end);
        if (dots == 2)
            pop_segment(out, path_start);
        if (dots == 0 || last)
            bide__url_put(out, "/", 1);
        if (dots == 0)
            bide__url_put_encoded(out, p, (size_t)(segment_end - p), URL_SET_PATH);
        if (last)
            return;
        p = segment_end + 1;
    }
}

static void copy_part(struct url_out *out, struct url_part *to, const struct url *base,
                      struct url_part from)
{
    size_t start = out->len;

    bide__url_put(out, bide__url_part(base, from), from.len);
    *to = bide__url_part_since(out, start);
}

static void put_path(struct url *u, struct url_out *out, const struct pieces *t,
                     const struct url *base)
{
    const char *p = t->path;
    size_t start = out->len;

    if (!t->authority && p == t->path_end) {
        copy_part(out, &u->path, base, base->path);
        return;
    }
    if (!t->authority && *p != '/') {
        bide__url_put(out, bide__url_part(base, base->path), base->path.len);
        pop_segment(out, start);
    }
    put_segments(out, start, p < t->path_end && *p == '/' ? p + 1 : p, t->path_end);
    u->path = bide__url_part_since(out, start);
}

static void put_query(struct url *u, struct url_out *out, const struct pieces *t,
                      const struct url *base)
{
    bool inherit = !t->authority && t->path == t->path_end && !t->query && base->has_query;

    u->has_query = t->query || inherit;
    if (u->has_query)
        bide__url_put(out, "?", 1);
    if (inherit) {
        copy_part(out, &u->query, base, base->query);
        return;
    }
    size_t start = out->len;
    if (t->query)
        bide__url_put_encoded(out, t->query, (size_t)(t->query_end - t->query), URL_SET_QUERY);
    u->query = bide__url_part_since(out, start);
}

static void put_fragment(struct url *u, struct url_out *out, const struct pieces *t)
{
    u->has_fragment = t->fragment;
    if (t->fragment)
        bide__url_put(out, "#", 1);
    size_t start = out->len;
    if (t->fragment)
        bide__url_put_encoded(out, t->fragment, (size_t)(t->end - t->fragment), URL_SET_FRAGMENT);
    u->fragment = bide__url_part_since(out, start);
}

/* Scheme, "//" and authority: those of the text, or those of the base. */
static int put_origin(struct url *u, struct url_out *out, const struct pieces *t,
                      const struct url *base)
{
    bide__url_put(out, schemes[u->scheme].name, schemes[u->scheme].len);
    bide__url_put(out, "://", 3);
    if (t->authority) {
        u->port = schemes[u->scheme].port;
        return bide__url_put_authority(u, out, t->authority, t->authority_end);
    }
    /* The scheme is the base's too, so its parts keep their places. */
    assert(base);
    bide__url_put(out, base->href + out->len, base->path.off - out->len);
    u->username = base->username;
    u->password = base->password;
    u->hostname = base->hostname;
    u->host = base->host;
    u->host_kind = base->host_kind;
    u->zone_len = base->zone_len;
    u->port = base->port;
    return 0;
}

/* Find out what the text is: a URL with its scheme, or a link on the base's page. */
static int read_text(struct url *u, struct pieces *t, const struct url *base, const char *p, const char *end)
{
    const char *colon = find_scheme_end(p, end);
    int scheme = colon ? find_scheme(p, (size_t)(colon - p)) : base ? base->scheme : URL_ENOSCHEME;

    if (scheme < 0)
        return scheme;
    u->scheme = (uint8_t)scheme;
    cut(t, colon ? colon + 1 : p, end);
    return colon && !t->authority ? URL_ESLASHES : 0;
}

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

never_indirect int bide__url_resolve(struct url *out, const struct url *base, const char *text, size_t len,
                                     char *storage, size_t cap)
{
    const char *p = text, *end = text + len;
    size_t most = cap < BIDE_URL_MAX + 1 ? cap : BIDE_URL_MAX + 1;
    struct url_out o = {.data = storage, .cap = most > 0 ? most - 1 : 0};
    struct pieces t = {0};
    struct url u = {.href = storage};

    int r = find_marks(&t, p, end);
    while (p < end && is_blank(*p))
        p++;
    while (end > p && is_blank(end[-1]))
        end--;
    if (r == 0)
        r = read_text(&u, &t, base, p, end);
    if (r == 0)
        r = put_origin(&u, &o, &t, base);
    if (r < 0)
        return r;
    put_path(&u, &o, &t, base);
    put_query(&u, &o, &t, base);
    put_fragment(&u, &o, &t);
    if (o.full || most == 0)
        return URL_ETOOLONG;
    storage[o.len] = '\0';
    u.len = (uint32_t)o.len;
    *out = u;
    return 0;
}

never_indirect int bide__url_parse(struct url *out, const char *text, size_t len, char *storage, size_t cap)
{
    return bide__url_resolve(out, NULL, text, len, storage, cap);
}

never_indirect size_t bide__url_bound(size_t len, const struct url *base)
{
    size_t most = len < BIDE_URL_MAX ? 3 * len + 272 + (base ? base->len : 0) : BIDE_URL_MAX + 1;
    return most < BIDE_URL_MAX + 1 ? most : BIDE_URL_MAX + 1;
}

static const char *const errors[] = {
#define ROW(name, text) [name - URL__FIRST] = text,
    BIDE_URL_ERRORS(ROW)
#undef ROW
};

const char *bide__url_strerror(int error)
{
    return error > URL__FIRST && error < URL__END ? errors[error - URL__FIRST] : "not a URL error";
}
