/* SPDX-License-Identifier: MIT */
/*
 * names.c - file names that bide chooses.
 */
#include "cli/pattern/names.h"

#include <string.h>
#include <strings.h>

#define EXTENSION_MAX  9 /* with the point */
#define HASH_LEN       17
#define COMPONENT_KEEP (NAMES_COMPONENT_MAX - 32) /* of one that is cut: room for the hash and an extension */
#define STEM_MAX       (NAMES_COMPONENT_MAX - HASH_LEN - EXTENSION_MAX) /* name and query together */

/* FNV-1a, and a last mix, so that short texts differ in all bits. */
uint64_t names_hash(const char *data, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)data[i]) * 0x100000001b3u;
    h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* ---- one component ---- */

bool names_is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != 0x7f && !strchr("/\\:*?\"<>|", c);
}

/* What Windows keeps for devices, with any extension. */
static bool is_device(const char *name, size_t len)
{
    static const char *const names[] = {"con", "prn", "aux", "nul", "com", "lpt"};
    size_t stem = 0;

    while (stem < len && name[stem] != '.')
        stem++;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t want = i < 4 ? 3 : 4;
        if (stem == want && strncasecmp(name, names[i], 3) == 0 && (want == 3 || (name[3] >= '1' && name[3] <= '9')))
            return true;
    }
    return false;
}

static void add_escaped(unsigned char c, struct text *to)
{
    static const char digits[] = "0123456789ABCDEF";
    const char escaped[] = {'%', digits[c >> 4], digits[c & 15]};

    text_add(to, escaped, sizeof escaped);
}

/* What the escapes of add_component look like, written by the URL itself: then two URLs would have one name. */
static bool looks_escaped(const char *s, size_t len)
{
    for (size_t i = 0; i + 2 < len; i++) {
        int value = 0;
        if (s[i] != '%')
            continue;
        for (int k = 1; k <= 2; k++) {
            char c = s[i + k];
            value = value * 16 + (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
        }
        if (value < 128 && (is_alnum((char)value) || value == '.' || value == '-' || !names_is_plain((char)value)))
            return true;
    }
    return false;
}

/* Returns: true if the name leaves something out. */
static bool add_component(const char *s, size_t len, struct text *to)
{
    bool cut = len > COMPONENT_KEEP;
    size_t begin = to->len;

    len = cut ? COMPONENT_KEEP : len;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool edge = (i == 0 && (c == '.' || c == '-')) || (i == len - 1 && c == '.') || (i == 0 && is_device(s, len));
        if (edge || !names_is_plain(c))
            add_escaped((unsigned char)c, to);
        else
            text_add_char(to, c);
    }
    if (to->len - begin > COMPONENT_KEEP && !to->no_memory) { /* escapes made it longer */
        cut = true;
        to->len = begin + COMPONENT_KEEP;
        while (to->data[to->len - 1] == '.') /* what was in the middle is the end now */
            to->len--;
        to->data[to->len] = '\0';
    }
    return cut || looks_escaped(s, len) || memchr(s, '~', len) || memchr(s, '@', len);
}

/* Of the URL without user, password and fragment. */
static void add_hash(const bide_url *url, struct text *to)
{
    const char *href = bide_url_href(url);
    const char *host = bide_url_find_authority(href, strlen(href)).host.data;
    size_t scheme = strlen(bide_url_scheme(url)) + 3;
    uint64_t rest = names_hash(host, strcspn(host, "#"));
    text_format(to, "~%016llx", (unsigned long long)(rest ^ (scheme << 40)));
}

/* ---- names that are too long ---- */

/* 64 bits: nobody compares these with each other before they are used. */
static void add_shortened(const char *s, size_t len, struct text *to)
{
    size_t dot = names_extension_at(s, len), keep = NAMES_COMPONENT_MAX - (len - dot) - 17;

    while (keep > 0 && ((unsigned char)s[keep] & 0xc0) == 0x80) /* not within a character */
        keep--;
    text_add(to, s, keep);
    text_format(to, "~%016llx", (unsigned long long)names_hash(s, len));
    text_add(to, s + dot, len - dot);
}

