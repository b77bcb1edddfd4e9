/* SPDX-License-Identifier: MIT */
/*
 * user_fields.h - fields that the user gives, with one request or with every one.
 *
 * A field of a request takes the place of a default one with the same name; an empty value removes it.  They are kept as
 * names and values, and the default ones also as the text that an HTTP/1 head begins with.
 */
#ifndef BIDE_HTTP_USER_FIELDS_H
#define BIDE_HTTP_USER_FIELDS_H

#include "base/base.h"
#include "http/field/headers.h"

#define USER_FIELDS_MAX 65536 /* bytes of all of them */

/* What the fields of one request are, after one look at them. */
struct user_fields {
    uint64_t seen;  /* HEADER_BITs; bit 0: one that has no id */
    size_t bytes;
    const char *host;
    bool close; /* Connection: close */
};

/* A field that goes with every request. */
struct default_field {
    enum header_id id;
    const char *name;
    uint32_t name_len;
    uint32_t off, len; /* of its whole line in the text */
};

struct default_fields {
    struct default_field *all;
    size_t n;
    const char *text;
    uint32_t len;
    uint64_t seen; /* HEADER_BITs; bit 0: one that has no id */
    bool close;    /* one of them is Connection: close */
    bool is_encoding_ours; /* Accept-Encoding was not set by the user */
};

/* All those of a request (NULL: none); 0 or an error on record. */
int bide__user_fields_check(const bide_pair *headers, struct user_fields *u);
/* May this field stand behind a body (RFC 9110 6.5.1)?  0, or -EINVAL on record. */
int bide__trailer_check(const bide_pair *t);
/* What every request says, unless the user's fields say otherwise. */
struct our_fields {
    const char *agent, *encoding; /* User-Agent; Accept-Encoding, NULL: not said */
};

/* Those of every request, copied into the arena, with ours where the user has none.  0 or an error on record. */
int bide__default_fields_set(struct default_fields *d, struct arena *arena, const bide_pair *headers, struct our_fields ours);

#endif
