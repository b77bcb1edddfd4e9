/* SPDX-License-Identifier: MIT */
/*
 * api.c - a jar as the user has it: made, looked into, changed.  http/store saves and loads it.
 */
#include <bide/url.h>
#include <time.h>

#include "http/cookie/cookie.h"

/* ---- life ---- */

static void jar_destroy(void *object)
{
    bide_cookie_jar *jar = object;

    bide_cookie_jar_clear(jar);
    bide__map_free(&jar->domains);
    bide__free(jar->all);
    bide__free(jar->chosen);
    bide__buf_free(&jar->header);
    bide__object_free(jar);
}

static void jar_describe(const void *object, char *buf, size_t cap)
{
    snprintf(buf, cap, "%zu cookies", ((const bide_cookie_jar *)object)->n);
}

static void no_destroy(void *object)
{
    (void)object; /* it was released once too often: it is for all */
}

static const struct object_type jar_type = {.name = "cookie jar", .destroy = jar_destroy, .describe = jar_describe};
static const struct object_type no_jar_type = {.name = "cookie jar", .release = no_destroy, .destroy = no_destroy};
static bide_cookie_jar no_jar = {.object = {.type = &no_jar_type, .refs = 1, .word = OBJECT_LIVE}, .is_closed = true};
static bide_cookie_jar jar_of_request = {.object = {.type = &no_jar_type, .refs = 1, .word = OBJECT_LIVE}, .is_closed = true};

bide_cookie_jar *bide_no_cookies(void)
{
    return &no_jar;
}

bide_cookie_jar *bide_cookies_per_request(void)
{
    return &jar_of_request;
}

bide_cookie_jar *bide_cookie_jar_new(void)
{
    bide_cookie_jar *jar = bide__object_zalloc(sizeof *jar);
    if (!jar) {
        bide__fail_nomem("a cookie jar");
        return NULL;
    }
    if (bide__map_init(&jar->domains) < 0) {
        bide__object_free(jar);
        return NULL;
    }
    jar->suffixes = psl_builtin();
    bide__buf_init(&jar->header, 2 * JAR_HEADER_MAX);
    bide__object_init(jar, &jar_type);
    return jar;
}

static bool is_missing(const void *argument, const char *function, const char *what)
{
    if (likely(argument != NULL))
        return false;
    bide_fail(-EINVAL, "%s: the %s is NULL", function, what);
    return true;
}

/* ---- looking ---- */

bool bide_cookie_jar_next_into(const bide_cookie_jar *jar, bide_cookie *c, size_t size)
{
    if (is_missing(jar, "bide_cookie_jar_next", "jar") || is_missing(c, "bide_cookie_jar_next", "cookie"))
        return false;
    const struct cookie *next = bide__jar_after(jar, c->id);
    if (!next)
        return false;

    bide_cookie found = {.id = next->id, .name = bide__cookie_name(next), .value = bide__cookie_value(next),
                         .domain = next->domain->name, .path = bide__cookie_path(next),
                         .expires = next->expires == COOKIE_NEVER ? 0 : next->expires, .host_only = next->host_only,
                         .secure = next->secure, .http_only = next->http_only,
                         .same_site = (enum bide_same_site)next->same_site};
    bide__options_give(c, size, &found, sizeof found);
    return true;
}

int bide_cookie_jar_len(const bide_cookie_jar *jar)
{
    return is_missing(jar, __func__, "jar") ? -EINVAL : (int)jar->n;
}

/* The text's URL in memory that is the caller's to free; NULL, and an error on record. */
static char *parse_url(const char *text, struct url *out)
{
    size_t len = strlen(text), size = bide__url_bound(len, NULL);
    char quoted[80], *storage = bide__malloc(size);
    int code = storage ? bide__url_parse(out, text, len, storage, size) : URL_ENOMEM;
    if (code == 0)
        return storage;

    if (code == URL_ENOMEM)
        bide__fail_nomem("a URL");
    else
        bide_fail(BIDE_EURL, "%s: %s", bide__url_quote(quoted, text, len), bide__url_strerror(code));
    bide__free(storage);
    return NULL;
}

const char *bide_cookie_jar_header(bide_cookie_jar *jar, const char *url)
{
    struct url u;
    const char *value = "";
    if (is_missing(jar, __func__, "jar") || is_missing(url, __func__, "URL"))
        return NULL;
    char *storage = parse_url(url, &u);
    if (!storage)
        return NULL;

    ssize_t n = bide__jar_header(jar, &(struct jar_request){.url = &u, .now = time(NULL)}, &value);
    bide__free(storage);
    if (n > 0 && bide__buf_append(&jar->header, "", 1) < 0)
        return NULL;
    return n < 0 ? NULL : n == 0 ? "" : bide__buf_head(&jar->header);
}

/* ---- changing ---- */

