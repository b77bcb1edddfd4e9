/* SPDX-License-Identifier: MIT */
/*
 * params.h - the parameters of a field's value: ; name=value ; name="quoted value" (RFC 9110 5.6.6), slices of the text.
 *
 *     struct params r = PARAMS(text, len);
 *     struct param p;
 *     while (bide__params_next(&r, &p)) ...
 *
 * It reads over what is odd and says that it is: some fields are refused then, some are read as browsers do.
 */
#ifndef BIDE_HTTP_VALUE_PARAMS_H
#define BIDE_HTTP_VALUE_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

struct params {
    const char *at, *end;
    bool in_list;   /* a comma ends them */
};
#define PARAMS(text, len) {.at = (text), .end = (text) + (len)}

struct param {
    const char *name, *value; /* a quoted value: what stands between the quotes */
    size_t name_len, value_len;
    bool has_value, is_quoted;
    bool is_naive; /* a quote stands within the quotes: who wrote it knows nothing of backslashes */
    bool is_odd;   /* no closing quote, something behind it, or a name that is no token */
};

/* The next one that has a name or a value; false: there is none.  at then stands at the end, or at the comma. */
bool bide__params_next(struct params *r, struct param *out);

/* Write the value without its backslashes: how many bytes it has; no more than cap are written, and no NUL. */
size_t bide__param_value(const struct param *p, char *out, size_t cap);

/* Write the text behind charset'language' (RFC 8187; UTF-8, which is not checked, or ISO-8859-1) as UTF-8; its length, or -1: it
 * is none, or does not fit. */
long bide__param_extended(const struct param *p, char *out, size_t cap);

#endif
