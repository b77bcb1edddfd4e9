/* SPDX-License-Identifier: MIT */
/*
 * url_known.c - URLs of one server after the other: the origin of the last one is known.
 *
 * Reading scheme, host and port is most of what a URL costs, and the next URL mostly begins with the same bytes.  What
 * follows them is then a link on a page of that origin.  Only what begins with one slash is taken so: two would begin
 * another host, and what has none ends the host.  (A backslash for the second, or a tab between them, is refused by the parser.)
 */
#include <string.h>

#include "base/base.h"
#include "http/url/url.h"

/* Without user and password: those are no part of an origin. */
static void remember(struct url_origin *known, const struct url *u)
{
    uint32_t len = u->path.off;

    known->url.href = NULL;
    if (u->username.len + u->password.len > 0 || len + 2 > sizeof known->href)
        return;
    memcpy(known->href, u->href, len);
    memcpy(known->href + len, "/", 2);
    known->url = *u;
    known->url.href = known->href;
    known->url.len = len + 1;
    known->url.path.len = 1;
    known->url.query = known->url.fragment = (struct url_part){len + 1, 0};
    known->url.has_query = known->url.has_fragment = false;
}

never_indirect int bide__url_parse_next(struct url *out, struct url_origin *known, const char *text, size_t len,
                                        char *storage, size_t cap)
{
    size_t origin = known->url.path.off;
    if (likely(known->url.href && len > origin && memcmp(text, known->href, origin + 1) == 0) &&
        (len == origin + 1 || text[origin + 1] != '/'))
        return bide__url_resolve(out, &known->url, text + origin, len - origin, storage, cap);

    int code = bide__url_parse(out, text, len, storage, cap);
    if (code == 0)
        remember(known, out);
    return code;
}