static int refuse(const char *name, size_t len, int error)
{
    char shown[80];

    if (error == BIDE_ENOMEM)
        return error;
    return bide_fail(error == COOKIE_ESTATE ? BIDE_ESTATE : -EINVAL, "cookie %s: %s", bide__shown(shown, name, len),
                     bide__cookie_strerror(error));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* May it stand in a cookie without being read as something else? */
static bool is_whole(const char *text, size_t len, const char *not_in_it)
{
    return bide__cookie_text_ok(text, len) && strcspn(text, not_in_it) == len &&
           (len == 0 || (!is_blank(text[0]) && !is_blank(text[len - 1])));
}

static int take_args(const bide_cookie_args *args, struct set_cookie *out)
{
    const char *path = args->path ? args->path : "/", *domain = args->domain ? args->domain : "";
    size_t dot = domain[0] == '.';

    *out = (struct set_cookie){.name = args->name, .name_len = strlen(args->name), .value = args->value,
                               .value_len = strlen(args->value), .domain = domain + dot, .domain_len = strlen(domain + dot),
                               .domain_has_dot = dot, .path = path, .path_len = strlen(path), .expires = args->expires,
                               .has_expires = args->expires != 0, .secure = args->secure, .http_only = args->http_only,
                               .same_site = (uint8_t)args->same_site};
    if (out->name_len == 0 || !is_whole(out->name, out->name_len, ";=") || !is_whole(out->value, out->value_len, ";"))
        return bide_fail(-EINVAL, "bide_cookie_jar_set: a cookie has a name without \"=\", and no \";\", control character or blank at an end");
    if (path[0] != '/' || out->path_len > COOKIE_ATTRIBUTE_MAX || !is_whole(path, out->path_len, ";"))
        return bide_fail(-EINVAL, "bide_cookie_jar_set: the path is none: it begins with / and has at most 1024 bytes");
    if (out->name_len + out->value_len > COOKIE_PAIR_MAX)
        return refuse(out->name, out->name_len, COOKIE_ETOOLONG);
    if (args->same_site < BIDE_SAME_SITE_UNSAID || args->same_site > BIDE_SAME_SITE_STRICT)
        return bide_fail(-EINVAL, "bide_cookie_jar_set: .same_site is none");
    return 0;
}

static int accept(bide_cookie_jar *jar, const char *url, const struct set_cookie *from)
{
    struct url u;
    char *storage = parse_url(url, &u);
    if (!storage)
        return bide_error_code();

    int code = bide__jar_accept(jar, &u, from, time(NULL));
    bide__free(storage);
    return code < 0 ? refuse(from->name, from->name_len, code) : 0;
}

int bide_cookie_jar_set_with(bide_cookie_jar *jar, const char *url, const bide_cookie_args *options)
{
    bide_cookie_args args;
    struct set_cookie from;
    const char *function = "bide_cookie_jar_set";
    int code = bide__options_take(&args, sizeof args, options, function);
    if (code == 0)
        code = bide__check_named(args.guard_, function);
    if (code < 0)
        return code;
    if (is_missing(jar, function, "jar") || is_missing(url, function, "URL") || is_missing(args.name, function, "name") ||
        is_missing(args.value, function, "value"))
        return -EINVAL;

    code = take_args(&args, &from);
    return code < 0 ? code : accept(jar, url, &from);
}

int bide_cookie_jar_add(bide_cookie_jar *jar, const char *url, const char *set_cookie)
{
    struct set_cookie from;
    if (is_missing(jar, __func__, "jar") || is_missing(url, __func__, "URL") || is_missing(set_cookie, __func__, "cookie"))
        return -EINVAL;

    size_t len = strlen(set_cookie);
    int code = bide__set_cookie_parse(&from, set_cookie, len);
    return code < 0 ? refuse(set_cookie, len, code) : accept(jar, url, &from);
}

static bool is_meant(const struct cookie *c, const char *domain, const char *path, const char *name)
{
    return (!domain || strcmp(c->domain->name, domain) == 0) && (!path || strcmp(bide__cookie_path(c), path) == 0) &&
           (!name || strcmp(bide__cookie_name(c), name) == 0);
}

int bide_cookie_jar_remove(bide_cookie_jar *jar, const char *domain, const char *path, const char *name)
{
    int n = 0;
    if (is_missing(jar, __func__, "jar"))
        return -EINVAL;

    for (size_t i = jar->n; i-- > 0;) {
        if (is_meant(jar->all[i], domain, path, name)) {
            bide__jar_drop(jar, jar->all[i]);
            n++;
        }
    }
    return n;
}

void bide_cookie_jar_clear(bide_cookie_jar *jar)
{
    if (!is_missing(jar, __func__, "jar"))
        bide_cookie_jar_remove(jar, NULL, NULL, NULL);
}
