/* SPDX-License-Identifier: MIT */
/* jar.h - a jar for tests, on a clock of theirs: set what a URL's server says, get what a request sends. */
#ifndef TESTS_HTTP_COOKIE_JAR_H
#define TESTS_HTTP_COOKIE_JAR_H

#include "harness/guarded.h"
#include "harness/harness.h"
#include "http/cookie/cookie.h"

#define UNUSED __attribute__((unused))
#define NOW    1700000000

static int64_t now = NOW;

static UNUSED struct url url_of(const char *text)
{
    static char storage[4][8192];
    static unsigned turn;
    struct url u;

    EXPECT_EQ(bide__url_parse(&u, text, strlen(text), storage[turn % 4], sizeof storage[0]), 0);
    turn++;
    return u;
}

/* The invariants J1 to J3 of jar.c. */
static UNUSED void expect_jar_is_sound(const bide_cookie_jar *jar)
{
    EXPECT_TRUE(jar->n <= JAR_MAX);
    for (size_t i = 0; i < jar->n; i++) {
        const struct jar_domain *d = jar->all[i]->domain;
        size_t of_domain = 0;
        for (size_t k = 0; k < jar->n; k++)
            of_domain += jar->all[k]->domain == d;
        EXPECT_TRUE(d->n == of_domain && d->n <= JAR_PER_DOMAIN_MAX && !bide__list_is_empty(&d->cookies));
        EXPECT_TRUE(i == 0 || jar->all[i - 1]->id < jar->all[i]->id);
        i += jar->n > 200 ? jar->n / 50 : 0; /* some of many */
    }
}

/* The field lies flush against an unreadable page. */
static UNUSED int set(bide_cookie_jar *jar, const char *url, const char *field)
{
    struct url u = url_of(url);
    struct guarded g = guarded_copy(field, strlen(field));
    int code = bide__jar_set(jar, &u, g.data, strlen(field), now);

    guarded_free(&g);
    expect_jar_is_sound(jar);
    return code;
}

static UNUSED const char *get_as(bide_cookie_jar *jar, const struct jar_request *q)
{
    static char out[JAR_HEADER_MAX + 1];
    const char *value = "";
    ssize_t n = bide__jar_header(jar, q, &value);

    EXPECT_TRUE(n >= 0 && n <= JAR_HEADER_MAX);
    memcpy(out, value, (size_t)n);
    out[n] = '\0';
    return out;
}

static UNUSED const char *get(bide_cookie_jar *jar, const char *url)
{
    struct url u = url_of(url);

    return get_as(jar, &(struct jar_request){.url = &u, .now = now});
}

#endif