void names_shorten(struct text *name, size_t from)
{
    struct text old = *name;
    if (name->no_memory || name->len - from <= NAMES_BYTES_MAX)
        return;

    *name = (struct text){0};
    text_add(name, old.data, from);
    for (const char *at = old.data + from;;) {
        size_t len = strcspn(at, "/");
        if (len > NAMES_BYTES_MAX)
            add_shortened(at, len, name);
        else
            text_add(name, at, len);
        at += len;
        if (*at == '\0')
            break;
        text_add_char(name, *at++);
    }
    text_free(&old);
}

/* ---- the whole ---- */

static bool add_host(const bide_url *url, struct text *to)
{
    const char *host = bide_url_hostname(url);
    bool is_https = strcmp(bide_url_scheme(url), "https") == 0;
    int port = bide_url_port(url);
    bool lossy = add_component(host, strlen(host), to);

    if (!is_https || port != 443)
        text_format(to, "+%d", port);
    text_add_char(to, '/');
    return lossy || strchr(host, '+') || (is_https && port == 80);
}

/* One directory.  All files have an extension, and so no directory may. */
static void add_directory(const bide_url *url, const char *s, size_t len, struct text *to)
{
    size_t begin = to->len;

    if (add_component(s, len, to))
        add_hash(url, to);
    if (!to->no_memory && names_extension_at(to->data + begin, to->len - begin) < to->len - begin)
        text_add_char(to, '@');
    text_add_char(to, '/');
}

/* All segments but the last.  *last: that one. */
static bool add_directories(const bide_url *url, const char **last, struct text *to)
{
    const char *at = bide_url_path(url) + 1;
    bool lossy = false;

    for (const char *slash; (slash = strchr(at, '/')); at = slash + 1) {
        if (slash > at)
            add_directory(url, at, (size_t)(slash - at), to);
        else
            lossy = true; /* "a//b" */
    }
    *last = at;
    return lossy;
}

/* "http://a/?" is another URL than "http://a/". */
static bool has_empty_query(const bide_url *url)
{
    const char *href = bide_url_href(url);

    return href[strcspn(href, "?#")] == '?' && bide_url_query(url)[0] == '\0';
}

static bool add_query(const char *query, struct text *to)
{
    size_t len = strlen(query), begin = to->len + 1;

    text_add_char(to, '@');
    bool lossy = add_component(query, len > NAMES_QUERY_MAX ? NAMES_QUERY_MAX : len, to);
    if (to->len > begin + NAMES_QUERY_MAX && !to->no_memory) {
        lossy = true;
        to->len = begin + NAMES_QUERY_MAX;
        to->data[to->len] = '\0';
    }
    return lossy || len > NAMES_QUERY_MAX;
}

/* The name and the query, before a hash and the extension.  Returns: true if they leave something out. */
static bool add_name_and_query(const bide_url *url, const char *name, size_t len, struct text *to)
{
    struct text query = {0};
    size_t begin = to->len;
    bool lossy = add_component(name, len, to);
    lossy = add_query(bide_url_query(url), &query) || lossy; /* both are added, whatever the first said */

    if (to->len - begin + query.len > STEM_MAX && !to->no_memory) { /* each may have its length, but not both */
        lossy = true;
        to->len = begin + STEM_MAX - query.len;
    }
    text_add(to, query.len > 0 ? query.data : "", query.len);
    to->no_memory |= query.no_memory;
    text_free(&query);
    return lossy;
}

static bool is_word(const char *s, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(s, word, len) == 0;
}

void names_add(const bide_url *url, const char *extension, struct text *to)
{
    const char *name;
    bool lossy = add_host(url, to);

    lossy |= add_directories(url, &name, to);
    lossy |= has_empty_query(url);
    size_t len = strlen(name), dot = names_extension_at(name, len);
    bool has_query = bide_url_query(url)[0], has_extension = dot < len;

    if (len == 0) {
        lossy |= has_query ? add_name_and_query(url, "index", 5, to) : add_component("index", 5, to);
        extension = ".html";
    } else if (has_extension && !has_query && !is_word(name, len, "index.html")) {
        lossy |= add_component(name, dot, to);
        extension = name + dot;
    } else {
        lossy |= add_name_and_query(url, name, len, to) || (has_query && is_word(name, len, "index"));
        extension = has_extension ? name + dot : extension;
    }
    if (lossy)
        add_hash(url, to);
    text_add_string(to, extension);
}
