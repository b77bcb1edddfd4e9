/* SPDX-License-Identifier: MIT */
/*
 * json.h - bodies as documents of jansson's, which .json_value of a request takes and bide_json gives: the one place where a
 * public header names another library.
 *
 * It declares no more of jansson than that there is a json_t; who uses one includes <jansson.h>.
 */
#ifndef BIDE_JSON_H
#define BIDE_JSON_H

#include <bide/http.h>

#ifdef __cplusplus
extern "C" {
#endif

struct json_t;

/*
 * The whole body, parsed by jansson.
 *
 * Suspends:  as bide_body
 * Returns:   a json_t, or NULL
 * Errors:    BIDE_EJSON with the place, or for more than 100 lists and objects in one another; those of bide_body
 * Owns:      the result is owned by the caller: json_decref() it
 * Example:   json_t *doc = bide_json(r);
 */
BIDE_API BIDE_MUST_USE struct json_t *bide_json(bide_response *r);

/*
 * JSON text of any origin, parsed by jansson as json_loadb does.  That one calls itself for each list in a list, up to 2,048
 * times, and so overflows the stack of a task; here 100 are an error.
 *
 * flags:     of jansson, JSON_DECODE_ANY and the like
 * Threads:   any; no loop is needed
 * Returns:   a json_t, or NULL
 * Errors:    BIDE_EJSON with the place, or for more than 100 lists and objects in one another; BIDE_ENOMEM; -EINVAL for NULL
 * Owns:      the result is owned by the caller: json_decref() it
 * Example:   json_t *doc = bide_json_parse(line, len, 0);
 */
BIDE_API BIDE_MUST_USE struct json_t *bide_json_parse(const char *text, size_t len, size_t flags);

#ifdef __cplusplus
}
#endif
#endif
