/* SPDX-License-Identifier: MIT */
/*
 * names.h - file names that bide chooses, for -O DIR: HOST/PATH/NAME[@QUERY][~HASH].EXTENSION.
 *
 *     https://a.example/                     a.example/index.html
 *     http://a.example/                      a.example+80/index.html
 *     https://a.example/b/c.png              a.example/b/c.png
 *     https://a.example/docs                 a.example/docs@.html           when the answer is HTML
 *     https://a.example/docs/intro           a.example/docs/intro@.html
 *     https://a.example/docs.html            a.example/docs.html
 *     https://a.example/docs.html/intro      a.example/docs.html@/intro@.html
 *     https://a.example/api?aid=7            a.example/api@aid=7.json       when the answer is JSON
 *     https://a.example:8080/c.php?x=1       a.example+8080/c.php@x=1.php
 *
 * The name is made of the URL and the answer's type alone, and different URLs have different names, so that it does not
 * matter which comes first, or what earlier runs have left:
 *
 *   N1  A file has an extension (a letter or more behind its last point), a directory has none: it gets an @ behind it.
 *   N2  An extension that is the answer's, or that a query stands before, has an @ in front of it somewhere.
 *   N3  What was cut, or could be mistaken for another URL (it has @ or ~ or looks escaped), has 16 digits of a hash of
 *       the URL behind a ~.  Only such names can be alike, by chance.
 *
 * They can be copied to any file system: \ : * ? " < > | and control characters become %XX, as do a point or dash
 * in front, a point behind, and the first letter of what Windows keeps for devices.  A component has at most 200 bytes, a query 80.
 */
#ifndef BIDE_CLI_PATTERN_NAMES_H
#define BIDE_CLI_PATTERN_NAMES_H

#include <bide/url.h>

#include "cli/terminal/text.h"

#define NAMES_COMPONENT_MAX 200
#define NAMES_QUERY_MAX     80
#define NAMES_BYTES_MAX     255 /* of one component, as file systems have it */

/* Append the name.  extension: for a URL that has none, that of the answer, with its point. */
void names_add(const bide_url *url, const char *extension, struct text *to);

/*
 * Cut the components of a name from `from` on that are longer than file systems have them, as above: a hash of the
 * whole component takes the place of its end, so that two that differ stay different, and the extension stays.
 */
void names_shorten(struct text *name, size_t from);

/* ".json" for "application/json; charset=utf-8"; ".bin" for a type that is not known, and for NULL. */
const char *names_extension(const char *mime);
/* All that it can return, some more than once; NULL behind the last. */
const char *names_extension_number(unsigned n);

/* Where the extension of a name begins; its end, if it has none: it has 8 letters and digits at most, and a letter. */
size_t names_extension_at(const char *name, size_t len);

/* May this byte stand in a component as it is, wherever it stands? */
bool names_is_plain(char c);

/* The same hash for the same bytes, in this process. */
uint64_t names_hash(const char *data, size_t len);

#endif
