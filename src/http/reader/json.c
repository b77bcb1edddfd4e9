/* SPDX-License-Identifier: MIT */
/* json.c - a body as a document of jansson's. */
#include <jansson.h>

#include <bide/json.h>

#include "http/client/client.h"
#include "http/field/charset.h"
#include "http/value/json_depth.h"

/* NULL: the error is on record. */
static json_t *parse(const char *text, size_t len, size_t flags)
{
    char quoted[80];
    json_error_t error;
    if (bide__json_text_is_too_deep(text, len)) {
        bide_fail(BIDE_EJSON, "not valid JSON: lists in lists, more than %d of them", JSON_DEPTH_MAX);
        return NULL;
    }

    json_t *doc = json_loadb(text, len, flags, &error);
    if (!doc && json_error_code(&error) == json_error_out_of_memory)
        bide__fail_nomem("a JSON document");
    else if (!doc)
        bide_fail(BIDE_EJSON, "not valid JSON: line %d, column %d: %s", error.line, error.column,
                  bide__shown(quoted, error.text, strlen(error.text)));
    return doc;
}

/* Without the mark that RFC 8259 8.1 lets a reader pass over; one of UTF-16 is converted. */
static json_t *parse_body(bide_bytes body)
{
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    struct charset charset = bide__charset_of("", 0, body.data, body.len);
    size_t len;

    if (charset.kind == CHARSET_UTF_8)
        return parse(body.data + charset.mark, body.len - charset.mark, flags);
    char *text = bide__charset_to_utf8(&charset, body.data, body.len, &len);
    if (!text)
        return NULL;
    json_t *doc = parse(text, len, flags);
    bide__free(text);
    return doc;
}

json_t *bide_json(bide_response *r)
{
    bide_bytes body = bide__response_missing(r, __func__) ? (bide_bytes){NULL, 0} : bide_body(r);
    if (!body.data)
        return NULL;

    json_t *doc = parse_body(body);
    if (doc)
        return doc;
    r->deadline.phase = BIDE_PHASE_BODY;
    bide__response_fail(r, bide_error_code());
    return NULL;
}

json_t *bide_json_parse(const char *text, size_t len, size_t flags)
{
    if (!text) {
        bide_fail(-EINVAL, "bide_json_parse: the text is NULL");
        return NULL;
    }
    return parse(text, len, flags);
}
