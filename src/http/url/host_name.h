/* SPDX-License-Identifier: MIT */
/*
 * host_name.h - host names as stores (of cookies, of HSTS) compare them (D13): lower case, ASCII, without brackets and without
 * the dot at the end.
 */
#ifndef BIDE_HTTP_HOST_NAME_H
#define BIDE_HTTP_HOST_NAME_H

#include "http/url/url.h"

#define HOST_NAME_SIZE 256 /* of a name in canonical form, with its NUL */

struct host_name {
    const char *name;
    size_t len;
    bool is_name; /* not an address */
};

/* A part of the URL. */
struct host_name bide__host_name_of(const struct url *url);

/* Is it this name, or one below it?  An address is below nothing. */
bool bide__host_name_is_in(struct host_name host, const char *domain, size_t len);

/* Write a name or an address in its canonical form, with a NUL; its length, or -1: it is neither, or has a dot at its end. */
ssize_t bide__host_name_put(char out[HOST_NAME_SIZE], const char *text, size_t len, bool *is_name);

#endif
