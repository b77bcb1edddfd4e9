/* SPDX-License-Identifier: MIT */
/*
 * cookie.h - a cookie jar: what servers set, and requests send (RFC 6265bis).
 *
 * A jar can be shared by all that runs in one thread, looked into, changed, saved and loaded.  What servers set follows the
 * rules of browsers: no cookie for a public suffix (co.uk), Secure only from and to https, the prefixes __Secure- and __Host-,
 * 400 days at most.  A jar keeps 3000 cookies, 50 of one domain, of 4096 bytes each; those that were not used for longest go.
 */
#ifndef BIDE_COOKIE_H
#define BIDE_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_cookie_jar bide_cookie_jar;

/*
 * Make an empty jar.
 *
 * Returns:   the jar, or NULL
 * Errors:    BIDE_ENOMEM
 * Owns:      the result is owned
 * Example:   bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();
 */
BIDE_API BIDE_MUST_USE bide_cookie_jar *bide_cookie_jar_new(void);

/*
 * Jars that are none, for .cookies of a session.  BIDE_NO_COOKIES: cookies are neither kept nor sent.  BIDE_COOKIES_PER_REQUEST:
 * what an answer sets is sent on the further hops of that request, and forgotten with it.  They take nothing, give nothing, and
 * are the same for all.
 *
 * Threads:   any; no loop is needed
 * Owns:      borrowed; they are never released
 */
#define BIDE_NO_COOKIES          (bide_no_cookies())
#define BIDE_COOKIES_PER_REQUEST (bide_cookies_per_request())
BIDE_API bide_cookie_jar *bide_no_cookies(void);
BIDE_API bide_cookie_jar *bide_cookies_per_request(void);

/* ---- files ---- */

/*
 * Read a cookies.txt (Netscape's format, as curl, wget and the exporters of browsers write it) into a new jar, or into one that
 * there is: bide_cookie_jar_add_file.
 *
 * Cookies that have ended, and those that no server could have set, are passed over, and so are lines that are none.
 *
 * Suspends:  until the file is read; a cancellation point before it begins, not after
 * Returns:   the jar, or NULL; bide_cookie_jar_add_file: how many cookies there were
 * Errors:    those of bide_file_read_all (-ENOENT: there is no such file); -EINVAL: it has lines, and none is one of a cookies.txt;
 *            BIDE_ENOMEM; BIDE_ESTATE for BIDE_NO_COOKIES and the like
 * Owns:      the result is owned
 * Example:   bide_auto bide_cookie_jar *jar = bide_cookie_jar_load("cookies.txt");
 */
BIDE_API BIDE_MUST_USE bide_cookie_jar *bide_cookie_jar_load(const char *path);
BIDE_API BIDE_MUST_USE int bide_cookie_jar_add_file(bide_cookie_jar *jar, const char *path);

/*
 * Write all cookies to a file that its owner alone can read (0600, also if it was there with other permissions); as
 * bide_file_write_all it is written whole or not at all, and the disk has it when the call returns.
 *
 * Cookies that end with the session are written as well, as curl does.  Left out is one whose name or path has a tab in it,
 * which the format cannot say.
 *
 * Suspends:  until it is written: the cookies that there were before; a cancellation point before it begins, not after
 * Returns:   0
 * Errors:    those of bide_file_write_all; BIDE_ENOMEM
 * Example:   BIDE_TRY(bide_cookie_jar_save(jar, "cookies.txt"));
 */
BIDE_API BIDE_MUST_USE int bide_cookie_jar_save(bide_cookie_jar *jar, const char *path);

/* ---- looking ---- */

enum bide_same_site {
    BIDE_SAME_SITE_UNSAID,
    BIDE_SAME_SITE_NONE,
    BIDE_SAME_SITE_LAX,
    BIDE_SAME_SITE_STRICT
};

typedef struct bide_cookie {
    uint64_t id;              /* in its jar, which never gives it twice; 0: before the first */
    const char *name, *value; /* as they came: nothing is decoded */
    const char *domain;       /* example.com, without a dot in front */
    const char *path;
    int64_t expires;          /* seconds since 1970; 0: it ends with the session */
    bool host_only;           /* not for the hosts below domain */
    bool secure;              /* for https alone */
    bool http_only;           /* not for scripts */
    enum bide_same_site same_site;
} bide_cookie;

