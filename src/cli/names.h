/* SPDX-License-Identifier: MIT */
/*
 * names.h - file names that bide chooses, for -O DIR: HOST/PATH/NAME[@QUERY][~HASH][.EXTENSION].
 *
 *     http://a.example/                      a.example/index.html
 *     http://a.example:8080/b/c.php?x=1      a.example+8080/b/c@x=1.php
 *     http://a.example/api?aid=7             a.example/api@aid=7.json       when the answer is JSON
 *
 * The names can be copied to any file system: \ : * ? " < > | and control characters become %XX, as do a point or dash
 * in front, a point behind, and the first letter of what Windows keeps for devices.  A component has at most 200 bytes, a query 80.
 * Where something was cut or could be mistaken for another URL, 8 digits of a hash of the URL tell them apart.
 */
#ifndef BIDE_CLI_NAMES_H
#define BIDE_CLI_NAMES_H

#include <bide/url.h>

#include "cli/text.h"

#define NAMES_COMPONENT_MAX 200
#define NAMES_QUERY_MAX     80
#define NAMES_BYTES_MAX     255 /* of one component, as file systems have it */

/* Append the name.  mime: the answer's Content-Type, for a name without an extension; NULL: not known yet. */
void names_add(const bide_url *url, const char *mime, struct text *to);

/*
 * Cut the components of a name from `from` on that are longer than file systems have them, as above: a hash of the
 * whole component takes the place of its end, so that two that differ stay different, and the extension stays.
 */
void names_shorten(struct text *name, size_t from);

/* ".json" for "application/json; charset=utf-8"; "" if there is none. */
const char *names_extension(const char *mime);

/* Where the extension of a name begins; its end, if it has none. */
size_t names_extension_at(const char *name, size_t len);

/* May this byte stand in a component as it is, wherever it stands? */
bool names_is_plain(char c);

/* The same hash for the same bytes, in this process. */
uint64_t names_hash(const char *data, size_t len);

#endif
