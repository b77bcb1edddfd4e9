/* SPDX-License-Identifier: MIT */
/*
 * netscape.c - cookies.txt, the file that Netscape had: read as curl and the exporters of browsers write it, written as curl
 * does.
 *
 *     #HttpOnly_.example.com  TRUE  /  TRUE  1767225600  sid  31d4d96e
 *     domain   also of hosts below  path  Secure  expires (0: with the session)  name  value       tabs between them
 *
 * A line that is none of these is passed over, and so is a cookie that no server could have set.
 */
#include "http/cookie/cookie.h"

#define FIELDS    7
#define HTTP_ONLY "#HttpOnly_"

static const char file_head[] = "# Netscape HTTP Cookie File\n"
                                "# https://curl.se/docs/http-cookies.html\n"
                                "# Written by bide.\n\n";

struct word {
    const char *text;
    size_t len;
};

/* ---- reading ---- */

static bool begins_with(const char *line, size_t len, const char *text)
{
    size_t n = strlen(text);

    return len >= n && memcmp(line, text, n) == 0;
}

/* The last takes what is left, tabs too.  Six: no value. */
static bool split(const char *line, size_t len, struct word words[FIELDS])
{
    const char *end = line + len;
    int n = 0;

    while (n < FIELDS - 1) {
        const char *tab = memchr(line, '\t', (size_t)(end - line));
        words[n++] = (struct word){line, (size_t)((tab ? tab : end) - line)};
        if (!tab)
            break;
        line = tab + 1;
        if (n == FIELDS - 1)
            words[n++] = (struct word){line, (size_t)(end - line)};
    }
    if (n == FIELDS - 1)
        words[n++] = (struct word){end, 0};
    return n == FIELDS;
}

static bool read_flag(struct word w, bool *out)
{
    *out = bide__header_equals(w.text, w.len, "true");
    return *out || bide__header_equals(w.text, w.len, "false");
}

/* Seconds; a fraction, as some exporters have it, is cut off.  0, -1 and nothing: with the session. */
static bool read_expires(struct word w, int64_t *out)
{
    size_t i = w.len > 0 && w.text[0] == '-';
    bool is_negative = i > 0;
    int64_t n = 0;

    for (; i < w.len && w.text[i] >= '0' && w.text[i] <= '9'; i++)
        n = n > INT64_MAX / 100 ? n : n * 10 + (w.text[i] - '0');
    *out = n == 0 || is_negative ? COOKIE_NEVER : n;
    return i == w.len || w.text[i] == '.';
}

/* False: nobody could have set it. */
static bool read_domain(const bide_cookie_jar *jar, struct word w, char domain[HOST_NAME_SIZE], struct new_cookie *c)
{
    size_t dot = w.len > 0 && w.text[0] == '.';
    bool is_name;
    ssize_t len = bide__host_name_put(domain, w.text + dot, w.len - dot, &is_name);
    if (len < 0)
        return false;

    c->domain = domain;
    c->domain_len = (size_t)len;
    c->host_only = c->host_only || !is_name;
    return c->host_only || !bide__is_public_suffix(jar->suffixes, domain);
}

static bool read_pair(const struct word words[FIELDS], struct new_cookie *c)
{
    c->name = words[5].text;
    c->name_len = words[5].len;
    c->value = words[6].text;
    c->value_len = words[6].len;
    return c->name_len + c->value_len > 0 && c->name_len + c->value_len <= COOKIE_PAIR_MAX &&
           !memchr(c->name, '=', c->name_len) && !memchr(c->name, ';', c->name_len) && !memchr(c->value, ';', c->value_len);
}

/* 1: a cookie; 0: passed over, although the line has its form; BIDE_ENOMEM; else the line is none of a cookies.txt. */
static int read_line(bide_cookie_jar *jar, const char *line, size_t len, int64_t now)
{
    struct word words[FIELDS];
    char domain[HOST_NAME_SIZE];
    struct new_cookie c = {.http_only = begins_with(line, len, HTTP_ONLY)};
    size_t skip = c.http_only ? strlen(HTTP_ONLY) : 0;
    bool is_wide;
    if (!split(line + skip, len - skip, words) || !read_flag(words[1], &is_wide) || !read_flag(words[3], &c.secure) ||
        !read_expires(words[4], &c.expires))
        return -EINVAL;

    bool has_path = words[2].len > 0 && words[2].text[0] == '/' && words[2].len <= COOKIE_ATTRIBUTE_MAX;
    c.path = has_path ? words[2].text : "/";
    c.path_len = has_path ? words[2].len : 1;
    c.host_only = !is_wide;
    if (!bide__cookie_text_ok(line, len) || !read_domain(jar, words[0], domain, &c) || !read_pair(words, &c) ||
        bide__cookie_check_prefix(&c) < 0 || c.expires <= now)
        return 0;
    int code = bide__jar_put(jar, &c, now);
    return code < 0 ? code : 1;
}

static bool is_comment(const char *line, size_t len)
{
    return len == 0 || (line[0] == '#' && !begins_with(line, len, HTTP_ONLY));
}

static int none_of_them(const char *line, size_t len)
{
    char shown[80];

    return bide_fail(-EINVAL, "no line is one of a cookies.txt, beginning with \"%s\"", bide__shown(shown, line, len));
}

int bide__jar_read_text(bide_cookie_jar *jar, const char *text, size_t len, int64_t now)
{
    const char *at = text, *end = text + len, *odd = NULL;
    int n = 0, understood = 0;
    size_t odd_len = 0;

    at += begins_with(at, len, "\xef\xbb\xbf") ? 3 : 0;
    while (at < end) {
        const char *line = at, *stop = memchr(at, '\n', (size_t)(end - at));
        at = stop ? stop + 1 : end;
        size_t line_len = (size_t)((stop ? stop : end) - line);
        line_len -= line_len > 0 && line[line_len - 1] == '\r';
        if (is_comment(line, line_len))
            continue;
        int code = read_line(jar, line, line_len, now);
        if (code == BIDE_ENOMEM)
            return code;
        n += code > 0;
        understood += code >= 0;
        if (code < 0 && !odd) {
            odd = line;
            odd_len = line_len;
        }
    }
    return odd && understood == 0 ? none_of_them(odd, odd_len) : n;
}

/* ---- writing ---- */

static int write_line(struct buf *out, const struct cookie *c)
{
    return bide__buf_printf(out, "%s%s%s\t%s\t%s\t%s\t%lld\t%s\t%s\n", c->http_only ? HTTP_ONLY : "", c->host_only ? "" : ".",
                            c->domain->name, c->host_only ? "FALSE" : "TRUE", bide__cookie_path(c), c->secure ? "TRUE" : "FALSE",
                            c->expires == COOKIE_NEVER ? 0LL : (long long)c->expires, bide__cookie_name(c),
                            bide__cookie_value(c));
}

int bide__jar_write_text(const bide_cookie_jar *jar, struct buf *out, int64_t now)
{
    int code = bide__buf_append(out, file_head, sizeof file_head - 1);

    for (size_t i = 0; i < jar->n && code == 0; i++) {
        const struct cookie *c = jar->all[i];
        bool fits = !strchr(bide__cookie_name(c), '\t') && !strchr(bide__cookie_path(c), '\t');
        if (fits && !bide__cookie_has_ended(c, now))
            code = write_line(out, c);
    }
    return code;
}