/*
 * Walk through the cookies, in the order in which they were made: *c is the one before, all zeros at first.  The jar may change
 * on the way: those that come are met, those that go are not.
 *
 * Returns:   true; false: that was the last
 * Owns:      the texts are borrowed until the jar changes
 * Example:   bide_cookie c = {0};
 *            while (bide_cookie_jar_next(jar, &c)) printf("%s=%s\n", c.name, c.value);
 */
BIDE_API bool bide_cookie_jar_next_into(const bide_cookie_jar *jar, bide_cookie *c, size_t size);
static inline bool bide_cookie_jar_next(const bide_cookie_jar *jar, bide_cookie *c)
{
    return bide_cookie_jar_next_into(jar, c, sizeof *c);
}

/* How many there are, those that have ended and are still there included. */
BIDE_API BIDE_MUST_USE int bide_cookie_jar_len(const bide_cookie_jar *jar);

/*
 * What a request to this URL sends: "sid=31d4d96e; lang=de".
 *
 * Returns:   the value of the Cookie field, "" if there is nothing to send; or NULL
 * Errors:    BIDE_EURL; BIDE_ENOMEM; -EINVAL for NULL
 * Owns:      borrowed until the next call or request with this jar
 * Example:   printf("%s\n", bide_cookie_jar_header(jar, "https://example.com/"));
 */
BIDE_API const char *bide_cookie_jar_header(bide_cookie_jar *jar, const char *url);

/* ---- changing ---- */

/* What bide_cookie_jar_set takes; zero means the default. */
typedef struct bide_cookie_args {
    size_t size; /* of this struct; set by the macro */
    const char *name, *value;
    struct bide_use_named_options *guard_;
    const char *domain;       /* also the hosts below it; default: the URL's host alone */
    const char *path;         /* default "/" */
    int64_t expires;          /* seconds since 1970; default: with the session.  In the past: it is removed */
    bool secure, http_only;
    enum bide_same_site same_site;
} bide_cookie_args;

/*
 * Set a cookie as if the server of this URL had; it takes the place of one with the same name, domain and path.
 *
 * Returns:   0
 * Errors:    BIDE_EURL; BIDE_ENOMEM; BIDE_ESTATE for BIDE_NO_COOKIES; -EINVAL, and the text says why the cookie is refused: a
 *            semicolon or control character, more than 4096 bytes, a domain that does not include the URL's host, ...
 * Owns:      strings are copied
 * Example:   BIDE_TRY(bide_cookie_jar_set(jar, "https://example.com/", "lang", "de", .expires = time(NULL) + 86400));
 */
#define bide_cookie_jar_set(jar, url, name_, ...) \
    BIDE__CALL(bide_cookie_jar_set_with((jar), (url), BIDE__ARGS(bide_cookie_args, .name = (name_), .value = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_cookie_jar_set_with(bide_cookie_jar *jar, const char *url, const bide_cookie_args *args);

/*
 * The same with the value of a Set-Cookie field, for answers that another library read.
 *
 * Returns:   0
 * Errors:    as bide_cookie_jar_set
 * Example:   BIDE_TRY(bide_cookie_jar_add(jar, "https://example.com/", "sid=31d4d96e; Path=/; Secure"));
 */
BIDE_API BIDE_MUST_USE int bide_cookie_jar_add(bide_cookie_jar *jar, const char *url, const char *set_cookie);

/*
 * Remove the cookies with this domain, path and name; NULL: with any.  bide_cookie_jar_clear removes all.
 *
 * Returns:   how many there were
 * Errors:    -EINVAL for a jar that is NULL
 * Example:   bide_cookie_jar_remove(jar, "example.com", NULL, "sid");
 */
BIDE_API int bide_cookie_jar_remove(bide_cookie_jar *jar, const char *domain, const char *path, const char *name);
BIDE_API void bide_cookie_jar_clear(bide_cookie_jar *jar);

#ifdef __cplusplus
}
#endif
#endif
