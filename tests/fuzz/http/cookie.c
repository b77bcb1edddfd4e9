/* SPDX-License-Identifier: MIT */
/*
 * cookie.c - fuzz target: Set-Cookie fields, a jar, cookies.txt.
 *
 * The first byte says which.  A field is taken apart into slices of itself; what a jar has kept is sent only where it belongs, and
 * is one line; a file that was read is written, and read again as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "http/cookie/cookie.h"

#define NOW 1700000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

static bool lies_in(const char *part, size_t part_len, const char *text, size_t len)
{
    return part_len == 0 || (part >= text && part + part_len <= text + len);
}

static void check_field(const char *text, size_t len)
{
    struct set_cookie c;

    if (bide__set_cookie_parse(&c, text, len) < 0)
        return;
    must(c.name_len + c.value_len > 0 && c.name_len + c.value_len <= COOKIE_PAIR_MAX);
    must(c.domain_len <= COOKIE_ATTRIBUTE_MAX && c.path_len <= COOKIE_ATTRIBUTE_MAX);
    must(lies_in(c.name, c.name_len, text, len) && lies_in(c.value, c.value_len, text, len));
    must(lies_in(c.domain, c.domain_len, text, len) && lies_in(c.path, c.path_len, text, len));
    must(!memchr(c.value, ';', c.value_len) && (c.path_len == 0 || c.path[0] == '/'));
}

static void check_sent(bide_cookie_jar *jar, const char *text)
{
    static char storage[8192];
    struct url u;
    const char *value = "";
    if (bide__url_parse(&u, text, strlen(text), storage, sizeof storage) < 0)
        return;

    ssize_t n = bide__jar_header(jar, &(struct jar_request){.url = &u, .now = NOW}, &value);
    must(n >= 0 && n <= JAR_HEADER_MAX && bide__cookie_text_ok(value, (size_t)n));
    for (size_t i = 0; i < jar->nchosen; i++) {
        const struct cookie *c = jar->chosen[i];
        must(bide__host_name_is_in(bide__host_name_of(&u), c->domain->name, c->domain->len));
        must(!c->secure || bide__url_is_secure(&u));
    }
}

/* Lines: fields from two servers, in turn. */
static void check_jar(const char *text, size_t len)
{
    static const char *const urls[] = {"https://www.example.com/a/b?c", "http://example.com/", "http://10.0.0.1/a%6F/"};
    static char storage[3][64];
    struct url u[3];
    bide_cookie_jar *jar = bide_cookie_jar_new();
    const char *end = text + len;

    for (size_t i = 0; i < 3; i++)
        must(bide__url_parse(&u[i], urls[i], strlen(urls[i]), storage[i], sizeof storage[i]) == 0);
    for (size_t i = 0; text < end; i++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        stop = stop ? stop : end;
        must(bide__jar_set(jar, &u[i % 3], text, (size_t)(stop - text), NOW) != BIDE_ENOMEM);
        text = stop < end ? stop + 1 : end;
    }
    for (size_t i = 0; i < 3; i++)
        check_sent(jar, urls[i]);
    check_sent(jar, "https://a.www.example.com/a/b/c");
    bide_release(jar);
}

static void check_file(const char *text, size_t len)
{
    bide_cookie_jar *jar = bide_cookie_jar_new(), *again = bide_cookie_jar_new();
    struct buf first, second;

    bide__buf_init(&first, NETSCAPE_FILE_MAX);
    bide__buf_init(&second, NETSCAPE_FILE_MAX);
    must(bide__jar_read_text(jar, text, len, NOW) >= 0 || jar->n == 0);
    must(bide__jar_write_text(jar, &first, NOW) == 0);
    must(bide__jar_read_text(again, bide__buf_head(&first), bide__buf_len(&first), NOW) >= 0);
    must(again->n == jar->n && bide__jar_write_text(again, &second, NOW) == 0);
    must(bide__buf_len(&first) == bide__buf_len(&second) &&
         memcmp(bide__buf_head(&first), bide__buf_head(&second), bide__buf_len(&first)) == 0);
    bide__buf_free(&first);
    bide__buf_free(&second);
    bide_release(jar);
    bide_release(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;

    /* Exactly these bytes, so that the sanitizer sees an over-read. */
    size_t len = size - 1;
    char *text = malloc(len ? len : 1);
    memcpy(text, data + 1, len);
    switch (data[0] % 3) {
    case 0: check_field(text, len); break;
    case 1: check_jar(text, len); break;
    default: check_file(text, len);
    }
    free(text);
    return 0;
}
