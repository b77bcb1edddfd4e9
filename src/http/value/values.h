/* SPDX-License-Identifier: MIT */
/*
 * values.h - values that have a structure: Content-Type, Content-Disposition, Link.  Slices of the text, and params.h for what
 * stands behind them.
 */
#ifndef BIDE_HTTP_VALUE_VALUES_H
#define BIDE_HTTP_VALUE_VALUES_H

#include <sys/types.h>

#include "http/value/params.h"

/* ---- mime.c: Content-Type, as browsers read it (WHATWG MIME Sniffing 4.4) ---- */

struct mime {
    const char *type, *subtype; /* as they came */
    size_t type_len, subtype_len;
    struct params params;
};

bool bide__mime_parse(struct mime *out, const char *text, size_t len);
/* The next parameter that counts: its name is a token, its value has only what may stand in a quoted string. */
bool bide__mime_next(struct params *r, struct param *out);
/* The first of this name (lower case), without its backslashes: how many bytes; -1: there is none.  As bide__param_value. */
ssize_t bide__mime_value(const struct mime *m, const char *name, char *out, size_t cap);

/* ---- disposition.c: Content-Disposition (RFC 6266) ---- */

struct disposition {
    const char *type; /* "attachment", as it came */
    size_t type_len;
    struct params params;
};

bool bide__disposition_parse(struct disposition *out, const char *text, size_t len);

/*
 * The name under which the server wants it saved, made safe for a directory of ours (D19): no folders, no control characters, no
 * dot in front, at most 255 bytes of UTF-8.  filename* comes before filename.
 *
 * Returns:  its length, with a NUL behind it; 0: it says none that is left
 */
#define FILE_NAME_SIZE 256
size_t bide__disposition_file_name(const struct disposition *d, char out[FILE_NAME_SIZE]);
/* The same for a name that comes from elsewhere. */
size_t bide__file_name_make_safe(char out[FILE_NAME_SIZE], const char *name, size_t len);

/* ---- link.c: Link (RFC 8288) ---- */

struct link {
    const char *target; /* between < and >: to be resolved against the URL of the answer */
    size_t target_len;
    struct params params;
};

/* Step through the links of a field: *at starts at 0.  What is none is passed over, up to the next comma.  False at the end. */
bool bide__link_next(const char *text, size_t len, size_t *at, struct link *out);
/* Is this (lower case) one of its relations?  Only the first rel counts (RFC 8288 3.3). */
bool bide__link_has_rel(const struct link *l, const char *rel);
/* Is it about the answer itself?  Not if it has an anchor. */
bool bide__link_is_about_itself(const struct link *l);

#endif
