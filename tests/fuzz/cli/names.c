/* SPDX-License-Identifier: MIT */
/*
 * names.c - fuzz target: the names that -O makes of URLs.
 *
 * Two lines are URLs, the next two are the Content-Types of their answers.  A name can be copied to any file system, leads
 * nowhere else, and two URLs that differ have names that differ, but for a hash of 64 bits; none is the directory of
 * another.  What is taken for a URL that need not be parsed is one.
 */
#include <stdlib.h>
#include <string.h>

#include <bide/error.h>

#include "cli/list/urlset.h"
#include "cli/pattern/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

static void check_component(const char *s, size_t len)
{
    must(len > 0 && len <= NAMES_BYTES_MAX);
    must(s[0] != '.' && s[0] != '-' && s[len - 1] != '.');
    for (size_t i = 0; i < len; i++)
        must((unsigned char)s[i] > 0x20 && s[i] != 0x7f && !strchr("\\:*?\"<>|", s[i]));
}

static void check_name(const char *name)
{
    for (const char *at = name; ; ) {
        size_t len = strcspn(at, "/");
        check_component(at, len);
        if (at[len] == '\0')
            return;
        at += len + 1;
    }
}

/* "", or the name. */
static bide_url *name_of(const char *text, const char *mime, struct text *name)
{
    bide_url *url = bide_url_parse(text);

    if (url && strncmp(bide_url_scheme(url), "http", 4) == 0) {
        names_add(url, names_extension(mime), name);
        must(!name->no_memory);
        check_name(name->data);
    }
    return url;
}

/* A hash of the URL is in it: that two are alike is possible, and no fault. */
static bool has_hash(const char *name)
{
    const char *mark = strrchr(name, '~');

    return mark && strspn(mark + 1, "0123456789abcdef") >= 8;
}

static bool same_page(const bide_url *a, const bide_url *b)
{
    const char *x = bide_url_href(a), *y = bide_url_href(b);
    size_t len = strcspn(x, "#");

    return len == strcspn(y, "#") && memcmp(x, y, len) == 0;
}

/* A user has no place in names. */
static bool has_user(const bide_url *a)
{
    return *bide_url_username(a) || *bide_url_password(a);
}

static bool is_below(const struct text *a, const struct text *b)
{
    return a->len < b->len && memcmp(a->data, b->data, a->len) == 0 && b->data[a->len] == '/';
}

static void check_plain(const char *text, const bide_url *url)
{
    size_t len = urlset_plain_length(text);

    must(len == 0 || !url || (strncmp(bide_url_href(url), text, len) == 0 && strcspn(bide_url_href(url), "#") == len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size), *rest = text;
    const char *first = strsep(&rest, "\n"), *second = rest ? strsep(&rest, "\n") : "", *mime = rest ? strsep(&rest, "\n") : NULL;
    struct text a = {0}, b = {0};
    bide_url *x = name_of(first, mime, &a), *y = name_of(second, rest, &b);

    check_plain(first, x);
    if (a.len > 0 && b.len > 0) {
        must(!is_below(&a, &b) && !is_below(&b, &a));
        must(strcmp(a.data, b.data) != 0 || same_page(x, y) || has_hash(a.data) || has_user(x) || has_user(y));
    }
    bide_release(x);
    bide_release(y);
    text_free(&a);
    text_free(&b);
    free(text);
    return 0;
}
