/* SPDX-License-Identifier: MIT */
/*
 * authority.c - where user and host stand in a text that has not been parsed.
 *
 * The rule is that of url_parse.c, without its refusals: what lies between "://", any further slashes and the next of
 * "/?#" is the authority, and its last '@' ends the user.
 */
#include "http/url/url.h"

bide_url_authority bide_url_find_authority(const char *text, size_t len)
{
    const char *end = text + len, *mark = memmem(text, len, "://", 3), *start = mark ? mark + 3 : text, *stop;

    while (mark && start < end && *start == '/')
        start++;
    for (stop = start; stop < end && *stop != '/' && *stop != '?' && *stop != '#'; )
        stop++;
    const char *at = memrchr(start, '@', (size_t)(stop - start)), *host = at ? at + 1 : start;
    return (bide_url_authority){.user = {at ? start : NULL, at ? (size_t)(at - start) : 0}, .host = {host, (size_t)(stop - host)}};
}
