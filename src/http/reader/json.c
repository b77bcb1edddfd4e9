/* SPDX-License-Identifier: MIT */
/* json.c - a body as a document of jansson's. */
#include <jansson.h>

#include <bide/json.h>

#include "http/client/client.h"
#include "http/field/charset.h"

/* Without the mark that RFC 8259 8.1 lets a reader pass over; one of UTF-16 is converted. */
static json_t *load(bide_bytes body, json_error_t *error)
{
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    struct charset charset = bide__charset_of("", 0, body.data, body.len);
    size_t len;

    if (charset.kind == CHARSET_UTF_8)
        return json_loadb(body.data + charset.mark, body.len - charset.mark, flags, error);
    char *text = bide__charset_to_utf8(&charset, body.data, body.len, &len);
    if (!text) {
        *error = (json_error_t){.text[JSON_ERROR_TEXT_LENGTH - 1] = json_error_out_of_memory};
        return NULL;
    }
    json_t *doc = json_loadb(text, len, flags, error);
    bide__free(text);
    return doc;
}

json_t *bide_json(bide_response *r)
{
    json_error_t error;
    char quoted[80];
    bide_bytes body = bide__response_missing(r, __func__) ? (bide_bytes){NULL, 0} : bide_body(r);
    if (!body.data)
        return NULL;

    json_t *doc = load(body, &error);
    if (doc)
        return doc;
    int code = json_error_code(&error) == json_error_out_of_memory ? BIDE_ENOMEM : BIDE_EJSON;
    bide_fail(code, "not valid JSON: line %d, column %d: %s", error.line, error.column,
              bide__shown(quoted, error.text, strlen(error.text)));
    r->deadline.phase = BIDE_PHASE_BODY;
    bide__response_fail(r, code);
    return NULL;
}
