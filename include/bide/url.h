/* SPDX-License-Identifier: MIT */
/*
 * url.h - URLs: parse, resolve, ask for the parts.  They never change; a changed one is a new one.
 *
 * Schemes are http, https, ws and wss.  Text is read as the WHATWG URL standard says, and refused
 * in more cases than there, where two readers could disagree about the host: a tab, CR, LF or
 * (before the query) backslash; http:x and http:/x; a percent sign in the host; two '@'; numbers
 * that are not a plain dotted quad (127.1, 0x7f000001, 010.0.0.1); an empty label (a..b); port 0.
 * International names become their ASCII form (UTS 46, not transitional, as in browsers).  An IPv6
 * address may have a zone, [fe80::1%25eth0] or [fe80::1%eth0]: written the first way in a URL, and
 * fe80::1%eth0 as a hostname.
 */
#ifndef BIDE_URL_H
#define BIDE_URL_H

#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_url bide_url;

/* The longest URL there is, after encoding. */
#define BIDE_URL_MAX 65535

/*
 * Read an absolute URL.
 *
 * White space around it is ignored.  Bytes that may not stand in a URL are percent-encoded; nothing
 * else is touched, so
 * "//", "%2F" and the order of the query stay as they were given.
 *
 * Threads:   any; no loop is needed
 * Returns:   the URL, or NULL
 * Errors:    BIDE_EURL, the text says what is wrong with it; BIDE_ENOMEM; -EINVAL for NULL
 * Owns:      the result is owned
 * Example:   bide_auto bide_url *u = bide_url_parse("https://example.com/a?b=c");
 */
BIDE_API BIDE_MUST_USE bide_url *bide_url_parse(const char *text);

/*
 * Read a link as it stands on the page `base`: "../b", "?x", "//host/", or an absolute URL.
 *
 * Threads:   any; no loop is needed
 * Returns:   the URL, or NULL
 * Errors:    BIDE_EURL; BIDE_ENOMEM; -EINVAL for NULL
 * Owns:      the result is owned; base is borrowed for the call
 * Example:   bide_auto bide_url *next = bide_url_resolve(page, "/login");
 */
BIDE_API BIDE_MUST_USE bide_url *bide_url_resolve(const bide_url *base, const char *link);

/*
 * Append names and values to the query, form-urlencoded; what is there already is not touched.
 *
 * Threads:   any; no loop is needed
 * Returns:   the new URL, or NULL
 * Errors:    BIDE_EURL if it would be longer than BIDE_URL_MAX; BIDE_ENOMEM
 * Owns:      the result is owned; url and pairs are borrowed for the call
 * Example:   bide_url_with_query(u, BIDE_PAIRS({"q", "a b"}, {"page", "2"}))   ...?q=a+b&page=2
 */
BIDE_API BIDE_MUST_USE bide_url *bide_url_with_query(const bide_url *url, const bide_pair *pairs);

/*
 * The parts, of https://me:secret@example.com:8080/a/b?c=d#e
 *
 * A part that is not there is "".  None of them is decoded.  Of NULL all are "", the port is -EINVAL, and the record says so.
 *
 * Threads:   any; no loop is needed; one URL may be read by several at once
 * Owns:      borrowed from the URL
 */
BIDE_API const char *bide_url_href(const bide_url *url);     /* all of it, normalised */
BIDE_API const char *bide_url_scheme(const bide_url *url);   /* https */
BIDE_API const char *bide_url_username(const bide_url *url); /* me */
BIDE_API const char *bide_url_password(const bide_url *url); /* secret */
BIDE_API const char *bide_url_origin(const bide_url *url);   /* https://example.com:8080 */
BIDE_API const char *bide_url_host(const bide_url *url);     /* example.com:8080; [::1]:8080 */
BIDE_API const char *
bide_url_hostname(const bide_url *url);                   /* example.com; ::1, without brackets */
BIDE_API const char *bide_url_path(const bide_url *url);  /* /a/b; never empty */
BIDE_API const char *bide_url_query(const bide_url *url); /* c=d */
BIDE_API const char *bide_url_fragment(const bide_url *url); /* e */

/*
 * The port, also when it is the scheme's own and the text does not show it: 8080.
 *
 * Threads:   any; no loop is needed; one URL may be read by several at once
 */
BIDE_API BIDE_MUST_USE int bide_url_port(const bide_url *url);

/* What stands in front of the path, as it was written: in https://me:secret@Example.com:8080/a */
typedef struct bide_url_authority {
    bide_bytes user; /* me:secret; data is NULL if there is no '@' */
    bide_bytes host; /* Example.com:8080; begins behind the '@' */
} bide_url_authority;

/*
 * Find user and host in a text that is a URL, or should be one: to hide the former in a message, to sort by the latter.
 *
 * Nothing is checked, decoded or made lower-case.  Of a text that bide_url_parse accepts, and that has no white space around
 * it, they are the same parts.  The first "://" of the text counts; without one the text begins with them.
 *
 * Threads:   any; no loop is needed
 * Returns:   the places, borrowed from the text; nothing in it ends with a NUL
 * Example:   bide_bytes host = bide_url_find_authority(text, strlen(text)).host;
 */
BIDE_API BIDE_MUST_USE bide_url_authority bide_url_find_authority(const char *text, size_t len);

#ifdef __cplusplus
}
#endif
#endif
