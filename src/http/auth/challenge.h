/* SPDX-License-Identifier: MIT */
/*
 * challenge.h - challenges: what WWW-Authenticate and Proxy-Authenticate ask for (RFC 9110 11.6.1), as slices of the field.
 *
 *     Basic realm="a \"b\"", Digest realm="x", nonce=abc, Negotiate YII=
 *     |scheme                |scheme                      |scheme  |token68
 *           |params                 |params
 *
 * A comma ends a parameter or a challenge: what follows is a parameter if it is NAME = VALUE.
 */
#ifndef BIDE_HTTP_CHALLENGE_H
#define BIDE_HTTP_CHALLENGE_H

#include "base/base.h"

#define CHALLENGE_FIELD_MAX  16384 /* bytes of one field */
#define CHALLENGE_PARAMS_MAX 24    /* of one challenge */

struct slice {
    const char *text;
    size_t len;
};

struct challenge_param {
    struct slice name, value; /* the value without its quotes, but with its backslashes */
    bool is_quoted;
};

struct challenge {
    struct slice scheme, token68; /* token68.text: NULL if it has parameters or nothing */
    struct challenge_param params[CHALLENGE_PARAMS_MAX];
    size_t n;
};

/*
 * The next challenge of a field; *at begins with 0.  1; 0: no more; BIDE_EHTTP: what is there can be read in more than one way, or
 * a ceiling: the field says nothing from here on.
 */
int bide__challenge_next(const char *value, size_t len, size_t *at, struct challenge *out);

/* Is it this scheme (lower case)? */
bool bide__challenge_is(const struct challenge *c, const char *scheme);

/* The parameter of this name (lower case), or NULL. */
const struct challenge_param *bide__challenge_param(const struct challenge *c, const char *name);

/* The value without backslashes, NUL behind it: its length; -1: there is no room. */
ssize_t bide__challenge_value(const struct challenge_param *p, char *out, size_t cap);

#endif
