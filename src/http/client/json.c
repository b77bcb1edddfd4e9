/* SPDX-License-Identifier: MIT */
/* json.c - a body as a document of jansson's. */
#include <jansson.h>

#include <bide/json.h>

#include "http/client/client.h"

json_t *bide_json(bide_response *r)
{
    json_error_t error;
    char quoted[80];
    bide_bytes body = bide__response_missing(r, __func__) ? (bide_bytes){NULL, 0} : bide_body(r);
    if (!body.data)
        return NULL;

    json_t *doc = json_loadb(body.data, body.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (doc)
        return doc;
    int code = json_error_code(&error) == json_error_out_of_memory ? BIDE_ENOMEM : BIDE_EJSON;
    bide_fail(code, "not valid JSON: line %d, column %d: %s", error.line, error.column,
              bide__shown(quoted, error.text, strlen(error.text)));
    r->deadline.phase = BIDE_PHASE_BODY;
    bide__response_fail(r, code);
    return NULL;
}
