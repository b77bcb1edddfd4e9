/* SPDX-License-Identifier: MIT */
/*
 * netrc.h - the text of a .netrc file: entries with a host, a user and a password.
 *
 * Off by default; a host is the same or it is another (D15).  "default" is for every host that no entry before it names.
 */
#ifndef BIDE_HTTP_NETRC_H
#define BIDE_HTTP_NETRC_H

#include "base/base.h"

#define NETRC_TOKEN_MAX 512       /* a longer one is an error */
#define NETRC_FILE_MAX  (1 << 20) /* bytes of the file */

struct netrc_entry {
    bool is_default;
    char host[NETRC_TOKEN_MAX], user[NETRC_TOKEN_MAX], password[NETRC_TOKEN_MAX]; /* "": not given */
};

/* The next entry; *at begins with 0.  1; 0: no more; BIDE_ESTATE: the file is not one, the text names the line. */
int bide__netrc_next(const char *text, size_t len, size_t *at, struct netrc_entry *out);

/* The first entry for this host, in any case: 1; 0: none; or as above, for what stands before it. */
int bide__netrc_find(const char *text, size_t len, const char *host, struct netrc_entry *out);

#endif
